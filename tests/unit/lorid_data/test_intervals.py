"""Intervals against values from the literature, and their coverage by simulation."""

from __future__ import annotations

import random

import pytest

from lorid_data.intervals import effective_n, rogan_gladen, wilson


def test_wilson_at_known_counts() -> None:
    assert wilson(5, 100) == pytest.approx((0.02154, 0.11175), abs=1e-5)
    assert wilson(0, 50) == pytest.approx((0.0, 0.07135), abs=1e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 correct of 2"):
        wilson(3, 2)


def test_clusters_that_agree_within_are_worth_one_each() -> None:
    alike = [(4, 4), (0, 4), (4, 4), (0, 4), (0, 4), (0, 4), (4, 4), (0, 4)]
    assert effective_n(alike) == pytest.approx(7.0)
    single = [(1, 1), (0, 1)] * 20
    assert effective_n(single) == pytest.approx(39.0)
    assert effective_n([(0, 5)] * 6) == 6.0  # nothing seen: one per cluster
    assert effective_n([(3, 5)]) == 1.0


def test_a_rate_is_corrected_for_the_judges_errors() -> None:
    found = rogan_gladen((12, 100), (80, 100), (95, 100))
    assert found is not None
    assert found.value == pytest.approx(0.0933, abs=1e-4)
    assert (found.low, found.high) == pytest.approx((0.0, 0.20552), abs=1e-5)
    assert rogan_gladen((12, 100), (5, 100), (95, 100)) is None  # no better than chance
    assert rogan_gladen((12, 100), (0, 0), (95, 100)) is None
    none = rogan_gladen((0, 100), (90, 100), (90, 100))
    assert none is not None
    assert none.value == 0.0


def test_the_corrected_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = random.Random(1)

    def count(p: float, n: int) -> int:
        return sum(rng.random() < p for _ in range(n))

    truth, se, sp, hits = 0.08, 0.85, 0.93, 0
    for _ in range(600):
        apparent = count(truth * se + (1 - truth) * (1 - sp), 200)
        found = rogan_gladen((apparent, 200), (count(se, 60), 60), (count(sp, 60), 60))
        hits += found is not None and found.low <= truth <= found.high
    assert 0.92 <= hits / 600 <= 0.99
