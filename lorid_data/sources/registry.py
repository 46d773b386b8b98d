"""Every source by its name: what `build SOURCE` accepts."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.paths import is_special, no_file
from lorid_data.folders.spool import Spool
from lorid_data.folders.tables import SUFFIXES, files_of, is_pattern, open_tables, unpacked
from lorid_data.hub import reading
from lorid_data.hub.ids import is_hub_id, near
from lorid_data.schema import Problem
from lorid_data.sources.columns import Reading, faults
from lorid_data.sources.layout import OURS
from lorid_data.sources.problems import Chained, Defaults, read_problems
from lorid_data.sources.published_programs import left_out
from lorid_data.sources.table import content_hash
from lorid_data.texts.counting import count

NAMED = ("gsm8k", "math", "svamp", "champ", "arithmetic", "concepts")
COPIED = ("gsm8k", "math", "svamp", "champ")
"""Sources of which a local copy can be named."""
_FOLDERS = ("gsm8k", "math")
"""Those whose copy is a folder; of the others it may be their one file."""
_DRAWN = ("arithmetic", "concepts")
"""Sources that make their problems by rule, from a seed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source gave.

    Attributes:
        name: the source as its problems name it.
        problems: the chosen rows, in source order; on disk, so that a source of any length can be gone
            through a row at a time, as often as is needed.
        content_sha256: of the whole split, in its order, whatever the limit.
        n_available: rows of the whole split.
        warnings: sentences for people.
    """

    name: str
    problems: Sequence[Problem]
    content_sha256: str
    n_available: int
    warnings: tuple[str, ...] = ()


def load(
    source: str,
    *,
    split: str = "train",
    limit: int | None = None,
    source_path: str | None = None,
    seed: int = 0,
    scale: int = 1,
    columns: Mapping[str, str] | None = None,
) -> Loaded:
    """Read a split of a source.

    Args:
        source: `gsm8k`, `math`, `svamp`, `champ[:concepts|:hints]`, `arithmetic`, `concepts`, a Hub id
            (`org/name[@revision][:config]`), a folder laid out like the Hub's, a table file, or a pattern
            of such files (`part-*.jsonl`).
        split: name of the split.
        limit: at most so many rows, spread evenly over the subjects; None takes all.
        source_path: a local copy of a source of `COPIED`.
        seed: which problems `arithmetic` draws, which world `concepts` is; other sources have none.
        scale: how many times larger the numbers of `arithmetic` may be than a small student's.
        columns: which column of a table holds what, see `columns.Reading`.

    Raises:
        ConfigError: an unknown source or split, or an option that the source does not take.
        InputError: the source cannot be read, lacks a column or has no rows.
    """
    _check(source, limit, source_path, seed, scale, columns)
    problems: Sequence[Problem]
    read = Reading(columns or {})
    if source == "arithmetic":
        return _arithmetic(split, seed, scale, limit)
    if source == "concepts":
        return _concepts(split, seed, limit)
    if source == "gsm8k":
        from lorid_data.sources import gsm8k

        problems, warnings = gsm8k.load(split, source_path=source_path)
    elif source == "math":
        from lorid_data.sources import math

        problems, warnings = math.load(split, source_path=source_path)
    elif source == "svamp":
        from lorid_data.sources import svamp

        problems, warnings = svamp.load(split, source_path=source_path)
    elif named(source) == "champ":
        from lorid_data.sources import champ

        kind = source.partition(":")[2] or None
        problems, warnings = champ.load(split, kind=kind, source_path=source_path)
    elif Path(source).is_file() or is_pattern(source):
        problems, warnings = load_file(source, split, read=read)
    else:
        problems, warnings = _load_any(reading.parse_ref(source), split, read)
    if not problems:
        raise InputError(f"{source}: no rows of split {split!r}; an empty source is refused")
    chosen = problems if limit is None else spread(problems, limit)
    first = next(iter(problems)).source
    return Loaded(first, chosen, content_hash(problems), len(problems), tuple(warnings))


def named(source: str) -> str | None:
    """The source of `NAMED` that is meant: `champ` of `champ:hints`; None where it is another thing."""
    name = "champ" if source.startswith("champ:") and not Path(source).exists() else source
    return name if name in NAMED else None


def spread(problems: Sequence[Problem], limit: int) -> Sequence[Problem]:
    """`limit` rows spread evenly over the subjects, in source order; all rows where there are fewer.

    Each subject gives its first rows. What a small subject cannot give, the others share; a rest
    goes to the subjects that come first.
    """
    return Chained([problems], _evenly((p.subject for p in problems), limit))


def _evenly(subjects: Iterable[str | None], limit: int) -> array[int]:
    """The numbers of the rows that `spread` takes, by the subject of each row."""
    names: dict[str | None, int] = {}
    rows = array("q", (names.setdefault(s, len(names)) for s in subjects))
    sizes = [0] * len(names)
    for number in rows:
        sizes[number] += 1
    quota = [0] * len(names)
    left = min(limit, len(rows))
    while left:
        open_subjects = [s for s in range(len(sizes)) if quota[s] < sizes[s]]
        share = max(left // len(open_subjects), 1)
        for s in open_subjects[:left]:
            more = min(share, sizes[s] - quota[s])
            quota[s] += more
            left -= more
    chosen = array("q")
    for i, number in enumerate(rows):
        if quota[number]:
            quota[number] -= 1
            chosen.append(i)
    return chosen


def load_file(
    path: str,
    split: str | None,
    *,
    default_split: str = "train",
    licence: str = "unknown",
    read: Reading | None = None,
) -> tuple[Sequence[Problem], list[str]]:
    """The problems of a table file, on disk, or of several that a pattern fits.

    Args:
        path: parquet, Arrow, JSON, JSON Lines or CSV.
        split: keep the rows of this split only; None keeps all.
        default_split: the split of rows that name none.
        licence: the licence of rows that name none.
        read: which column is what, and what becomes of a row that cannot be read.

    Raises:
        InputError: it cannot be read, or lacks a column.
    """
    table = open_tables(files_of(path), read.bad if read else None, path)
    # Without a column `split` the whole table is the split that is asked for.
    unnamed = default_split if split is None or "split" in table.columns else split
    problems, warnings = read_problems(table, Defaults(name_of(path), unnamed, licence), read)
    if split is None or "split" not in table.columns:
        return problems, warnings
    return of_split(problems, split), warnings


def of_split(problems: Sequence[Problem], split: str) -> Sequence[Problem]:
    """Those of a split."""
    return Chained([problems], array("q", (i for i, p in enumerate(problems) if p.split == split)))


def name_of(path: str) -> str:
    """What the rows of a table file are called: `rows` of rows.jsonl, rows.jsonl.gz and rows-*.jsonl."""
    if not is_pattern(path):
        return Path(unpacked(Path(path))).stem
    plain = re.split(r"[*?\[]", Path(path).name)[0].rstrip("-_. ")
    return plain or Path(path).resolve().parent.name


def _load_any(
    ref: reading.HubRef, split: str, read: Reading
) -> tuple[Sequence[Problem], list[str]]:
    """Every configuration of a Hub dataset or local folder; a configuration is a subject."""
    configs = reading.config_names(ref)
    warnings: list[str] = []
    if set(configs) >= OURS:
        warnings += left_out(str(ref), configs)
        configs = ("default",)  # published by this project: the others are made of these rows
    licence = reading.licence_of(ref)
    name = Path(ref.id).resolve().name if ref.is_local else ref.id
    parts: list[Sequence[Problem]] = []
    if len(configs) > 1:
        warnings.append(f"{ref}: reading all {len(configs)} configurations: {', '.join(configs)}")
    for config in configs:
        subject = config if len(configs) > 1 else None
        with reading.opened(ref, config, split) as table:
            some, said = read_problems(table, Defaults(name, split, licence, subject), read)
        if parts:
            _refuse_repeats(ref, config, Chained(parts), some)
        parts.append(some)
        warnings += said
    return (parts[0] if len(parts) == 1 else Chained(parts)), warnings


def _refuse_repeats(
    ref: reading.HubRef, config: str, before: Iterable[Problem], problems: Sequence[Problem]
) -> None:
    """A configuration whose questions are those of others is another form of the same rows."""
    known = {bytes.fromhex(p.problem_id) for p in before}
    n = sum(bytes.fromhex(p.problem_id) in known for p in problems)
    if 2 * n > len(problems):
        raise InputError(
            f"{ref}: {n:,} of the {count(len(problems), 'question')} of its configuration {config!r} stand in others too; "
            f"name the one to read behind a colon, like {ref}:{config}"
        )


def _arithmetic(split: str, seed: int, scale: int, limit: int | None) -> Loaded:
    from lorid_data.sources.arithmetic import generate as arithmetic

    whole = Spool(Problem, arithmetic.load(split, seed=seed, scale=scale))
    chosen = whole
    if limit is not None:
        chosen = Spool(Problem, arithmetic.load(split, seed=seed, scale=scale, limit=limit))
    return Loaded("arithmetic", chosen, content_hash(whole), len(whole))


def _concepts(split: str, seed: int, limit: int | None) -> Loaded:
    from lorid_data.sources.concepts import generate as concepts

    whole = concepts.load(split, seed=seed)
    chosen = whole if limit is None else spread(whole, limit)
    return Loaded("concepts", chosen, content_hash(whole), len(whole))


def _check(
    source: str,
    limit: int | None,
    source_path: str | None,
    seed: int,
    scale: int,
    columns: Mapping[str, str] | None,
) -> None:
    problems = faults(columns or {})
    if columns and named(source) is not None:
        problems.append(f"--columns is for tables; the source {source!r} has its own")
    if limit is not None and limit < 1:
        problems.append(f"limit is {limit!r}; it must be 1 or more")
    problems += [] if source_path is None else _faults_of_copy(source, source_path)
    if scale != 1 and source != "arithmetic":
        problems.append(f"--scale {scale!r}: only 'arithmetic' draws its numbers")
    if seed and source not in _DRAWN:
        problems.append(f"--seed {seed!r}: only {' and '.join(_DRAWN)} draw their problems")
    problems += [] if named(source) is not None else _faults_of_place(source)
    if problems:
        raise ConfigError(*problems)


def _faults_of_copy(source: str, source_path: str) -> list[str]:
    """What is wrong with a local copy of a source."""
    name, path = named(source), Path(source_path)
    if name not in COPIED:
        return [f"--source-path {source_path!r} is for {', '.join(COPIED)}; name the path itself as the source"]  # fmt: skip
    if path.is_dir() or (path.is_file() and name not in _FOLDERS):
        return []
    what = "folder" if name in _FOLDERS else "file or folder"
    said = no_file(path) if is_special(path) else f"no such {what}{near(source_path)}"
    return [f"--source-path {source_path!r}: {said}"]


def _faults_of_place(source: str) -> list[str]:
    """What is wrong with a source that is none of `NAMED`: a path, a pattern or a Hub id."""
    if is_special(Path(source)):
        return [f"{source}: {no_file(Path(source))}"]
    is_there = Path(source).exists() or is_pattern(source) or reading.parse_ref(source).is_local
    if (source.strip() and is_there) or is_hub_id(source):  # the empty path is where one stands
        return []
    return [
        f"unknown source {source!r}; give {', '.join(NAMED)}, a Hub id (org/name), an existing "
        f"folder, or a table ({', '.join(SUFFIXES)}){near(source)}"
    ]
