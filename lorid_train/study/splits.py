"""Which records a cell trains on, is tested on and validated on. Pure.

Everything that is chosen is chosen by the hash of a seed and an id: the order of a table does
not matter, and the same seed chooses the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import islice, zip_longest

from lorid_data.errors import ConfigError
from lorid_data.schema import Record, sha256_text
from lorid_data.split.blocks import blocks_of
from lorid_data.texts.counting import count

Splits = dict[str, list[Record]]
"""Records of `train`, `test` and `validation`."""
ORIGINAL = "original_id"


def split(
    records: Sequence[Record], *, seed: int, test_fraction: float, validation_fraction: float
) -> Splits:
    """Train, test and validation rows of a table.

    Where rows are named `train` and `test`, they are that; else a seeded part of the problems is
    tested on. Rows named `validation` are that; else a seeded part of the training problems is.
    Variants of one question stay together, as in `lorid-data split`. Rows of other names are left aside.
    """
    by_name: Splits = {}
    for r in records:
        by_name.setdefault(r.split, []).append(r)
    if "train" in by_name and "test" in by_name:
        train, test = by_name["train"], by_name["test"]
        n = len(set(blocks_of(train, ORIGINAL)))
    else:
        validation_rows = by_name.pop("validation", None)
        pool = [r for rows in by_name.values() for r in rows]
        if validation_rows is not None:
            by_name["validation"] = validation_rows
        n = len(set(blocks_of(pool, ORIGINAL)))
        test, train = _parted(pool, round(test_fraction * n), f"{seed}/test")
    if "validation" in by_name:
        return {"train": train, "test": test, "validation": by_name["validation"]}
    validation, train = _parted(train, round(validation_fraction * n), f"{seed}/validation")
    return {"train": train, "test": test, "validation": validation}


def _parted(
    records: Sequence[Record], n_problems: int, key: str
) -> tuple[list[Record], list[Record]]:
    """The rows of `n_problems` original questions, and the others, each in their order."""
    blocks = blocks_of(records, ORIGINAL)
    chosen = set(islice(_in_order(set(blocks), key), n_problems))
    return (
        [r for r, b in zip(records, blocks, strict=True) if b in chosen],
        [r for r, b in zip(records, blocks, strict=True) if b not in chosen],
    )


def _in_order(ids: Iterable[str], key: str) -> list[str]:
    return sorted(ids, key=lambda i: sha256_text(f"{key}/{i}"))


def group_of(record: Record, column: str) -> Hashable:
    """What a record's group is; None where the column is empty."""
    value: Hashable = getattr(record, column)
    return value


def of_groups(splits: Mapping[str, Sequence[Record]], column: str, n: int, seed: int) -> Splits:
    """The rows of at most `n` groups, spread evenly over how often groups are trained on.

    One group of each frequency is taken in turn, from the rarest on, until there are `n`.
    """
    trained = Counter(group_of(r, column) for r in splits["train"])
    groups = {group_of(r, column) for rows in splits.values() for r in rows}
    by_frequency: dict[int, list[Hashable]] = {}
    for group in sorted(groups, key=lambda g: sha256_text(f"{seed}/{g}")):
        by_frequency.setdefault(trained[group], []).append(group)
    in_turn = zip_longest(*(of for _, of in sorted(by_frequency.items())), fillvalue=_NONE)
    kept = set(islice((g for turn in in_turn for g in turn if g is not _NONE), n))
    return {name: [r for r in rows if group_of(r, column) in kept] for name, rows in splits.items()}


_NONE = object()


def limited(records: Sequence[Record], n: int | None, seed: int) -> list[Record]:
    """At most `n` records, in their order."""
    if n is None or len(records) <= n:
        return list(records)
    kept = set(_in_order((r.row_id for r in records), str(seed))[:n])
    return [r for r in records if r.row_id in kept]


def check(splits: Mapping[str, Sequence[Record]], where: str) -> None:
    """Refuse splits that no study can be made of.

    Raises:
        ConfigError: one is empty, two share a question, or no training row has knowledge; all at once.
    """
    problems = [
        f"{where}: no rows of {name!r} are left; name more rows, or a smaller fraction"
        for name, rows in splits.items()
        if not rows
    ]
    trained = {r.problem_id for r in splits["train"]}
    problems += [
        f"{where}: {count(n, 'question')} of {name!r} found in 'train' too; see lorid-data decontaminate"
        for name in ("test", "validation")
        if (n := len(trained & {r.problem_id for r in splits[name]}))
    ]
    if splits["train"] and not any(r.knowledge for r in splits["train"]):
        problems.append(
            f"{where}: no row has knowledge, which this study is about; see lorid-data build --teacher"
        )
    if problems:
        raise ConfigError(*problems)
