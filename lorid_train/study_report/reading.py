"""A cell's folders read: the frequency of each group, and every problem graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import ConfigError, InputError, unknown_key
from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_frame, read_rows
from lorid_data.schema import Record
from lorid_train.interaction.draws import Decision, Draw, How
from lorid_train.interaction.rules import answer_of
from lorid_train.metrics.grading import gold_of, grade
from lorid_train.report.reading import DrawFile
from lorid_train.study_report.cells import Cell
from lorid_train.study_report.problems import Asked, asked

NO_GROUP = "(none)"
"""The group of rows whose column is empty."""
_NOT_A_NAME = ("knowledge", "flags", "provenance")


@dataclass(frozen=True, slots=True)
class CellDraws:
    """A cell's problems."""

    cell: Cell
    test: tuple[Asked, ...]
    validation: tuple[Asked, ...]
    """Empty without a validation folder."""
    n_seeds: int
    """Evaluation seeds stored for a test problem; the lowest one is used."""


def check(cells: Sequence[Cell], group_by: str) -> None:
    """Refuse what no study can be made of.

    Raises:
        ConfigError: no cell, two of one name, or a column that cannot name groups; all at once.
    """
    problems = [] if cells else ["a study needs at least one cell"]
    twice = [name for name, n in Counter(c.name for c in cells).items() if n > 1]
    problems += [f"cells: the name {name!r} stands twice; give each its own" for name in twice]
    columns = [c for c in Record.model_fields if c not in _NOT_A_NAME]
    if group_by not in columns:
        problems.append(unknown_key(group_by, columns, "group_by"))
    if problems:
        raise ConfigError(*problems)


def read_cell(cell: Cell, group_by: str) -> CellDraws:
    """Read and grade a cell.

    Raises:
        InputError: a file that is missing, cannot be read, or has no rows.
    """
    frequency = _frequencies(cell.train, group_by)
    test, n_seeds = _read(cell.test, group_by, frequency)
    validation: tuple[Asked, ...] = ()
    if cell.validation is not None:
        validation, _ = _read(cell.validation, group_by, frequency)
    return CellDraws(cell, test, validation, n_seeds)


def _group(value: object) -> str:
    return NO_GROUP if value is None else str(value)


def _frequencies(folder: Path, group_by: str) -> Mapping[str, int]:
    frame = read_frame(folder / RECORDS)
    if group_by not in frame.columns:
        known = unknown_key(group_by, frame.columns, str(folder / RECORDS))
        raise ConfigError(known)
    return Counter(_group(v) for v in frame[group_by].to_list())


def _read(
    folder: Path, group_by: str, frequency: Mapping[str, int]
) -> tuple[tuple[Asked, ...], int]:
    """The problems of an evaluation folder, and the largest number of seeds met."""
    by_problem: dict[str, Record] = {}
    for record in read_rows(folder / RECORDS, Record):
        by_problem.setdefault(record.problem_id, record)
    if not by_problem:
        msg = f"{folder / RECORDS}: no rows, so there is nothing to report on"
        raise InputError(msg)
    draws = DrawFile(folder / DRAWS)
    found: list[Asked] = []
    n_seeds = 0
    for problem_id, record in by_problem.items():
        graded = grade(
            gold_of(record), draws(problem_id), decide=_nothing, rounds=0, extract=answer_of
        )
        group = _group(getattr(record, group_by))
        first = graded[0] if graded else None
        found.append(asked(problem_id, group, frequency.get(group, 0), first))
        n_seeds = max(n_seeds, len(graded))
    return tuple(found), n_seeds


def _nothing(_draws: Sequence[Draw], t: int) -> Decision:
    """The study pairs rounds anew: what the stored order decides is not asked for."""
    return Decision(answer=None, how=How.NONE, round=t)
