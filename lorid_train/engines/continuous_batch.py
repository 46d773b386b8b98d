"""A batch that stays full: keys and values in place, a new row in the slot of one that ended.

The buffers are (slots, heads, columns, width) per layer, and all rows end in the same column, so
that a step writes one column for everybody and copies nothing. A new row's prompt is written into
its slot so that it ends there too. Each layer has buffers of its own: while they grow, one layer is
held twice, and not the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lorid_train.engines.batch import Reader, Row, last_tokens
from lorid_train.engines.prefix_cache import Prefix, Prefixes

if TYPE_CHECKING:
    import torch

_COLUMNS = 64
"""Columns are made in steps of so many."""
_ENDED_FRACTION = 1 / 16
"""Rows that have ended and that nobody replaces are dropped when they are more than this part."""


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
    _states: list[Any] = field(default_factory=list)
    """Of each layer (2, slots, heads, columns, width)."""
    _mask: Any = None
    """(slots, columns)."""

    def room(self, size: int) -> int:
        """How many rows may join a batch of at most `size`."""
        return size - sum(r.live for r in self.rows)

    def join(self, rows: list[Row], prompts: list[list[int]]) -> torch.Tensor:
        """Put new rows into free slots, or into more of them; the logits of their first tokens (b, V)."""
        import torch

        keys = [(r.request.adapter, tuple(p)) for r, p in zip(rows, prompts, strict=True)]
        prefixes = self.prefixes.read(self.read, dict.fromkeys(keys))
        free = [i for i, r in enumerate(self.rows) if not r.live]
        if len(free) == len(self.rows):
            self.rows, self._starts, self._states, free = [], [], [], []
        n_old = len(self.rows)
        slots = [*free, *range(n_old, n_old + len(rows))][: len(rows)]
        self._make_room(max(n_old, max(slots) + 1), max(map(len, prompts)), prefixes[keys[0]])
        for slot, row, key in zip(slots, rows, keys, strict=True):
            start = self._end - len(key[1])
            for states, prefix in zip(self._states, prefixes[key].states, strict=True):
                states[:, slot, :, start : self._end] = prefix
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

        A row that has ended is read on until its slot is taken or many rows have ended.
        """
        from transformers import Cache

        n_ended = sum(not r.live for r in self.rows)
        if n_ended > _ENDED_FRACTION * len(self.rows):
            self._close_ranks()
        first = self._first()
        if self._end == self._mask.shape[1]:
            # Move to the left where that frees a good part, else make more columns.
            if 4 * first >= self._end:
                self._move_left(first)
                first = 0
            else:
                self._widen(0, self._end + _COLUMNS)
        n = len(self.rows)
        self._mask[:n, self._end] = 1
        self._end += 1
        layers = [_slot_layer()(states[:, :n], first, self._end) for states in self._states]
        return self.read(
            [r.request.adapter for r in self.rows],
            last_tokens(self.rows, self._mask.device),
            self._mask[:n, first : self._end],
            Cache(layers=layers),
        )

    def _first(self) -> int:
        """The first column that a live row uses."""
        return min(s for s, r in zip(self._starts, self.rows, strict=True) if r.live)

    def _make_room(self, n_slots: int, n_tokens: int, like: Prefix) -> None:
        """Have so many slots, and so many columns before the end."""
        import torch

        if not self._states:
            _, two, heads, _, width = like.states.shape
            self._end = n_tokens
            n_columns = n_tokens + _COLUMNS
            shape = (two, n_slots, heads, n_columns, width)
            self._states = [like.states.new_zeros(shape) for _ in like.states]
            self._mask = torch.zeros(
                n_slots, n_columns, dtype=torch.long, device=like.states.device
            )
            return
        n_new = n_slots - self._mask.shape[0]
        if n_new > 0:
            for i, old in enumerate(self._states):
                two, n_old, *rest = old.shape
                states = old.new_zeros(two, n_old + n_new, *rest)
                states[:, :n_old] = old
                self._states[i] = states
            more = [n_new, self._mask.shape[1]]
            self._mask = torch.cat([self._mask, self._mask.new_zeros(more)])
        if n_tokens > self._end:
            by = n_tokens - self._end
            self._widen(by, self._end + by + _COLUMNS)

    def _widen(self, by: int, n_columns: int) -> None:
        """New buffers of `n_columns`; the columns in use stand so many further to the right."""
        first, end = self._first(), self._end
        for i, old in enumerate(self._states):
            *head, _, width = old.shape
            states = old.new_zeros(*head, n_columns, width)
            states[..., first + by : end + by, :] = old[..., first:end, :]
            self._states[i] = states
        mask = self._mask.new_zeros(len(self._mask), n_columns)
        mask[:, first + by : end + by] = self._mask[:, first:end]
        self._mask, self._end = mask, end + by
        self._starts = [s + by for s in self._starts]

    def _move_left(self, by: int) -> None:
        """Move the columns in use by so many to the left, in place."""
        n = len(self.rows)
        for start in range(by, self._end, by):  # pieces that do not overlap what they go to
            end = min(start + by, self._end)
            for states in self._states:
                states[:, :n, :, start - by : end - by] = states[:, :n, :, start:end]
            self._mask[:n, start - by : end - by] = self._mask[:n, start:end]
        self._mask[:n, self._end - by :] = 0
        self._end -= by
        self._starts = [s - by for s in self._starts]

    def _close_ranks(self) -> None:
        """The last rows take the places of rows that have ended, which are dropped."""
        n = sum(r.live for r in self.rows)
        free = [i for i in range(n) if not self.rows[i].live]
        last = [i for i in range(n, len(self.rows)) if self.rows[i].live]
        first, end = self._first(), self._end
        for states in self._states:
            states[:, free, :, first:end] = states[:, last, :, first:end]
        self._mask[free] = self._mask[last]
        for to, of in zip(free, last, strict=True):
            self.rows[to], self._starts[to] = self.rows[of], self._starts[of]
        del self.rows[n:], self._starts[n:]


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
