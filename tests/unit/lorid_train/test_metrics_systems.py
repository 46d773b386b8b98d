"""From draws to outcomes and numbers: small tables by hand, and a simulation by formula."""

from __future__ import annotations

import json
import math
import random
import runpy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_data.errors import InputError
from lorid_train.draws import Decision, Draw, How, Metric, Verdict
from lorid_train.interaction import decide
from lorid_train.metrics import (
    CURVE,
    Gold,
    GradedProblem,
    Scored,
    answer_type,
    as_scheduled,
    compare,
    compare_runs,
    gold_of,
    grade,
    kind,
    mcnemar_exact,
    metrics_json,
    outcomes,
    planned_votes,
    read_metrics,
    role_pair,
    score,
    summarise,
    votes_to_draw,
)
from lorid_train.metrics.wins import wins

simulated = runpy.run_path(str(Path(__file__).parents[2] / "support" / "simulated_evaluation.py"))


def extract(text: str) -> str | None:
    return text or None


def equal(a: str, b: str) -> str:
    return "timeout" if "?" in a else "unparsed" if "!" in a else "equal" if a == b else "different"


def group(answers: list[str]) -> list[int]:
    return [answers.index(a) for a in answers]


def same_round(draws: Any, t: int, *, fallback: str = "ir") -> Decision:
    ir = {d.round: d.text for d in draws if d.role == "ir"}
    dr = {d.round: d.text for d in draws if d.role == "dr"}
    for r in range(1, t + 1):
        if ir[r] and ir[r] == dr[r]:
            return Decision(answer=ir[r], how=How.CONSENSUS, round=r)
    if fallback == "none" or not ir[t]:
        return Decision(answer=None, how=How.NONE, round=t)
    return Decision(answer=ir[t], how=How.FALLBACK, round=t)


def draw(
    role: str, r: int, text: str, *, condition: str = "sampled", seed: int = 0, pid: str = "p"
) -> Draw:
    return Draw(
        problem_id=pid, role=role, condition=condition, seed=seed, round=r, text=text, finish_reason="stop",
        n_prompt_tokens=1, n_tokens={"ir": 10, "kg": 5, "dr": 20, "ks": 16, "ird": 11}[role], prompt_sha256="",
    )  # fmt: skip


def sampled(ir: list[str], dr: list[str], *, seed: int = 0, pid: str = "p") -> list[Draw]:
    found = [draw("ir", i + 1, a, seed=seed, pid=pid) for i, a in enumerate(ir)]
    for i, a in enumerate(dr):
        found += [
            draw("kg", i + 1, "rule", seed=seed, pid=pid),
            draw("dr", i + 1, a, seed=seed, pid=pid),
        ]
    return found


def graded(
    draws: list[Draw], *, gold: str = "1", rounds: int = 3, pid: str = "p", **slices: str
) -> list[GradedProblem]:
    return grade(
        Gold(pid, gold, slices), draws, decide=same_round, rounds=rounds, extract=extract, equal=equal, group=group
    )  # fmt: skip


def outcome(scored: Scored, system: str) -> Any:
    [o] = scored.outcomes[system]
    return o


def value(metrics: list[Metric], system: str, metric: str, label: str | None = None) -> Metric:
    [m] = [m for m in metrics if (m.system, m.metric, m.slice) == (system, metric, label)]
    return m


# --- one problem, by hand ----------------------------------------------------------------------


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
        for c in ("gold-knowledge", "kg-knowledge", "shuffled-knowledge")
    ]
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


# --- the schedule ------------------------------------------------------------------------------


def test_draws_made_ahead_of_need_change_nothing() -> None:
    needed = sampled(["2", "1", "3", "1", "1"], ["3", "1"])
    ahead = sampled(["2", "1", "3", "1", "1", "9", "9", "9", "9", "9"], ["3", "1", "9"])
    lean, full = (as_scheduled(graded(d), exhaustive=False, voted=("ir",)) for d in (needed, ahead))
    assert planned_votes(lean)["ir"] == 9
    assert len(full[0].ir) == 9
    assert len(full[0].dr) == 2
    assert as_scheduled(graded(ahead), exhaustive=True) == graded(ahead)


