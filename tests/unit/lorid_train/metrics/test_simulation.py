"""Known abilities give the numbers that a formula gives."""

from __future__ import annotations

import random
import runpy
from functools import partial
from pathlib import Path

import pytest

from lorid_train.interaction.rules import decide
from lorid_train.metrics.grading import gold_of, grade
from lorid_train.metrics.summary import summarise
from lorid_train.metrics.systems import outcomes

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "graded_tables.py"))
value = made["value"]
simulated = runpy.run_path(str(Path(__file__).parents[3] / "support" / "simulated_evaluation.py"))


def test_known_abilities_give_the_analytic_numbers() -> None:
    n, rounds, p, q, m = 700, 8, 0.5, 0.4, 5
    records, draws = simulated["simulate"](n, rounds=rounds, p_ir=p, p_dr=q, n_wrong=m, n_votes=8)
    rule = partial(decide, rule="same_round", fallback="ir")
    problems = [
        g
        for r in records
        for g in grade(
            gold_of(r), draws[r.problem_id], decide=lambda ds, t: rule(ds, rounds=t), rounds=rounds
        )
    ]
    metrics = summarise(outcomes(problems, rounds=rounds), problems, n_resamples=500)
    miss = 0.02  # of what is not right, this fraction has no answer at all
    wrong = (1 - p) * (1 - q) * (1 - miss) ** 2 / m
    agree = p * q + wrong
    coverage = 1 - (1 - agree) ** rounds
    fallback = p * (1 - q) / (1 - agree)  # IR right, given that DR said something else
    expected = {
        "coverage": coverage,
        "consensus_precision": p * q / agree,
        "mean_rounds": coverage / agree,
        "accuracy_without_consensus": fallback,
        "accuracy": p * q / agree * coverage + fallback * (1 - coverage),
        "tokens_per_problem": sum(
            (1 - agree) ** (r - 1) * (90 + 3 * (r % 3)) for r in range(1, rounds + 1)
        ),
    }
    for name, truth in expected.items():
        measured = value(metrics, f"lorid@{rounds}", name)
        assert measured.value is not None
        assert measured.ci_low is not None
        assert measured.ci_high is not None
        # Four standard errors.
        assert abs(measured.value - truth) < measured.ci_high - measured.ci_low, name
    ir = value(metrics, "ir-sampled", "accuracy_over_draws", f"rounds=1..{rounds}")
    assert ir.value == pytest.approx(p, abs=0.02)
    oracle = value(metrics, "oracle", "accuracy").value
    assert oracle is not None
    per_round = (1 - p) * (1 - q)
    still = (
        sum((per_round - wrong) ** k for k in range(rounds)) * wrong + (per_round - wrong) ** rounds
    )
    assert oracle == pytest.approx(1 - still, abs=0.03)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    from lorid_train.metrics.intervals import wilson

    rng = random.Random(1)
    held = 0
    for _ in range(2000):
        low, high = wilson(sum(rng.random() < 0.7 for _ in range(200)), 200)
        held += low <= 0.7 <= high
    assert 0.93 < held / 2000 < 0.97
