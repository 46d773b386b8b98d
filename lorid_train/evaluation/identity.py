"""What an evaluation's draws follow from: everything that decides a token, by its hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.schema import canonical_json, sha256_text
from lorid_train.models.adapters import Adapters
from lorid_train.models.untrusted import ADAPTER_CONFIG, read_object

_NAMES_ONLY = frozenset({"base_model_name_or_path", "revision", "peft_version"})
"""Fields that say where a base is or what wrote the file; the base has a fingerprint of its own."""


def adapter_configs(adapters: Adapters) -> dict[str, str]:
    """By role the sha256 of what `adapter_config.json` says of how the weights are used.

    The same weights with another `lora_alpha` are another model.

    Raises:
        ConfigError: the file cannot be read.
    """
    return {
        role: _sha256(folder, adapters.names[role]) for role, folder in adapters.folders.items()
    }


def _sha256(folder: Path, where: str) -> str:
    body = read_object(folder / ADAPTER_CONFIG, where)
    return sha256_text(
        canonical_json({k: _sorted(v) for k, v in body.items() if k not in _NAMES_ONLY})
    )


def _sorted(value: Any) -> Any:
    """Lists of names (`target_modules`) are sets: programs write them in any order."""
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return sorted(value)
    return value
