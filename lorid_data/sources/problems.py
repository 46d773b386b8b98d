"""The rows of a table as problems, kept on disk: a table of any length is read with a batch of it in memory.

What needs to have seen all rows is known at the end: which question a row is a variant of, from
hashes (`links`), and what people are told, from counts.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from lorid_data.errors import InputError
from lorid_data.folders.spool import Spool
from lorid_data.folders.table_rows import TableStream
from lorid_data.schema import Problem, make_problem, problem_id
from lorid_data.sources.cells import cells_of, id_of, split_solution, stated, stated_answer
from lorid_data.sources.columns import (
    Found,
    Reading,
    find_columns,
    ignored,
    refuse_ignored_answers,
)
from lorid_data.sources.links import Links
from lorid_data.texts.counting import count

_SENTENCE = 12
"""Words above which an answer that stands alone is taken for a sentence."""
_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a row is that does not say it.

    Attributes:
        source: name of the source, of every row.
        split: the split of rows without a column `split`.
        licence: the licence of rows without a column of that name.
        subject: the subject of rows without a column of that name.
        answer_in: how the answer is found in a rationale that stands alone.
    """

    source: str
    split: str
    licence: str = "unknown"
    subject: str | None = None
    answer_in: Callable[[str], str] = stated_answer


def read_problems(
    table: TableStream, defaults: Defaults, read: Reading | None = None
) -> tuple[Sequence[Problem], list[str]]:
    """The problems of a table, in its order, and warnings for people.

    Args:
        table: needs a question, and a rationale or an answer.
        defaults: what a row is that does not say it.
        read: which column is what, and what becomes of a row that cannot be read.

    Returns:
        The problems, on disk: they can be gone through again and again; and the warnings.

    Raises:
        InputError: a missing column, a value of the wrong type, a duplicate id that others refer to.
    """
    read = read or Reading()
    found = find_columns(table.head(), read)
    seen, linking = _Seen(), _Linking(table, found, read)
    rows = Spool(Problem)
    for place, row, problem in _rows(table, found, read, defaults):
        rows.append(problem)
        seen.see(problem)
        linking.see(place, row, problem)
    warnings = [*ignored(table.head(), found), *linking.settle()]
    warnings += seen.sentences(table.where, found.names.get("answer", "answer"))
    refuse_ignored_answers(table.head(), found, read, seen.n_blank, seen.n)
    return Linked(rows, linking.links), warnings


def _rows(
    table: TableStream, found: Found, read: Reading, defaults: Defaults
) -> Iterator[tuple[int, Mapping[str, Any], Problem]]:
    """Each row that can be read: its number in the table, what it holds, and the problem, not linked."""
    wanted = tuple(dict.fromkeys(found.names.values()))
    n = -1
    for batch in table.batches(wanted):
        for i in range(len(batch.rows)):
            n += 1
            if (cells := cells_of(batch, i, found, read)) is None:
                continue
            row, text, knowledge, accepted, rates = cells
            rationale, answer = split_solution(text["rationale"], text["answer"], defaults.answer_in)  # fmt: skip
            program = stated(text["program"])
            problem = make_problem(
                source=defaults.source,
                split=stated(text["split"]) or defaults.split,
                question=text["question"] or "",
                rationale=rationale,
                answer=answer,
                level=stated(text["level"]),
                subject=stated(text["subject"]) or defaults.subject,
                licence=stated(text["licence"]) or defaults.licence,
                knowledge=knowledge,
                accepted=accepted,
                program=program,
            )
            if rates or program:
                more = {"difficulty": rates, "program_from": program and "table"}
                problem = problem.model_copy(update=more)
            yield n, row, problem


class _Seen:
    """Counts over all rows, of which people are told."""

    def __init__(self) -> None:
        self.n = self.n_blank = self._n_sentences = 0
        self._sentence = ""

    def see(self, p: Problem) -> None:
        self.n += 1
        self.n_blank += not p.answer.strip()
        if not p.rationale and len(p.answer.split()) > _SENTENCE:
            self._sentence = self._sentence or p.answer
            self._n_sentences += 1

    def sentences(self, where: str, column: str) -> list[str]:
        """A warning where answers seem to be whole explanations."""
        if not self._n_sentences:
            return []
        return [
            f"{where}: {self._n_sentences:,} of {self.n:,} answers are sentences, like {self._sentence[:60]!r}; if the column "
            f"{column!r} holds the reasoning, import it with `lorid-data import --columns rationale={column}`"
        ]


