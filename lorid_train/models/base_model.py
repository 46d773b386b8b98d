"""Which base model a run stands on, and how to recognise it again.

Adapters carry the fingerprint of the base they were trained on; an adapter on another base gives
noise without an error, so that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, LoridError
from lorid_data.folders.files import sha256_file
from lorid_data.hub.calls import causes
from lorid_data.hub.ids import is_hub_id, near
from lorid_data.hub.reach import not_cached, reached
from lorid_data.hub.redirects import Away, said_of, watching
from lorid_data.hub.snapshots import gated_said
from lorid_data.schema import canonical_json, sha256_text
from lorid_train.config import STUDENT, ModelSettings
from lorid_train.models.untrusted import READ_BY_TRANSFORMERS, refuse_code
from lorid_train.models.weights import loading_problem


@dataclass(frozen=True, slots=True)
class Base:
    """A base model: what was asked for, where it is loaded from, what it is."""

    name: str
    """As the user wrote it: `student`, a folder, or a Hub id."""
    source: str
    """Folder or Hub id to load from."""
    revision: str | None
    fingerprint: str
    """Local: sha256 over configuration and weights. Hub: `hub:ID@REVISION`."""
    tokenizer: str | None = None
    """Local: sha256 over the files of tokenizer and chat template. Hub: None, the commit holds them."""


_COMMIT = re.compile(r"[0-9a-f]{40}")
LIBRARIES = ("torch", "transformers", "peft", "trl")
"""Distributions whose versions a manifest names wherever a model was used."""


_TOKENIZER_FILES = (
    "tokenizer*", "chat_template*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model", "*.tiktoken",
)  # fmt: skip
_HOLDS_AN_ADAPTER = (
    "the folder holds adapter_config.json too, so that adapter would be attached to the base without a word; "
    "move the base model into a folder of its own, or merge the adapter (lorid-train merge)"
)


def student_folder() -> Path:
    """The folder of the packaged tiny student."""
    return Path(__file__).parent.parent / "student"


def resolve(name: str, revision: str | None = None) -> Base:
    """Find a base model and fingerprint it.

    A Hub id may carry its revision (`owner/name@REVISION`). For a folder, `revision` is checked: it is the folder's fingerprint, or the commit that the
    Hub's client noted when it downloaded the folder.

    Raises:
        ConfigError: a folder without a model, with weights that are not safetensors, or of
            another revision; one whose files lead to code or to another model.
    """
    path = student_folder() if name == STUDENT else Path(name)
    if not path.exists():
        if is_hub_id(name):
            repo, _, at = name.partition("@")
            if at and revision not in (None, at):
                msg = f"base {name!r}: names the revision {at!r}, and {revision!r} is asked for; name one"
                raise ConfigError(msg)
            wanted = at or revision
            return Base(repo, repo, wanted, f"hub:{repo}@{wanted or 'main'}")
        msg = f"base {name!r}: no such folder; name 'student', a model folder or a Hub id (owner/name){near(name)}"
        raise ConfigError(msg)
    config = path / "config.json"
    weights = sorted(path.glob("*.safetensors"))
    if not config.is_file() or not weights:
        msg = f"base {name!r}: the folder needs config.json and *.safetensors (pickled weights are refused)"
        raise ConfigError(msg)
    if (path / "adapter_config.json").is_file():
        raise ConfigError(f"base {name!r}: {_HOLDS_AN_ADAPTER}")
    refuse_code(name, [p for f in READ_BY_TRANSFORMERS if (p := path / f).is_file()])
    parts = [sha256_file(config), *(sha256_file(w) for w in weights)]
    fingerprint = f"sha256:{sha256_text(canonical_json(parts))}"
    if revision is not None:
        is_one = fingerprint if revision.startswith("sha256:") else _commit_of(path)
        if is_one != revision:
            what = is_one or "a folder that names no commit; give its fingerprint " + fingerprint
            msg = f"base {name!r}: asked for revision {revision!r}, but this is {what}"
            raise ConfigError(msg)
    return Base(name, str(path), revision, fingerprint, _tokenizer_sha256(path))


def _tokenizer_sha256(folder: Path) -> str:
    """sha256 over the names and bytes of the files that a tokenizer and its template are read from."""
    found = sorted(p for pattern in _TOKENIZER_FILES for p in folder.glob(pattern))
    return sha256_text(canonical_json([[p.name, sha256_file(p)] for p in found]))


def pinned(base: Base) -> Base:
    """The base with the commit that its Hub id, branch or tag stands for today; a folder as it is.

    Raises:
        ConfigError: as `commit_of`.
    """
    if _COMMIT.fullmatch(base.revision or ""):
        return base
    commit = commit_of(base)
    return base if commit is None else resolve(base.name, commit)


def generation_ends(base: Base) -> list[int]:
    """Ids that end a text by the model's own `generation_config.json`; none where there is none."""
    from transformers import GenerationConfig

    try:
        with reached() if base.fingerprint.startswith("hub:") else nullcontext():
            ends = GenerationConfig.from_pretrained(
                base.source, revision=base.revision
            ).eos_token_id
    except OSError:
        return []
    return [int(e) for e in (ends if isinstance(ends, list) else [ends]) if e is not None]


def _commit_of(folder: Path) -> str | None:
    """The commit of a folder that the Hub's client downloaded, or None."""
    if folder.parent.name == "snapshots":
        return folder.name
    note = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    if not note.is_file():
        return None
    return note.read_text(encoding="utf-8").partition("\n")[0].strip() or None


