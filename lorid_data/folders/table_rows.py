"""What a table is: its columns, its rows a batch at a time, and where each row stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lorid_data.errors import InputError

AT_ONCE = 1024
"""Rows of a table that are held together."""
Cells = Mapping[str, Any]


class RowError(InputError):
    """A row that cannot be read, in a table that can."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by column name.

    Attributes:
        where: what messages call the table: a file, or a Hub id with configuration and split.
        columns: all column names, in the order of the file.
        rows: the rows; a column that a row lacks is None.
        lines: the line of each row in its file (from 1), where it has lines.
        parts: the tables that this one is made of, one behind the other, where it is of several files.
        first: number of the first row, where these are a batch of a longer table.
    """

    where: str
    columns: tuple[str, ...]
    rows: Sequence[Cells]
    lines: Sequence[int] | None = None
    parts: Sequence[Table] = ()
    first: int = 0

    def place(self, i: int) -> str:
        """Where row `i` (from 0) stands, for messages."""
        for part in self.parts:
            if i < len(part.rows):
                return part.place(i)
            i -= len(part.rows)
        return f"{self.where}:{self.lines[i]}" if self.lines else f"{self.where}, row {self.first + i}"  # fmt: skip


Batches = Callable[[Sequence[str]], Iterator[Table]]
"""The rows of a table, at least those columns of each, some at a time and from the first on at every call."""


@dataclass(frozen=True, slots=True)
class TableStream:
    """A table of which a few rows are held at a time; it may be gone through several times.

    Attributes:
        where: as of a `Table`.
        columns: as of a `Table`: known before any row is given out.
        n_rows: how many rows there are.
        batches: the rows, a batch at a time, with the columns that are named.
        heads: the first cell that says something, of columns that are known by what they hold.
    """

    where: str
    columns: tuple[str, ...]
    n_rows: int
    batches: Batches
    heads: Mapping[str, Any] = field(default_factory=dict)

    def head(self) -> Table:
        """Its columns, and one row of first cells: what decides which column is what."""
        return Table(self.where, self.columns, [self.heads])

    def whole(self) -> Table:
        """All rows at once."""
        rows: list[Cells] = []
        lines: list[int] = []
        for batch in self.batches(self.columns):
            rows += batch.rows
            lines += batch.lines or ()
        return Table(self.where, self.columns, rows, lines or None)


KNOWN_BY_CELLS = ("difficulty", "program")
"""Columns of which the first cell says whether they hold what their name says."""


class Heads:
    """Gathers the first cell of each of `KNOWN_BY_CELLS` that is not empty."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def see(self, rows: Sequence[Cells]) -> bool:
        """Look at further rows; whether all are found."""
        for name in KNOWN_BY_CELLS:
            if name not in self.found:
                cell = next((v for r in rows if not _says_nothing(name, v := r.get(name))), None)
                self.found |= {} if cell is None else {name: cell}
        return len(self.found) == len(KNOWN_BY_CELLS)


def _says_nothing(name: str, cell: object) -> bool:
    # NaN is how pandas writes a missing text.
    return cell is None or (name == "program" and cell != cell)


def heads_of(columns: Sequence[str], batches: Batches) -> dict[str, Any]:
    """The first cells of `KNOWN_BY_CELLS`, of those columns alone that are there."""
    heads = Heads()
    wanted = [c for c in KNOWN_BY_CELLS if c in columns]
    for batch in batches(wanted) if wanted else ():
        if heads.see(batch.rows):
            break
    return heads.found


def stream_of(table: Table) -> TableStream:
    """A table that is held already, as a stream of one batch."""
    heads = Heads()
    heads.see(table.rows)
    return TableStream(table.where, table.columns, len(table.rows), lambda _: iter([table]), heads.found)  # fmt: skip


def joined_streams(streams: Sequence[TableStream], where: str | None = None) -> TableStream:
    """Several files as one table, in their order: rows of one id may stand in several."""
    if len(streams) == 1:
        return streams[0]
    columns = tuple(dict.fromkeys(c for s in streams for c in s.columns))
    heads: dict[str, Any] = {}
    for stream in reversed(streams):
        heads |= stream.heads

    def batches(wanted: Sequence[str]) -> Iterator[Table]:
        for stream in streams:
            own = [c for c in wanted if c in stream.columns]
            for batch in stream.batches(own):
                rows = [{c: r.get(c) for c in wanted} for r in batch.rows]
                yield Table(batch.where, columns, rows, batch.lines, first=batch.first)

    n_rows = sum(s.n_rows for s in streams)
    return TableStream(where or streams[0].where, columns, n_rows, batches, heads)
