"""From the draws of one problem to its outcome under every system, on tables by hand."""

from __future__ import annotations

import runpy
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lorid_train.config import EvalConfig
from lorid_train.evaluation.evaluate import unasked
from lorid_train.interaction.draws import Decision
from lorid_train.metrics.curves import CURVE
from lorid_train.metrics.grading import Gold, GradedProblem, grade, score
from lorid_train.metrics.rows import Verdict
from lorid_train.metrics.summary import summarise
from lorid_train.metrics.systems import outcomes

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "graded_tables.py"))
draw, equal, extract = made["draw"], made["equal"], made["extract"]
graded, group, outcome = made["graded"], made["group"], made["outcome"]
same_round, sampled, value = made["same_round"], made["sampled"], made["value"]


def test_verdicts_are_four() -> None:
    assert score("1", "1", equal=equal) == Verdict.CORRECT
    assert score("2", "1", equal=equal) == Verdict.WRONG
    assert score(None, "1", equal=equal) == Verdict.NO_ANSWER
    assert score("!", "1", equal=equal) == Verdict.UNGRADABLE
    assert score("?", "1", equal=equal) == Verdict.UNGRADABLE


def test_the_default_equality_is_the_projects() -> None:
    assert score("1,000", "1000") == Verdict.CORRECT
    assert score("7", "8") == Verdict.WRONG


def test_every_system_of_a_full_table() -> None:
    draws = sampled(["2", "1", "1"], ["3", "1", "1"])
    draws += [draw("ir", 1, "2", condition="greedy"), draw("kg", 1, "rule", condition="greedy")]
    draws += [
        draw("dr", 1, "1", condition=c)
        for c in ("gold-knowledge", "kg-knowledge", "shuffled-knowledge", "sampled-gold-knowledge")
    ]  # the last is one of many draws at a temperature: no system of one draw
    scored = outcomes(graded(draws), rounds=3, thresholds=(1, 2, 20))
    found = {
        s: (o[0].answer, o[0].verdict, o[0].how, o[0].round, o[0].n_tokens)
        for s, o in scored.outcomes.items()
    }
    assert found == {
        "ir-greedy": ("2", "wrong", "single", 1, 10),
        "ir-sampled": ("2", "wrong", "single", 1, 10),
        "dr-gold-knowledge": ("1", "correct", "single", 1, 20),
        "dr-kg-knowledge": ("1", "correct", "single", 1, 25),
        "dr-shuffled-knowledge": ("1", "correct", "single", 1, 20),
        "dr-sampled": ("3", "wrong", "single", 1, 25),
        "lorid@1": ("2", "wrong", "fallback", 1, 35),
        "lorid@2": ("1", "correct", "consensus", 2, 70),
        "lorid@3": ("1", "correct", "consensus", 2, 70),
        "maj-dr@3": ("1", "correct", "majority", 3, 75),
        "maj-both@2": ("1", "correct", "majority", 2, 70),
        "early-stop-ir": ("1", "correct", "early_stop", 3, 30),
        "oracle": ("1", "correct", "oracle", 2, 70),
    }
    assert scored.left_out["maj-ir@K"].startswith(
        "matching 70 tokens per question takes about 8 rounds; 3 are stored"
    )
    assert scored.notes["maj-both@2"] == "K = 2 costs 70.0 tokens per question; lorid@3 costs 70.0"
    assert scored.headline == "lorid@3"


def test_nothing_is_guessed_where_draws_are_missing() -> None:
    scored = outcomes(graded(sampled(["1"], ["2"])), rounds=3)
    assert set(scored.outcomes) == {"ir-sampled", "dr-sampled", "lorid@1"}
    assert scored.left_out["ir-greedy"] == "its draws are missing for all questions"
    assert scored.left_out["lorid@3"] == "its draws are missing for all questions"
    assert scored.left_out["maj-ir@K"] == "lorid@3 is left out, so there is no budget to match"
    assert scored.left_out["oracle"]
    assert (
        scored.left_out["early-stop-ir"]
        == "it takes 2 draws of IR per question; 1 are stored for all"
    )


def test_of_what_nobody_asked_for_no_draw_is_missed() -> None:
    only_ir = graded([draw("ir", 1, "1", condition="greedy")])
    alone = EvalConfig(adapters={}, dataset="d", out="o", rounds=3, loop=False, greedy=("ir",))
    scored = outcomes(only_ir, rounds=3, unasked=partial(unasked, alone))
    assert set(scored.outcomes) == {"ir-greedy"}
    loop = ("lorid@3", "dr-sampled", "oracle", "maj-both@K")
    assert {scored.left_out[name] for name in loop} == {"it was not asked for (--no-loop)"}
    said = scored.left_out["dr-kg-knowledge"]
    assert said == "it was not asked for (--greedy kg-knowledge)"
    asked = alone.model_copy(update={"loop": True, "greedy": ("ir", "kg-knowledge")})
    scored = outcomes(only_ir, rounds=3, unasked=partial(unasked, asked))
    assert scored.left_out["lorid@3"] == "its draws are missing for all questions"
    assert scored.left_out["dr-kg-knowledge"] == "its draws are missing for all questions"


def test_a_system_that_some_questions_lack_is_left_out() -> None:
    both = graded(sampled(["1"], ["1"])) + graded(
        [*sampled(["1"], ["1"], pid="q"), draw("ir", 1, "1", condition="greedy", pid="q")], pid="q"
    )
    scored = outcomes(both, rounds=3)
    assert scored.left_out["ir-greedy"] == "its draws are missing for 1 of 2 questions"


