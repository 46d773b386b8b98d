"""Which rows come together in a batch, and which rows a batch holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

ROWS = "rows"
"""Key of a batch under which the numbers of its rows travel to the loss."""


class LengthGroupedSampler:
    """A sampler: rows of like length share a batch, so that little is padded.

    Rows are shuffled, sorted by length within stretches of `stretch` batches, and the batches
    are shuffled again. The order depends on seed and epoch alone: a resumed run sees the same.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, *, stretch: int = 50) -> None:
        self._lengths = np.asarray(lengths)
        self._batch, self._seed, self._stretch = batch, seed, stretch
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of that epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self._seed, self._epoch))
        order = rng.permutation(len(self._lengths))
        size = self._batch * self._stretch
        for start in range(0, len(order), size):
            part = order[start : start + size]
            order[start : start + size] = part[np.argsort(-self._lengths[part], kind="stable")]
        whole = len(order) // self._batch
        batches = order[: whole * self._batch].reshape(whole, self._batch)
        rng.shuffle(batches)
        yield from batches.reshape(-1).tolist()
        yield from order[whole * self._batch :].tolist()  # the short batch stays the last one


class RowNumberCollator:
    """A collator that adds the numbers of a batch's rows to what another collator makes."""

    def __init__(self, collate: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._collate = collate

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """The batch, with `rows`: a list of row numbers, each once."""
        batch = self._collate(examples)
        batch[ROWS] = sorted({i for e in examples for i in e["row"]})
        return batch