def test_draws_asked_for_by_number_stay_whatever_the_loop_needed() -> None:
    """The loop stops in round 1; IR was asked for 4 rounds, DR for 2."""
    ahead = graded(sampled(["1", "1", "2", "2", "2"], ["1", "2", "2"]))
    [kept] = as_scheduled(ahead, exhaustive=False, voted=(), samples={"ir": 4, "dr": 2})
    assert (len(kept.ir), len(kept.dr)) == (4, 2)


def test_roles_outside_the_loop_are_systems_where_they_were_drawn() -> None:
    draws = sampled(["2", "1"], ["3", "1"])
    without = outcomes(graded(draws), rounds=2)
    assert not [s for s in (*without.outcomes, *without.left_out) if s.startswith(("ks", "ird"))]
    draws += [draw(r, 1, a, condition="greedy") for r, a in (("ks", "1"), ("ird", "2"))]
    draws += [draw("ks", r, a) for r, a in ((1, "2"), (2, "1"))]
    of = graded(draws)
    scored = outcomes(of, rounds=2)
    found = {s: (outcome(scored, s).verdict, outcome(scored, s).n_tokens) for s in scored.outcomes}
    assert found["ks-greedy"] == ("correct", 16)
    assert found["ird-greedy"] == ("wrong", 11)
    assert found["ks-sampled"] == ("wrong", 16)
    assert {s: found[s] for s in without.outcomes} == {
        s: (o[0].verdict, o[0].n_tokens) for s, o in without.outcomes.items()
    }
    measured = summarise(scored, of, n_resamples=50)
    assert value(measured, "ks-sampled", "accuracy_over_draws", "rounds=1..2").value == 0.5
    assert value(measured, "lorid@2", "difference", "vs=ks-greedy").value == 0


def test_the_official_stop_does_not_rest_on_draws_made_ahead_of_need() -> None:
    """Same-round equality in meaning stops the loop where the strings differ."""

    def decide(draws: Any, t: int) -> Decision:
        return Decision(answer="1", how=How.CONSENSUS, round=1)

    def read(draws: list[Draw]) -> list[GradedProblem]:
        gold = Gold("p", "1", {})
        return grade(
            gold, draws, decide=decide, rounds=3, extract=extract, equal=equal, group=group
        )

    ahead = read(sampled(["1", "2", "2"], ["one", "2", "2"]))
    assert ahead[0].official is not None
    [kept] = as_scheduled(ahead, exhaustive=False, voted=())
    assert kept.official is None
    assert len(kept.ir) == len(kept.dr) == 1


def test_without_a_loop_all_stored_votes_count() -> None:
    greedy = [draw("ir", 1, "1", condition="greedy")]
    scored = outcomes(graded([*sampled(["2", "1", "1"], []), *greedy]), rounds=3)
    assert outcome(scored, "maj-ir@3").answer == "1"
    assert "no loop was drawn" in scored.notes["maj-ir@3"]
    assert scored.left_out["maj-dr@K"] == "its draws are missing for all questions"
    alone = outcomes(graded(greedy), rounds=3)
    assert alone.left_out["maj-ir@K"] == "its draws are missing for all questions"
    assert wins(alone, graded(greedy), ["level"]) == []
    assert role_pair(alone) is None


def test_stopping_early_is_matched_on_the_loop_s_tokens() -> None:
    """The loop costs 70 for two rounds; IR's votes cost 10 each."""
    ir, dr = ["1", "2", "1", "2", "1", "1", "1", "1"], ["3", "2"]
    scored = outcomes(graded(sampled(ir, dr)), rounds=2)
    found = outcome(scored, "early-stop-ir@5")
    assert (found.answer, found.n_tokens, found.round) == ("1", 70, 7)
    assert kind("early-stop-ir@5") == "early-stop-ir@K"
    few = outcomes(graded(sampled(ir[:3], dr)), rounds=2)
    assert "they cost 30 tokens, lorid@2 70" in few.left_out["early-stop-ir@K"]
    same = outcomes(graded(sampled(["1", "1"], ["1"])), rounds=3)
    assert not [s for s in same.outcomes if s.startswith("early-stop-ir@")]


