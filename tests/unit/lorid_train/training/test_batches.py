"""Which rows share a batch: by length, by seed and epoch, and nothing is lost."""

from __future__ import annotations

import random

from lorid_train.training.batches import LengthGroupedSampler, RowNumberCollator


def padding(lengths: list[int], order: list[int], batch: int) -> int:
    parts = [order[i : i + batch] for i in range(0, len(order), batch)]
    return sum(max(lengths[i] for i in p) * len(p) - sum(lengths[i] for i in p) for p in parts)


def test_every_row_once_and_little_padding() -> None:
    rng = random.Random(0)
    lengths = [rng.randint(10, 200) for _ in range(403)]
    order = list(LengthGroupedSampler(lengths, 8, seed=1))
    assert sorted(order) == list(range(403))
    assert padding(lengths, order, 8) < 0.2 * padding(lengths, rng.sample(range(403), 403), 8)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = list(range(100))
    one, two = LengthGroupedSampler(lengths, 4, seed=1), LengthGroupedSampler(lengths, 4, seed=1)
    first = list(one)
    one.set_epoch(1)
    two.set_epoch(1)
    assert list(one) == list(one) == list(two) != first
    assert list(LengthGroupedSampler(lengths, 4, seed=2)) != first


def test_lengths_are_not_sorted_over_the_epoch() -> None:
    """Long batches first would train on them at the highest learning rate only."""
    lengths = list(range(400))
    order = list(LengthGroupedSampler(lengths, 4, seed=0))
    firsts = [lengths[i] for i in order[::4]]
    assert firsts not in (sorted(firsts), sorted(firsts, reverse=True))


def test_a_batch_names_each_of_its_rows_once() -> None:
    collate = RowNumberCollator(lambda examples: {"n": len(examples)})
    assert collate([{"row": [7, 7]}, {"row": [2, 3, 3]}]) == {"n": 2, "rows": [2, 3, 7]}
