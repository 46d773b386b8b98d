"""`import-base FILE.gguf --out DIR`: a GGUF file as a base model, converted faithfully or refused.

transformers dequantises the weights and rebuilds the tokenizer. What it made is then held against
the file as ggml's own package reads it: every tensor (up to the reordering of rows that some
architectures need), every token, the special tokens and the chat template; and what was written is
loaded again and must give the same logits.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.folders.files import atomic_folder, sha256_file, write_text
from lorid_data.texts import strict_json
from lorid_train.models.gguf_file import GgufFile, Tokenizer, read_gguf, tensors

NOTE = "lorid_base.json"
PROBE = "Tom has 3 boxes with 24 pencils each. He gives 15 away.\n3 * 24 = 72, and 72 - 15 = 57. #### 57"
"""The text whose logits are compared before and after the base is written."""
_SAMPLES = (PROBE, "x^2 + 3.14 = 1,000", "Änderung, naïve — 3 × 4", "a  b\n\n\tc", "答案是 27。")
_GPT2 = frozenset({"", "default", "gpt-2", "gpt2"})
_DIGITS = frozenset(
    {"smollm", "starcoder", "refact", "codeshell", "command-r", "exaone", "minerva-7b"}
)
"""Splits that cut between digits first and then like GPT-2: the same, unless a token joins digits."""


@dataclass(frozen=True, slots=True)
class ImportedBase:
    """What an import made; `is_new` is False where the folder held it already."""

    folder: Path
    n_parameters: int
    quantisation: dict[str, int]
    logits_sha256: str
    is_new: bool


def import_base(source: str, out: Path) -> ImportedBase:
    """Make a base model's folder of a GGUF file.

    Args:
        source: a file, or `OWNER/NAME[@REVISION]:FILE.gguf` on the Hub.
        out: the new model folder; one that already holds this very file is left as it is.

    Raises:
        ConfigError: no such file; an architecture or a tokenizer that cannot be converted
            faithfully; a folder that holds something else.
    """
    path = _file_of(source)
    sha256 = sha256_file(path) if path.is_file() else ""
    if (done := _made_before(out, sha256)) is not None:
        return done
    file = read_gguf(path)
    model, tokenizer = _converted(file)
    _check_tensors(file, model)
    _check_tokenizer(file, tokenizer)
    try:
        with atomic_folder(out) as tmp:
            note = _write(tmp, file, sha256, source, model, tokenizer)
    except FileExistsError:
        if (done := _made_before(out, sha256)) is None:
            raise
        return done
    return _imported(out, note, is_new=True)


def _file_of(source: str) -> Path:
    """The file on this machine; one of the Hub is downloaded once."""
    repo, colon, name = source.partition(":")
    if not colon or Path(source).exists() or repo.count("/") != 1 or not name.endswith(".gguf"):
        return Path(source)
    from lorid_data.hub.calls import Patience
    from lorid_data.hub.snapshots import download, split_id

    found = split_id(repo)
    if found is None:
        msg = f"{source!r}: name a file, or OWNER/NAME[@REVISION]:FILE.gguf"
        raise ConfigError(msg)
    return download(found[0], "model", found[1], [name], Patience()) / name


def _made_before(out: Path, sha256: str) -> ImportedBase | None:
    """What an earlier import of the same file wrote.

    Raises:
        ConfigError: the folder holds something else.
    """
    if not out.exists():
        return None
    try:
        note = strict_json.parse((out / NOTE).read_bytes())
    except (OSError, ValueError):
        note = {}
    if not sha256 or note.get("sha256") != sha256:
        msg = f"{out}: exists, and does not hold this file; choose another --out"
        raise ConfigError(msg)
    return _imported(out, note, is_new=False)


def _imported(out: Path, note: dict[str, Any], *, is_new: bool) -> ImportedBase:
    return ImportedBase(
        out, note["n_parameters"], note["quantisation"], note["logits_sha256"], is_new
    )


def _converted(file: GgufFile) -> tuple[Any, Any]:
    """Model in float32 and tokenizer, as transformers reads them from the file."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    where = {"gguf_file": file.path.name, "trust_remote_code": False}
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            file.path.parent, dtype=torch.float32, output_loading_info=True, **where
        )
        tokenizer = AutoTokenizer.from_pretrained(file.path.parent, **where)
    except (ValueError, KeyError, NotImplementedError, ImportError, OSError) as e:
        first = (str(e).strip().splitlines() or [type(e).__name__])[0]
        msg = f"{file.path}: architecture {file.architecture!r} cannot be converted ({first})"
        raise ConfigError(msg) from e
    wrong = {k: sorted(map(str, v)) for k, v in info.items() if v}
    if wrong:
        kind, names = next(iter(wrong.items()))
        msg = f"{file.path}: {kind.replace('_', ' ')}: {names[0]!r} ({len(names)} such); it cannot be converted whole"
        raise ConfigError(msg)
    return model, tokenizer


