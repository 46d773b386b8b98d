"""A role that writes programs, from data to publishing, by the ordinary commands."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from openai import OpenAI

from lorid_data import pipeline
from lorid_data.execution import sandbox
from lorid_data.execution.executed import Executed
from lorid_train import Solver, cli
from lorid_train.interaction.draws import Draw, draw_of

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def command(*argv: object) -> int:
    return cli.run(cli.app, [str(a) for a in argv])


@pytest.fixture(scope="module")
def world(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Arithmetic with programs from its structure, and a run of four roles on it; CG has rows of its own."""
    root = tmp_path_factory.mktemp("world")
    for split, n in (("train", 8), ("test", 3), ("validation", 4)):
        build = {"source": "arithmetic", "teacher": "source", "split": split, "limit": n}
        body = {"out": str(root / split), "build": build, "validate": {}}
        pipeline.run(pipeline.read_config(body, "test"))
    sft = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "max_steps": 2, "learning_rate": 0.1,
           "gradient_checkpointing": False, "warmup_steps": 0, "lr_scheduler_type": "constant"}  # fmt: skip
    config = {
        "base": str(tiny_base), "data": str(root / "train" / "validate"), "out": str(root / "run"), "dtype": "float32",
        "max_tokens": 900, "threads": 1, "roles": ["ir", "kg", "dr", "cg"], "sft": sft,
        "lora": {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0}, "trainable_tokens": {"cg": [" =", "("]},
    }  # fmt: skip
    (root / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert command("sft", root / "run.yaml") == 0
    return root


def evaluate(world: Path, out: Path, *more: object, data: str = "test") -> int:
    return command(
        "evaluate", "--adapters", world / "run", "--dataset", world / data / "validate", "--out", out, "--rounds", 2,
        "--max-new-tokens", 6, "--threads", 1, "--temperature", 1.0, "--votes", "none", *more,
    )  # fmt: skip


def test_programs_are_run_once_and_never_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    run = sandbox.Sandbox.run

    def counted(self: sandbox.Sandbox, program: str) -> Executed:
        ran.append(program)
        return run(self, program)

    monkeypatch.setattr(sandbox.Sandbox, "run", counted)
    out = tmp_path / "eval"
    assert evaluate(world, out, "--rule", "any_two", "--greedy", "cg") == 0
    lines = (out / "draws.jsonl").read_bytes().splitlines(keepends=True)
    programs = [d for line in lines if (d := draw_of(line, "here")).role == "cg"]
    assert programs
    assert all(d.executed is not None for d in programs)
    assert sorted(ran) == sorted({d.text for d in programs})  # a text that came twice was run once
    ran.clear()
    # Interrupted before its end: what was drawn is not run again, and the numbers are the same.
    before = {n: (out / n).read_bytes() for n in ("metrics.json", "outcomes.parquet")}
    for name in (*before, "manifest.json"):
        (out / name).unlink()
    (out / "draws.jsonl").write_bytes(b"".join(lines[:-2]) + lines[-2][:20])
    assert evaluate(world, out, "--rule", "any_two", "--greedy", "cg") == 0
    assert ran == []
    assert {n: (out / n).read_bytes() for n in before} == before
    # Another rule on the same draws, without a sandbox to find.
    monkeypatch.setattr(sandbox, "DISTRIBUTION", "no-such-package")
    replay = (
        "--out",
        tmp_path / "r.html",
        "--replay",
        "rule=cg_alone",
        "rounds=1",
        "fallback=none",
    )
    assert command("report", out, *replay) == 0
    assert command("export-log", out, "--out", tmp_path / "log.parquet") == 0
    log = pl.read_parquet(tmp_path / "log.parquet").filter(pl.col("role") == "cg")
    assert set(log["program_status"]) <= {"ok", "unparsable", "error", "no_answer"}


def test_without_a_sandbox_nothing_is_drawn(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "DISTRIBUTION", "no-such-package")
    assert evaluate(world, tmp_path / "eval", "--rule", "cg_alone") == 2
    assert "pip install 'lorid[code]'" in capsys.readouterr().err
    assert not (tmp_path / "eval").exists()


def test_votes_are_fitted_on_other_questions_and_kept(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit, votes = tmp_path / "fit", tmp_path / "votes.json"
    drawn = ("--rule", "any_two", "--schedule", "exhaustive", "--greedy", "ir")
    assert evaluate(world, fit, *drawn, data="validation") == 0
    assert command("fit-votes", fit, "--out", votes) == 0
    assert json.loads(votes.read_text())["questions"]
    assert evaluate(world, tmp_path / "a", "--rule", "cg_votes", "--votes-file", votes) == 0
    assert (tmp_path / "a" / "votes.json").read_text() == votes.read_text()
    # Under another rule they are reported beside it, by the command as by a later report.
    assert evaluate(world, tmp_path / "c", "--rule", "any_two", "--votes-file", votes) == 0
    assert (tmp_path / "c" / "votes.json").read_text() == votes.read_text()
    assert evaluate(world, tmp_path / "c", "--rule", "any_two") == 2
    assert "votes: not the same" in capsys.readouterr().err
    refused = ("--rule", "cg_votes", "--votes-file", votes)
    assert evaluate(world, tmp_path / "b", *refused, data="validation") == 2
    assert "the votes were fitted on 4 questions" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_the_adapter_is_published_with_what_cannot_serve_it(world: Path, tmp_path: Path) -> None:
    from lorid_train.publish.card import CardFields, adapter_card
    from lorid_train.publish.contents import read_role

    roles = [read_role(world / "run", name) for name in ("ir", "cg")]
    repos = {r.name: f"me/x-{r.name.upper()}" for r in roles}
    words = CardFields(
        licence="mit", dataset_id=None, base=("me/base", None), repos=repos, tag="v1"
    )
    card = adapter_card(roles[1:], [], words, "me/x-CG")
    assert "Code Generator" in card
    assert "merge it first" in card
    assert "merge it first" not in adapter_card(roles[:1], [], words, "me/x-IR")


def test_solve_draws_and_decides_what_an_evaluation_does(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(world, tmp_path / "eval", "--rule", "any_two", "--fallback", "majority") == 0
    lines = (tmp_path / "eval" / "draws.jsonl").read_bytes().splitlines(keepends=True)
    theirs = {d.key: d for line in lines if (d := draw_of(line, "here")).condition == "sampled"}
    outcomes = pl.read_parquet(tmp_path / "eval" / "outcomes.parquet")
    decided = dict(
        outcomes.filter(pl.col("system") == "lorid@2").select("problem_id", "answer").iter_rows()
    )
    questions = pl.read_parquet(tmp_path / "eval" / "records.parquet")["question"].to_list()
    (tmp_path / "q.txt").write_text("\n".join(questions), encoding="utf-8")
    capsys.readouterr()
    options = ("--rule", "any_two", "--fallback", "majority", "--rounds", 2, "--max-new-tokens", 6, "--threads", 1)  # fmt: skip
    solve = ("solve", world / "run", "--file", tmp_path / "q.txt", "--temperature", 1.0, *options)
    assert command(*solve, "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ours = [Draw.model_validate(d) for f in found for d in f["draws"]]
    assert {d.key: d.text for d in ours} == {k: d.text for k, d in theirs.items()}
    for d in ours:
        ran, same = d.executed, theirs[d.key].executed
        assert (ran is None) == (same is None)
        if ran is not None and same is not None:
            assert ran.model_copy(update={"output": None, "error": None}) == same
    assert {f["draws"][0]["problem_id"]: f["answer"] for f in found} == decided
    assert all(f["programs"] for f in found)
    assert command(*solve) == 0
    assert "  CG  " in capsys.readouterr().out


def test_a_server_offers_cg_to_a_client_of_others(world: Path) -> None:
    argv = [
        sys.executable, "-m", "lorid_train", "serve", str(world / "run"), "--port", "0", "--rule", "cg_alone",
        "--fallback", "none", "--rounds", "2", "--max-new-tokens", "6", "--threads", "1",
    ]  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("serving lorid, ir, dr, kg, cg of "), process.stderr.read()
            client = OpenAI(base_url=line.split(" at ")[1].split(" ")[0], api_key="not-needed")
            assert [m.id for m in client.models.list()] == ["lorid", "ir", "dr", "kg", "cg"]
            asked: Any = [{"role": "user", "content": "What is 3 + 4?"}]
            reply = client.chat.completions.create(model="cg", messages=asked, seed=0)
            program = (reply.model_extra or {})["lorid"]["program"]
            assert reply.choices[0].message.content == program["program"]
            assert program["status"] in ("ok", "unparsable", "error", "no_answer")
            whole = client.chat.completions.create(model="lorid", messages=asked, seed=0)
            found = (whole.model_extra or {})["lorid"]
            assert found["programs"][0] == program, "the same seed gives the same draw"
            assert {d["role"] for d in found["draws"]} == {"cg"}
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()


def test_serve_without_the_sandbox_offers_programs_that_are_not_run(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "DISTRIBUTION", "no-such-package")
    with Solver.load(world / "run", every_role=True, threads=1) as solver:
        assert solver.roles == ("ir", "kg", "dr", "cg")
        assert solver.run is None
    said = capsys.readouterr().err
    assert "note: the model cg writes programs that are not run" in said
    assert "pip install 'lorid[code]'" in said
