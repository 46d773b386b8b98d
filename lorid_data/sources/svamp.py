"""SVAMP (Patel et al. 2021): 1,000 word problems whose wording was varied on purpose, MIT.

Columns: ID, Body, Question, Equation, Answer, Type. A question is the body, a space and the
question, as the Hub's copy has it in `question_concat`. There is an equation, but no reasoning in
words: rationales are empty, so the rows are for evaluation. The authors publish one file without
splits, a challenge to test on; the Hub's copy parts it into 700 and 300.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.tables import Table, read_table
from lorid_data.hub import reading
from lorid_data.schema import Problem
from lorid_data.sources.cells import written
from lorid_data.sources.links import whole_id
from lorid_data.sources.table import problems_of

REPO = reading.HubRef("ChilleD/SVAMP", "5e0bf1e5e7c0e9c4bc39180d224f41f3f801b7ef")
CONFIG = "default"
SPLITS = ("train", "test")
FILE = "SVAMP.json"
"""What the authors call their one file: all of it is the split `test`."""
LICENCE = "MIT"
_NEEDED = ("Body", "Question", "Answer", "Type")
_MISSPELT = {"Common-Divison": "Common-Division"}
"""One row of the authors' file names its type so; it would be a subject of its own."""


def load(split: str, *, source_path: str | None = None) -> tuple[list[Problem], list[str]]:
    """All problems of a split, in the source's order, and warnings.

    Args:
        split: train or test; of the authors' file test alone.
        source_path: the authors' file, a folder that holds it, or one laid out like the Hub's copy;
            by default the Hub's pinned revision.

    Raises:
        ConfigError: no such split.
        InputError: the source cannot be read, or lacks a column.
    """
    if split not in SPLITS:
        raise ConfigError(f"source 'svamp' has no split {split!r}; it has {', '.join(SPLITS)}")
    file = _file(source_path)
    if file is not None and split != "test":
        raise ConfigError(
            f"source 'svamp': {file} has no splits: all of it is for tests; name --split test, or leave --source-path away for the Hub's split {split!r}"
        )
    if file is not None:
        table = read_table(file)
    else:
        ref = reading.HubRef(source_path) if source_path is not None else REPO
        table = reading.load(ref, CONFIG, split)
    missing = [c for c in _NEEDED if c not in table.columns]
    if missing:
        found = ", ".join(table.columns)
        raise InputError(*(f"{table.where}: missing column {c!r}; its columns are {found}" for c in missing))  # fmt: skip
    plain = Table(table.where, ("question", "answer", "subject"), [_row(r) for r in table.rows], table.lines)  # fmt: skip
    return problems_of(plain, source="svamp", split=split, licence=LICENCE)


def _file(source_path: str | None) -> Path | None:
    """The authors' file, where the path is it or holds it."""
    if source_path is None:
        return None
    path = Path(source_path)
    if path.is_file():
        return path
    return path / FILE if (path / FILE).is_file() else None


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    parts = [row["Body"], row["Question"]]
    are_texts = all(isinstance(part, str) for part in parts)
    # Anything else stays what it is, so that the reader of tables says which row it is.
    question = " ".join(parts) if are_texts else next(p for p in parts if not isinstance(p, str))
    kind = row["Type"]
    subject = _MISSPELT.get(kind, kind) if isinstance(kind, str) else kind
    return {"question": question, "answer": _number(row["Answer"]), "subject": subject}


def _number(answer: object) -> object:
    """A whole number without the decimal that JSON gave it: 51.0 is 51."""
    text = written(answer) if isinstance(answer, (float, Decimal)) else None
    return answer if text is None else whole_id(text) or text
