"""The engine of this process: base and adapters loaded, and proved to write what they should.

What was proved is remembered beside the Hugging Face caches, under all that decides it: the next
evaluation of the same adapters begins at once.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.progress import say
from lorid_data.folders.files import sha256_file, write_text
from lorid_data.schema import canonical_json, sha256_text
from lorid_train import engines
from lorid_train.config import EvalConfig
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.models.foreign import CONFIG
from lorid_train.roles import role as role_named

if TYPE_CHECKING:
    from lorid_train.engines.transformers import TransformersEngine
    from lorid_train.engines.ways import Way

_REPEATS = (0, 1, 2, 4, 7, 12, 20, 40)
"""Lengths of the check's prompts: how often the sentence stands before the question. The longest
is beyond the windows that models have (512 tokens)."""
_SHORTER = (0, 1, 2, 3, 5, 8, 12, 18)
"""The same for all roles but the first: a window is the base's, whatever adapter reads through it."""
_SENTENCE = "A farmer has 12 sheep and buys 7 more. "
_QUESTION = "How many are there?"
_KNOWLEDGE = "Add the numbers."


def make_engine(config: EvalConfig, adapters: Adapters) -> TransformersEngine:
    """The transformers engine with the adapters loaded on one base, in a way that is right for it.

    Raises:
        ConfigError: there is none; an adapter does not fit the base, or changes nothing.
    """
    import torch

    from lorid_train.engines import self_check
    from lorid_train.engines.loading import with_adapters
    from lorid_train.engines.transformers import TransformersEngine
    from lorid_train.engines.ways import BEST

    if config.threads:
        torch.set_num_threads(config.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = config.dtype or ("bfloat16" if device == "cuda" else "float32")
    tokenizer = base_model.load_tokenizer(adapters.base)
    fmt = adapters.format

    def load() -> Any:
        return with_adapters(base_model.load_model(adapters.base, dtype), adapters.folders, device)

    def make(model: Any, way: Way) -> TransformersEngine:
        return TransformersEngine(
            model=model,
            encode=lambda content: fmt.prompt_ids(tokenizer, content),
            render=lambda content: fmt.text(tokenizer, content),
            decode=lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
            stop_ids=fmt.stop_ids(tokenizer, base_model.generation_ends(adapters.base)),
            batch_size=config.batch_size,
            merged=config.merged,
            way=way,
        )

    memory = _memory_of(adapters, dtype, device, merged=config.merged)
    if memory is not None and (known := _remembered(memory)):
        if known != BEST:
            say(
                f"warning: base {adapters.base.name!r}: texts are made as {known.words}, which is slower"
            )
        return make(load(), known)
    model = load()
    prompts = _prompts(adapters, model, lambda text: len(fmt.prompt_ids(tokenizer, text)))
    first: list[Any] = [model]
    del model
    engine = self_check.prove(
        lambda: first.pop() if first else load(), make, prompts,
        where=f"base {adapters.base.name!r}", say=say,
    )  # fmt: skip
    if memory is not None:
        with suppress(OSError):  # a cache that cannot be written costs the check again
            memory.parent.mkdir(parents=True, exist_ok=True)
            write_text(memory, json.dumps(asdict(engine.way)))  # type: ignore[arg-type]
    return engine


def _prompts(adapters: Adapters, model: Any, n_tokens: Any) -> dict[str, list[str]]:
    """Prompts of different lengths for each role; none longer than the model can go on from."""
    from lorid_train.engines.self_check import N_TOKENS

    text = model.config.get_text_config()
    names = ("max_position_embeddings", "n_positions", "max_seq_len")
    limit = min((int(n) for k in names if (n := getattr(text, k, None))), default=1 << 20)
    made = {}
    for i, name in enumerate(adapters.folders):
        role = role_named(name)
        repeats = _SHORTER if i else _REPEATS
        every = [role.content(_SENTENCE * n + _QUESTION, _KNOWLEDGE) for n in repeats]
        made[name] = [p for p in every if n_tokens(p) + N_TOKENS <= limit] or every[:1]
    return made


def _memory_of(adapters: Adapters, dtype: str, device: str, *, merged: bool) -> Path | None:
    """The file that says which way was proved right; None where the base is not pinned."""
    base = adapters.base
    if base.fingerprint.startswith("hub:") and base.revision is None:
        return None
    code = sorted(Path(engines.__path__[0]).glob("*.py"))
    key = {
        "base": base.fingerprint, "adapters": adapters.sha256, "format": adapters.format.sha256,
        "configs": {r: sha256_file(f / CONFIG) for r, f in adapters.folders.items()},
        "dtype": dtype, "device": device, "merged": merged,
        "libraries": {name: version(name) for name in base_model.LIBRARIES},
        "code": [sha256_file(p) for p in code],
    }  # fmt: skip
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(os.environ.get("HF_HOME") or Path(caches) / "huggingface")
    return home / "lorid" / "ways" / f"{sha256_text(canonical_json(key))}.json"


def _remembered(memory: Path) -> Way | None:
    """The way that was proved before; None where there is no such file, or it is not whole."""
    from lorid_train.engines.ways import Way

    with suppress(OSError, ValueError, TypeError):
        return Way(**json.loads(memory.read_text(encoding="utf-8")))
    return None
