"""Intervals and tests against values that are known from elsewhere, and their laws."""

from __future__ import annotations

import math
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.metrics.intervals import (
    bootstrap_mean,
    bootstrap_ratio,
    mean_normal,
    paired_bootstrap,
    wilson,
)
from lorid_train.metrics.significance import detectable_difference, holm, mcnemar_exact


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 5_000))
    return draw(st.integers(0, n)), n


def test_wilson_of_published_examples() -> None:
    # Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29, method 3.
    for n_correct, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        interval = wilson(n_correct, n)
        assert interval.low == pytest.approx(low, abs=5e-5)
        assert interval.high == pytest.approx(high, abs=5e-5)


def test_wilson_knows_nothing_of_nothing_and_refuses_nonsense() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    for bad in ((-1, 3), (4, 3), (0, -1)):
        with pytest.raises(ValueError, match="counts must satisfy"):
            wilson(*bad)


@given(counts())
def test_wilson_holds_the_fraction_and_is_symmetric(pair: tuple[int, int]) -> None:
    n_correct, n = pair
    low, high = wilson(n_correct, n)
    assert 0 <= low <= n_correct / n <= high <= 1
    mirrored = wilson(n - n_correct, n)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high))


@given(counts())
def test_wilson_inverts_the_score_test(pair: tuple[int, int]) -> None:
    # An end that is inside (0, 1) is a p0 whose score test is exactly at the border.
    n_correct, n = pair
    for p0 in wilson(n_correct, n):
        if 1e-9 < p0 < 1 - 1e-9:
            z = abs(n_correct / n - p0) / math.sqrt(p0 * (1 - p0) / n)
            assert z == pytest.approx(1.959964, rel=1e-5)


def test_mcnemar_of_known_values() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 5) == 1.0
    assert mcnemar_exact(1, 9) == pytest.approx(2 * 11 / 1024)
    assert mcnemar_exact(0, 6) == pytest.approx(2 / 64)
    assert 0 < mcnemar_exact(0, 900) < 1e-250
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 2)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_tail_and_symmetric(b: int, c: int) -> None:
    n = b + c
    tail = sum(comb(n, i) for i in range(min(b, c) + 1)) / 2**n
    assert mcnemar_exact(b, c) == pytest.approx(min(1.0, 2 * tail))
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)


def test_holm_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(ps: list[float]) -> None:
    adjusted = holm(ps)
    for p, a in zip(ps, adjusted, strict=True):
        assert p <= a <= min(1.0, len(ps) * p) + 1e-12
    for (p, a), (q, b) in zip(
        zip(ps, adjusted, strict=True), list(zip(ps, adjusted, strict=True))[1:], strict=False
    ):
        assert (a - b) * (p - q) >= 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(0, 3))
def test_bootstrap_stays_in_the_range_and_repeats(values: list[float], seed: int) -> None:
    interval = bootstrap_mean(values, seed=seed, n_resamples=200)
    slack = 1e-9 * max(1.0, max(map(abs, values)))
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack
    assert interval == bootstrap_mean(values, seed=seed, n_resamples=200)


def test_bootstrap_width_is_that_of_the_mean() -> None:
    values = [float(i % 2) for i in range(400)]
    low, high = bootstrap_mean(values)
    assert (high - low) / 2 == pytest.approx(1.96 * 0.5 / 20, rel=0.05)
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.01)
    uneven = [i**1.5 for i in range(50)]
    assert bootstrap_mean(uneven, seed=1) != bootstrap_mean(uneven, seed=0)


def test_clustering_widens_what_copies_would_narrow() -> None:
    # Ten copies of each problem's flag carry the information of one.
    clustered = bootstrap_ratio([10.0 * (i % 2) for i in range(100)], [10.0] * 100)
    independent = bootstrap_mean([float(i % 2) for i in range(1000)])
    assert clustered.high - clustered.low > 2.5 * (independent.high - independent.low)


def test_bootstrap_of_nothing_and_of_nonsense() -> None:
    assert all(math.isnan(e) for e in bootstrap_mean([]))
    for bad in (([1.0], [0.0]), ([1.0], [])):
        with pytest.raises(ValueError, match="one positive denominator each"):
            bootstrap_ratio(*bad)


def test_a_pair_cancels_what_both_share() -> None:
    hard = [float(i % 2) for i in range(200)]
    better = [1.0 if i < 4 else h for i, h in enumerate(hard)]
    low, high = paired_bootstrap(better, hard)
    assert 0 <= low <= 0.01 <= high < 0.03
    assert paired_bootstrap(hard, hard) == (0.0, 0.0)
    with pytest.raises(ValueError, match="same problems"):
        paired_bootstrap([1.0], [])


def test_mean_normal_is_the_textbook_interval() -> None:
    low, high = mean_normal([1.0, 2.0, 3.0, 4.0])
    half = 1.959964 * math.sqrt(5 / 3 / 4)
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half))
    assert all(math.isnan(e) for e in mean_normal([3.0]))


def test_detectable_difference_of_gsm8k() -> None:
    assert detectable_difference(0.1, 1319) == pytest.approx(0.0244, abs=1e-4)


def test_few_questions_find_what_the_exact_test_can_find() -> None:
    """Of 20 problems six must differ, all one way: with the difference found, that is likely."""
    assert mcnemar_exact(5, 0) > 0.05 > mcnemar_exact(6, 0)
    p = detectable_difference(0.05, 20)
    chance = sum(math.comb(20, k) * p**k * (1 - p) ** (20 - k) for k in range(6, 21))
    assert chance == pytest.approx(0.8, abs=0.1)
    assert detectable_difference(0.05, 5) > 1