def commit_of(base: Base) -> str | None:
    """The commit that a Hub id stands for, to be pinned as `revision`; None for a folder.

    Raises:
        ConfigError: the Hub does not have it, or cannot be reached and it is in no cache.
    """
    if not base.fingerprint.startswith("hub:"):
        return None
    from huggingface_hub import hf_hub_download

    with said(base):
        path = hf_hub_download(base.source, "config.json", revision=base.revision)
    return _commit_of(Path(path).parent)


def checked_revision(base: Base) -> str | None:
    """The revision to load, after a look into the files that could lead to code.

    For a Hub id it is a commit: what is loaded then is what was looked into.

    Raises:
        ConfigError: such a file is refused, or the base cannot be had.
    """
    folder = Path(base.source)
    if folder.is_dir():
        refuse_code(base.name, [p for f in READ_BY_TRANSFORMERS if (p := folder / f).is_file()])
        return base.revision
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    commit, found = commit_of(base), []
    for file in READ_BY_TRANSFORMERS:
        with said(base), suppress(EntryNotFoundError):
            found.append(Path(hf_hub_download(base.source, file, revision=commit)))
    refuse_code(base.name, found)
    return commit


def load_config(base: Base) -> Any:
    """The base model's configuration, as transformers has it. Remote code is never run.

    Raises:
        ConfigError: it cannot be had, or leads to code.
    """
    from transformers import AutoConfig

    revision = checked_revision(base)
    with said(base):
        return AutoConfig.from_pretrained(base.source, revision=revision, trust_remote_code=False)


def load_model(base: Base, dtype: str, settings: ModelSettings | None = None) -> Any:
    """The base model's weights, from safetensors only; remote code is never run.

    Args:
        base: the model.
        dtype: of its weights.
        settings: attention and quantisation of the base that a training run asks for.

    Raises:
        ConfigError: they cannot be had (no such revision, no safetensors, no access), or are not
            all of the model's weights and nothing else.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar per load would break up our own progress lines
    revision = checked_revision(base)
    with said(base):
        model, info = AutoModelForCausalLM.from_pretrained(
            base.source, revision=revision, dtype=getattr(torch, dtype), use_safetensors=True,
            trust_remote_code=False, **_held(settings, dtype),
            output_loading_info=True, ignore_mismatched_sizes=True,  # they are told, and refused below
        )  # fmt: skip
    if getattr(model, "_hf_peft_config_loaded", False):
        raise ConfigError(f"base {base.name!r}: {_HOLDS_AN_ADAPTER}")
    if why := loading_problem(info):
        raise ConfigError(f"base {base.name!r}: {why}")
    return model


def _held(settings: ModelSettings | None, dtype: str) -> dict[str, Any]:
    """What `from_pretrained` is told of how the weights are held; nothing by default."""
    import torch

    told: dict[str, Any] = {}
    if settings is None:
        return told
    if settings.attn_implementation is not None:
        told["attn_implementation"] = settings.attn_implementation
    if (q := settings.quantization) is not None:
        from transformers import BitsAndBytesConfig

        compute = getattr(torch, q.bnb_4bit_compute_dtype or dtype)
        told["quantization_config"] = BitsAndBytesConfig(
            **q.model_dump(exclude={"bnb_4bit_compute_dtype"}), bnb_4bit_compute_dtype=compute
        )
    return told


def load_tokenizer(base: Base) -> Any:
    """The base model's tokenizer. Remote code is never run.

    Raises:
        ConfigError: it cannot be had.
    """
    from transformers import AutoTokenizer

    revision = checked_revision(base)
    with said(base):
        return AutoTokenizer.from_pretrained(
            base.source, revision=revision, trust_remote_code=False
        )


def check_tokenizer(tokenizer: Any, base: Base) -> None:
    """Refuse a tokenizer that cannot end a text.

    A missing pad token is no problem: padding carries neither attention nor loss.

    Raises:
        ConfigError: it has no end-of-sequence token, or names one that is not in its vocabulary.
    """
    if tokenizer.eos_token is None or tokenizer.eos_token_id is None:
        msg = (
            f"base {base.name!r}: its tokenizer has no end-of-sequence token, so no role could learn to stop; "
            'set "eos_token" in its tokenizer_config.json'
        )
        raise ConfigError(msg)
    if tokenizer.pad_token is not None and tokenizer.pad_token_id is None:
        msg = f"base {base.name!r}: its pad token {tokenizer.pad_token!r} is not in its vocabulary"
        raise ConfigError(msg)


@contextmanager
def said(base: Base) -> Iterator[None]:
    """Turn what transformers raises for a model that cannot be had into one sentence."""
    from huggingface_hub.errors import GatedRepoError

    away, unreached = Away(), None
    try:
        hub = reached() if base.fingerprint.startswith("hub:") else nullcontext()
        with hub as unreached, watching() as away:
            yield
    except LoridError:
        raise
    except Exception as e:  # a damaged file ends in whatever its reader trips over
        at = f" at revision {base.revision!r}" if base.revision else ""
        if away.location is not None:
            raise ConfigError(f"base {base.name!r}{at}: {said_of(away.location)}") from e
        if any(isinstance(c, GatedRepoError) for c in causes(e)):
            raise ConfigError(f"base {base.name!r}{at}: {gated_said(base.source, 'model')}") from e
        if unreached:
            raise ConfigError(f"base {base.name!r}{at}: {not_cached(unreached)}") from e
        why = (str(e).strip().splitlines() or [""])[0]
        if not isinstance(e, (OSError, ValueError, RuntimeError)):
            why = f"a file of it cannot be read ({type(e).__name__}: {why})"
        raise ConfigError(f"base {base.name!r}{at}: {why or type(e).__name__}") from e
