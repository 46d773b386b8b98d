"""One adapter into its base model, shard by shard: at most one shard and one layer in memory.

`W + scaling · B A` for each adapted matrix (LoRA, section 4.1), DoRA's renormalisation where the
adapter has magnitudes. The base's shards are read one after another; what is not adapted is
copied as it is.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_train.models.adapters import own_metadata
from lorid_train.models.base_model import Base, resolve, said

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX = "base_model.model."
_A, _B, _MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did."""

    n_shards: int
    n_merged: int
    """Matrices that the adapter changed."""
    n_copied: int
    largest_shard_bytes: int


def merge(adapter: Path, out: Path, *, base: str | None = None) -> Merged:
    """Write the base model with an adapter merged in, as a model folder.

    Args:
        adapter: a folder that `lorid-train sft` wrote.
        out: the new folder; it must not exist.
        base: the base model, where it is not the one that the adapter names.

    Raises:
        ConfigError: another base model, an adapter that cannot be merged, an existing `out`.
    """
    if out.exists():
        msg = f"{out}: exists; choose another --out"
        raise ConfigError(msg)
    card = own_metadata(adapter)
    found = resolve(base or str(card["base"]))
    if found.fingerprint != card["base_fingerprint"]:
        msg = f"{adapter}: was trained on {card['base']!r} ({card['base_fingerprint']}), not on {found.name!r} ({found.fingerprint})"
        raise ConfigError(msg)
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    source = _folder_of(found)
    deltas = _Deltas(adapter / "adapter_model.safetensors", config)
    tmp = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir(parents=True)
    try:
        done = _merge_shards(source, tmp, deltas)
        for path in source.iterdir():
            if path.is_file() and path.suffix in {".json", ".jinja", ".model", ".txt"}:
                shutil.copyfile(path, tmp / path.name)
        tmp.replace(out)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    return done


def _folder_of(base: Base) -> Path:
    if Path(base.source).is_dir():
        return Path(base.source)
    from huggingface_hub import snapshot_download

    with said(base):
        return Path(
            snapshot_download(
                base.source, revision=base.revision, ignore_patterns=["*.bin", "*.pt"]
            )
        )
    raise AssertionError  # what cannot be had is raised


def _merge_shards(source: Path, out: Path, deltas: _Deltas) -> Merged:
    """Each shard of the base, with the adapter's changes, under the same name.

    Raises:
        ConfigError: an adapted matrix that the base does not have.
    """
    from safetensors.torch import save_file

    n_copied, largest, shards = 0, 0, sorted(source.glob("*.safetensors"))
    for shard in shards:
        tensors: dict[str, Tensor] = {}
        for name, tensor in _tensors(shard):
            tensors[name] = deltas.applied(name, tensor)
        n_copied += sum(name not in deltas.used for name in tensors)
        largest = max(largest, sum(t.numel() * t.element_size() for t in tensors.values()))
        save_file(tensors, str(out / shard.name), metadata={"format": "pt"})
        del tensors
    if missing := sorted(deltas.names - deltas.used):
        msg = (
            f"the base model has no {missing[0]!r}, which the adapter changes ({len(missing)} such)"
        )
        raise ConfigError(msg)
    return Merged(len(shards), len(deltas.used), n_copied, largest)


def _tensors(shard: Path) -> Iterator[tuple[str, Tensor]]:
    with _opened(shard) as file:
        for name in file.keys():  # noqa: SIM118  (no mapping)
            yield name, file.get_tensor(name)


def _opened(path: Path) -> Any:
    """A safetensors file whose tensors are read when asked for."""
    from safetensors import safe_open

    return safe_open(str(path), framework="pt")


class _Deltas:
    """The changes of an adapter, read from its file one matrix at a time."""

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        _refuse_what_is_more_than_lora(config)
        self._config = config
        self._file = _opened(path)
        keys = set(self._file.keys())
        self.names = {
            k.removeprefix(_PREFIX).removesuffix(_A) + ".weight" for k in keys if k.endswith(_A)
        }
        self.used: set[str] = set()
        other = {k for k in keys if not k.endswith((_A, _B, _MAGNITUDE))}
        if other:
            msg = f"{path}: holds {sorted(other)[0]!r}, which is more than LoRA matrices; merge it with PEFT"
            raise ConfigError(msg)
        self._dora = config.get("use_dora", False)

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The base's tensor, changed if the adapter changes it; summed in float32, kept in its type."""
        if name not in self.names:
            return weight
        self.used.add(name)
        key = _PREFIX + name.removesuffix(".weight")
        a, b = self._file.get_tensor(key + _A).float(), self._file.get_tensor(key + _B).float()
        if self._config.get("fan_in_fan_out"):
            a, b = b.T, a.T
        merged: Tensor = weight.float() + _scaling(self._config, name) * (b @ a)
        if self._dora:
            magnitude = self._file.get_tensor(key + _MAGNITUDE).float()
            inputs = 0 if self._config.get("fan_in_fan_out") else 1  # GPT-2's weights are (in, out)
            merged *= (magnitude / merged.norm(dim=inputs)).unsqueeze(inputs)
        merged = merged.to(weight.dtype).contiguous()
        if not merged.isfinite().all():
            msg = f"{name!r}: merged, it is no number; the adapter is broken, or too large for {weight.dtype}"
            raise ConfigError(msg)
        return merged


def _refuse_what_is_more_than_lora(config: dict[str, Any]) -> None:
    kind = config.get("peft_type")
    if kind != "LORA" or config.get("bias", "none") != "none" or config.get("lora_bias"):
        msg = f"this adapter is {kind!r} with bias {config.get('bias')!r}; only LoRA without biases is merged here"
        raise ConfigError(msg)


def _scaling(config: dict[str, Any], name: str) -> float:
    """Alpha / r, or alpha / sqrt(r) with rank stabilisation; patterns per module as in PEFT."""
    module = name.removesuffix(".weight")
    rank = _by_pattern(config.get("rank_pattern") or {}, module, config["r"])
    alpha = _by_pattern(config.get("alpha_pattern") or {}, module, config["lora_alpha"])
    return float(alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _by_pattern(patterns: dict[str, float], module: str, default: float) -> float:
    matches: Callable[[str], object] = lambda p: re.match(rf"(.*\.)?({p})$", module)  # noqa: E731
    return next((v for p, v in patterns.items() if matches(p)), default)
