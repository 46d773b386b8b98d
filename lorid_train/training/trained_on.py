"""What each role of a run was trained on: its questions by hash, so that a test can be held against them.

The texts themselves stay where they are; two hashes a question tell whether it, or the same words
in other case and spaces, was trained on, wherever the run goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.schema import FrozenModel, Record, sha256_text
from lorid_data.texts.folding import fold_case

FILE = "trained_on.parquet"
"""File of a run folder."""


class TrainedOn(FrozenModel):
    """One question that one role was trained on."""

    role: str
    problem_id: str
    text_sha256: str
    """Of the question without regard to case and white space."""


def text_hash(question: str) -> str:
    """The hash by which two questions are the same but for case and white space."""
    return sha256_text(fold_case(question))


def rows_of(role: str, records: Iterable[Record], rejected: set[str]) -> list[TrainedOn]:
    """The distinct questions of a role's rows, those left out that could not be trained on."""
    found: dict[str, TrainedOn] = {}
    for r in records:
        if r.row_id not in rejected and r.problem_id not in found:
            found[r.problem_id] = TrainedOn(
                role=role, problem_id=r.problem_id, text_sha256=text_hash(r.question)
            )
    return list(found.values())


def write(folder: Path, by_role: Mapping[str, list[TrainedOn]]) -> None:
    """Write the questions of all roles into a run folder."""
    write_rows(folder / FILE, TrainedOn, [row for rows in by_role.values() for row in rows])


def read(folder: Path) -> list[TrainedOn] | None:
    """The questions of a run; None where it was trained before they were kept."""
    path = folder / FILE
    return read_rows(path, TrainedOn) if path.is_file() else None