# --- what was converted, against the file ----------------------------------------------------------


def _check_tensors(file: GgufFile, model: Any) -> None:
    """Each tensor of the file is in the model: same size, same values in some order.

    Some architectures store rows in another order than transformers does (llama's rotary
    embeddings), and some norms less one. So sums are compared, not places; the logits of the whole
    are the proof that the order is right, and they can be held against llama.cpp's.
    """
    import numpy as np
    from gguf import MODEL_ARCH, get_tensor_name_map

    arch = next(
        (a for a in MODEL_ARCH if a.name.lower() == file.architecture.replace("-", "")), None
    )
    arch = arch or getattr(MODEL_ARCH, file.architecture.upper().replace("-", "_"), None)
    if arch is None:
        msg = f"{file.path}: the package gguf does not know {file.architecture!r}, so the conversion cannot be checked"
        raise ConfigError(msg)
    names = get_tensor_name_map(arch, file.n_blocks)
    ours = {}
    for name, parameter in model.state_dict().items():
        stem, _, suffix = name.rpartition(".")
        known = names.get_name(stem)
        if known is not None:
            ours[f"{known}.{suffix}"] = parameter.numpy()
    for name, values in tensors(file.path):
        if name == "rope_freqs.weight":  # in the configuration, for transformers
            continue
        made = ours.get(name)
        if made is None or made.size != values.size:
            what = "is missing" if made is None else f"has {made.size:,} values of {values.size:,}"
            msg = f"{file.path}: tensor {name!r} {what} in what transformers made of it"
            raise ConfigError(msg)
        a, b = values.astype(np.float64).ravel(), made.astype(np.float64).ravel()
        same = any(
            _alike(a + shift, b) for shift in ((0.0, -1.0, 1.0) if a.size < 1 << 16 else (0.0,))
        )
        if not same:
            msg = f"{file.path}: tensor {name!r} has other values in what transformers made of it"
            raise ConfigError(msg)


def _alike(a: Any, b: Any) -> bool:
    """Whether two sets of values agree in their sum, in the sum of their squares, and at the ends."""
    import numpy as np

    scale = float(np.abs(a).sum()) + 1e-30
    return bool(
        abs(a.sum() - b.sum()) <= 1e-6 * scale
        and np.isclose((a * a).sum(), (b * b).sum(), rtol=1e-6)
        and np.isclose(a.min(), b.min(), rtol=1e-5)
        and np.isclose(a.max(), b.max(), rtol=1e-5)
    )


def _check_tokenizer(file: GgufFile, tokenizer: Any) -> None:
    """The tokenizer gives the file's tokens their ids, cuts text like llama.cpp, and loses nothing."""
    said = file.tokenizer
    problems = [*_split_problems(said), *_token_problems(said, tokenizer)]
    for text in _SAMPLES:
        back = tokenizer.decode(tokenizer.encode(text, add_special_tokens=False))
        if back.strip(" ") != text.strip(" "):
            problems.append(f"{text!r} comes back as {back!r}")
    if problems:
        msg = (
            f"{file.path}: its tokenizer cannot be converted faithfully: {'; '.join(problems[:3])}"
        )
        raise ConfigError(msg)


