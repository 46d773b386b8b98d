"""A dataset as others publish it: a folder, or a repository of the Hub, with a file per split.

LoRID-Math/GSM8K has its training rows in parquet and its test rows in JSON Lines, which
`datasets.load_dataset` does not read together. So every file is read for what it is, and its
name says the split: `train-00000-of-00001.parquet`, `test.jsonl`, `data/train.jsonl`.
"""

from __future__ import annotations

import re
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.tables import SUFFIXES, Table, read_table
from lorid_data.hub import reading
from lorid_data.hub.calls import Patience
from lorid_data.hub.snapshots import download, split_id
from lorid_data.schema import Problem
from lorid_data.sources.table import problems_of

_NAME = re.compile(r"(\w+?)(?:-\d+-of-\d+)?", re.ASCII)
_ORDER = ("train", "validation", "test")


def load_folder(
    name: str,
    licence: str | None,
    patience: Patience | None = None,
    *,
    subject_column: str | None = None,
) -> tuple[str, list[Problem], list[str]]:
    """Every row of every split.

    Args:
        name: a folder, or `owner/name[@revision]` on the Hub.
        licence: of rows that name none; None takes what the card states.
        patience: how failures that pass are waited for.
        subject_column: the column that holds the subject, where it is called something else.

    Returns:
        What it is called (with its commit, on the Hub), its problems, and warnings for people.

    Raises:
        InputError: no table there, or one that cannot be read.
        ConfigError: the repository cannot be downloaded.
    """
    found = split_id(name)
    if found is None:
        folder, source, called = Path(name), Path(name).resolve().name, Path(name).resolve().name
    else:
        patterns = ["README.md", *(f"*{s}" for s in SUFFIXES)]
        folder = download(found[0], "dataset", found[1], patterns, patience or Patience())
        source, called = found[0], f"{found[0]}@{folder.name}"
    stated = licence or reading.licence_of(reading.HubRef(str(folder)))
    problems: list[Problem] = []
    warnings: list[str] = []
    for split, files in split_files(folder).items():
        table = _joined([read_table(f) for f in files])
        some, said = problems_of(
            table, source=source, split=split, licence=stated, subject_column=subject_column
        )
        problems += some
        warnings += said
    return called, problems, warnings


def split_files(folder: Path) -> dict[str, list[Path]]:
    """The table files of each split, train, validation and test first.

    Raises:
        InputError: there are none.
    """
    by_split: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).parts
        if path.suffix in SUFFIXES and not any(p.startswith(".") for p in inner):
            match = _NAME.fullmatch(path.stem)
            by_split.setdefault(match[1] if match else path.stem, []).append(path)
    if not by_split:
        msg = f"{folder}: no table there; expected one file per split, like train.jsonl ({', '.join(SUFFIXES)})"
        raise InputError(msg)
    order = [s for s in _ORDER if s in by_split]
    return {s: by_split[s] for s in (*order, *(s for s in by_split if s not in order))}


def _joined(tables: list[Table]) -> Table:
    """The shards of a split as one table: rows of one id may stand in several."""
    if len(tables) == 1:
        return tables[0]
    columns = tuple(dict.fromkeys(c for t in tables for c in t.columns))
    rows = [{c: r.get(c) for c in columns} for t in tables for r in t.rows]
    return Table(tables[0].where, columns, rows)
