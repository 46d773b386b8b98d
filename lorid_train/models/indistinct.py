"""Tokens that a base model gives one and the same probability, whatever it has read.

A token that never stood in the training texts is pushed down together with all others of its kind,
until their rows of the output layer are one row (Land & Bartolo, arXiv 2405.05417, use this to find
such tokens). A frozen output layer cannot tell them apart, and no adapter below it can either.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lorid_train.models.base_model import Base, load_config

_LEAST = 16
"""Rows that must be the same: two or three may be so by chance, or be copies that somebody made."""
_SAME = 0.02
"""How far from their middle rows may lie, as a fraction of a row's usual length, and be the same one."""
_DIRECTIONS, _CELL = 8, 0.25
"""How many random directions rows are told apart by, and the width of a cell in usual lengths."""
_AT_ONCE = 8192
_OUTPUT = ("head.weight", "embed_out.weight", "output.weight")
"""How the names of output layers end that are not the input's embeddings."""


@cache
def indistinct_tokens(base: Base) -> frozenset[int]:
    """Ids that share their row of the output layer with many others.

    Empty where the weights do not lie here, or where no layer of the size of the vocabulary is found.
    """
    weights = _output_layer(base)
    return frozenset() if weights is None else _alike(weights)


def _output_layer(base: Base) -> Any:
    """The output layer (V, D), mapped and not read; None where it cannot be found."""
    import torch
    from safetensors import safe_open

    folder = Path(base.source)
    if not folder.is_dir():
        return None
    floats = torch.float32, torch.float16, torch.bfloat16
    config = load_config(base)
    n = int(config.get_text_config().vocab_size)
    is_tied = bool(getattr(config, "tie_word_embeddings", False))
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                shape = file.get_slice(name).get_shape()
                is_output = is_tied if "embed" in name or "wte" in name else name.endswith(_OUTPUT)
                if len(shape) == 2 and shape[0] == n and is_output:
                    found = file.get_tensor(name)
                    return found if found.dtype in floats else None
    return None


def _alike(weights: Any) -> frozenset[int]:
    """Rows that lie together, `_LEAST` of them at least.

    Random directions put rows into cells, once more shifted by half a cell, so that an edge that runs
    through a group divides it once only; what shares a cell is then compared whole.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(weights.shape[1], _DIRECTIONS, generator=generator)
    parts = list(_projected(weights, directions))
    projected, length = torch.cat([p for p, _ in parts]), torch.cat([n for _, n in parts]).median()
    found: set[int] = set()
    for shift in (0.0, 0.5):
        cells = (projected / (_CELL * length.clamp(min=1e-12)) + shift).floor()
        _, cell_of, n_rows = cells.unique(dim=0, return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
        for cell in (n_rows >= _LEAST).nonzero().flatten().tolist():
            ids = (cell_of == cell).nonzero().flatten()
            rows = weights[ids].float()
            is_same = (rows - rows.median(dim=0).values).norm(dim=1) <= _SAME * length
            if int(is_same.sum()) >= _LEAST:
                found.update(ids[is_same].tolist())
    return frozenset(found)


def _projected(weights: Any, directions: Any) -> Iterator[tuple[Any, Any]]:
    """Projections (B, _DIRECTIONS) and lengths (B,) of the rows, a few at a time."""
    for start in range(0, weights.shape[0], _AT_ONCE):
        rows = weights[start : start + _AT_ONCE].float()
        yield rows @ directions, rows.norm(dim=1)
