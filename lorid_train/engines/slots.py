"""A batch that stays full: keys and values in place, a new row in the slot of one that ended.

The buffers are (slots, heads, columns, width) per layer, and all rows end in the same column, so
that a step writes one column for everybody and copies nothing. A new row's prompt is written into
its slot so that it ends there too. What a prompt reads as is remembered: the interaction loop asks
the same questions round after round, and only the sampling differs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lorid_train.engines.batch import Reader, Row, last_tokens, padded

if TYPE_CHECKING:
    import torch

_COLUMNS = 64
"""Columns are made in steps of so many."""
PREFIX_BYTES = 512 * 2**20
"""Memory for prompts that were read before."""


_READ_TOGETHER = 32
"""Prompts of about a length that are read at once."""
Key = tuple["str | None", tuple[int, ...]]
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

    def __init__(self, n_bytes: int) -> None:
        self._limit, self._used = n_bytes, 0
        self._kept: OrderedDict[Key, Prefix] = OrderedDict()

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
        self._used += prefix.n_bytes
        while self._used > self._limit:
            self._used -= self._kept.popitem(last=False)[1].n_bytes


@dataclass(slots=True)
class SlotBatch:
    """Rows in slots. Its interface is that of `FixedBatch`."""

    read: Reader
    prefixes: Prefixes
    rows: list[Row] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    """The first column of each row's prompt."""
    _end: int = 0
    """The column that the next step writes."""
    _states: Any = None
    """(layers, 2, slots, heads, columns, width)."""
    _mask: Any = None
    """(slots, columns)."""

    def room(self, size: int) -> int:
        """How many rows may join a batch of at most `size`."""
        return size - sum(r.live for r in self.rows)

    def join(self, rows: list[Row], prompts: list[list[int]]) -> torch.Tensor:
        """Put new rows into free slots, or into more of them; the logits of their first tokens (b, V)."""
        import torch

        keys = [(r.request.adapter, tuple(p)) for r, p in zip(rows, prompts, strict=True)]
        prefixes = self._prefixes_of(dict.fromkeys(keys))
        free = [i for i, r in enumerate(self.rows) if not r.live]
        if len(free) == len(self.rows):
            self.rows, self._starts, self._states, free = [], [], None, []
        n_old = len(self.rows)
        slots = [*free, *range(n_old, n_old + len(rows))][: len(rows)]
        self._make_room(max(n_old, max(slots) + 1), max(map(len, prompts)), prefixes[keys[0]])
        for slot, row, key in zip(slots, rows, keys, strict=True):
            start = self._end - len(key[1])
            self._states[:, :, slot, :, start : self._end] = prefixes[key].states
            self._mask[slot] = 0
            self._mask[slot, start : self._end] = 1
            if slot < n_old:
                self.rows[slot], self._starts[slot] = row, start
            else:
                self.rows.append(row)
                self._starts.append(start)
        return torch.stack([prefixes[k].logits for k in keys])

    def step(self) -> torch.Tensor:
        """Read each row's last token; the logits of the next ones, (B, V).

        A row that has ended is read on until its slot is taken or half the slots are free.
        """
        from transformers import Cache

        live = [i for i, r in enumerate(self.rows) if r.live]
        if 2 * len(live) <= len(self.rows):
            self._keep(live)
        first = self._first()
        if self._end == self._mask.shape[1]:
            # Move to the left where that frees a good part, else make more columns.
            by = first if 4 * first >= self._end else 0
            self._move(-by, self._end - by + _COLUMNS)
            first -= by
        self._mask[:, self._end] = 1
        self._end += 1
        layers = [_slot_layer()(states, first, self._end) for states in self._states]
        return self.read(
            [r.request.adapter for r in self.rows],
            last_tokens(self.rows, self._mask.device),
            self._mask[:, first : self._end],
            Cache(layers=layers),
        )

    def _first(self) -> int:
        """The first column that a live row uses."""
        return min(s for s, r in zip(self._starts, self.rows, strict=True) if r.live)

    def _prefixes_of(self, keys: Iterable[Key]) -> dict[Key, Prefix]:
        """The prompts as read; those not read before are read now, those of a length together."""
        found = {k: p for k in keys if (p := self.prefixes.get(k)) is not None}
        new = sorted((k for k in keys if k not in found), key=lambda k: len(k[1]))
        for i in range(0, len(new), _READ_TOGETHER):
            for key, prefix in self._read(new[i : i + _READ_TOGETHER]).items():
                found[key] = prefix
                self.prefixes.put(key, prefix)
        return found

    def _read(self, keys: list[Key]) -> dict[Key, Prefix]:
        import torch
        from transformers import DynamicCache

        ids, mask = padded([list(tokens) for _, tokens in keys], self.read.device)
        cache = DynamicCache()
        logits = self.read([adapter for adapter, _ in keys], ids, mask, cache)
        states = torch.stack([torch.stack([la.keys, la.values]) for la in cache.layers])
        return {
            key: Prefix(states[:, :, i, :, -len(key[1]) :].clone(), logits[i].clone())
            for i, key in enumerate(keys)
        }

    def _make_room(self, n_slots: int, n_tokens: int, like: Prefix) -> None:
        """Have so many slots, and so many columns before the end."""
        import torch

        if self._states is None:
            layers, two, heads, _, width = like.states.shape
            self._end = n_tokens
            n_columns = n_tokens + _COLUMNS
            self._states = like.states.new_zeros(layers, two, n_slots, heads, n_columns, width)
            self._mask = torch.zeros(
                n_slots, n_columns, dtype=torch.long, device=like.states.device
            )
            return
        n_new = n_slots - len(self.rows)
        if n_new:
            more = list(self._states.shape)
            more[2] = n_new
            self._states = torch.cat([self._states, self._states.new_zeros(more)], dim=2)
            more = [n_new, self._mask.shape[1]]
            self._mask = torch.cat([self._mask, self._mask.new_zeros(more)])
        if n_tokens > self._end:
            by = n_tokens - self._end
            self._move(by, self._end + by + _COLUMNS)

    def _move(self, by: int, n_columns: int) -> None:
        """Move all columns in use by so many to the right, in new buffers of `n_columns`."""
        first, end = self._first(), self._end
        *head, _, width = self._states.shape
        states = self._states.new_zeros(*head, n_columns, width)
        states[..., first + by : end + by, :] = self._states[..., first:end, :]
        mask = self._mask.new_zeros(len(self._mask), n_columns)
        mask[:, first + by : end + by] = self._mask[:, first:end]
        self._states, self._mask, self._end = states, mask, end + by
        self._starts = [s + by for s in self._starts]

    def _keep(self, slots: list[int]) -> None:
        """Give up all other slots."""
        import torch

        index = torch.tensor(slots, device=self._mask.device)
        self._states, self._mask = self._states[:, :, index], self._mask[index]
        self.rows = [self.rows[i] for i in slots]
        self._starts = [self._starts[i] for i in slots]


@cache
def _slot_layer() -> Any:
    from transformers.cache_utils import DynamicLayer

    class SlotLayer(DynamicLayer):  # type: ignore[misc]
        """One layer's view of the buffers for one step, (slots, heads, columns, width)."""

        def __init__(self, states: Any, first: int, end: int) -> None:
            super().__init__()
            self._column = states[:, :, :, end - 1]
            self._after = states[:, :, :, first:end]
            self.keys, self.values = self._after[:, :, :, :-1]
            self.is_initialized = True

        def update(self, keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            """Write the step's column; what attention reads."""
            self._column[0], self._column[1] = keys[:, :, 0], values[:, :, 0]
            self.keys, self.values = self._after
            return self.keys, self.values

    return SlotLayer


def has_slots(model: Any) -> bool:
    """Whether keys and values are all that the model's layers remember of the past."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    layers = DynamicCache(config=model.config).layers
    return all(type(la) in (DynamicLayer, DynamicSlidingWindowLayer) for la in layers)
