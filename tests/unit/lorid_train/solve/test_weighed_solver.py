"""The rule that weighs votes, and answers that are withheld, in the solver and the server."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from lorid_train.engines.base import GenRequest
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.interaction import rule_files
from lorid_train.interaction.draws import How
from lorid_train.interaction.rules import conclude
from lorid_train.solve.question import LoopSettings
from lorid_train.solve.shown import round_lines, solution_line
from lorid_train.solve.solution import Round, Solution
from lorid_train.solve.solver import Solver

support = runpy.run_path(str(Path(__file__).parents[3] / "support" / "asked_server.py"))


def texts(ir: list[str], dr: list[str]) -> Callable[[GenRequest], str]:
    """What each role writes in round 1, 2, …."""
    of_server = support["texts"](ir, dr)
    return lambda r: str(of_server(GenRequest((0, r.key), r.adapter, r.prompt, r.sampling, r.seed)))


def solver(ir: list[str], dr: list[str], **options: object) -> Solver:
    return Solver(ScriptedEngine(texts(ir, dr), batch_size=2), **options)  # type: ignore[arg-type]


def test_roles_are_drawn_one_at_a_time_and_the_draws_give_the_answer_again() -> None:
    s = solver(["#### 1", "#### 2"], ["#### 2"], rule="weighed", rounds=6).solve("1 + 1?")
    assert s.answer == "2"
    assert s.probability is not None
    again = conclude(s.draws, rule="weighed", rounds=6, fallback="ir")
    assert again == s.decision
    assert {tuple(d.role for d in r.draws) for r in s.history} <= {("ir",), ("kg", "dr")}
    assert s.n_tokens == sum(d.n_tokens for d in s.draws)
    assert s.rationale == "#### 2"
    assert s.rounds == max(r.number for r in s.history)


def test_steps_are_streamed_as_they_come() -> None:
    events = list(solver(["#### 1", "#### 2"], ["#### 2"], rule="weighed", rounds=6).stream("1?"))
    rounds, [solution] = events[:-1], events[-1:]
    assert isinstance(solution, Solution)
    assert tuple(rounds) == solution.history
    first = rounds[0]
    assert isinstance(first, Round)
    lines = round_lines(first)
    assert lines[0] == "round 1"
    assert not any("agreed" in line for line in lines)
    assert "the weighed votes" in solution_line(solution)
    assert f"right with probability {solution.probability:.2f}" in solution_line(solution)


@pytest.mark.parametrize("rule", ["same_round", "weighed"])
def test_an_unlikely_answer_is_withheld(rule: str) -> None:
    options = {"rule": rule, "rounds": 2}
    given = solver(["#### 1", "#### 3"], ["#### 2", "#### 4"], **options).solve("1 + 1?")
    assert given.answer is not None
    assert given.probability is not None
    held = solver(["#### 1", "#### 3"], ["#### 2", "#### 4"], abstain_below=0.999, **options).solve("1 + 1?")  # fmt: skip
    assert (held.answer, held.how) == (None, How.ABSTAINED)
    assert held.probability == given.probability
    assert held.draws == given.draws
    assert "withheld" in solution_line(held)
    assert held.as_json()["how"] == "abstained"


def test_a_rule_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    eager = rule_files.default().model_copy(update={"most_draws": 1})
    path.write_text(eager.text(), encoding="utf-8")
    s = solver(["#### 1"], ["#### 2"], rule="weighed", rounds=6, rule_file=path).solve("1 + 1?")
    assert len(s.history) == 1


def test_the_server_answers_as_the_solver_does() -> None:
    with support["serving"](settings=LoopSettings(rule="weighed", rounds=4)) as server:
        status, body = support["ask"](server, support["chat"](seed=3))
        assert status == 200
        ours = solver(
            ["#### 1", "#### 2"], ["#### 2"], rule="weighed", rounds=4, sampling=support["SAMPLING"], seed=3
        ).solve("1 + 1?").as_json()  # fmt: skip
        theirs = body["lorid"]
        assert theirs["probability"] == ours["probability"]
        assert (theirs["answer"], theirs["rounds"]) == (ours["answer"], ours["rounds"])
        stream = support["chat"](seed=3, stream=True)
        _, _, content = support["raw"](server, stream)
        rounds = [e["lorid"]["round"] for e in support["events"](content) if "round" in e.get("lorid", {})]  # fmt: skip
        assert rounds
        assert [len(r["draws"]) for r in rounds] == [
            1 if r["draws"][0]["role"] == "ir" else 2 for r in rounds
        ]
