"""Problems of the `arithmetic` source, split by split; deterministic by seed.

Whether a question belongs to train, validation or test follows from the sha256 of its text alone,
so the three are disjoint whatever the seed. `heldout` has families of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from lorid_data.errors import ConfigError
from lorid_data.schema import Problem, make_problem, problem_id
from lorid_data.sources.arithmetic.families_compare import COMPARE
from lorid_data.sources.arithmetic.families_heldout import HELDOUT
from lorid_data.sources.arithmetic.families_measure import MEASURE
from lorid_data.sources.arithmetic.families_share import SHARE
from lorid_data.sources.arithmetic.families_shop import SHOP
from lorid_data.sources.arithmetic.families_work import WORK
from lorid_data.sources.arithmetic.family import Family, draw

FAMILIES: tuple[Family, ...] = (*SHOP, *SHARE, *COMPARE, *WORK, *MEASURE)
"""The families of train, validation and test."""
HELDOUT_FAMILIES: tuple[Family, ...] = HELDOUT

SIZES = {"train": 10_000, "validation": 1_000, "test": 1_000, "heldout": 500}
"""Rows of a split where no limit is given."""
LICENCE = "Apache-2.0"
_PATIENCE = 10_000
LARGEST_SCALE = 30


def load(
    split: str, *, seed: int = 0, scale: int = 1, limit: int | None = None
) -> Iterator[Problem]:
    """Yield the problems of a split, one of each family in turn.

    The first `n` rows are the same for every limit of at least `n`. No question occurs twice. A
    family that gives nothing new in 10,000 draws is used up and drops out.

    Args:
        split: train, validation, test or heldout.
        seed: which of the many problems are drawn.
        scale: how many times larger their numbers may be, 1 to 30; above 1 a family whose numbers do not
            fit, such as hours of a day, gives no problems.
        limit: number of rows; by default the split's own size.

    Raises:
        ConfigError: an unknown split, a negative limit or a scale out of range.
    """
    if split not in SIZES:
        msg = f"source 'arithmetic' has no split {split!r}; it has {', '.join(SIZES)}"
        raise ConfigError(msg)
    if limit is not None and limit < 0:
        msg = f"limit is {limit!r}; it must be 0 or more"
        raise ConfigError(msg)
    if not 1 <= scale <= LARGEST_SCALE:
        msg = f"scale is {scale!r}; it must be 1 to {LARGEST_SCALE}"
        raise ConfigError(msg)
    return _round_robin(split, seed, scale, SIZES[split] if limit is None else limit)


def split_of(question: str) -> str:
    """The split that a question of the ordinary families belongs to: 80 : 10 : 10 by its sha256."""
    bucket = int(problem_id(question)[:8], 16) % 10
    return "train" if bucket < 8 else "validation" if bucket == 8 else "test"


def _round_robin(split: str, seed: int, scale: int, limit: int) -> Iterator[Problem]:
    families = HELDOUT_FAMILIES if split == "heldout" else FAMILIES
    drawn = f"{seed}" if scale == 1 else f"{seed}*{scale}"
    streams = [_problems(f, split, Random(f"{drawn}/{split}/{f.name}"), scale) for f in families]
    n = 0
    while streams:
        for stream in list(streams):
            if n == limit:
                return
            problem = next(stream, None)
            if problem is None:
                streams.remove(stream)
            else:
                n += 1
                yield problem


def _problems(family: Family, split: str, rng: Random, scale: int) -> Iterator[Problem]:
    """The distinct problems of one family that belong to `split`, until it is used up."""
    seen: set[bytes] = set()
    """What was drawn, by 16 bytes of its problem_id: a question takes twenty times as much."""
    idle = 0
    while idle < _PATIENCE:
        idle += 1
        try:
            instance = draw(family, rng, scale)
        except ValueError:
            if scale == 1:
                raise
            return  # its numbers cannot be so large
        short = bytes.fromhex(problem_id(instance.question)[:32])
        if short in seen:
            continue
        if split not in ("heldout", split_of(instance.question)):
            continue
        seen.add(short)
        idle = 0
        yield make_problem(
            source="arithmetic",
            split=split,
            question=instance.question,
            rationale=instance.rationale,
            answer=instance.answer,
            level=str(len(family.steps)),
            subject=family.name,
            licence=LICENCE,
            knowledge=family.knowledge,
            program=instance.program,
        )
