"""No certainty from few: the fewest pairs of a verdict, and intervals where resampling shows no width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.metrics.intervals import Interval, is_known, paired_bootstrap, paired_interval
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.rows import Outcome
from lorid_train.metrics.significance import ALPHA, fewest_pairs, mcnemar_exact
from lorid_train.metrics.summary import mean

flags = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=30)


@given(st.integers(1, 500))
def test_the_fewest_pairs_are_those_at_which_the_exact_test_can_find_anything(m: int) -> None:
    n = fewest_pairs(m)
    assert m * mcnemar_exact(n, 0) < ALPHA
    assert all(m * mcnemar_exact(b, n - 1 - b) >= ALPHA for b in range(n))


def test_one_test_needs_six_pairs_and_seven_need_nine() -> None:
    assert [fewest_pairs(m) for m in (1, 2, 7, 15)] == [6, 7, 9, 10]


@given(flags, st.data())
def test_a_paired_interval_always_has_width_and_holds_the_difference(
    first: list[float], data: st.DataObject
) -> None:
    n = len(first)
    second = data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n))
    interval, method = paired_interval(first, second, n_resamples=200)
    assert is_known(interval)
    assert -1 <= interval.low <= (sum(first) - sum(second)) / n <= interval.high <= 1
    alike = len({a - b for a, b in zip(first, second, strict=True)}) == 1
    one_sided = len(set(first)) == 1 or len(set(second)) == 1
    assert (method == "paired-bootstrap") == (not alike and not one_sided)


def test_newcombe_s_own_example() -> None:
    """36 both, 12 first only, 2 second only, 0 neither (Newcombe 1998, Table II, method 10)."""
    from lorid_train.metrics.intervals import _newcombe

    first = [1.0] * 48 + [0.0] * 2
    second = [1.0] * 36 + [0.0] * 12 + [1.0] * 2
    found = _newcombe(first, second)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=2e-4)


def test_systems_that_never_differ_are_not_known_to_be_equal() -> None:
    same = [1.0, 0.0] * 5
    assert paired_bootstrap(same, same) == (0.0, 0.0)  # what resampling would promise
    low, high = paired_interval(same, same)[0]
    assert low < -0.05
    assert high > 0.05
    seeds = [0.5] * 8
    assert paired_interval(seeds, [0.25] * 8)[1] == "wilson over problems"
    with pytest.raises(ValueError, match="same problems"):
        paired_interval([1.0], [])


def test_several_seeds_that_all_agree_have_wilson_s_interval() -> None:
    for of in ([True, True], [False, False], [True, False]):
        m = fraction("s", "accuracy", {str(i): of for i in range(5)})
        assert m.method == "wilson over problems"
        assert m.ci_low is not None
        assert m.ci_high is not None
        assert m.ci_high - m.ci_low > 0.3
    assert fraction("s", "a", {"1": [True, True], "2": [True, False]}).method == "problem-bootstrap"


def test_a_mean_of_equal_values_has_no_interval() -> None:
    def row(i: int, n: int) -> Outcome:
        return Outcome(
            system="s", problem_id=str(i), seed=0, answer="1", verdict="correct", how="single",
            round=1, n_tokens=n,
        )  # fmt: skip

    for bootstrap in (True, False):
        same = mean(
            "s", "m", [row(i, 7) for i in range(20)], lambda o: o.n_tokens, bootstrap=bootstrap
        )
        assert (same.value, same.ci_low, same.ci_high) == (7.0, None, None)
        known = mean(
            "s", "m", [row(i, i) for i in range(20)], lambda o: o.n_tokens, bootstrap=bootstrap
        )
        assert known.ci_low is not None
    assert not is_known(Interval(float("nan"), float("nan")))
