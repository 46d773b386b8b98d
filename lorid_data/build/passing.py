"""Problems that pass as batches: what became of each, a batch at a time, with the row ids of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lorid_data.build.rows import Response, to_row
from lorid_data.folders.batches import BATCH, DatasetWriter
from lorid_data.folders.row_ids import Occurrences
from lorid_data.schema import Problem, Record, Reject

Answered = Callable[[Sequence[Problem]], Iterable[Response]]
"""What became of each problem of a batch; it is called with the batches in their order."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch of rows, kept and not."""

    records: Sequence[Record]
    rejects: Sequence[Reject]

    def write(self, writer: DatasetWriter) -> None:
        """Add them to a folder."""
        writer.keep(self.records)
        writer.reject(self.rejects)


def batches_of(problems: Iterable[Problem], n: int = BATCH) -> Iterator[list[Problem]]:
    """Problems, so many at a time."""
    rows = iter(problems)
    while some := list(islice(rows, n)):
        yield some


def rows_of(
    problems: Iterable[Problem], answered: Answered, *, stage: str = "build"
) -> Iterator[Rows]:
    """A record or a reject of each problem, a batch at a time.

    Args:
        problems: gone through twice; the row ids are those of all of them.
        answered: what became of each problem.
        stage: of the rejects.
    """
    ids = Occurrences()
    for batch in batches_of(problems):
        ids.look(batch)
    for batch in batches_of(problems):
        three = zip(batch, ids.ids(batch), answered(batch), strict=True)
        rows = [to_row(p, row_id, answer, stage=stage) for p, row_id, answer in three]
        yield Rows(
            [r for r in rows if isinstance(r, Record)], [r for r in rows if isinstance(r, Reject)]
        )