def _split_problems(said: Tokenizer) -> list[str]:
    """Whether transformers cuts text before the merges as the file says."""
    if said.kind != "gpt2" or said.split in _GPT2:
        return []
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    if said.split in GGUF_PRE_TOKENIZER_SPLITS:
        return []
    joined = [t for t in said.tokens if said.split in _DIGITS and _joins_digits(t)]
    if said.split in _DIGITS and not joined:
        return []
    why = f", and tokens such as {joined[0]!r} join digits" if joined else ""
    return [f"transformers does not know how {said.split!r} cuts text{why}"]


def _joins_digits(token: str) -> bool:
    """Whether a token of a byte-level vocabulary has a digit and something else."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte_of = {c: b for b, c in bytes_to_unicode().items()}
    if (token.startswith("<") and token.endswith(">")) or not set(token) <= byte_of.keys():
        return False  # a special token: it is never cut
    text = bytes(byte_of[c] for c in token).decode(errors="ignore")
    return len(text) > 1 and any(unicodedata.category(c).startswith("N") for c in text)


def _token_problems(said: Tokenizer, tokenizer: Any) -> list[str]:
    """Tokens, special tokens and chat template that are not the file's."""
    made = tokenizer.convert_ids_to_tokens(list(range(len(said.tokens))))
    other = [i for i, (a, b) in enumerate(zip(said.tokens, made, strict=True)) if a != b]
    # SentencePiece's space may stand as itself in the file.
    other = [i for i in other if said.tokens[i].replace(" ", "▁") != made[i]]
    problems = []
    if other:
        i = other[0]
        problems.append(f"token {i} is {made[i]!r}, not {said.tokens[i]!r} ({len(other)} such)")
    for name, number in said.special.items():
        if getattr(tokenizer, f"{name}_token_id") != number:
            problems.append(f"{name} is {getattr(tokenizer, f'{name}_token_id')!r}, not {number}")
    if said.chat_template is not None and tokenizer.chat_template != said.chat_template:
        problems.append("its chat template is another one")
    return problems


# --- written, loaded again, compared ----------------------------------------------------------------


def _write(
    folder: Path, file: GgufFile, sha256: str, source: str, model: Any, tokenizer: Any
) -> dict[str, Any]:
    """Write the model folder; what was written is loaded again and must give the same logits."""
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    digest, best = logits_of(model, tokenizer)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config  # the weights are quantised no more
    model.hf_quantizer = None
    model.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        weights.chmod(0o644)  # safetensors gives them to their owner alone
    tokenizer.save_pretrained(folder)
    again = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    )
    other, _ = logits_of(again, AutoTokenizer.from_pretrained(folder, trust_remote_code=False))
    if other != digest:
        msg = f"{file.path}: what was written gives other logits when it is loaded again; nothing was kept"
        raise ConfigError(msg)
    note = {
        "source": source if ":" in source and not Path(source).exists() else file.path.name,
        "sha256": sha256,
        "architecture": file.architecture,
        "name": file.name,
        "licence": file.licence,
        "quantisation": file.quantisation,
        "n_parameters": sum(p.numel() for p in model.parameters()),
        "n_tokens": len(file.tokenizer.tokens),
        "chat_template": file.tokenizer.chat_template is not None,
        "probe": PROBE,
        "logits_sha256": digest,
        "most_likely_ids": best,
        "transformers": transformers.__version__,
    }
    write_text(folder / NOTE, json.dumps(note, indent=2, ensure_ascii=False) + "\n")
    return note


def logits_of(model: Any, tokenizer: Any) -> tuple[str, list[int]]:
    """sha256 of the probe's float32 logits on this machine, and the likeliest token at each place."""
    import torch

    ids = tokenizer(PROBE, return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = model.eval()(input_ids=ids).logits[0].float()
    return hashlib.sha256(logits.numpy().tobytes()).hexdigest(), logits.argmax(-1).tolist()
