"""Rows of any table as problems, and what identifies them all.

Text is kept byte for byte; only the separator `#### ` between rationale and answer is removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from lorid_data.errors import InputError
from lorid_data.folders.table_rows import Table, stream_of
from lorid_data.hub.splits import split_fault
from lorid_data.schema import Problem, canonical_json
from lorid_data.sources.cells import split_solution, stated_answer
from lorid_data.sources.columns import Reading
from lorid_data.sources.problems import Defaults, read_problems

__all__ = ["content_hash", "problems_of", "refuse_split_names", "split_solution", "stated_answer"]


def refuse_split_names(where: str, problems: Iterable[Problem]) -> None:
    """Refuse rows that a folder must not hold: nothing could load them once they are published.

    Raises:
        InputError: a split has a name that `datasets` reserves or does not load; all of them.
    """
    names = dict.fromkeys(p.split for p in problems)
    if faults := [f"{where}: {f}" for n in names if (f := split_fault(n))]:
        raise InputError(*faults)


def problems_of(
    table: Table,
    *,
    source: str,
    split: str,
    licence: str = "unknown",
    subject: str | None = None,
    read: Reading | None = None,
    answer_in: Callable[[str], str] = stated_answer,
) -> tuple[list[Problem], list[str]]:
    """The problems of a table that is held, in its order, and warnings for people; see `read_problems`.

    Args:
        table: needs a question, and a rationale or an answer.
        source: name of the source.
        split: the split of rows without a column `split`.
        licence: the licence of rows without a column of that name.
        subject: the subject of rows without a column of that name.
        read: which column is what, and what becomes of a row that cannot be read.
        answer_in: how the answer is found in a rationale that stands alone.

    Raises:
        InputError: a missing column, a value of the wrong type, a duplicate id that others refer to.
    """
    defaults = Defaults(source, split, licence, subject, answer_in)
    problems, warnings = read_problems(stream_of(table), defaults, read)
    return list(problems), warnings


def content_hash(problems: Iterable[Problem]) -> str:
    """sha256 over every field of every problem, in order; over those added later where they say something."""
    digest = hashlib.sha256()
    for p in problems:
        unsaid = {
            n
            for n in ("accepted", "flags", "difficulty", "program", "program_from")
            if not getattr(p, n)
        }
        digest.update(canonical_json(p.model_dump(mode="json", exclude=unsaid)).encode())
        digest.update(b"\n")
    return digest.hexdigest()
