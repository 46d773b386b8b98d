"""Which base model a run stands on, and how to recognise it again.

Adapters carry the fingerprint of the base they were trained on; an adapter on another base gives
noise without an error, so that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.schema import canonical_json, sha256_text
from lorid_data.store import sha256_file
from lorid_train.config import STUDENT


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


LIBRARIES = ("torch", "transformers", "peft", "trl")
"""Distributions whose versions a manifest names wherever a model was used."""


def student_folder() -> Path:
    """The folder of the packaged tiny student."""
    return Path(__file__).parent / "student"


def resolve(name: str, revision: str | None = None) -> Base:
    """Find a base model and fingerprint it.

    Raises:
        ConfigError: a folder without a model, or with weights that are not safetensors.
    """
    path = student_folder() if name == STUDENT else Path(name)
    if not path.exists():
        if name.count("/") == 1 and not name.startswith((".", "/", "~")):
            return Base(name, name, revision, f"hub:{name}@{revision or 'main'}")
        msg = f"base {name!r}: no such folder; name 'student', a model folder or a Hub id (owner/name)"
        raise ConfigError(msg)
    config = path / "config.json"
    weights = sorted(path.glob("*.safetensors"))
    if not config.is_file() or not weights:
        msg = f"base {name!r}: the folder needs config.json and *.safetensors (pickled weights are refused)"
        raise ConfigError(msg)
    parts = [sha256_file(config), *(sha256_file(w) for w in weights)]
    return Base(name, str(path), revision, f"sha256:{sha256_text(canonical_json(parts))}")


def load_model(base: Base, dtype: str) -> Any:
    """The base model's weights, from safetensors only; remote code is never run."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar per load would break up our own progress lines
    return AutoModelForCausalLM.from_pretrained(
        base.source, revision=base.revision, dtype=getattr(torch, dtype), use_safetensors=True
    )


def load_tokenizer(base: Base) -> Any:
    """The base model's tokenizer. Remote code is never run."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base.source, revision=base.revision)