def test_knowledge_is_paid_for_or_the_draw_does_not_count() -> None:
    no_kg = [d for d in sampled(["1"], ["1"]) if d.role != "kg"]
    [g] = graded([*no_kg, draw("dr", 1, "1", condition="kg-knowledge")])
    assert g.dr == ()
    assert "dr-kg-knowledge" not in g.single
    assert g.decisions == (None, None, None)
    assert g.official is None


def test_a_gap_ends_the_rounds() -> None:
    draws = [
        d
        for d in sampled(["1", "2", "3"], ["4", "5", "6"])
        if not (d.role == "ir" and d.round == 2)
    ]
    [g] = graded(draws)
    assert (len(g.ir), len(g.dr)) == (1, 3)
    assert g.decisions[1] is None


def test_no_answer_stays_no_answer() -> None:
    scored = outcomes(graded(sampled(["", "", ""], ["", "", ""])), rounds=3)
    for system in ("ir-sampled", "lorid@3", "maj-both@3", "early-stop-ir", "oracle"):
        assert outcome(scored, system).verdict == Verdict.NO_ANSWER, system
        assert outcome(scored, system).answer is None


def test_the_oracle_prefers_wrong_to_nothing_and_sees_only_the_loops_rounds() -> None:
    assert (
        outcome(outcomes(graded(sampled(["", "", ""], ["2", "", ""])), rounds=3), "oracle").verdict
        == "wrong"
    )
    late = sampled(["2", "1", "1"], ["2", "1", "1"])
    assert outcome(outcomes(graded(late), rounds=3), "oracle").verdict == "wrong"


def test_early_stop_falls_back_to_the_majority_at_its_cap() -> None:
    scored = outcomes(graded(sampled(["2", "3", "1", "1"], ["4", "5", "6"])), rounds=3)
    o = outcome(scored, "early-stop-ir")
    assert (o.answer, o.how, o.round, o.n_tokens) == ("2", "fallback", 3, 30)
    assert scored.notes["early-stop-ir"] == "at most 3 draws of IR, then their majority"


def test_the_early_stop_curve_ends_at_the_majority() -> None:
    problems = graded(sampled(["2", "1", "3", "1", "1"], ["4"] * 5), rounds=5)
    metrics = summarise(outcomes(problems, rounds=5), problems, n_resamples=20)
    tokens = [
        value(metrics, f"early-stop-ir@{m}", "tokens_per_problem", CURVE).value
        for m in (2, 3, 4, 5)
    ]
    assert tokens == [40, 50, 50, 50]
    assert value(metrics, "early-stop-ir", "tokens_per_problem").value == 40
    assert (
        value(metrics, "early-stop-ir@5", "accuracy", CURVE).value
        == value(metrics, "maj-ir@5", "accuracy", CURVE).value
        == 1
    )


def test_draws_cut_at_their_limit_are_counted() -> None:
    draws = [
        d.model_copy(update={"finish_reason": "length"}) if d.role == "ir" and d.round == 2 else d
        for d in sampled(["1", "1", "1"], ["2"] * 3)
    ]
    problems = graded(draws)
    metrics = summarise(outcomes(problems, rounds=3), problems, n_resamples=20)
    assert value(metrics, "ir-sampled", "cut_at_length", "rounds=1..3").value == pytest.approx(
        1 / 3
    )
    assert value(metrics, "dr-sampled", "cut_at_length", "rounds=1..3").value == 0


def test_decide_is_asked_once_a_consensus_stands_no_more() -> None:
    asked: list[int] = []

    def counting(draws: Any, t: int) -> Decision:
        asked.append(t)
        assert max(d.round for d in draws) == t
        return same_round(draws, t)

    grade(
        Gold("p", "1", {}),
        sampled(["2", "1", "1"], ["3", "1", "1"]),
        decide=counting,
        rounds=3,
        extract=extract,
        equal=equal,
        group=group,
    )
    assert asked == [1, 2]


def test_each_answer_is_judged_once() -> None:
    judged: list[str] = []

    def counting(a: str, b: str) -> str:
        judged.append(a)
        return equal(a, b)

    draws = sampled(["1", "2", "1"], ["2", "1", "2"])
    grade(
        Gold("p", "1", {}),
        draws,
        decide=same_round,
        rounds=3,
        extract=extract,
        equal=counting,
        group=group,
    )
    assert sorted(judged) == ["1", "2"]


def test_rows_without_knowledge_are_not_called_missing_draws() -> None:
    from dataclasses import replace

    draws = sampled(["1", "1", "1"], ["1", "1", "1"])
    [one] = graded(draws)
    scored = outcomes([replace(one, gold=replace(one.gold, has_knowledge=False))], rounds=3)
    assert scored.left_out["dr-gold-knowledge"] == (
        "none of the questions has knowledge in the dataset"
    )
    assert scored.left_out["dr-kg-knowledge"] == "its draws are missing for all questions"
    scored = outcomes([one], rounds=3)
    assert scored.left_out["dr-gold-knowledge"] == "its draws are missing for all questions"


def test_a_question_that_lacks_draws_under_two_seeds_is_one_question() -> None:
    """Of three questions under two seeds one lacks a round under both, one under the second."""
    of: list[GradedProblem] = []
    for pid, lacks in (("p", ()), ("q", (1,)), ("r", (0, 1))):
        draws = []
        for seed in (0, 1):
            other = "3" if seed in lacks else "1"
            draws += sampled(["1"], [other], seed=seed, pid=pid)
        of += graded(draws, pid=pid, rounds=2)
    said = outcomes(of, rounds=2).left_out["lorid@2"]
    assert said == "its draws are missing for 2 of 3 questions, under one seed or more"
    one = outcomes([g for g in of if g.seed == 1], rounds=2).left_out["lorid@2"]
    assert one == "its draws are missing for 2 of 3 questions"