class _Linking:
    """The original of each row.

    A column `original_id` names a row of the column `id`, or is a problem_id. Without it, rows
    that share an id (within a subject) are variants of the first of them, as the tables of
    LoRID-Math are written.
    """

    def __init__(self, table: TableStream, found: Found, read: Reading) -> None:
        self._table, self._found = table, found
        self._read = Reading(read.columns, [])  # what is wrong with rows has been told
        self.links: Links | None = None
        self._is_named = False
        self._is_first = True
        self._places = array("q")
        self._faults: dict[str, InputError] = {}

    def see(self, place: int, row: Mapping[str, Any], problem: Problem) -> None:
        if self._is_first:
            self._is_first = False
            self._is_named = "original_id" in row
            self.links = Links() if self._is_named or "id" in row else None
        if self.links is None:
            return
        self._places.append(place)
        own = self._id(place, row, "id")
        named = self._id(place, row, "original_id") if self._is_named else None
        within = None if own is None else (own,) if self._is_named else (own, problem.subject)
        is_problem = named is not None and _HEX64.fullmatch(named)
        self.links.add(problem.problem_id, within, named, named if is_problem else None)

    def _id(self, place: int, row: Mapping[str, Any], what: str) -> str | None:
        try:
            return id_of(row.get(what))
        except InputError as e:
            self._faults.setdefault(what, InputError(f"{self._row(place)[0]}: {e}"))
            return None

    def settle(self) -> list[str]:
        """Find all originals; warnings for people."""
        for fault in (self._faults.get("id"), self._faults.get("original_id")):
            if fault is not None:
                raise fault
        if self.links is None:
            return []
        if self._is_named:
            self.links.named(self._twice, self._unknown)
            return []
        if not (n := self.links.variants()):
            self.links = None
            return []
        return [f"{self._table.where}: {count(n, 'row')} with the id of an earlier row: taken as variants of that question"]  # fmt: skip

    def _twice(self, n: int) -> InputError:
        where, row = self._row(self._places[n])
        return InputError(f"{where}: id {row['id']!r} stands twice, so that original_id cannot refer to it")  # fmt: skip

    def _unknown(self, n: int) -> InputError:
        where, row = self._row(self._places[n])
        named = id_of(row["original_id"])
        return InputError(f"{where}: original_id {named!r} is neither the id of a row nor a problem_id ({problem_id('')[:8]}…)")  # fmt: skip

    def _row(self, place: int) -> tuple[str, Mapping[str, Any]]:
        """Where a row stands and what it holds, for a message: it is read again."""
        wanted = tuple(dict.fromkeys(self._found.names.values()))
        for batch in self._table.batches(wanted):
            if place < len(batch.rows):
                cells = cells_of(batch, place, self._found, self._read)
                return batch.place(place), cells[0] if cells else {}
            place -= len(batch.rows)
        raise IndexError(place)


class Linked(Sequence[Problem]):
    """Problems on disk, each with the original that was found for it."""

    def __init__(self, rows: Spool[Problem], links: Links | None) -> None:
        self._rows, self._links = rows, links

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Problem]:
        return (self._linked(i, p) for i, p in enumerate(self._rows))

    def _linked(self, i: int, problem: Problem) -> Problem:
        original = None if self._links is None else self._links.original(i)
        if original is None or original == problem.original_id:
            return problem
        return problem.model_copy(update={"original_id": original})

    @overload
    def __getitem__(self, i: int) -> Problem: ...
    @overload
    def __getitem__(self, i: slice) -> list[Problem]: ...
    def __getitem__(self, i: int | slice) -> Problem | list[Problem]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        return self._linked(range(len(self))[i], self._rows[i])


class Chained(Sequence[Problem]):
    """Problems of several tables as those of one, or those of them that are chosen."""

    def __init__(
        self, parts: Iterable[Sequence[Problem]], chosen: Sequence[int] | None = None
    ) -> None:
        self._parts = [p for p in parts if len(p)]
        self._chosen = chosen

    def __len__(self) -> int:
        return sum(map(len, self._parts)) if self._chosen is None else len(self._chosen)

    def __iter__(self) -> Iterator[Problem]:
        rows = (p for part in self._parts for p in part)
        if self._chosen is None:
            yield from rows
            return
        wanted = iter(self._chosen)
        at = next(wanted, None)
        for i, row in enumerate(rows):
            if i == at:
                yield row
                at = next(wanted, None)
            if at is None:
                return

    @overload
    def __getitem__(self, i: int) -> Problem: ...
    @overload
    def __getitem__(self, i: slice) -> list[Problem]: ...
    def __getitem__(self, i: int | slice) -> Problem | list[Problem]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        at = range(len(self))[i]
        at = at if self._chosen is None else self._chosen[at]
        for part in self._parts:
            if at < len(part):
                return part[at]
            at -= len(part)
        raise IndexError(i)
