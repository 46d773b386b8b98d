"""Rules in which programs have a say, in the solver: what `evaluate` decides, shown round by round."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError
from lorid_data.execution import sandbox
from lorid_data.execution.executed import Executed, Limits, Status
from lorid_data.schema import Provenance, Record, problem_id
from lorid_train import Solver, cli
from lorid_train.config import EvalConfig
from lorid_train.engines.base import GenRequest, Sampling
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.evaluation.drawing import draw_all
from lorid_train.interaction.draws import DrawLog, How
from lorid_train.interaction.programs import runner
from lorid_train.interaction.rules import conclude
from lorid_train.interaction.three_way import THREE_WAY
from lorid_train.models import adapters
from lorid_train.solve.question import LoopSettings
from lorid_train.solve.shown import round_lines, solution_line
from lorid_train.solve.solution import Round, Solution

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")

Script = Callable[[GenRequest], str]
QUESTION = "Tom has 3 boxes of 4 pencils. How many pencils?"


def script(**said: list[str]) -> Script:
    """What each role writes in round 1, 2, …; the last of it for good."""

    def text(request: GenRequest) -> str:
        key: Any = request.key
        lines = {"kg": ["Add."], **said}[key.role]
        return lines[min(key.round, len(lines)) - 1]

    return text


def of(engine_text: Script, **options: Any) -> Solver:
    return Solver(ScriptedEngine(engine_text, batch_size=2), **options)


def record(question: str) -> Record:
    pid = problem_id(question)
    return Record(
        row_id="r", problem_id=pid, original_id=pid, source="s", split="test", question=question, rationale="",
        answer="12", licence="mit", knowledge=(), flags=(), provenance=Provenance.model_construct(),
    )  # fmt: skip


class Table:
    """An executor that knows what programs give: no sandbox is needed to see what rules decide."""

    limits, sandbox = Limits(), "table 1"

    def run(self, program: str) -> Executed:
        answer = program.partition("=")[2].strip() or None
        status = Status.OK if answer else Status.ERROR
        return Executed(status, answer, "", 0.1, "" if answer else "no")

    def run_all(self, programs: Any) -> Any:
        return map(self.run, programs)


def by_evaluate(tmp: Path, text: Script, rule: str, fallback: str, rounds: int, seed: int) -> Any:
    """The decision and the draws of an evaluation under this rule, by its own drawing."""
    path = tmp / f"{seed}-{rule}-{fallback}-{rounds}.jsonl"
    path.unlink(missing_ok=True)
    config = EvalConfig(
        adapters={}, dataset="d", out="o", rule=rule, fallback=fallback, rounds=rounds, seed=seed, votes="none",
        greedy=(), max_new_tokens=64,
    )  # type: ignore[arg-type]  # fmt: skip
    log = DrawLog(path)
    try:
        draw_all(config, [record(QUESTION)], log, lambda: ScriptedEngine(text), None, runner(Table()))  # fmt: skip
        draws = list(log.draws().values())
    finally:
        log.close()
    return conclude(draws, rule=rule, rounds=rounds, fallback=fallback), draws  # type: ignore[arg-type]


answers = st.lists(st.sampled_from(["", "1", "2", "12"]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    rule=st.sampled_from([*THREE_WAY, "same_round", "cumulative"]),
    fallback=st.sampled_from(["none", "ir", "dr", "cg", "majority"]),
    sides=st.tuples(answers, answers, answers), rounds=st.integers(1, 4),
)  # fmt: skip
def test_decisions_are_those_of_an_evaluation(
    tmp_path_factory: pytest.TempPathFactory, rule: str, fallback: str, sides: tuple[list[str], ...], rounds: int
) -> None:  # fmt: skip
    if rule not in THREE_WAY:
        fallback = "cg"
    ir, dr, cg = sides
    text = script(ir=[f"#### {a}" for a in ir], dr=[f"#### {a}" for a in dr], cg=[f"answer ={a}" for a in cg])  # fmt: skip
    decision, draws = by_evaluate(tmp_path_factory.getbasetemp(), text, rule, fallback, rounds, 7)
    solver = of(text, rule=rule, fallback=fallback, rounds=rounds, seed=7, sampling=Sampling(1.5, 0.9, 50, 64))  # fmt: skip
    solver.run = runner(Table())
    *events, last = solver.stream(QUESTION)
    assert isinstance(last, Solution)
    assert last.decision == decision
    assert {d.key: d for d in last.draws} == {d.key: d for d in draws}
    assert len(last.draws) == len(draws)
    assert tuple(events) == last.history, "each round was told once, whole, and in order"
    assert conclude(last.draws, rule=rule, rounds=rounds, fallback=fallback) == decision  # type: ignore[arg-type]


PROGRAMS = ["answer = 3 *", "print('hm')\nanswer = 1 / 0", "answer = 3 * 4"]


def test_programs_are_shown_with_what_they_gave() -> None:
    with of(script(ir=["#### 7"], dr=["#### 8"], cg=PROGRAMS), rule="cg_alone") as solver:
        found = solver.solve(QUESTION)
    assert (found.answer, found.how, found.rounds) == ("12", How.CONSENSUS, 3)
    assert found.rationale == "answer = 3 * 4"
    first, second, third = ("\n".join(round_lines(r)) for r in found.history)
    assert "CG  answer = 3 *\n" in first
    assert "no answer: is no program" in first
    assert "(unparsable, " in first
    assert "printed: hm" in second
    assert "no answer: failed (ZeroDivisionError: division by zero) (error, not grounded" in second
    assert "→ 12 (ok, grounded)" in third
    assert not any("agreed" in r for r in (first, second, third)), "one alone agrees with nobody"
    assert solution_line(found).startswith("answer: 12 (CG's program gave it; 3 rounds, ")
    body = json.loads(json.dumps(found.as_json()))
    assert [(p["round"], p["status"], p["answer"], p["output"]) for p in body["programs"]] == [
        (1, "unparsable", None, ""), (2, "error", None, "hm\n"), (3, "ok", "12", ""),
    ]  # fmt: skip
    assert [p["program"] for p in body["programs"]] == PROGRAMS
    assert body["programs"][2]["is_grounded"] is True
    assert body["programs"][1]["error"] == "ZeroDivisionError: division by zero"
    assert body["probability"] is None


def test_who_agrees_is_named() -> None:
    two = of(script(ir=["#### 12"], dr=["#### 8"], cg=["answer = 3 * 4"]), rule="any_two").solve(QUESTION)  # fmt: skip
    assert [d.role for d in two.draws] == ["ir", "cg"], "DR cannot change it any more"
    assert "IR and CG agreed" in "\n".join(round_lines(two.history[0]))
    assert two.rationale == "#### 12"
    three = of(script(ir=["#### 1"], dr=["#### 2"], cg=["answer = 3"]), rule="any_two", rounds=1, fallback="none").solve(QUESTION)  # fmt: skip
    assert "not agreed" in "\n".join(round_lines(three.history[0]))
    assert "no two of IR, DR and CG ever agreed, and the fallback has no answer" in solution_line(three)  # fmt: skip


def test_the_fallback_cg_is_asked_where_the_others_end_without_an_agreement() -> None:
    text = script(ir=["#### 1"], dr=["#### 2"], cg=["answer = 5", "nothing"])
    events = list(of(text, fallback="cg", rounds=2).stream(QUESTION))
    rounds = [e for e in events if isinstance(e, Round)]
    assert [(r.number, [d.role for d in r.draws]) for r in rounds] == [
        (1, ["ir", "kg", "dr"]), (2, ["ir", "kg", "dr", "cg"]), (1, ["cg"]),
    ]  # fmt: skip
    assert events[-1].answer == "5"  # type: ignore[union-attr]
    assert "IR and DR never agreed; the fallback answers" in solution_line(events[-1])  # type: ignore[arg-type]


def test_votes_of_a_file_count(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    votes = {"schema_version": 1, "ir": 0, "dr": 0, "cg": 5, "cg_ungrounded": 5, "ahead": 4}
    path.write_text(json.dumps(votes), encoding="utf-8")
    text = script(ir=["#### 1"], dr=["#### 1"], cg=["answer = 9"])
    assert of(text, rule="cg_votes", rounds=1).solve(QUESTION).answer == "1"
    assert of(text, rule="cg_votes", rounds=1, votes_file=path).solve(QUESTION).answer == "9"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rule": "any_two", "abstain_below": 0.5}, "gives no probability by which an answer"),
        ({"rule": "weighed", "fallback": "cg"}, "never asks CG"),
        ({"rule": "cg_alone", "rounds": 0}, "rounds 0"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LoopSettings(**options)


class _NothingIsLoadedError(AssertionError):
    pass


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of IR, KG and DR whose models must not be loaded."""

    def never(*_: object, **__: object) -> None:
        raise _NothingIsLoadedError

    monkeypatch.setattr(adapters, "fetch", never)
    for role in ("ir", "kg", "dr"):
        (tmp_path / "run" / "adapters" / role).mkdir(parents=True)
    return tmp_path / "run"