def test_parts_that_one_role_wins() -> None:
    problems: list[GradedProblem] = []
    for i in range(40):
        right = ("1", "2") if i % 2 else ("2", "1")  # IR right in the odd ones, DR in the even
        draws = sampled([right[0]], [right[1]], pid=f"p{i}")
        problems += graded(draws, pid=f"p{i}", rounds=1, level=str(i % 2))
    scored = outcomes(problems, rounds=1)
    assert role_pair(scored) == ("ir-sampled", "dr-sampled")
    found = wins(scored, problems, ["level", "subject"])
    assert {m.slice for m in found} == {"level=0", "level=1"}
    for label, sign, winner in (
        ("level=0", 1.0, "only_dr_right"),
        ("level=1", -1.0, "only_ir_right"),
    ):
        assert value(found, "dr-minus-ir", "difference", label).value == sign
        assert value(found, "dr-minus-ir", winner, label).value == 1.0
        p = value(found, "dr-minus-ir", "mcnemar_p_holm", label).value
        assert p == pytest.approx(2 * mcnemar_exact(20, 0))


def test_an_incomplete_loop_is_left_as_it_is() -> None:
    some = graded(sampled(["1", "2"], ["2"]))
    assert as_scheduled(some, exhaustive=False) == some
    assert planned_votes(some)["ir"] == 0
    assert planned_votes([])["ir"] == 0
    assert votes_to_draw([0], [[]]) == 0
    assert votes_to_draw([300, 300], [[30], [20, 40]]) == 12


# --- numbers -----------------------------------------------------------------------------------


def two_problems(**slices: str) -> list[GradedProblem]:
    return [
        *graded(sampled(["1", "1", "1"], ["1", "2", "1"]), subject="algebra", level="1", **slices),
        *graded(
            sampled(["!", "2", "2"], ["3", "2", "2"], pid="q"),
            pid="q",
            subject="geometry",
            level="1",
            **slices,
        ),
    ]


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
    assert {m.value for m in holms} == {min(1.0, len(holms) * mcnemar_exact(6, 1))}
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


# --- a simulation with known abilities -----------------------------------------------------------


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
    from lorid_train.metrics import wilson

    rng = random.Random(1)
    held = 0
    for _ in range(2000):
        low, high = wilson(sum(rng.random() < 0.7 for _ in range(200)), 200)
        held += low <= 0.7 <= high
    assert 0.93 < held / 2000 < 0.97


# --- gold and files ------------------------------------------------------------------------------


def test_slices_of_a_record() -> None:
    gold = gold_of(simulated["record"](1))
    assert gold.slices == {
        "subject": "travel",
        "level": "2",
        "steps": "3",
        "answer_type": "integer",
    }
    many = simulated["record"](0).model_copy(update={"rationale": "a\n" * 20, "level": None})
    assert gold_of(many).slices["steps"] == "8+"
    assert "level" not in gold_of(many).slices


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("12", "integer"), ("-1,200", "integer"), ("$3.50", "decimal"), ("3/4", "fraction"),
     (r"\frac{1}{2}", "fraction"), (r"2\sqrt{3}", "expression"), ("(1, 2)", "expression")],
)  # fmt: skip
def test_answer_types(answer: str, kind: str) -> None:
    assert answer_type(answer) == kind


def test_metrics_json_round_trips_and_has_no_nan(tmp_path: Path) -> None:
    both = two_problems()
    metrics = summarise(outcomes(both, rounds=3), both, n_resamples=50)
    path = tmp_path / "metrics.json"
    path.write_text(metrics_json(metrics), encoding="utf-8")
    body = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda c: pytest.fail(c))
    assert body["schema"] == 1
    assert set(body["metrics"][0]) == {
        "system",
        "metric",
        "value",
        "n",
        "ci_low",
        "ci_high",
        "method",
        "slice",
    }
    assert read_metrics(path) == metrics
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(metrics) + 5
    with pytest.raises(ValueError, match="not JSON compliant"):
        metrics_json([metrics[0].model_copy(update={"value": math.nan})])
    assert not [m for m in metrics if m.value is not None and math.isnan(m.value)]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": 2, "metrics": []}', '{"schema": 1, "metrics": [1]}', "[]"]
)
def test_bad_metrics_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"metrics\.json"):
        read_metrics(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_metrics(tmp_path / "none.json")
