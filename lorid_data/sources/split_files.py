"""A dataset as others publish it: a folder, or a repository of the Hub, with a file per split.

Which file is which split is decided by the Hub's own rules (`layout`). Each is read for what it is:
LoRID-Math/GSM8K has its training rows in parquet and its test rows in JSON Lines, which
`datasets.load_dataset` does not read together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.tables import SUFFIXES, open_tables
from lorid_data.hub import reading
from lorid_data.hub.calls import Patience
from lorid_data.hub.snapshots import download
from lorid_data.schema import Problem
from lorid_data.sources.columns import Reading
from lorid_data.sources.layout import layout
from lorid_data.sources.problems import Chained, Defaults, read_problems
from lorid_data.sources.published_programs import with_programs


def load_folder(
    name: str,
    licence: str | None,
    patience: Patience | None = None,
    *,
    read: Reading | None = None,
) -> tuple[str, Sequence[Problem], list[str]]:
    """Every row of every split.

    Args:
        name: a folder, or `owner/name[@revision]` on the Hub; each may name one of its
            configurations behind a colon.
        licence: of rows that name none; None takes what the card states.
        patience: how failures that pass are waited for.
        read: which column is what, and what becomes of a row that cannot be read.

    Returns:
        What it is called (with its commit, on the Hub), its problems (on disk), and warnings for people.

    Raises:
        InputError: no table there, or one that cannot be read.
        ConfigError: the repository cannot be downloaded.
    """
    ref = reading.parse_ref(name)
    read = read or Reading()
    if ref.is_local:
        folder = Path(ref.id)
        source = called = folder.resolve().name
    else:
        patterns = ["README.md", *(f"*{s}" for s in SUFFIXES)]
        folder = download(ref.id, "dataset", ref.revision, patterns, patience or Patience())
        source, called = ref.id, f"{ref.id}@{folder.name}"
    called += f":{ref.config}" if ref.config else ""
    stated = licence or reading.licence_of(reading.HubRef(str(folder)))
    # People know a download by its id. A folder of theirs, like `a`, is no text to look for.
    plain = str(folder) if ref.is_local else str(reading.HubRef(ref.id, ref.revision))
    try:
        found = layout(folder, ref.config)
    except InputError as e:
        raise InputError(str(e).replace(str(folder), plain)) from e
    parts: list[Sequence[Problem]] = []
    warnings = [w.replace(str(folder), plain) for w in found.warnings]
    for split, files in found.splits.items():
        table = open_tables(files, read.bad)
        some, said = read_problems(table, Defaults(source, split, stated), read)
        parts.append(some)
        warnings += said
    problems = Chained(parts)
    whole, of_programs = with_programs(problems, folder, ref.config, plain)
    return called, whole, [*warnings, *of_programs, *_twice(problems)]


def _twice(problems: Iterable[Problem]) -> list[str]:
    """Says where most questions of a split stand in it more than once, word for word."""
    import numpy as np

    ids: dict[str, bytearray] = {}
    for p in problems:
        ids.setdefault(p.split, bytearray()).extend(bytes.fromhex(p.problem_id)[:16])
    n_rows = {split: len(some) // 16 for split, some in ids.items()}
    n_questions = {split: len(np.unique(np.frombuffer(bytes(some), "<u8").reshape(-1, 2), axis=0)) for split, some in ids.items()}  # fmt: skip
    return [
        f"{n - n_questions[split]:,} of {n:,} rows of the split {split!r} ask a question that another row asks word for "
        "word; if two variants of the dataset lie in one folder, name the folder of one of them"
        for split, n in n_rows.items()
        if 3 * n_questions[split] <= 2 * n
    ]


def split_files(folder: Path) -> dict[str, list[Path]]:
    """The table files of each split, train, validation and test first.

    Raises:
        InputError: there are none.
    """
    return {split: list(files) for split, files in layout(folder).splits.items()}
