"""Intervals over clusters: known values, coverage by simulation, bins and spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lorid_train.metrics.rows import Metric
from lorid_train.study_report.bins import Bin, bins
from lorid_train.study_report.cells import Cell
from lorid_train.study_report.resampling import Estimate, Ratio, as_fraction, percentile, ratios
from lorid_train.study_report.spread import spread

ONES = np.ones(6)


def test_a_ratio_counts_rows_and_clusters_that_have_it() -> None:
    right = np.array([1.0, 0, 1, 1, 0, 0])
    here = np.array([1.0, 1, 1, 1, 0, 0])
    [whole, part, none] = ratios(
        [5, 5, 7, 7, 9, 9], [Ratio(right, ONES), Ratio(right, here), Ratio(right, ONES * 0)]
    )
    assert (whole.value, whole.n, whole.n_clusters) == (0.5, 6, 3)
    assert (part.value, part.n, part.n_clusters) == (0.75, 4, 2)
    assert none == Estimate(None, None, None, 1.0, 0, 0)
    assert whole.low is not None
    assert whole.high is not None
    # Three clusters with means ½, 1 and 0: nine in ten resamples lie between the ends.
    assert (whole.low, whole.high) == pytest.approx((0.0, 1.0), abs=0.17)


def test_nothing_to_count_is_said_so() -> None:
    assert ratios([1], []) == []
    empty = np.array([])
    assert ratios([], [Ratio(empty, empty)]) == [Estimate(None, None, None, 1.0, 0, 0)]


def test_the_same_rows_give_the_same_numbers_in_any_order() -> None:
    rng = np.random.default_rng(1)
    clusters = rng.integers(0, 30, 200)
    right, order = rng.integers(-20, 21, 200), rng.permutation(200)
    ones = np.full(200, 20)
    first = ratios(clusters, [Ratio(right, ones)])
    assert ratios(clusters, [Ratio(right, ones)]) == first
    assert ratios(clusters[order], [Ratio(right[order], ones)]) == first


def test_the_resamples_of_one_part_belong_together() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random(60), rng.random(60)
    clusters = np.arange(60) // 2
    one = np.ones(60)
    [of_a, of_b, same] = ratios(clusters, [Ratio(a, one), Ratio(b, one), Ratio(a - a, one)])
    assert of_a != of_b
    assert (same.low, same.high, same.p) == (None, None, 1.0)  # nothing was seen of how it varies


def test_p_is_twice_the_smaller_tail() -> None:
    values = np.array([-1.0] * 4 + [1.0] * 95 + [0.0])
    low, high, p = percentile(values)
    assert (low, high) == (-1.0, 1.0)
    assert p == pytest.approx(2 * (1 + 5) / 101)
    assert percentile(np.zeros(9))[2] == 1.0


def test_an_accuracy_at_its_end_still_has_width() -> None:
    sure = as_fraction(Estimate(1.0, 1.0, 1.0, 0.1, 400, 100))
    assert sure.high == 1.0
    assert sure.low == pytest.approx(0.963, abs=1e-3)
    inside = Estimate(0.5, 0.4, 0.6, 0.1, 400, 100)
    assert as_fraction(inside) == inside


def simulated(seed: int, *, n_clusters: int = 60, truth: float = 0.1) -> tuple[np.ndarray, ...]:
    """Paired differences with a cluster effect: mean `truth`, four rows a cluster."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(n_clusters), 4)
    by_cluster = np.repeat(rng.beta(1, 1, n_clusters), 4)
    first = rng.random(4 * n_clusters) < by_cluster * (1 - 2 * truth) + 2 * truth
    second = rng.random(4 * n_clusters) < by_cluster
    # mean of first: ½ (1 − 2 truth) + 2 truth = ½ + truth
    return clusters, first.astype(float) - second, by_cluster


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    hits = alone = 0
    for seed in range(300):
        clusters, difference, by_cluster = simulated(seed)
        one = np.ones(len(clusters))
        accuracy = (np.random.default_rng(seed + 9_000).random(len(by_cluster)) < by_cluster) * 1.0
        [paired] = ratios(clusters, [Ratio(difference, one)], n_resamples=600)
        [of_rows] = ratios(np.arange(len(clusters)), [Ratio(accuracy, one)], n_resamples=600)
        [of_clusters] = ratios(clusters, [Ratio(accuracy, one)], n_resamples=600)
        hits += (paired.low or 0) <= 0.1 <= (paired.high or 0)
        alone += (of_rows.low or 0) <= 0.5 <= (of_rows.high or 0)
        hits += (of_clusters.low or 0) <= 0.5 <= (of_clusters.high or 0)
    assert 0.92 <= hits / 600 <= 0.97
    # What ignores clusters is far too sure: that is what they are for.
    assert alone / 300 < 0.88


