"""The weights of a base model: loaded whole or refused, and told apart bit by bit.

A tensor that a checkpoint lacks is made up at random by `transformers`, anew at each load, and one
that nobody reads is dropped; both only with a line in a log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

_NAMES_ADDED_BY_PEFT = re.compile(
    r"^base_model\.model\.|(\.token_adapter)?\.base_layer(?=\.)|\.original_module(?=\.)"
)
_OF_AN_ADAPTER = re.compile(r"\.(lora_\w+|modules_to_save|token_adapter|trainable_tokens_\w+)\.")
_MATRIX_B = re.compile(r"\.(lora_B|lora_embedding_B)\.")
_COMPUTED = "rotary_emb.inv_freq"
"""In old checkpoints of Llama; computed from the configuration since."""


def loading_problem(info: dict[str, Any]) -> str | None:
    """What of a checkpoint does not fit its model, from what `from_pretrained` reports; or None."""
    parts = []
    for key, words in (
        ("missing_keys", "lacks"),
        ("unexpected_keys", "holds, and nothing reads,"),
        ("mismatched_keys", "has another shape of"),
    ):
        found = sorted(
            name
            for k in info.get(key) or ()
            if _COMPUTED not in (name := k if isinstance(k, str) else str(k[0]))
        )
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            parts.append(f"{words} {found[0]!r}{more}")
    if not parts:
        return None
    return (
        f"the checkpoint {'; it '.join(parts)}: what is missing would be made up at random at each load. "
        "Take a whole checkpoint of this architecture"
    )


def n_parameters(folder: Path) -> int | None:
    """How many numbers the safetensors files of a folder hold; None where there are none.

    Only their headers are read.
    """
    from safetensors import SafetensorError, safe_open

    total = None
    for path in folder.glob("*.safetensors"):
        with suppress(OSError, SafetensorError), safe_open(str(path), framework="np") as file:
            shapes = [file.get_slice(k).get_shape() for k in file.keys()]  # noqa: SIM118
            total = (total or 0) + sum(prod(shape) for shape in shapes)
    return total


def base_digest(model: Any) -> str:
    """sha256 over the base model's weights, whether PEFT's layers are around them or not."""
    return _digest(
        (plain, p)
        for name, p in model.named_parameters()
        if not _OF_AN_ADAPTER.search(f".{(plain := _NAMES_ADDED_BY_PEFT.sub('', name))}.")
    )


def adapter_digest(model: Any, weights: Mapping[str, Any] | None = None) -> str:
    """sha256 over the weights that are trained: the adapter's own.

    Args:
        model: PEFT's.
        weights: by the model's names, where its own are sharded.
    """
    return _digest(_trained(model, weights))


def is_without_effect(model: Any, weights: Mapping[str, Any] | None = None) -> bool:
    """Whether an adapter changes nothing of any text: its matrices B are there, and all of them are 0.

    A weight decay moves A even where no gradient does; A times nothing is nothing.
    """
    found = [p for name, p in _trained(model, weights) if _MATRIX_B.search(f"{name}.")]
    return bool(found) and not any(bool(p.detach().any()) for p in found)


def _trained(model: Any, weights: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return [(n, weights[n]) for n in own if n in weights] if weights else list(own.items())


def _digest(tensors: Iterable[tuple[str, Any]]) -> str:
    import torch

    total = hashlib.sha256()
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        flat = tensor.detach().reshape(-1).contiguous().cpu()
        total.update(flat.view(torch.uint8).numpy())
    return total.hexdigest()
