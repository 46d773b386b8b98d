"""Calibration, risk and coverage, and planned contrasts, on tables whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import polars as pl
import pytest

from lorid_data.folders.parquet import read_rows, write_rows
from lorid_train.metrics.calibration import Stated, calibration, covered, reliability
from lorid_train.metrics.contrasts import contrast, contrasts, sides
from lorid_train.metrics.grading import Gold, GradedProblem, Vote
from lorid_train.metrics.properties import length_of, unused_numbers
from lorid_train.metrics.rows import Metric, Outcome, Verdict


def value(found: list[Metric], metric: str, label: str | None = None) -> Metric:
    [m] = [m for m in found if m.metric == metric and m.slice == label]
    return m


def stated(n: int, off: float = 0.0) -> list[Stated]:
    """Answers that are right as often as they say, or less by `off`."""
    rng = Random(0)
    ps = [rng.uniform(0.3, 1.0) for _ in range(n)]
    return [Stated(p, rng.random() < p - off, str(i)) for i, p in enumerate(ps)]


def test_true_probabilities_have_little_error_and_wrong_ones_are_found_out() -> None:
    true, wrong = reliability("s", stated(2_000)), reliability("s", stated(2_000, off=0.2))
    assert value(true, "ece").value == pytest.approx(
        value(true, "ece_if_calibrated").value, abs=0.02
    )
    found = value(wrong, "ece")
    assert found.value == pytest.approx(0.2, abs=0.03)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.ci_low > (value(wrong, "ece_if_calibrated").value or 0)


def test_the_error_of_a_table_by_hand() -> None:
    rows = [Stated(0.5, i < 15, str(i)) for i in range(20)]  # 75 % right, 50 % stated
    found = reliability("s", rows)
    assert value(found, "ece").value == pytest.approx(0.25)
    assert value(found, "stated", "bin=1").value == 0.5
    assert value(found, "reliability", "bin=1").value == 0.75


def test_answers_of_one_probability_share_a_bin() -> None:
    rows = [Stated(0.9, True, str(i)) for i in range(99)] + [Stated(0.1, False, "z")]
    bins = [m for m in reliability("s", rows) if m.metric == "reliability"]
    assert [m.n for m in bins] == [1, 99]


def test_coverage_of_a_table_by_hand() -> None:
    # 40 sure and right, 40 unsure of which half are right
    rows = [Stated(0.95, True, f"a{i}") for i in range(40)]
    rows += [Stated(0.5, i % 2 == 0, f"b{i}") for i in range(40)]
    found = covered("s", rows)
    assert value(found, "accuracy_answered", "coverage=0.50").value == pytest.approx(1.0)
    assert value(found, "accuracy_answered", "coverage=1.00").value == pytest.approx(0.75)
    assert value(found, "coverage_at_95").value == pytest.approx(0.5)
    least = value(found, "probability_at_95").value
    assert least is not None
    assert 0.5 < least <= 0.95


def test_where_no_coverage_will_do_there_is_none() -> None:
    found = covered("s", [Stated(0.9, i % 2 == 0, str(i)) for i in range(40)])
    assert value(found, "coverage_at_95").value == 0
    assert value(found, "probability_at_95").value is None


def outcome(i: int, verdict: Verdict, p: float | None) -> Outcome:
    return Outcome(
        system="s", problem_id=str(i), seed=0, answer="1", verdict=verdict, how="consensus", round=1, n_tokens=1,
        probability=p,
    )  # fmt: skip


def test_too_few_answers_and_answers_without_a_probability_say_nothing() -> None:
    assert calibration("s", [outcome(i, Verdict.CORRECT, 0.9) for i in range(19)], {}) == []
    assert calibration("s", [outcome(i, Verdict.CORRECT, None) for i in range(40)], {}) == []
    assert calibration("s", [outcome(i, Verdict.CORRECT, 0.9) for i in range(40)], {}) != []


# --- contrasts --------------------------------------------------------------------------------


def vote(is_right: bool) -> Vote:
    verdict = Verdict.CORRECT if is_right else Verdict.WRONG
    return Vote("1", 0, verdict, 1, cut=False)


def problem(i: int, steps: str, ir: float, dr: float, seed: int = 0) -> GradedProblem:
    """Ten rounds of each role, of which so many are right."""
    pid = f"p{i}"
    return GradedProblem(
        gold=Gold(pid, "1", {"steps": steps, "n_words": str(i % 7)}, pid), seed=seed, single={},
        ir=tuple(vote(k < 10 * ir) for k in range(10)), dr=tuple(vote(k < 10 * dr) for k in range(10)),
        decisions=(), verdicts=(), official=None, compared={},
    )  # fmt: skip


def test_a_gain_in_longer_solutions_is_found_and_only_that() -> None:
    rng = Random(1)
    graded = []
    for i in range(240):
        many = i % 2 == 1
        ir, dr = (min(1.0, max(0.0, rng.gauss(m, 0.1))) for m in (0.5, 0.8 if many else 0.5))
        graded.append(problem(i, "5" if many else "2", ir, dr))
    found = contrasts(graded)
    steps = value(found, "contrast", "more steps than the median")
    assert steps.value == pytest.approx(0.3, abs=0.05)
    assert (value(found, "contrast_p_holm", steps.slice).value or 1) < 0.01
    other = value(found, "contrast", "longer than the median")
    assert (value(found, "contrast_p_holm", other.slice).value or 0) > 0.05
    assert not [m for m in found if m.slice == "a number that is not used"]  # cannot be told


def test_few_questions_of_a_kind_make_no_contrast() -> None:
    graded = [problem(i, "5" if i < 40 else "2", 0.5, 0.5) for i in range(200)]
    assert not [m for m in contrasts(graded) if m.slice == "more steps than the median"]


def test_seeds_and_variants_of_a_question_are_one_cluster() -> None:
    graded = [problem(i, "2", 0.5, 0.7, seed) for seed in (0, 1) for i in range(5)]
    found = sides(graded)
    assert len(found) == 5
    assert found[0].gain == pytest.approx(0.2)
    twins = [replace(g, gold=replace(g.gold, original_id="same")) for g in graded]
    assert {s.cluster for s in sides(twins)} == {"same"}


def test_a_contrast_without_spread_has_no_interval() -> None:
    rows = sides([problem(i, "2", 0.5, 0.7) for i in range(60)])
    value_, low, high, _ = contrast(rows, [i % 2 == 0 for i in range(60)])
    assert value_ == pytest.approx(0)
    assert (low, high) == (None, None)


@pytest.mark.parametrize(
    ("question", "rationale", "said"),
    [
        ("Tom has 3 boxes of 24 and 7 pens.", "3 * 24 = 72", "some"),
        ("Tom has 3 boxes of 24.", "3 * 24 = 72", "none"),
        ("It cost $1,200 in 2 days.", "1200 / 2 = 600", "none"),
        ("Tom has boxes.", "3 * 24", None),
        ("Tom has 3 boxes.", "He counts them.", None),
    ],
)
def test_unused_numbers(question: str, rationale: str, said: str | None) -> None:
    assert unused_numbers(question, rationale) == said


def test_lengths() -> None:
    assert [length_of("a " * n) for n in (20, 21, 40, 60, 61)] == [
        "up to 20 words", "21 to 40 words", "21 to 40 words", "41 to 60 words", "over 60 words",
    ]  # fmt: skip


def test_outcomes_of_earlier_releases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.parquet"
    write_rows(path, Outcome, [outcome(1, Verdict.CORRECT, 0.9)])
    pl.read_parquet(path).drop("probability").write_parquet(path)
    [found] = read_rows(path, Outcome)
    assert found == outcome(1, Verdict.CORRECT, None)
