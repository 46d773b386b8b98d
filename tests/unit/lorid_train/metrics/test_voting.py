"""Votes by meaning: majority, ties, first repetition, and what a budget buys."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.metrics.voting import (
    cluster,
    first_reached,
    leader,
    leaders,
    majority,
    votes_needed,
    votes_within,
)

votes = st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=25)


def group(answers: list[str]) -> list[int]:
    """Equal but for commas."""
    keys = [a.replace(",", "") for a in answers]
    return [keys.index(k) for k in keys]


def test_majority_counts_meanings_and_speaks_as_the_first_voter() -> None:
    assert majority(["7", "1,000", "1000", None, "7", "1000"], group=group) == "1,000"
    assert majority(["7", "1000", "1,000", "7"], group=group) == "7"
    assert majority([None, None], group=group) is None
    assert majority([], group=group) is None


def test_equal_strings_are_compared_once() -> None:
    asked: list[list[str]] = []
    cluster(["a", "b", "a", None, "b"], group=lambda xs: asked.append(xs) or [0, 1])
    assert asked == [["a", "b"]]


@given(votes)
def test_leader_has_the_most_votes_and_is_the_earliest_such(clusters: list[int | None]) -> None:
    position = leader(clusters)
    counts = Counter(c for c in clusters if c is not None)
    if position is None:
        assert not counts
        return
    best = max(counts.values())
    assert counts[clusters[position]] == best
    assert position == min(clusters.index(c) for c, n in counts.items() if n == best)


@given(votes)
def test_leaders_are_the_leader_of_every_prefix(clusters: list[int | None]) -> None:
    assert leaders(clusters) == [leader(clusters[: i + 1]) for i in range(len(clusters))]


@given(votes)
def test_first_reached_are_the_shortest_prefixes(clusters: list[int | None]) -> None:
    def most(n: int) -> int:
        return max(Counter(c for c in clusters[:n] if c is not None).values(), default=0)

    found = first_reached(clusters)
    assert len(found) == most(len(clusters))
    for m, position in enumerate(found, 1):
        assert (most(position), most(position + 1)) == (m - 1, m)


@given(
    st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=12), min_size=1, max_size=6),
    st.floats(0, 500),
)
def test_votes_within_comes_closest(costs: list[list[int]], budget: float) -> None:
    k = votes_within(costs, budget)
    n_common = min(map(len, costs))

    def spent(n: int) -> float:
        return sum(sum(c[:n]) for c in costs) / len(costs)

    if k is None:
        assert spent(n_common) < budget
    else:
        assert all(
            abs(spent(k) - budget) <= abs(spent(n) - budget) + 1e-9 for n in range(1, n_common + 1)
        )


def test_votes_within_says_when_it_cannot_tell() -> None:
    assert votes_within([[10, 10, 10]], 24) == 2
    assert votes_within([[10, 10, 10]], 35) == 3
    assert votes_within([[10, 10, 10]], 36) is None
    assert votes_within([[10], []], 10) is None
    assert votes_within([], 10) is None
    assert votes_within([[10, 10]], 1) == 1


def test_votes_needed_is_the_budget_in_mean_votes() -> None:
    assert votes_needed([[10, 10], [20]], 120) == 10
    assert votes_needed([[]], 120) == 1
    assert votes_needed([[10]], 0) == pytest.approx(1)
