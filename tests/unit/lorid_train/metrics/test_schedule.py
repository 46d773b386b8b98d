"""Which draws count: those that the loop needed, those asked for by number, those of further roles."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_train.interaction.draws import Decision, Draw, How
from lorid_train.metrics.grading import Gold, GradedProblem, grade
from lorid_train.metrics.schedule import as_scheduled, planned_votes, votes_to_draw
from lorid_train.metrics.significance import mcnemar_exact
from lorid_train.metrics.summary import summarise
from lorid_train.metrics.systems import kind, outcomes
from lorid_train.metrics.wins import role_pair, wins

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "graded_tables.py"))
draw, equal, extract = made["draw"], made["equal"], made["extract"]
graded, group, outcome = made["graded"], made["group"], made["outcome"]
sampled, value = made["sampled"], made["value"]


def test_draws_made_ahead_of_need_change_nothing() -> None:
    needed = sampled(["2", "1", "3", "1", "1"], ["3", "1"])
    ahead = sampled(["2", "1", "3", "1", "1", "9", "9", "9", "9", "9"], ["3", "1", "9"])
    lean, full = (as_scheduled(graded(d), exhaustive=False, voted=("ir",)) for d in (needed, ahead))
    assert planned_votes(lean)["ir"] == 9
    assert len(full[0].ir) == 9
    assert len(full[0].dr) == 2
    assert as_scheduled(graded(ahead), exhaustive=True) == graded(ahead)


def test_answers_of_draws_made_ahead_of_need_are_not_counted_as_compared() -> None:
    needed = sampled(["2", "1"], ["3", "1"])
    ahead = sampled(["2", "1", "?"], ["3", "1", "9"])
    both = [as_scheduled(graded(d), exhaustive=False, voted=()) for d in (needed, ahead)]
    lean, full = (summarise(outcomes(g, rounds=2), g, n_resamples=20) for g in both)
    assert value(lean, "grader", "equal").n == 3
    assert [m for m in full if m.system == "grader"] == [m for m in lean if m.system == "grader"]


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
