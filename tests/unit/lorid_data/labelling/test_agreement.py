"""Coefficients with published values; undefined where they are; intervals of the expected width."""

from __future__ import annotations

import pytest

from lorid_data.labelling.agreement import cohen_kappa, cross_table, gwet_ac1, raw_agreement


def test_a_cross_table_counts_pairs() -> None:
    pairs = [("good", "good"), ("good", "bad"), ("bad", "bad"), ("good", "good")]
    assert cross_table(pairs, ["good", "bad"]) == ((2, 1), (0, 1))
    with pytest.raises(KeyError):
        cross_table([("good", "other")], ["good", "bad"])


def test_cohens_example() -> None:
    # Cohen's kappa of 20/5/10/15: observed .70, expected .50.
    assert cohen_kappa(((20, 5), (10, 15))).value == pytest.approx(0.4)
    assert raw_agreement(((20, 5), (10, 15))).value == pytest.approx(0.7)


def test_gwets_example_of_the_paradox() -> None:
    # Gwet 2008, Table 1: 118, 5, 2, 0 of 125: raw .944, kappa -.0234, AC1 .9408.
    table = ((118, 5), (2, 0))
    assert raw_agreement(table).value == pytest.approx(0.944)
    assert cohen_kappa(table).value == pytest.approx(-0.0234, abs=5e-5)
    assert gwet_ac1(table).value == pytest.approx(0.9408, abs=5e-5)


def test_three_categories() -> None:
    table = ((10, 2, 1), (1, 8, 1), (0, 2, 5))
    agreed, n = 23 / 30, 30
    chance = (13 * 11 + 10 * 12 + 7 * 7) / n**2
    assert cohen_kappa(table).value == pytest.approx((agreed - chance) / (1 - chance))
    shares = [(13 + 11) / 60, (10 + 12) / 60, (7 + 7) / 60]
    chance = sum(p * (1 - p) for p in shares) / 2
    assert gwet_ac1(table).value == pytest.approx((agreed - chance) / (1 - chance))


def test_kappa_is_not_defined_where_nobody_used_a_category() -> None:
    found = cohen_kappa(((50, 0), (0, 0)))
    assert (found.value, found.ci_low, found.ci_high) == (None, None, None)
    assert gwet_ac1(((50, 0), (0, 0))).value == 1.0
    assert raw_agreement(((50, 0), (0, 0))).ci_low == pytest.approx(0.929, abs=1e-3)


def test_nothing_follows_from_nothing() -> None:
    for coefficient in (raw_agreement, cohen_kappa, gwet_ac1):
        assert coefficient(((0, 0), (0, 0))).value is None


def test_an_interval_that_most_resamples_do_not_support_is_left_out() -> None:
    # One of 50 used the category: in 36 % of the resamples nobody did.
    found = cohen_kappa(((49, 0), (0, 1)))
    assert found.value == pytest.approx(1.0)
    assert found.ci_low is None


@pytest.mark.parametrize("table", [((9, 3), (0, 0)), ((12, 0), (0, 0))])
def test_resamples_that_all_agree_are_no_interval(table: tuple[tuple[int, int], ...]) -> None:
    for found in (cohen_kappa(table), gwet_ac1(table)):
        assert found.ci_low is None or found.ci_low < (found.ci_high or 0)
    assert cohen_kappa(((9, 3), (0, 0))).value == 0.0


@pytest.mark.parametrize(
    ("table", "kappa", "half"),
    [
        (((86, 4), (4, 6)), 0.556, 0.28),  # 100 samples, 10 % prevalence
        (((61, 9), (9, 21)), 0.571, 0.17),  # 100 samples, 30 % prevalence
    ],
)
def test_intervals_are_as_wide_as_expected(
    table: tuple[tuple[int, int], tuple[int, int]], kappa: float, half: float
) -> None:
    found = cohen_kappa(table)
    assert found.value == pytest.approx(kappa, abs=1e-3)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert (found.ci_high - found.ci_low) / 2 == pytest.approx(half, abs=0.03)
    assert found.ci_low < kappa < found.ci_high
    assert cohen_kappa(table) == found
