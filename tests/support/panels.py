"""Builds of several teachers from scripts, and what `choose` makes of them with all rows in memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lorid_data.asking.journal import JOURNAL, replies_in
from lorid_data.build.candidates import TABLE, Candidate
from lorid_data.build.choices import Choice, shown, with_choice, without
from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Record, Reject, row_ids


def build_panel(
    folder: Path, rows: Iterable[Mapping[str, Any]], scripts: Iterable[Iterable[str]], **options: Any
) -> Path:  # fmt: skip
    """A build of these rows with a teacher for each script: its raw reply about each row.

    Returns:
        The folder of the build.
    """
    folder.mkdir(parents=True)
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    teachers = []
    for name, replies in zip("abcdef", scripts, strict=False):
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": reply}) + "\n" for reply in replies))
        teachers.append(f"scripted:{path}")
    build(BuildOptions(source=str(folder / "t.jsonl"), teacher=tuple(teachers), **options), folder / "build")  # fmt: skip
    return folder / "build"


def chosen_at_once(
    folder: Path, choice_of: Callable[[Record, list[Candidate]], Choice], *, number: int | None
) -> tuple[list[Record], list[Reject], list[Candidate]]:
    """The records, rejects and replies side by side that `choose` has to write.

    Args:
        folder: the build.
        choice_of: what a row takes.
        number: of a choice by number.
    """
    records = read_records(folder)
    by_row: dict[str, list[Candidate]] = defaultdict(list)
    for c in read_rows(folder / TABLE, Candidate):
        by_row[c.row_id].append(c)
    choices = [choice_of(r, by_row[r.row_id]) for r in records]
    taken = [x.taken(by_row[r.row_id]) for r, x in zip(records, choices, strict=True)]
    replies = replies_in(folder / JOURNAL, [c.request_key for c in taken if c])
    after = [with_choice(r, c, replies) for r, c in zip(records, taken, strict=True)]
    if any(a.rationale != b.rationale for a, b in zip(records, after, strict=True)):
        after = [r.model_copy(update={"row_id": i}) for r, i in zip(after, row_ids(after), strict=True)]  # fmt: skip
    table = [
        c
        for old, new, x in zip(records, after, choices, strict=True)
        for c in shown(by_row[old.row_id], new.row_id, x)
    ]
    rejects = [without(r, by_row[r.row_id], number) if number else None for r in records]
    kept = [r for r, reject in zip(after, rejects, strict=True) if reject is None]
    return kept, [r for r in rejects if r], table