@pytest.mark.parametrize("options", [["--rule", "cg_alone"], ["--fallback", "cg"]])
def test_without_an_adapter_or_a_sandbox_nothing_is_loaded(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    for argv in (["solve", str(run_folder), "How many?"], ["serve", str(run_folder), "--port", "0"]):  # fmt: skip
        assert run(cli.app, [*argv, *options]) == 2
        assert "no adapter for cg" in (said := capsys.readouterr().err)
        assert said.count("\n") == 1, "one sentence"
    monkeypatch.setattr(sandbox, "DISTRIBUTION", "no-such-package")
    for argv in (["solve", str(run_folder), "How many?"], ["serve", str(run_folder), "--port", "0"]):  # fmt: skip
        assert run(cli.app, [*argv, *options]) == 2
        assert "pip install 'lorid[code]'" in (said := capsys.readouterr().err)
        assert said.count("\n") == 1, "one sentence"


def test_what_a_program_wrote_cannot_steer_a_terminal() -> None:
    cg = [
        "print('\x1b[2J\\x1b[2J\u202e')\nanswer = '\\x1b]0;x\\x07'",
        "raise ValueError('\\x1b[2J')",
    ]
    found = of(script(ir=["#### 1"], dr=["#### 2"], cg=cg), rule="cg_repeat", rounds=2).solve("q")
    shown = "\n".join([line for r in found.history for line in round_lines(r)] + [solution_line(found)])  # fmt: skip
    assert not {c for c in shown if (ord(c) < 32 and c != "\n") or c == "\u202e"}
