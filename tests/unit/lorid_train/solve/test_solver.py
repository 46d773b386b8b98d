"""Questions put to trained roles: rounds as they come, the answer, and the command around them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError
from lorid_train import Solver, cli
from lorid_train.config import EvalConfig
from lorid_train.engines.base import GenRequest, GenResult, Sampling
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.evaluation.usual import OFFICIAL, usual_sampling, with_usual_sampling
from lorid_train.interaction.draws import How
from lorid_train.models.base_model import Base
from lorid_train.solve import command, solver
from lorid_train.solve.question import AskedQuestion, LoopSettings, MemoryLog
from lorid_train.solve.shown import round_lines, solution_line
from lorid_train.solve.solution import Round, Solution


def texts(ir: list[str], dr: list[str], kg: str = "Add.\nCount.") -> Callable[[GenRequest], str]:
    """What each role writes in round 1, 2, …."""

    def script(request: GenRequest) -> str:
        role, number = request.key.role, request.key.round  # type: ignore[attr-defined]
        if role == "kg":
            return kg
        said = ir if role == "ir" else dr
        return said[min(number, len(said)) - 1]

    return script


def of(ir: list[str], dr: list[str], **options: object) -> Solver:
    kg = str(options.pop("kg", "Add.\nCount."))
    return Solver(ScriptedEngine(texts(ir, dr, kg), batch_size=2), **options)  # type: ignore[arg-type]


def test_the_loop_stops_where_both_agree() -> None:
    s = of(["#### 1", "#### 2", "#### 3"], ["#### 9", "so #### 2.0", "#### 3"]).solve("1 + 1?")
    assert (s.answer, s.how, s.rounds) == ("2", How.CONSENSUS, 2)
    assert [(d.role, d.round) for d in s.draws] == [
        (r, n) for n in (1, 2) for r in ("ir", "kg", "dr")
    ]
    assert s.rationale == "#### 2"
    assert s.n_tokens == sum(d.n_tokens for d in s.draws)
    assert s.history[0].rules == ("Add.", "Count.")
    assert [r.agreed for r in s.history] == [False, True]


@pytest.mark.parametrize(
    ("fallback", "answer", "how"),
    [("ir", "1", How.FALLBACK), ("dr", "9", How.FALLBACK), ("none", None, How.NONE)],
)
def test_without_agreement_the_fallback_answers(
    fallback: str, answer: str | None, how: How
) -> None:
    s = of(["#### 1"], ["#### 9"], rounds=3, fallback=fallback).solve("1 + 1?")
    assert (s.answer, s.how, s.rounds) == (answer, how, 3)
    assert (s.rationale is None) == (answer is None)


def test_rounds_come_as_they_are_complete_and_the_solution_last() -> None:
    events = list(of(["#### 1", "#### 2"], ["#### 2", "#### 2"]).stream("1 + 1?"))
    assert [type(e) for e in events] == [Round, Round, Solution]
    assert [e.number for e in events if isinstance(e, Round)] == [1, 2]
    assert events[-1].rounds == 2  # type: ignore[union-attr]


def test_what_is_drawn_ahead_is_not_shown() -> None:
    """A wide batch draws rounds beyond the one that decides."""
    engine = ScriptedEngine(texts(["#### 2"], ["#### 2"]), batch_size=50)
    events = list(Solver(engine, rounds=9).stream("1 + 1?"))
    assert len(engine.asked) > 3
    assert [type(e) for e in events] == [Round, Solution]
    assert len(events[-1].draws) == 3  # type: ignore[union-attr]


def test_the_cumulative_rule_looks_back() -> None:
    s = of(["#### 1", "#### 2"], ["#### 3", "#### 1"], rule="cumulative").solve("1 + 1?")
    assert (s.answer, s.rounds) == ("1", 2)
    assert (
        of(["#### 1", "#### 2"], ["#### 3", "#### 1"], rounds=2, fallback="none").solve("q").answer
        is None
    )


def test_many_questions_come_back_in_their_order() -> None:
    def script(request: GenRequest) -> str:
        return "Add." if request.adapter == "kg" else f"#### {request.prompt.count('x')}"

    found = Solver(ScriptedEngine(script)).solve_all(["x", "x x x", "x", "x x"])
    assert [s.answer for s in found] == ["1", "3", "1", "2"]
    assert [s.question for s in found] == ["x", "x x x", "x", "x x"]
    assert Solver(ScriptedEngine(script)).solve_all([]) == []


class NoRoom(ScriptedEngine):
    """Its context is shorter than any prompt."""

    def generate(self, pull: Any) -> Any:
        while asked := pull(1):
            yield GenResult(asked[0].key, "", "too_long", 12_014, 0)


def test_a_question_without_room_is_refused_with_the_number_of_its_tokens() -> None:
    solver = Solver(NoRoom(lambda _: ""), rounds=2)
    for ask in (solver.solve, lambda q: list(solver.stream(q))):
        with pytest.raises(ConfigError, match=r"12,014 tokens, which leaves the model no room"):
            ask("How many?")
    [solution] = solver.solve_all(["How many?"])
    assert solution.answer is None
    assert {d.finish_reason for d in solution.draws} == {"too_long"}


@pytest.mark.parametrize(
    ("given", "said"), [(None, "is None, and must be a text"), (5, "is 5"), ("How \ud800?", "at character 5")]
)  # fmt: skip
def test_what_is_no_question_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        AskedQuestion(given, MemoryLog(), LoopSettings())


def test_an_empty_question_and_no_round_are_refused() -> None:
    for question in ("", "  \n"):
        with pytest.raises(ConfigError, match="the question is empty"):
            of(["#### 1"], ["#### 1"]).solve(question)
    with pytest.raises(ConfigError, match="rounds 0"):
        of(["#### 1"], ["#### 1"], rounds=0)


def test_the_package_offers_it_and_nothing_else() -> None:
    import lorid_train

    assert lorid_train.Solver is solver.Solver
    with pytest.raises(AttributeError, match="'Slover'"):
        lorid_train.Slover  # type: ignore[attr-defined]  # noqa: B018


def test_what_a_model_wrote_cannot_steer_a_terminal() -> None:
    s = of(["\x1b[2J #### 1\x07"], ["\u202e#### 1"], kg="\x1b]0;title\x07").solve("q")
    shown = "\n".join([*round_lines(s.history[0]), solution_line(s)])
    assert not {c for c in shown if ord(c) < 32 and c != "\n"} | {c for c in shown if c == "\u202e"}
    assert "␛[2J" in shown


def test_a_rule_is_a_line_and_no_other_separator_ends_it() -> None:
    found = of(["#### 2"], ["#### 2"], kg="One\u2028rule.\nAnother\x0bone.\n\n").solve("q")
    assert found.history[0].rules == ("One\u2028rule.", "Another\x0bone.")


def test_a_solution_is_plain_json() -> None:
    body = json.loads(json.dumps(of(["#### 2"], ["#### 2"]).solve("1 + 1?").as_json()))
    assert (body["answer"], body["how"], body["rounds"]) == ("2", "consensus", 1)
    assert [d["role"] for d in body["draws"]] == ["ir", "kg", "dr"]


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Runs that were loaded; each answers 2."""
    runs: list[object] = []

    def load(folder: object, **options: object) -> Solver:
        runs.append((folder, options))
        return of(["#### 2"], ["#### 2"])

    monkeypatch.setattr(solver.Solver, "load", load)
    return runs


