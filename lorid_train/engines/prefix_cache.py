"""Prompts as a model read them, kept so that no beginning is read twice.

The interaction loop asks the same questions round after round, and DR reads a question under one
text of knowledge after another. So a prompt that was read before is not read again, and of a new
one only what follows the longest beginning that it shares with one of the same adapter.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, NamedTuple

from lorid_train.engines import heap
from lorid_train.engines.batch import Reader, padded

if TYPE_CHECKING:
    import torch

PREFIX_BYTES = 512 * 2**20
"""Memory for prompts that were read before."""
_READ_TOGETHER = 32
"""Prompts of about a length that are read at once."""
Tokens = tuple[int, ...]
Key = tuple["str | None", Tokens]
"""A prompt: adapter and tokens."""


class Prefix(NamedTuple):
    """A prompt as the model read it."""

    states: torch.Tensor
    """Keys and values, (layers, 2, heads, tokens, width)."""
    logits: torch.Tensor
    """Of the first token, (V,)."""

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return self.states.nbytes + self.logits.nbytes


class Prefixes:
    """Prompts read before, by adapter and tokens; the least recently used give way."""

    def __init__(self, n_bytes: int, *, beginnings: bool = True) -> None:
        """Keep so many bytes. `beginnings`: whether a part of a prompt may be taken from another.

        Rows whose beginnings are kept have a gap before their new tokens, which a model that
        tells distances by columns must not have.
        """
        self._limit, self._used, self._beginnings = n_bytes, 0, beginnings
        self._kept: OrderedDict[Key, Prefix] = OrderedDict()
        self._in_order: defaultdict[str | None, list[Tokens]] = defaultdict(list)

    def get(self, key: Key) -> Prefix | None:
        """A prefix that is still there."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Key, prefix: Prefix) -> None:
        """Keep a prefix if it fits."""
        if key in self._kept or prefix.n_bytes > self._limit:
            return
        self._kept[key] = prefix
        insort(self._in_order[key[0]], key[1])
        self._used += prefix.n_bytes
        while self._used > self._limit:
            (adapter, tokens), gone = self._kept.popitem(last=False)
            self._in_order[adapter].remove(tokens)
            self._used -= gone.n_bytes

    def n_shared(self, key: Key) -> tuple[int, Key]:
        """How many first tokens a new prompt shares with one that is there, and with which.

        At least one token is left over: somebody must say what comes next.
        """
        adapter, tokens = key
        if not self._beginnings:
            return 0, key
        others = self._in_order[adapter]
        i = bisect_left(others, tokens)
        # What shares most with it stands beside it.
        near = [(_n_equal(o, tokens), (adapter, o)) for o in others[max(0, i - 1) : i + 1]]
        n, other = max(near, default=(0, key))
        return min(n, len(tokens) - 1), other

    def read(self, reader: Reader, keys: Iterable[Key]) -> dict[Key, Prefix]:
        """Prompts as the model reads them; those not there are read now, alike ones together."""
        found = {k: p for k in keys if (p := self.get(k)) is not None}
        new = [k for k in keys if k not in found]
        new.sort(key=lambda k: (k[0] or "", len(k[1]) - self.n_shared(k)[0]))
        for _, of_one in groupby(new, key=lambda k: k[0]):
            group = list(of_one)
            for i in range(0, len(group), _READ_TOGETHER):
                for key, prefix in self._read(reader, group[i : i + _READ_TOGETHER]).items():
                    found[key] = prefix
                    self.put(key, prefix)
                heap.give_back()  # a pass over prompts takes more for a moment than what is kept of it
        return found

    def _read(self, reader: Reader, keys: list[Key]) -> dict[Key, Prefix]:
        import torch
        from transformers import DynamicCache

        shared = [self.n_shared(key) for key in keys]
        begun = [self._kept[other].states[..., :n, :] if n else None for n, other in shared]
        ids, mask = padded(
            [list(k[1][n:]) for k, (n, _) in zip(keys, shared, strict=True)], reader.device
        )
        cache = DynamicCache()
        width = max(n for n, _ in shared)
        if width:
            past, known = _side_by_side(begun, width)
            mask = torch.cat([known.to(mask), mask], dim=1)
            for i, (k, v) in enumerate(past):
                cache.update(k, v, i)
        logits = reader([adapter for adapter, _ in keys], ids, mask, cache)
        found = {}
        for i, (key, (n, _), beginning) in enumerate(zip(keys, shared, begun, strict=True)):
            # Row by row: all at once would be a second copy of the batch, and a third on the way.
            left = slice(n - len(key[1]), None)
            own = torch.stack([
                torch.stack([la.keys[i, :, left], la.values[i, :, left]]) for la in cache.layers
            ])  # fmt: skip
            whole = own if beginning is None else torch.cat([beginning, own], dim=-2)
            found[key] = Prefix(whole, logits[i].clone())
        return found


def _n_equal(a: Tokens, b: Tokens) -> int:
    """How many first tokens are equal."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _side_by_side(
    begun: list[torch.Tensor | None], width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Beginnings padded on the left: states (layers, 2, B, heads, width, w), and their mask (B, width)."""
    import torch

    some = next(b for b in begun if b is not None)
    layers, two, heads, _, w = some.shape
    states = some.new_zeros(layers, two, len(begun), heads, width, w)
    mask = torch.zeros(len(begun), width, dtype=torch.long, device=some.device)
    for i, beginning in enumerate(begun):
        if beginning is not None:
            n = beginning.shape[-2]
            states[:, :, i, :, width - n :] = beginning
            mask[i, width - n :] = 1
    return states, mask
