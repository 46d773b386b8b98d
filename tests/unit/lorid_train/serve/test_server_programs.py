"""A server of a role that writes programs: the model `cg`, and a loop in which programs have a say."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lorid_data.execution.opened import opened
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.interaction.programs import runner
from lorid_train.serve.server import Server
from lorid_train.serve.wanted import Defaults, models_of
from lorid_train.solve.question import LoopSettings
from lorid_train.solve.solver import Solver

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")

support = runpy.run_path(str(Path(__file__).parents[3] / "support" / "asked_server.py"))
ask, chat = support["ask"], support["chat"]
CG = ("answer = 1 +", "```python\nprint('hm')\nanswer = 1 + 1\n```")
QUESTION = "What is 1 + 1?"
ROLES = ("ir", "kg", "dr", "cg")


@contextmanager
def serving(roles: tuple[str, ...] = ROLES, *, runs: bool = True, **settings: Any) -> Iterator[Server]:  # fmt: skip
    texts = support["texts"](["#### 1", "#### 2"], ["#### 3"], cg=CG)
    with opened() as executor:
        options = {
            "settings": LoopSettings(**settings),
            "defaults": Defaults(support["SAMPLING"], seed=0, most_tokens=64, models=models_of(roles)),
            "run": runner(executor, for_people=True) if runs else None,
        }  # fmt: skip
        with support["serving"](ScriptedEngine(texts, batch_size=4), **options) as server:
            yield server


def test_the_models_are_the_roles_of_the_run() -> None:
    with serving() as server:
        _, body = ask(server, {}, "/v1/models", "GET")
        assert [m["id"] for m in body["data"]] == ["lorid", "ir", "dr", "kg", "cg"]
        assert ask(server, {}, "/v1/models/cg", "GET")[1]["id"] == "cg"
    with serving(("cg",), rule="cg_alone", fallback="none") as server:
        assert ask(server, {}, "/v1/models/ir", "GET")[0] == 404
        status, body = ask(server, chat(QUESTION, "ir"))
        assert status == 404
        assert "there are lorid, cg" in body["error"]["message"]
        assert ask(server, chat(QUESTION))[1]["lorid"]["answer"] == "2"
    with serving(("ir", "kg", "dr")) as server:
        status, body = ask(server, chat(QUESTION, "cg"))
        assert status == 404
        assert body["error"]["code"] == "model_not_found"


def test_cg_answers_with_its_program_and_what_it_gave() -> None:
    with serving() as server:
        _, body = ask(server, chat(QUESTION, "cg"))
        assert body["choices"][0]["message"]["content"] == CG[0]
        program = body["lorid"]["program"]
        assert (program["program"], program["status"], program["answer"]) == (CG[0], "unparsable", None)  # fmt: skip
        assert body["lorid"]["draws"][0]["executed"]["status"] == "unparsable"
        assert "program" not in ask(server, chat(QUESTION, "ir"))[1]["lorid"]
    with serving(runs=False) as server:
        _, body = ask(server, chat(QUESTION, "cg"))
        assert body["choices"][0]["message"]["content"] == CG[0]
        assert body["lorid"]["program"]["status"] is None


@pytest.mark.parametrize(
    ("rule", "fallback"), [("cg_alone", "none"), ("any_two", "ir"), ("cg_votes", "ir"), ("same_round", "cg"),
                           ("cg_must_agree", "majority"), ("cg_repeat", "dr")],
)  # fmt: skip
def test_the_loop_is_the_solvers(rule: str, fallback: str) -> None:
    options: dict[str, Any] = {"rule": rule, "fallback": fallback, "rounds": 3}
    texts = support["texts"](["#### 1", "#### 2"], ["#### 3"], cg=CG)

    def own(request: Any) -> str:
        return str(texts(type(request)((0, request.key), request.adapter, request.prompt, request.sampling, request.seed)))  # fmt: skip

    with Solver(ScriptedEngine(own), sampling=support["SAMPLING"], seed=5, **options) as solver:
        ours = json.loads(json.dumps(solver.solve(QUESTION).as_json()))
    with serving(**options) as server:
        _, body = ask(server, chat(QUESTION, seed=5))
        theirs = body["lorid"]
        assert {k: v for k, v in theirs.items() if k not in ("seconds", "seed")} == {
            k: v for k, v in ours.items() if k != "seconds"
        }
        assert theirs["programs"]
        assert body["choices"][0]["message"]["content"] == (ours["rationale"] or "")
        _, _, content = support["raw"](server, chat(QUESTION, seed=5, stream=True))
        events = support["events"](content)
        rounds = [e["lorid"]["round"] for e in events if "round" in e.get("lorid", {})]
        assert [d for r in rounds for d in r["draws"]] == ours["draws"]
        assert [r["program"] for r in rounds if r["program"]] == ours["programs"]
        shown = [e["choices"][0]["delta"]["reasoning_content"] for e in events if "round" in e.get("lorid", {})]  # fmt: skip
        assert "  CG  " in "".join(shown)


def test_greedy_rounds_are_drawn_only_as_far_as_they_differ() -> None:
    with serving(rule="cg_alone", fallback="none", rounds=9) as server:
        assert ask(server, chat(QUESTION, temperature=0))[1]["lorid"]["rounds"] == 1
    with serving(rule="cg_repeat", fallback="none", rounds=9) as server:
        assert ask(server, chat(QUESTION, temperature=0))[1]["lorid"]["rounds"] == 2


def test_completions_go_on_with_a_text_of_cg() -> None:
    with serving(("cg",), rule="cg_alone") as server:
        status, body = ask(server, {"model": "cg", "prompt": "anything"}, "/v1/completions")
        assert status == 200
        assert body["choices"][0]["text"] == CG[0]
