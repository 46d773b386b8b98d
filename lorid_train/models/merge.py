"""One adapter into its base model, shard by shard: at most one shard and one layer in memory.

`W + scaling · B A` for each adapted matrix (LoRA, section 4.1), DoRA's renormalisation where the
adapter has magnitudes. The base's shards are read one after another; what is not adapted is
copied as it is.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_data.folders.files import atomic_folder, sha256_file, write_text
from lorid_data.folders.seals import sealed, unsealed
from lorid_train.models.adapters import WEIGHTS, own_metadata
from lorid_train.models.base_model import Base, pinned, resolve, said
from lorid_train.models.fitting import refuse_misfit
from lorid_train.models.untrusted import ADAPTER_CONFIG, read_object

if TYPE_CHECKING:
    from torch import Tensor

NOTE = "lorid_merge.json"
"""What was merged and which files came of it, by which the next merge knows its folder."""
_PREFIX = "base_model.model."
_A, _B, _MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"
_ROWS = ".token_adapter.trainable_tokens_delta"
"""Rows of an embedding that the adapter has of its own: they take the place of the base's."""


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
        out: the new folder; where it holds the same merge already, nothing is done.
        base: the base model, where it is not the one that the adapter names.

    Raises:
        ConfigError: another base model, an adapter that does not fit it or cannot be merged, or an
            `out` that holds something else.
    """
    card = own_metadata(adapter)
    found = pinned(resolve(base) if base else resolve(str(card["base"]), card.get("base_revision")))
    if found.fingerprint != card["base_fingerprint"]:
        msg = f"{adapter}: was trained on {card['base']!r} ({card['base_fingerprint']}), not on {found.name!r} ({found.fingerprint})"
        raise ConfigError(msg)
    config = read_object(adapter / ADAPTER_CONFIG, str(adapter))
    _refuse_what_is_more_than_lora(config)
    refuse_misfit(adapter, found)
    identity = {
        "adapter": sha256_file(adapter / WEIGHTS), "config": sha256_file(adapter / ADAPTER_CONFIG),
        "base": found.fingerprint, "tokenizer": found.tokenizer,
    }  # fmt: skip
    if (done := _made_before(out, identity)) is not None:
        return done
    source = _folder_of(found)
    deltas = _Deltas(adapter / WEIGHTS, config)
    try:
        with atomic_folder(out) as tmp:
            done = _merge_shards(source, tmp, deltas)
            for path in source.iterdir():
                if path.is_file() and path.suffix in {".json", ".jinja", ".model", ".txt"}:
                    shutil.copyfile(path, tmp / path.name)
            _write_note(tmp, identity, done)
    except FileExistsError:  # another process was faster
        if (found_there := _made_before(out, identity)) is None:
            raise
        return found_there
    return done


def _write_note(folder: Path, identity: dict[str, Any], done: Merged) -> None:
    files = {p.name: sha256_file(p) for p in sorted(folder.iterdir())}
    body = sealed({"identity": identity, "done": asdict(done), "files": files})
    write_text(folder / NOTE, json.dumps(body, indent=1) + "\n")


def _made_before(out: Path, identity: dict[str, Any]) -> Merged | None:
    """What an earlier merge of the same adapter into the same base did; None where there is no folder.

    Raises:
        ConfigError: the folder holds something else, or has changed since.
    """
    if not os.path.lexists(out):
        return None
    what = "exists, and holds another model than this merge makes"
    try:
        note = unsealed((out / NOTE).read_bytes())
        if note["identity"] == identity:
            changed = [n for n, h in note["files"].items() if not (out / n).is_file() or sha256_file(out / n) != h]  # fmt: skip
            if not changed:
                return Merged(**note["done"])
            what = f"holds this merge, but {changed[0]!r} in it has changed since"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ConfigError(f"{out}: {what}; choose another --out")


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
    """A safetensors file whose tensors are read when asked for.

    Raises:
        ConfigError: it is none.
    """
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(str(path), framework="pt")
    except (SafetensorError, OSError) as e:
        raise ConfigError(f"{path}: cannot be read as safetensors ({e})") from e


class _Deltas:
    """The changes of an adapter, read from its file one matrix at a time."""

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self._config = config
        self._file = _opened(path)
        keys = self._keys = set(self._file.keys())
        self.names = {
            k.removeprefix(_PREFIX).removesuffix(_A) + ".weight" for k in keys if k.endswith(_A)
        }
        self._rows = {
            k.removeprefix(_PREFIX).removesuffix(_ROWS) + ".weight"
            for k in keys
            if k.endswith(_ROWS)
        }
        self.names |= self._rows
        self.used: set[str] = set()
        other = {k for k in keys if not k.endswith((_A, _B, _MAGNITUDE, _ROWS))}
        if other:
            msg = f"{path}: holds {sorted(other)[0]!r}, which is more than LoRA matrices; merge it with PEFT"
            raise ConfigError(msg)
        self._dora = config.get("use_dora", False)

    def _get(self, key: str) -> Tensor:
        if key not in self._keys:
            raise ConfigError(f"the adapter lacks {key!r}; it is damaged: train it again")
        tensor: Tensor = self._file.get_tensor(key)
        return tensor

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The base's tensor, changed if the adapter changes it; summed in float32, kept in its type."""
        if name not in self.names:
            return weight
        self.used.add(name)
        key = _PREFIX + name.removesuffix(".weight")
        if name in self._rows:
            return self._with_rows(key, name, weight)
        a, b = self._get(key + _A).float(), self._get(key + _B).float()
        if (*b.shape[:1], *a.shape[-1:]) not in (
            tuple(weight.shape),
            tuple(weight.shape[::-1]),
        ) or b.shape[-1] != a.shape[0]:
            msg = f"{name!r}: the adapter's matrices {tuple(b.shape)} and {tuple(a.shape)} do not make one of {tuple(weight.shape)}"
            raise ConfigError(msg)
        if self._config.get("fan_in_fan_out"):
            a, b = b.T, a.T
        merged: Tensor = weight.float() + _scaling(self._config, name) * (b @ a)
        if self._dora:
            magnitude = self._get(key + _MAGNITUDE).float()
            inputs = 0 if self._config.get("fan_in_fan_out") else 1  # GPT-2's weights are (in, out)
            merged *= (magnitude / merged.norm(dim=inputs)).unsqueeze(inputs)
        merged = merged.to(weight.dtype).contiguous()
        if not merged.isfinite().all():
            msg = f"{name!r}: merged, it is no number; the adapter is broken, or too large for {weight.dtype}"
            raise ConfigError(msg)
        return merged

    def _with_rows(self, key: str, name: str, weight: Tensor) -> Tensor:
        """An embedding with the adapter's rows in the place of its own."""
        import torch

        of_each = self._config.get("trainable_token_indices")
        if isinstance(of_each, dict):
            module = name.removesuffix(".weight")
            of_each = next((v for k, v in of_each.items() if module.endswith(k)), None)
        rows = self._get(key + _ROWS)
        if (
            not isinstance(of_each, list)
            or rows.shape != (len(of_each), weight.shape[-1])
            or not all(type(i) is int and 0 <= i < weight.shape[0] for i in of_each)
        ):
            msg = f"{name!r}: the adapter's rows {tuple(rows.shape)} are not those that trainable_token_indices names; train it again"
            raise ConfigError(msg)
        if not rows.isfinite().all():
            raise ConfigError(
                f"{name!r}: the adapter's rows hold what is no number; train it again"
            )
        return weight.index_copy(0, torch.tensor(of_each, dtype=torch.long), rows.to(weight.dtype))


def _refuse_what_is_more_than_lora(config: dict[str, Any]) -> None:
    kind = config.get("peft_type")
    if kind != "LORA" or config.get("bias", "none") != "none" or config.get("lora_bias"):
        msg = f"this adapter is {kind!r} with bias {config.get('bias')!r}; only LoRA without biases is merged here"
        raise ConfigError(msg)

    wrong = [k for k in ("r", "lora_alpha") if not isinstance(config.get(k), (int, float))]
    if wrong or not config["r"]:
        msg = (
            f"adapter_config.json: {', '.join(wrong) or 'r'} must be a number; the file is damaged"
        )
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
