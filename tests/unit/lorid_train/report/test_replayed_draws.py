"""A replay counts the draws that its evaluation asked for, whatever else the batch made."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_train.interaction.draws import Draw, Ran
from lorid_train.interaction.rules import Rule
from lorid_train.interaction.three_way import THREE_WAY
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.systems import Answered, loop_at, oracle_within
from lorid_train.report.view import EvaluationView, Replay, view_of

SUPPORT = Path(__file__).parents[3] / "support"
simulated = runpy.run_path(str(SUPPORT / "simulated_evaluation.py"))
sampled = runpy.run_path(str(SUPPORT / "graded_tables.py"))["sampled"]
record = simulated["record"](0)
T = 5
OF_PAIRS: tuple[Rule, ...] = ("same_round", "cumulative", "weighed")
ANSWERS = st.lists(st.sampled_from([record.answer, "7", "8", "9", ""]), min_size=T, max_size=T)


def seen(draws: Sequence[Draw], replay: Replay, asked: Replay | None = None) -> EvaluationView:
    return view_of("run", [record], lambda _: draws, replay=replay, asked=asked, voted=())


def made(ir: list[str], dr: list[str], n_ir: int, n_dr: int) -> list[Draw]:
    return sampled(  # type: ignore[no-any-return]
        [f"#### {a}" for a in ir[:n_ir]], [f"#### {a}" for a in dr[:n_dr]], pid=record.problem_id
    )


def cost(draws: Sequence[Draw], g: GradedProblem, t: int) -> int:
    """The tokens of a decision, summed over the stored draws themselves."""
    decision = g.decisions[t - 1]
    assert decision is not None
    counted = {(role, r) for role, r in decision.keys}
    counted |= {("kg", r) for role, r in counted if role == "dr"}
    return sum(d.n_tokens for d in draws if (d.role, d.round) in counted)


def said(view: EvaluationView) -> list[Answered | None]:
    [g] = view.graded
    return [loop_at(g, t=t) for t in range(1, view.scored.rounds + 1)]


@pytest.mark.parametrize(("by", "rule"), list(product(OF_PAIRS, OF_PAIRS)))
@given(ir=ANSWERS, dr=ANSWERS, ahead=st.tuples(st.integers(0, T), st.integers(0, T)))
@settings(max_examples=25, deadline=None)
def test_draws_ahead_of_need_and_larger_thresholds_change_no_replay(
    by: Rule, rule: Rule, ir: list[str], dr: list[str], ahead: tuple[int, int]
) -> None:
    asked = Replay(T, by)
    decision = asked(made(ir, dr, T, T), T)
    assert decision is not None
    n_ir, n_dr = decision.drawn
    lean = made(ir, dr, n_ir, n_dr)
    full = made(ir, dr, n_ir + ahead[0], n_dr + ahead[1])
    of_lean, of_full = (seen(draws, Replay(T, rule), asked) for draws in (lean, full))
    assert said(of_full) == said(of_lean)
    assert of_full.metrics == of_lean.metrics
    assert of_full.scored.left_out == of_lean.scored.left_out
    [g] = of_full.graded
    for t, one in enumerate(said(of_full), 1):
        alone = seen(full, Replay(t, rule), asked)
        assert said(alone)[-1] == one
        if one is not None:
            assert one.n_tokens == cost(full, g, t)
            decided = Replay(t, rule)(lean, t)
            assert decided is not None
            assert (one.answer, one.round) == (decided.answer, decided.round)
    needed = Replay(T, rule)(made(ir, dr, T, T), T)
    assert needed is not None
    if n_ir >= needed.drawn[0] and n_dr >= needed.drawn[1]:
        as_evaluated(of_full, seen(made(ir, dr, *needed.drawn), Replay(T, rule)))


def as_evaluated(replayed: EvaluationView, evaluated: EvaluationView) -> None:
    """The draws suffice: every number is the one that evaluating with the rule gives."""
    assert said(replayed)[-1] == said(evaluated)[-1]
    found = {(m.system, m.metric, m.slice): m for m in replayed.metrics}
    for m in evaluated.metrics:
        if not m.method.startswith("left out") and m.metric != "mcnemar_p_holm":
            assert found[m.system, m.metric, m.slice] == m


def test_what_was_drawn_for_the_weighed_rule_is_there_for_it_in_any_replay() -> None:
    """IR and DR agree in round 1; the weighed rule asks IR four times more, and is not sure yet."""
    ir, dr = [record.answer, "7", *[record.answer] * 3], [record.answer] * T
    again = seen(made(ir, dr, 5, 1), Replay(T, "same_round"), Replay(T, "weighed"))
    assert again.scored.outcomes[f"weighed@{T}"][0].answer == record.answer
    [kept] = again.graded
    assert (len(kept.ir), len(kept.dr)) == (1, 1)  # nothing else counts the four
    assert len(kept.to_look_at("ir")) == 5


def program(r: int, answer: str | None) -> Draw:
    status = "error" if answer is None else "ok"
    return sampled([""], [], pid=record.problem_id)[0].model_copy(  # type: ignore[no-any-return]
        update={
            "role": "cg",
            "round": r,
            "executed": Ran(status=status, answer=answer, sandbox="s"),
        }
    )


def test_a_smaller_threshold_may_fall_back_on_what_a_larger_one_never_reads() -> None:
    draws = [*made(["7", "8"], ["9"], 2, 1), program(1, None), program(2, "8")]
    asked = Replay(2, "any_two", "ir")
    view = seen(draws, Replay(2, "cg_alone", "ir"), asked)
    first, last = said(view)
    assert first is not None
    assert last is not None
    assert (first.answer, first.n_tokens) == ("7", 20)
    assert (last.answer, last.n_tokens) == ("8", 20)
    best = oracle_within(view.graded[0], t=2)
    assert best is not None


@given(data=st.data(), ir=ANSWERS, dr=ANSWERS)
@settings(max_examples=60, deadline=None)
def test_rules_of_programs_cost_what_they_read_at_every_threshold(
    data: Any, ir: list[str], dr: list[str]
) -> None:
    cg = data.draw(st.lists(st.sampled_from([record.answer, "7", None]), min_size=T, max_size=T))
    by, rule = (data.draw(st.sampled_from(THREE_WAY)) for _ in range(2))
    fallback = data.draw(st.sampled_from(["none", "ir", "dr", "cg", "majority"]))
    whole = [*made(ir, dr, T, T), *(program(r, a) for r, a in enumerate(cg, 1))]
    asked = Replay(T, by, "cg")
    decision = asked(whole, T)
    assert decision is not None
    read = {*decision.keys, *(("kg", r) for role, r in decision.keys if role == "dr")}
    drawn = [d for d in whole if (d.role, d.round) in read]
    view = seen(drawn, Replay(T, rule, fallback), asked)
    for t, one in enumerate(said(view), 1):
        decided = Replay(t, rule, fallback)(drawn, t)
        assert (one is None) == (decided is None)
        if one is not None:
            assert one.n_tokens == cost(drawn, view.graded[0], t)
