"""From outcomes to numbers: rates, comparisons, several seeds, and laws that hold of any table."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_train.metrics.comparisons import compare, compare_runs
from lorid_train.metrics.curves import CURVE
from lorid_train.metrics.files import metrics_json
from lorid_train.metrics.significance import mcnemar_exact
from lorid_train.metrics.summary import summarise
from lorid_train.metrics.systems import Scored, kind, outcomes

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "graded_tables.py"))
draw, graded, sampled = made["draw"], made["graded"], made["sampled"]
two_problems, value = made["two_problems"], made["value"]


def test_metrics_of_two_problems() -> None:
    both = two_problems()
    metrics = summarise(outcomes(both, rounds=3), both, n_resamples=200)
    accuracy = value(metrics, "lorid@3", "accuracy")
    assert (accuracy.value, accuracy.n, accuracy.method) == (0.5, 2, "wilson")
    assert value(metrics, "ir-sampled", "ungradable").value == 0.5
    assert value(metrics, "lorid@3", "coverage").value == 1.0
    assert value(metrics, "lorid@3", "consensus_precision").value == 0.5
    assert value(metrics, "lorid@3", "mean_rounds").value == 1.5
    assert value(metrics, "lorid@3", "tokens_per_problem").value == (35 + 70) / 2
    assert value(metrics, "lorid@3", "stopped", "round=2").value == 0.5
    assert value(metrics, "lorid@3", "consensus_precision", "round=1").value == 1.0
    empty = value(metrics, "lorid@3", "consensus_precision", "round=3")
    assert (empty.value, empty.n) == (None, 0)
    assert value(metrics, "lorid@1", "accuracy", "subject=algebra").value == 1.0
    assert not [m for m in metrics if m.slice == "level=1"]
    assert value(metrics, "ir-sampled", "accuracy_over_draws", "rounds=1..3").value == 0.5
    assert value(metrics, "official@3", "accuracy").value == 0.5
    assert value(metrics, "official@3", "label_chosen").value == 0.0
    assert value(metrics, "ir-and-dr", "both_right", "round=1").value == 0.5
    assert value(metrics, "ir-and-dr", "kappa", "round=1").value == 1.0
    assert value(metrics, "lorid@2", "accuracy", CURVE).value == 0.5
    assert value(metrics, "maj-ir@3", "tokens_per_problem", CURVE).value == 30
    left = value(metrics, "ir-greedy", "accuracy")
    assert (left.value, left.n) == (None, 0)
    assert left.method == "left out: its draws are missing for all questions"


def test_a_fallback_in_the_last_round_is_no_consensus_there() -> None:
    both = [
        *graded(sampled(["2", "3", "1"], ["3", "4", "5"])),
        *graded(sampled(["2", "3", "1"], ["3", "4", "1"], pid="q"), pid="q"),
    ]
    metrics = summarise(outcomes(both, rounds=3), both, n_resamples=20)
    at_last = value(metrics, "lorid@3", "consensus_precision", "round=3")
    assert (at_last.value, at_last.n) == (1.0, 1)
    assert value(metrics, "lorid@3", "stopped", "round=3").value == 0.5
    rest = value(metrics, "lorid@3", "accuracy_without_consensus")
    assert (rest.value, rest.n) == (1.0, 1)


def test_official_rule_without_its_draws_is_left_out() -> None:
    both = [*graded(sampled(["1"], ["1"])), *graded(sampled(["1"], ["2"], pid="q"), pid="q")]
    metrics = summarise(outcomes(both, rounds=3), both, n_resamples=50)
    assert value(metrics, "official@3", "accuracy").value is None


def test_other_graders_see_the_same_answers() -> None:
    both = two_problems()
    seen: list[tuple[str, str]] = []

    def lenient(answer: str, gold: str) -> str:
        seen.append((answer, gold))
        return "equal"

    metrics = summarise(
        outcomes(both, rounds=3),
        both,
        graders={"lenient": lenient, "never": lambda *_: False},
        n_resamples=50,
    )
    assert value(metrics, "lorid@3", "accuracy", "grader=lenient").value == 1.0
    assert value(metrics, "lorid@3", "accuracy", "grader=never").value == 0.0
    assert len(seen) == len(set(seen))


def test_comparisons_are_paired_tested_and_adjusted() -> None:
    problems = []
    for i in range(10):
        ir = ["2", "1", "1"] if i < 6 else ["1", "1", "1"]
        problems += graded(sampled(ir, ["1", "1", "1"], pid=f"p{i}"), pid=f"p{i}")
    metrics = compare(outcomes(problems, rounds=3), n_resamples=500)
    difference = value(metrics, "lorid@3", "difference", "vs=ir-sampled")
    assert difference.value == pytest.approx(0.6)
    assert difference.ci_low is not None
    assert difference.ci_high is not None
    assert 0 < difference.ci_low < 0.6 < difference.ci_high < 1
    assert value(metrics, "lorid@3", "only_this_right", "vs=ir-sampled").value == 0.6
    assert value(metrics, "lorid@3", "only_other_right", "vs=ir-sampled").value == 0
    p = value(metrics, "lorid@3", "mcnemar_p", "vs=ir-sampled")
    assert (p.value, p.method) == (2 / 64, "mcnemar-exact")
    n_alternatives = len([m for m in metrics if m.method.endswith("(alternatives)")])
    assert value(metrics, "lorid@3", "mcnemar_p_holm", "vs=ir-sampled").value == pytest.approx(
        n_alternatives * 2 / 64
    )
    assert {m.slice for m in metrics if m.method.endswith("(thresholds)")} == {"vs=lorid@1"}


def test_two_runs_are_compared_on_the_questions_that_both_hold() -> None:
    def run(answers: str, first: int) -> Scored:
        problems = []
        for i, a in enumerate(answers):
            pid = f"p{first + i}"
            problems += graded([*sampled([a] * 12, [a] * 12, pid=pid)], pid=pid, rounds=1)
        return outcomes(problems, rounds=1)

    metrics = compare_runs(run("11111112", 0), run("2222221", 1))
    assert {m.slice for m in metrics} == {"other-run"}
    assert value(metrics, "lorid@1", "difference", "other-run").value == pytest.approx((6 - 1) / 7)
    assert value(metrics, "lorid@1", "only_this_right", "other-run").value == pytest.approx(6 / 7)
    assert value(metrics, "lorid@1", "mcnemar_p", "other-run").value == pytest.approx(
        mcnemar_exact(6, 1)
    )
    holms = [m for m in metrics if m.metric == "mcnemar_p_holm"]
    adjusted = {m.system: (m.value, m.method) for m in holms}
    loop, p, rest = adjusted.pop("lorid@1"), mcnemar_exact(6, 1), len(holms) - 1
    assert loop == (p, "holm over 1 (the loop)")  # what two runs are compared by
    assert set(adjusted.values()) == {(min(1.0, rest * p), f"holm over {rest} (runs)")}
    assert "maj-ir@K" in {m.system for m in metrics}
    assert compare_runs(run("11", 0), run("11", 5)) == []


def test_what_the_grader_could_not_do_is_counted() -> None:
    both = two_problems() + graded(sampled(["?"], ["1"], pid="r"), pid="r")
    metrics = summarise(outcomes(both, rounds=3), both, n_resamples=20)
    found = {m.metric: (m.value, m.n) for m in metrics if m.system == "grader"}
    assert found == {
        "equal": (2 / 7, 7),
        "different": (3 / 7, 7),
        "unparsed": (1 / 7, 7),
        "timeout": (1 / 7, 7),
    }
    assert kind("maj-ir@8") == "maj-ir@K"
    assert kind("lorid@20") == "lorid@20"


def test_several_seeds_are_clustered_by_problem() -> None:
    problems = []
    for i in range(12):
        draws = [
            d
            for s in (0, 1)
            for d in sampled(
                ["1" if (i + s) % 3 else "2"] * 3, ["1", "1", "1"], seed=s, pid=f"p{i}"
            )
        ]
        problems += graded(
            [*draws, draw("ir", 1, "1", condition="greedy", seed=0, pid=f"p{i}")], pid=f"p{i}"
        )
    scored = outcomes(problems, rounds=3)
    metrics = summarise(scored, problems, n_resamples=300)
    accuracy = value(metrics, "ir-sampled", "accuracy")
    assert (accuracy.n, accuracy.method) == (12, "problem-bootstrap")
    assert accuracy.value == pytest.approx(2 / 3)
    assert {o.seed for o in scored.outcomes["ir-greedy"]} == {0}
    assert value(metrics, "ir-greedy", "accuracy").method == "wilson"
    assert (
        value(metrics, "lorid@3", "mcnemar_p", "vs=ir-sampled").method
        == "sign-exact over problem means"
    )


def test_a_seed_with_greedy_draws_only_changes_no_sampled_system() -> None:
    one = graded(sampled(["2", "1", "1"], ["3", "1", "1"]))
    extra = graded(
        [*sampled(["2", "1", "1"], ["3", "1", "1"]), draw("ir", 1, "1", condition="greedy", seed=1)]
    )
    both = [outcomes(g, rounds=3) for g in (one, extra)]
    assert {o.seed for o in both[1].outcomes["ir-greedy"]} == {1}
    for system, rows in both[0].outcomes.items():
        assert both[1].outcomes[system] == rows
    metrics = [summarise(s, g, n_resamples=20) for s, g in zip(both, (one, extra), strict=True)]
    assert (
        [m for m in metrics[1] if m.slice == CURVE]
        == [m for m in metrics[0] if m.slice == CURVE]
        != []
    )
    assert value(metrics[1], "official@3", "accuracy").n == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["", "1", "2", "3"]), min_size=4, max_size=4),
            st.lists(st.sampled_from(["", "1", "2", "!"]), min_size=4, max_size=4),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_laws_of_any_evaluation(tables: list[tuple[list[str], list[str]]]) -> None:
    problems = [
        g
        for i, (ir, dr) in enumerate(tables)
        for g in graded(sampled(ir, dr, pid=str(i)), pid=str(i), rounds=4)
    ]
    scored = outcomes(problems, rounds=4)
    metrics = summarise(scored, problems, n_resamples=20)
    of = {(m.system, m.metric, m.slice): m for m in metrics}
    for m in metrics:
        if m.value is not None and m.metric not in (
            "tokens_per_problem",
            "mean_rounds",
            "difference",
            "kappa",
        ):
            assert 0 <= m.value <= 1
            assert m.ci_low is None or m.ci_low - 1e-12 <= m.value <= (m.ci_high or 0) + 1e-12
    for s, rows in scored.outcomes.items():
        assert len(rows) == len(tables)
        if s.startswith("lorid@") or s in ("ir-sampled", "dr-sampled"):
            assert (of[s, "accuracy", None].value or 0) <= (
                of["oracle", "accuracy", None].value or 0
            )
    # A loop that stops later has seen more: coverage and cost only grow.
    curve = [
        (
            of[f"lorid@{t}", "coverage", CURVE].value,
            of[f"lorid@{t}", "tokens_per_problem", CURVE].value,
        )
        for t in (1, 2, 3, 4)
    ]
    assert curve == sorted(curve, key=lambda pair: (pair[0] or 0, pair[1] or 0))
    stopped = sum(of["lorid@4", "stopped", f"round={r}"].value or 0 for r in (1, 2, 3, 4))
    assert stopped == pytest.approx(of["lorid@4", "coverage", None].value)
    assert of["lorid@4", "accuracy", None].value == of["lorid@4", "accuracy", CURVE].value
    for metric in ("accuracy", "tokens_per_problem"):
        assert of["early-stop-ir", metric, None].value == of["early-stop-ir@2", metric, CURVE].value
    # The official rule stops no later than the same-round rule, on the same strings.
    for g in problems:
        assert g.official is not None
        assert g.decisions[-1] is not None
        assert g.official.round <= g.decisions[-1].round
    assert metrics_json(metrics) == metrics_json(summarise(scored, problems, n_resamples=20))