def test_without_a_difference_few_ps_are_small() -> None:
    small = 0
    for seed in range(300):
        clusters, difference, _ = simulated(seed, truth=0.0)
        [found] = ratios(clusters, [Ratio(difference, np.ones(len(clusters)))], n_resamples=600)
        small += found.p < 0.05
    assert 0.02 <= small / 300 <= 0.08


@pytest.mark.parametrize(
    ("frequencies", "expected"),
    [
        ([0, 1, 2, 4, 8, 16, 16], [(0, 0), (1, 1), (2, 2), (4, 4), (8, 8), (16, 16)]),
        (
            [0, 1, 2, 3, 5, 7, 9, 100, 127],
            [(0, 0), (1, 1), (2, 3), (4, 7), (8, 15), (64, 127)],
        ),
        ([300], [(300, 300)]),
        ([], []),
    ],
)
def test_many_frequencies_are_binned_by_powers_of_two(
    frequencies: list[int], expected: list[tuple[int, int]]
) -> None:
    assert bins(frequencies) == [Bin(*b) for b in expected]


def test_a_bin_has_a_name_for_people_and_one_for_files() -> None:
    assert (Bin(4, 4).label, Bin(4, 4).slice) == ("4", "frequency=4")
    assert (Bin(4, 7).label, Bin(4, 7).slice) == ("4–7", "frequency=4-7")


def cell(name: str, world: str) -> Cell:
    return Cell(name, world, "base", 0, Path("a"), Path("b"))


def difference(value: float | None, label: str) -> Metric:
    return Metric(system="a", metric="difference", value=value, n=9, method="test", slice=label)


def test_spread_over_cells_and_within_worlds() -> None:
    cells = [cell("w0", "w0"), cell("w0,b1", "w0"), cell("w1", "w1"), cell("w1,b1", "w1")]
    found = [
        difference(v, f"vs=b,cell={c.name},seen")
        for c, v in zip(cells, (0.1, 0.3, 0.2, 0.2), strict=True)
    ]
    found += [difference(0.5, "vs=b,seen"), difference(None, "vs=b,cell=w0")]
    over, sd = spread(cells, found)
    assert (over.metric, over.slice, over.n) == ("difference_over_cells", "vs=b,seen", 4)
    assert (over.value, over.ci_low, over.ci_high) == pytest.approx((0.2, 0.1, 0.3))
    assert (sd.metric, sd.n) == ("sd_within_world", 2)
    assert sd.value == pytest.approx(0.1)  # √((0.01 + 0.01 + 0 + 0) / 2)


def test_one_cell_a_world_has_no_spread_within_it_and_one_cell_none_at_all() -> None:
    cells = [cell("x", "w0"), cell("y", "w1")]
    found = [difference(0.1, "vs=b,cell=x"), difference(0.2, "vs=b,cell=y")]
    [over] = spread(cells, found)
    assert over.slice == "vs=b"
    assert spread(cells[:1], found[:1]) == []
