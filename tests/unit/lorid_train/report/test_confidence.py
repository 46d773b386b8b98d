"""What the report says of probabilities, of the weighed rule, and of kinds of questions."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.pages.text import esc
from lorid_train.interaction.draws import How
from lorid_train.metrics.rows import Metric
from lorid_train.report import confidence, contrast_tables, loop_tables, question_index, traces
from lorid_train.report.markdown import render_markdown
from lorid_train.report.page import render_html
from lorid_train.report.view import EvaluationView, Replay, view_of

simulated = runpy.run_path(str(Path(__file__).parents[3] / "support" / "simulated_evaluation.py"))


def view(n: int = 60, replay: Replay | None = None, **options: Any) -> EvaluationView:
    records, draws = simulated["simulate"](**{"n": n, "rounds": 6, "n_votes": 6, **options})
    lazy = options.get("lazy", True)
    return view_of("run", records, lambda pid: draws[pid], replay=replay or Replay(6), exhaustive=not lazy)  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> EvaluationView:
    return view(lazy=False)


def value(v: EvaluationView, system: str, metric: str, label: str | None = None) -> Metric:
    [m] = [m for m in v.metrics if (m.system, m.metric, m.slice) == (system, metric, label)]
    return m


def test_the_weighed_rule_is_a_system_where_its_draws_are_there(whole: EvaluationView) -> None:
    assert "weighed@6" in whole.scored.outcomes
    assert ("weighed@6", "difference", "vs=lorid@6") in {(m.system, m.metric, m.slice) for m in whole.metrics}  # fmt: skip
    loop, ours = (value(whole, s, "tokens_per_problem").value for s in ("lorid@6", "weighed@6"))
    assert loop
    assert ours
    # a lazy schedule stops at agreement, where the rule may ask for more
    assert "weighed@6" in view().scored.left_out


def test_decided_by_it_the_loop_is_the_weighed_rule(whole: EvaluationView) -> None:
    again = view(lazy=False, replay=Replay(6, "weighed"))
    assert "weighed@6" not in again.scored.outcomes
    for metric in ("accuracy", "tokens_per_problem"):
        assert value(again, "lorid@6", metric).value == value(whole, "weighed@6", metric).value
    same = [o.model_copy(update={"system": ""}) for o in again.scored.outcomes["lorid@6"]]
    assert same == [o.model_copy(update={"system": ""}) for o in whole.scored.outcomes["weighed@6"]]


def test_replays_of_it_are_those_of_the_rule(whole: EvaluationView) -> None:
    for fallback in ("none", "ir"):
        again = view(lazy=False, replay=Replay(6, "weighed", fallback))  # type: ignore[arg-type]
        label = f"rule=weighed,fallback={fallback}"
        for metric in ("accuracy", "coverage"):
            replayed = value(whole, "lorid@6", metric, label).value
            assert replayed == value(again, "lorid@6", metric).value


def test_every_answer_states_a_probability(whole: EvaluationView) -> None:
    for system in ("lorid@6", "weighed@6"):
        for o in whole.scored.outcomes[system]:
            assert (o.probability is None) == (o.answer is None)
    assert all(o.probability is None for o in whole.scored.outcomes["ir-greedy"])


def test_withheld_answers_are_no_answers_and_cost_the_same(whole: EvaluationView) -> None:
    held = view(lazy=False, replay=Replay(6, abstain_below=0.9))
    before = {o.problem_id: o for o in whole.scored.outcomes["lorid@6"]}
    n = 0
    for o in held.scored.outcomes["lorid@6"]:
        was = before[o.problem_id]
        assert (o.n_tokens, o.probability) == (was.n_tokens, was.probability)
        if was.answer is not None and (was.probability or 0) < 0.9:
            assert (o.answer, o.how, o.verdict) == (None, How.ABSTAINED, "no_answer")
            n += 1
        else:
            assert o.answer == was.answer
    assert 0 < n < 60
    assert held.settings["abstain_below"] == 0.9
    assert "abstain_below" not in whole.settings


def test_the_report_says_where_answers_are_95_percent_right(whole: EvaluationView) -> None:
    said = confidence.sentences(whole)
    assert len(said) == 4
    reach = value(whole, "lorid@6", "coverage_at_95").value
    assert reach is not None
    page, text = render_html([whole]), render_markdown([whole])
    for sentence in said:
        assert esc(sentence) in page
    assert "How sure the answers are" in page
    assert "## How sure the answers are" in text
    assert 'aria-label="How often answers are right, by the probability they state"' in page
    assert 'aria-label="How often given answers are right, by how many are given"' in page


def test_without_draws_nothing_is_said_of_probabilities() -> None:
    few = view(n=8)
    assert confidence.systems(few) == []
    assert "Too few answers carry a probability." in render_html([few])
    assert "How sure" not in render_markdown([few])


def test_who_is_right_adds_up(whole: EvaluationView) -> None:
    parts = {
        m.slice for m in whole.metrics if m.system == "dr-minus-ir" and m.metric == "both_right"
    }
    assert "level=1" in parts
    for part in parts:
        four = ("only_ir_right", "only_dr_right", "both_right", "neither_right")
        assert sum(value(whole, "dr-minus-ir", m, part).value or 0 for m in four) == pytest.approx(1)  # fmt: skip


def test_contrasts_are_shown_with_a_sentence() -> None:
    many = view(n=160, lazy=False)
    rows = contrast_tables.contrasts(many).rows
    assert rows
    assert "planned contrast" in contrast_tables.sentence(many)
    assert "Do they suit different questions?" in render_html([many])
    assert contrast_tables.sentence(view(n=40)) == ""


def test_draws_that_were_not_looked_at_change_no_number() -> None:
    """What the weighed loop would have drawn, and everything: the same numbers of the loop."""
    records, draws = simulated["simulate"](n=40, rounds=6, n_votes=6, lazy=False)
    weighed = Replay(6, "weighed")
    by_id = {r.problem_id: weighed(draws[r.problem_id], 6) for r in records}
    drawn = {}
    for pid, of in draws.items():
        d = by_id[pid]
        assert d is not None
        n_ir, n_dr = d.drawn
        drawn[pid] = [
            x for x in of if x.condition != "sampled" or x.round <= (n_ir if x.role == "ir" else n_dr)
        ]  # fmt: skip
    less, more = (
        view_of("run", records, lambda pid, t=t: t[pid], replay=weighed, voted=()) for t in (drawn, draws)
    )  # fmt: skip
    of_more = {(m.system, m.metric, m.slice): m for m in more.metrics}
    ours = [m for m in less.metrics if m.system == "lorid@6" and "vs=" not in (m.slice or "")]
    ours = [m for m in ours if m.slice != "curve" and not (m.slice or "").startswith("rule=")]
    assert len(ours) > 20
    for m in ours:
        assert m == of_more[m.system, m.metric, m.slice]
    assert less.scored.outcomes["lorid@6"] == more.scored.outcomes["lorid@6"]


AGREEMENT = ("coverage", "consensus_precision", "accuracy_without_consensus", "stopped", "mean_rounds", "ece", "reliability", "accuracy_answered")  # fmt: skip


@pytest.mark.parametrize("rule", ["same_round", "cumulative", "weighed"])
@pytest.mark.parametrize("lazy", [False, True])
def test_agreement_is_counted_as_if_nothing_were_withheld(rule: Any, lazy: bool) -> None:
    """Some answers are withheld, then all: what is said of agreement and of chances stays as it was."""
    lazy = lazy and rule == "same_round"  # the other rules need draws that this one leaves out
    whole, part, none = (
        view(lazy=lazy, replay=Replay(6, rule, abstain_below=p)) for p in (None, 0.93, 1.0)
    )
    top = whole.scored.headline
    before = [m for m in whole.metrics if m.metric in AGREEMENT and m.system == top]
    assert {m.metric for m in before} == set(AGREEMENT)
    for held in (part, none):
        found = [m for m in held.metrics if m.metric in AGREEMENT and m.system == top]
        assert found == before
        n_held = sum(o.how == How.ABSTAINED for o in held.scored.outcomes[top])
        assert value(held, top, "withheld").value == n_held / 60
        assert f"withholds its answer to {n_held / 0.6:.1f} %" in render_markdown([held])
        assert "never agree" not in render_html([held])
    assert value(none, top, "accuracy").value == 0
    curve = [(m.system, m.value) for m in whole.metrics if m.metric == "coverage" and m.slice == "curve"]  # fmt: skip
    assert curve == [(m.system, m.value) for m in none.metrics if m.metric == "coverage" and m.slice == "curve"]  # fmt: skip
    for which in ("false_consensus", "no_consensus"):
        assert [r[0] for r in loop_tables.named_list(none, which).rows] == [
            r[0] for r in loop_tables.named_list(whole, which).rows
        ]
    assert not [m for m in whole.metrics if m.metric == "withheld"]


def test_where_nothing_agrees_and_all_is_withheld_the_report_says_both() -> None:
    held = view(lazy=False, p_ir=0.0, p_dr=0.0, n_wrong=10_000, replay=Replay(6, abstain_below=1.0))
    assert value(held, "lorid@6", "coverage").value == 0
    text = render_markdown([held])
    assert (
        "never agree within 6 rounds, and every answer of the fallback (IR's last) is withheld"
        in text
    )
    assert "every answer of lorid@6 is the fallback's" not in render_html([held])
    nothing = view(lazy=False, replay=Replay(6, abstain_below=1e-9))
    assert "none is withheld" in render_markdown([nothing])


def test_a_lazy_loop_that_withholds_needs_no_draw_beyond_its_agreement() -> None:
    """The loop stops where IR and DR agree; that the answer is then withheld makes no further round due."""
    held = view(lazy=True, n_votes=1, replay=Replay(6, abstain_below=1.0))
    assert "lorid@6" in held.scored.outcomes


def test_a_question_that_is_withheld_says_how_it_would_have_been_decided() -> None:
    held = view(lazy=False, replay=Replay(6, abstain_below=1.0))
    systems, graded = question_index.by_system(held), question_index.first_seed(held)
    ways = set()
    for pid, g in graded.items():
        run = question_index.run_of(systems, g, pid, held.scored.before)
        assert run is not None
        decision = g.decisions[-1]
        assert decision is not None
        if run["how"] == How.ABSTAINED:
            assert decision.withheld is not None
            assert run["was"][0] == decision.withheld.how
            ways.add(run["was"][0])
            way = traces._way(decision)
            assert way.startswith(("agreed in round", "no consensus in 6 rounds, fallback"))
            assert ", withheld; right with probability" in way
    assert ways == {How.CONSENSUS, How.FALLBACK}
