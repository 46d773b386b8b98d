"""Every source by its name: what `build SOURCE` accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.tables import SUFFIXES, read_table
from lorid_data.hub import reading
from lorid_data.hub.ids import is_hub_id, near
from lorid_data.schema import Problem
from lorid_data.sources.layout import OURS
from lorid_data.sources.table import Reading, content_hash
from lorid_data.texts.counting import count

NAMED = ("gsm8k", "math", "arithmetic", "concepts")
_DRAWN = ("arithmetic", "concepts")
"""Sources that make their problems by rule, from a seed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source gave.

    Attributes:
        name: the source as its problems name it.
        problems: the chosen rows, in source order.
        content_sha256: of the whole split, in its order, whatever the limit.
        n_available: rows of the whole split.
        warnings: sentences for people.
    """

    name: str
    problems: tuple[Problem, ...]
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
) -> Loaded:
    """Read a split of a source.

    Args:
        source: `gsm8k`, `math`, `arithmetic`, `concepts`, a Hub id (`org/name[@revision][:config]`), a folder
            laid out like the Hub's, or a table file.
        split: name of the split.
        limit: at most so many rows, spread evenly over the subjects; None takes all.
        source_path: a local copy of `gsm8k` or `math`.
        seed: which problems `arithmetic` draws, which world `concepts` is; other sources have none.

    Raises:
        ConfigError: an unknown source or split, or an option that the source does not take.
        InputError: the source cannot be read, lacks a column or has no rows.
    """
    _check(source, limit, source_path, seed)
    if source == "arithmetic":
        return _arithmetic(split, seed, limit)
    if source == "concepts":
        return _concepts(split, seed, limit)
    if source == "gsm8k":
        from lorid_data.sources import gsm8k

        problems, warnings = gsm8k.load(split, source_path=source_path)
    elif source == "math":
        from lorid_data.sources import math

        problems, warnings = math.load(split, source_path=source_path)
    elif Path(source).is_file():
        problems, warnings = load_file(Path(source), split)
    else:
        problems, warnings = _load_any(reading.parse_ref(source), split)
    if not problems:
        raise InputError(f"{source}: no rows of split {split!r}; an empty source is refused")
    chosen = problems if limit is None else spread(problems, limit)
    return Loaded(
        problems[0].source, tuple(chosen), content_hash(problems), len(problems), tuple(warnings)
    )


def spread(problems: Sequence[Problem], limit: int) -> list[Problem]:
    """`limit` rows spread evenly over the subjects, in source order; all rows where there are fewer.

    Each subject gives its first rows. What a small subject cannot give, the others share; a rest
    goes to the subjects that come first.
    """
    sizes: dict[str | None, int] = {}
    for p in problems:
        sizes[p.subject] = sizes.get(p.subject, 0) + 1
    quota = dict.fromkeys(sizes, 0)
    left = min(limit, len(problems))
    while left:
        open_subjects = [s for s in sizes if quota[s] < sizes[s]]
        share = max(left // len(open_subjects), 1)
        for s in open_subjects[:left]:
            more = min(share, sizes[s] - quota[s])
            quota[s] += more
            left -= more
    chosen = []
    for p in problems:
        if quota[p.subject]:
            quota[p.subject] -= 1
            chosen.append(p)
    return chosen


def load_file(
    path: Path,
    split: str | None,
    *,
    default_split: str = "train",
    licence: str = "unknown",
    read: Reading | None = None,
) -> tuple[list[Problem], list[str]]:
    """The problems of a table file.

    Args:
        path: parquet, JSON Lines or CSV.
        split: keep the rows of this split only; None keeps all.
        default_split: the split of rows that name none.
        licence: the licence of rows that name none.
        read: which column is what, and what becomes of a row that cannot be read.

    Raises:
        InputError: it cannot be read, or lacks a column.
    """
    from lorid_data.sources.table import problems_of

    table = read_table(path, read.bad if read else None)
    # Without a column `split` the whole table is the split that is asked for.
    unnamed = default_split if split is None or "split" in table.columns else split
    problems, warnings = problems_of(
        table, source=path.stem, split=unnamed, licence=licence, read=read
    )
    if split is None:
        return problems, warnings
    return [p for p in problems if p.split == split], warnings


def _load_any(ref: reading.HubRef, split: str) -> tuple[list[Problem], list[str]]:
    """Every configuration of a Hub dataset or local folder; a configuration is a subject."""
    from lorid_data.sources.table import problems_of

    configs = reading.config_names(ref)
    if set(configs) >= OURS:
        configs = ("default",)  # published by this project: the others are made of these rows
    licence = reading.licence_of(ref)
    name = Path(ref.id).resolve().name if ref.is_local else ref.id
    problems: list[Problem] = []
    warnings: list[str] = []
    if len(configs) > 1:
        warnings.append(f"{ref}: reading all {len(configs)} configurations: {', '.join(configs)}")
    for config in configs:
        table = reading.load(ref, config, split)
        some, said = problems_of(
            table,
            source=name,
            split=split,
            licence=licence,
            subject=config if len(configs) > 1 else None,
        )
        _refuse_repeats(ref, config, problems, some)
        problems += some
        warnings += said
    return problems, warnings


def _refuse_repeats(
    ref: reading.HubRef, config: str, before: Sequence[Problem], problems: Sequence[Problem]
) -> None:
    """A configuration whose questions are those of others is another form of the same rows."""
    known = {p.question for p in before}
    n = sum(p.question in known for p in problems)
    if 2 * n > len(problems):
        raise InputError(
            f"{ref}: {n:,} of the {count(len(problems), 'question')} of its configuration {config!r} stand in others too; "
            f"name the one to read behind a colon, like {ref}:{config}"
        )


def _arithmetic(split: str, seed: int, limit: int | None) -> Loaded:
    from lorid_data.sources.arithmetic import generate as arithmetic

    whole = list(arithmetic.load(split, seed=seed))
    chosen = whole if limit is None else list(arithmetic.load(split, seed=seed, limit=limit))
    return Loaded("arithmetic", tuple(chosen), content_hash(whole), len(whole))


def _concepts(split: str, seed: int, limit: int | None) -> Loaded:
    from lorid_data.sources.concepts import generate as concepts

    whole = concepts.load(split, seed=seed)
    chosen = whole if limit is None else spread(whole, limit)
    return Loaded("concepts", tuple(chosen), content_hash(whole), len(whole))


def _check(source: str, limit: int | None, source_path: str | None, seed: int) -> None:
    problems = []
    if limit is not None and limit < 1:
        problems.append(f"limit is {limit!r}; it must be 1 or more")
    if source_path is not None:
        if source not in ("gsm8k", "math"):
            problems.append(
                f"--source-path {source_path!r} is for gsm8k and math; name the path itself as the source"
            )
        elif not Path(source_path).is_dir():
            problems.append(f"--source-path {source_path!r}: no such folder{near(source_path)}")
    if seed and source not in _DRAWN:
        problems.append(f"--seed {seed!r}: only {' and '.join(_DRAWN)} draw their problems")
    is_there = Path(source).exists() or reading.parse_ref(source).is_local
    if source not in NAMED and not is_there and not is_hub_id(source):
        problems.append(
            f"unknown source {source!r}; give {', '.join(NAMED)}, a Hub id (org/name), an existing "
            f"folder, or a table ({', '.join(SUFFIXES)}){near(source)}"
        )
    if problems:
        raise ConfigError(*problems)
