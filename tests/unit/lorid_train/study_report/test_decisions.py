"""The pre-registered decisions: what must hold of any votes, and what the rules say of known ones."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.metrics.abstaining import accuracy_at, area, less_confident
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.voting import leader
from lorid_train.study_report.claims import Claim
from lorid_train.study_report.decisions import (
    DISCOUNTS,
    THRESHOLDS,
    Lead,
    Weights,
    leads,
    route,
    smoothed,
    stop_round,
    vote_weight,
)
from lorid_train.study_report.fitting import fit, weigh
from lorid_train.study_report.problems import Asked, Votes, pairings
from lorid_train.study_report.replay import play
from lorid_train.study_report.verdicts import Verdict, combined, judge

answers = st.one_of(st.none(), st.integers(0, 4))
games = st.lists(st.tuples(answers, answers), min_size=1, max_size=12)
weights = st.builds(Weights, st.floats(0, 6), st.floats(0, 6))


def sides(game: list[tuple[int | None, int | None]]) -> tuple[list[int | None], list[int | None]]:
    return [a for a, _ in game], [b for _, b in game]


# --- (b) the stopping rule ---------------------------------------------------------------------


def test_a_vote_is_worth_its_log_odds() -> None:
    # p = 0.9 and ten wrong answers to choose from: ln(9 * 10).
    assert vote_weight(0.9, 0.1) == pytest.approx(math.log(90))
    assert vote_weight(0.01, 1.0) == 0.0
    assert smoothed(0, 0) == 0.5
    assert smoothed(9, 9) == pytest.approx(10 / 11)


@given(games, weights, st.sampled_from(DISCOUNTS))
def test_a_lead_is_the_leaders_score_less_the_seconds(
    game: list[tuple[int | None, int | None]], w: Weights, discount: float
) -> None:
    ir, dr = sides(game)
    for n, lead in enumerate(leads(ir, dr, w, discount), 1):
        scores = Counter[int]()
        for weight, side in ((w.ir, ir[:n]), (w.dr, dr[:n])):
            for answer, k in Counter(side).items():
                if answer is not None:
                    scores[answer] += weight * sum(discount**j for j in range(k))  # type: ignore[assignment]
        ranked = sorted(scores.values(), reverse=True)
        if not ranked:
            assert lead == Lead(None, 0.0)
            continue
        assert lead.answer is not None
        assert scores[lead.answer] == pytest.approx(ranked[0])
        assert lead.lead == pytest.approx(ranked[0] - (ranked[1] if len(ranked) > 1 else 0))


@given(games, weights, st.sampled_from(DISCOUNTS), st.permutations(range(5)))
def test_the_answers_names_do_not_matter(
    game: list[tuple[int | None, int | None]], w: Weights, discount: float, names: list[int]
) -> None:
    ir, dr = sides(game)
    renamed = [[None if a is None else names[a] for a in side] for side in (ir, dr)]
    for before, after in zip(leads(ir, dr, w, discount), leads(*renamed, w, discount), strict=True):
        assert after.lead == before.lead
        assert after.answer == (None if before.answer is None else names[before.answer])


@given(games)
def test_equal_votes_that_never_stop_are_the_majority(
    game: list[tuple[int | None, int | None]],
) -> None:
    ir, dr = sides(game)
    last = leads(ir, dr, Weights(1.0, 1.0), 1.0)[-1]
    mixed = [a for pair in game for a in pair]
    at = leader(mixed)
    assert last.answer == (None if at is None else mixed[at])


@given(games, weights, st.sampled_from(DISCOUNTS), st.sampled_from(THRESHOLDS))
def test_it_stops_as_soon_as_the_lead_is_there_and_later_for_a_higher_one(
    game: list[tuple[int | None, int | None]], w: Weights, discount: float, threshold: float
) -> None:
    after = leads(*sides(game), w, discount)
    n = stop_round(after, threshold)
    assert not any(x.answer is not None and x.lead >= threshold for x in after[: n - 1])
    assert n == len(after) or after[n - 1].lead >= threshold
    assert stop_round(after, threshold + 0.5) >= n


def problem(ir: list[int | None], dr: list[int | None], right: int = 0, name: str = "p") -> Asked:
    votes = (Votes(tuple(side), (1,) * len(side)) for side in (ir, dr))
    return Asked(name, "g", 1, {}, *votes, frozenset({right}))


def test_weights_come_from_counts_of_right_draws_and_of_equal_wrong_ones() -> None:
    one = problem([0, 1, 2], [0, 1, None])
    two = problem([0, 0, 0], [3, 3, 0])
    w, p_ir, p_dr, c = weigh([one, two], 3)
    assert p_ir == pytest.approx(5 / 8)  # 4 of 6
    assert p_dr == pytest.approx(3 / 8)  # 2 of 6
    assert c == pytest.approx(2 / 4)  # one of two pairs: (1, 1) and (2, 1); None is no answer
    assert w.ir == pytest.approx(math.log(5 / 3 / c))
    assert w.dr == pytest.approx(math.log(3 / 5 / c))


def test_the_cheapest_rule_that_loses_nothing_is_fitted() -> None:
    # Both sides are always right: one round is enough, and nothing may be lost by it.
    sure = [problem([0] * 4, [0] * 4, name=f"sure {i}") for i in range(5)]
    rule = fit(sure, 4)
    assert (rule.threshold, rule.discount, rule.reached) == (0.0, 0.0, True)
    assert (rule.n_problems, rule.rounds) == (5, 4)


def test_a_rule_goes_on_where_going_on_is_what_makes_it_right() -> None:
    # IR is always right, DR half of the time: stopping at once on the leader gives IR's answer or
    # a tie, agreement always the right one.
    mixed = [problem([0] * 6, [0, 1, 0, 2, 0, 3], name=f"a {i}") for i in range(6)] + [
        problem([1, 0, 2, 0, 3, 0], [0] * 6, name=f"b {i}") for i in range(6)
    ]
    rule = fit(mixed, 6)
    after = [
        leads(ir.clusters, dr.clusters, rule.weights, rule.discount)
        for p in mixed
        for ir, dr in pairings(p, 6, 6)
    ]
    assert rule.reached
    assert all(x[stop_round(x, rule.threshold) - 1].answer == 0 for x in after)


def test_where_no_rule_reaches_the_loop_the_most_accurate_is_taken() -> None:
    # Where both err they err alike, so IR's votes are worth nothing and DR's little; the loop
    # still finds what both say in one round.
    kinds = (([1, 0, 1], [1, 1, 1], 10), ([3, 2, 4], [1, 3, 0], 2), ([1, 1, 0], [0, 0, 0], 8), ([0, 2, 0], [0, 0, 3], 10))  # fmt: skip
    odd = [
        problem(list(ir), list(dr), name=f"{i} {j}")
        for i, (ir, dr, n) in enumerate(kinds)
        for j in range(n)
    ]
    rule = fit(odd, 3)
    assert not rule.reached
    games = [(p, *pair) for p in odd for pair in pairings(p, 3, 3)]

    def n_right(discount: float, threshold: float) -> int:
        found = 0
        for p, ir, dr in games:
            after = leads(ir.clusters, dr.clusters, rule.weights, discount)
            found += after[stop_round(after, threshold) - 1].answer in p.right
        return found

    best = n_right(rule.discount, rule.threshold)
    assert best < sum(play(ir, dr, 3, "dr").answer in p.right for p, ir, dr in games)
    others = {n_right(d, t) for d in DISCOUNTS for t in THRESHOLDS[:4]}
    assert max(others) == best
    assert min(others) < best


# --- (c) the router ----------------------------------------------------------------------------


@given(answers, answers, answers)
def test_the_router_asks_only_where_the_two_draws_do_not_say_the_same(
    first: int | None, second: int | None, third: int | None
) -> None:
    found = route(first, second, third)
    assert found.asked_third == (first is None or first != second)
    if not found.asked_third:
        assert found.answer == first
    given_answers = [a for a in (first, second, third) if a is not None]
    if given_answers:
        most = max(Counter(given_answers).values())
        assert Counter(given_answers)[found.answer or 0] == most
    else:
        assert found.answer is None
    if third is not None and third in (first, second):
        assert found.answer == (first if not found.asked_third else third)


def test_of_three_different_answers_the_first_counts() -> None:
    assert route(1, 2, 3).answer == 1
    assert route(None, 2, 3).answer == 2
    assert route(None, None, None).answer is None


# --- (d) abstaining ----------------------------------------------------------------------------

levels = st.lists(
    st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=1, max_size=8,
).filter(lambda found: sum(n for n, _ in found) > 0)  # fmt: skip


def counts(found: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(found, dtype=float)
    return table[:, 0], table[:, 1]


@given(levels, st.floats(0.01, 1.0))
def test_the_curve_is_what_taking_problems_in_at_random_within_levels_gives(
    found: list[tuple[int, int]], x: float
) -> None:
    n, right = counts(found)
    left, value = x * n.sum(), 0.0
    for size, good in found:  # by hand: whole levels, then a part of one
        if size:
            taken = min(left, size)
            value += good * taken / size
            left -= taken
    assert float(accuracy_at(n, right, x)) == pytest.approx(value / (x * n.sum()), abs=1e-9)


@given(levels)
def test_the_area_is_the_mean_of_the_curve(found: list[tuple[int, int]]) -> None:
    n, right = counts(found)
    grid = (np.arange(300) + 0.5) / 300
    mean = np.mean([float(accuracy_at(n, right, x)) for x in grid])
    assert float(area(n, right)) == pytest.approx(mean, abs=5e-3)
    assert float(accuracy_at(n, right, 1.0)) == pytest.approx(right.sum() / n.sum())


def test_resamples_are_carried_along() -> None:
    n = np.array([[2.0, 2.0], [1.0, 3.0]])
    right = np.array([[2.0, 0.0], [0.0, 3.0]])
    assert accuracy_at(n, right, 0.5).tolist() == [1.0, 0.5]
    assert area(n, right) == pytest.approx([area(n[i], right[i]) for i in (0, 1)])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=6))
def test_less_confident_counts_pairs(found: list[tuple[int, int]]) -> None:
    first, second = np.array(found, dtype=float).T
    if not first.sum() or not second.sum():
        return
    won = sum(
        a * b * (1.0 if i > j else 0.5 if i == j else 0.0)
        for i, (a, _) in enumerate(found)
        for j, (_, b) in enumerate(found)
    )
    assert float(less_confident(first, second)) == pytest.approx(won / first.sum() / second.sum())


# --- verdicts ----------------------------------------------------------------------------------


def metric(value: float, high: float | None = None) -> Metric:
    return Metric(
        system="a", metric="m", value=value, n=1, ci_low=value - 0.02, ci_high=high, method="test"
    )


@pytest.mark.parametrize(
    ("kind", "value", "high", "p", "expected"),
    [
        ("beats", 0.1, 0.2, 0.01, Verdict.SUPPORTED),
        ("beats", -0.1, 0.2, 0.01, Verdict.CONTRADICTED),
        ("beats", 0.1, 0.2, 0.05, Verdict.NOT_DECIDED),
        ("beats", 0.0, 0.0, 0.01, Verdict.NOT_DECIDED),
        ("no-advantage", -0.01, 0.009, 0.6, Verdict.SUPPORTED),
        ("no-advantage", -0.01, 0.01, 0.6, Verdict.NOT_DECIDED),
        ("no-advantage", 0.005, 0.008, 0.01, Verdict.CONTRADICTED),
        ("no-advantage", -0.1, -0.05, 0.001, Verdict.SUPPORTED),
    ],
)
def test_a_claim_is_judged_by_its_adjusted_p_and_margin(
    kind: str, value: float, high: float, p: float, expected: Verdict
) -> None:
    claim = Claim("a", "b", "a beats b", kind)  # type: ignore[arg-type]
    assert judge(claim, metric(value, high), metric(p)) == expected
    assert judge(claim, None, metric(p)) == Verdict.LEFT_OUT
    assert judge(claim, metric(value, high), None) == Verdict.LEFT_OUT


def test_the_sign_must_be_there_at_one_example_and_at_two() -> None:
    yes, no, open_, few, gone = Verdict
    assert combined([yes, yes]) == yes
    assert combined([yes, no]) == no
    assert combined([yes, open_]) == open_
    assert combined([gone, no]) == no
    assert combined([yes, gone]) == gone
    assert combined([yes, few]) == few
    assert combined([few, no]) == no
