"""Problems that pass as batches: what became of each, a batch at a time, with the row ids of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from lorid_data import prompts
from lorid_data.build.rows import Response, to_row
from lorid_data.folders.batches import BATCH, DatasetWriter
from lorid_data.folders.row_ids import Occurrences
from lorid_data.schema import Problem, Record, Reject
from lorid_data.teachers.base import KNOWLEDGE, SYSTEM, Teacher, TeacherRequest, make_request

T = TypeVar("T")
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
    problems: Iterable[Problem],
    answered: Answered,
    *,
    stage: str = "build",
    only: range | None = None,
) -> Iterator[Rows]:
    """A record or a reject of each problem, a batch at a time.

    Args:
        problems: gone through twice; the row ids are those of all of them.
        answered: what became of each problem.
        stage: of the rejects.
        only: the numbers of the rows that are wanted; by default all.
    """
    ids = Occurrences()
    for batch in batches_of(problems):
        ids.look(batch)
    first = 0
    for batch in batches_of(problems):
        named = list(zip(batch, ids.ids(batch), strict=True))
        mine = within(named, first, only)
        first += len(batch)
        answers = answered([p for p, _ in mine]) if mine else ()
        rows = [to_row(p, i, answer, stage=stage) for (p, i), answer in zip(mine, answers, strict=True)]  # fmt: skip
        yield Rows(
            [r for r in rows if isinstance(r, Record)], [r for r in rows if isinstance(r, Reject)]
        )


def within(batch: Sequence[T], first: int, only: range | None) -> Sequence[T]:
    """The rows of a batch whose numbers are wanted; `first` is that of its first row."""
    if only is None:
        return batch
    return batch[max(0, only.start - first) : max(0, only.stop - first)]


_TOTALS = ("n_input_tokens", "n_output_tokens", "cost_usd")


@dataclass(slots=True)
class Totals:
    """Sums over the kept rows; None where one row's figure is unknown."""

    _sums: dict[str, Any] = field(default_factory=dict)
    _n: int = 0
    _n_known: dict[str, int] = field(default_factory=dict)

    def see(self, records: Iterable[Record]) -> None:
        """Add further rows, in their order."""
        for record in records:
            self._n += 1
            for name in _TOTALS:
                value = getattr(record.provenance, name)
                if value is not None:
                    self._sums[name] = self._sums.get(name, 0) + value
                    self._n_known[name] = self._n_known.get(name, 0) + 1

    def figures(self) -> dict[str, Any]:
        """The sums, as a manifest has them."""
        is_known = {n: self._n > 0 and self._n_known.get(n) == self._n for n in _TOTALS}
        return {n: self._sums[n] if is_known[n] else None for n in _TOTALS}


class Requests:
    """The requests for the knowledge of problems, or of those with certain numbers; made as often as they are wanted."""

    def __init__(
        self, problems: Iterable[Problem], teacher: Teacher, only: range | None = None
    ) -> None:
        self._problems, self._teacher, self._only = problems, teacher, only
        self._prompt, self._system = prompts.load(KNOWLEDGE), prompts.load(SYSTEM)

    def batches(self) -> Iterator[list[TeacherRequest | None]]:
        """Those of all problems; each has the number of its row."""
        first = 0
        for batch in batches_of(self._problems):
            if mine := within(batch, first, self._only):
                yield self.of(mine, max(first, self._only.start if self._only else 0))
            first += len(batch)

    def of(self, batch: Sequence[Problem], first: int = 0) -> list[TeacherRequest | None]:
        """Those of some problems, of which the first has that number; None for an empty question."""
        return [
            make_request(
                p, teacher=self._teacher, prompt=self._prompt, system=self._system, position=i
            )
            if p.question.strip()
            else None
            for i, p in enumerate(batch, first)
        ]