def test_run_and_question(
    loaded: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(
            cli.app,
            ["solve", str(tmp_path), "What is 1 + 1?", "--rounds", "5", "--temperature", "0.5"],
        )
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "round 1"
    assert lines[-1].startswith("answer: 2 (IR and DR agreed; right with probability 0.")
    assert "; 1 round, " in lines[-1]
    [(folder, options)] = loaded  # type: ignore[misc]
    assert folder == str(tmp_path)
    assert options["rounds"] == 5


def test_a_file_of_questions_as_json(
    loaded: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("1 + 1?\n\nSeparated\u2028by nothing?\n", encoding="utf-8")
    assert run(cli.app, ["solve", str(tmp_path), "--file", str(file), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    assert [f["question"] for f in found] == ["1 + 1?", "Separated\u2028by nothing?"]
    assert len(loaded) == 1


def test_lines_of_standard_input(
    loaded: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.StringIO("one?\ntwo?\n"))
    assert run(cli.app, ["solve", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("answer: 2") == 2


def test_without_a_run_the_quickstarts_is_asked(
    loaded: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(cli.app, ["solve", "What is 1 + 1?"]) == 2
    assert "lorid-train quickstart" in capsys.readouterr().err
    command.QUICKSTART.mkdir(parents=True)
    (command.QUICKSTART / "manifest.json").write_text("{}")
    assert run(cli.app, ["solve", "What is 1 + 1?"]) == 0
    assert loaded[0][0] == str(command.QUICKSTART)  # type: ignore[index]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["./runs/nowhere"], "no such run folder"),
        (["nowhere"], "no such run folder"),
        ([".", "one?", "--file", "x"], "give one of them"),
        ([".", "--file", "missing.txt"], "cannot be read"),
        ([".", " "], "the question is empty"),
        ([".", "one?", "--rounds", "0"], "rounds"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_loaded(
    argv: list[str], said: str, loaded: list[object], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(cli.app, ["solve", *argv]) == 2
    assert said in capsys.readouterr().err
    assert not loaded


def test_evaluate_and_solve_sample_a_base_alike() -> None:
    student, other = (
        Base(name, "somewhere", None, "sha256:0", None) for name in ("student", "models/x")
    )
    for base, usual in ((student, Sampling(0.8, 1.0, 0, 128)), (other, OFFICIAL)):
        assert usual_sampling(base) == usual
        config = EvalConfig(adapters={}, dataset="d", out="o", top_k=7)
        made = with_usual_sampling(config, base)
        assert (made.temperature, made.top_p, made.max_new_tokens) == (
            usual.temperature,
            usual.top_p,
            usual.max_new_tokens,
        )
        assert made.top_k == 7, "what is set is kept"


def test_sampling_is_the_official_codes_unless_said_otherwise() -> None:
    usual = command.changed(OFFICIAL, None, None, None, None)
    assert usual == Sampling(1.5, 0.9, 50, 1024)
    assert command.changed(usual, 0.0, 1.0, 0, 16) == Sampling(0.0, 1.0, 0, 16)
