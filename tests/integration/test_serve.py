"""`lorid-train serve` as a process: a model of its own or servers before it, and how it ends."""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train import Solver
from lorid_train.engines.base import Sampling

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROOT = Path(__file__).parent.parent.parent
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
QUESTIONS = [f"What is {i} + {i}?" for i in range(6)]


@pytest.fixture(scope="module")
def run(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(support["make_run"](tiny_base, tmp_path_factory.mktemp("served") / "run"))


@contextmanager
def serving(
    run: Path, *options: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-m", "lorid_train", "serve", str(run), "--port", "0", *options]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("serving lorid, ir, dr, kg"), line + process.stderr.read()
            yield process, line.split(" at ")[1].split(" ")[0]
        finally:
            process.kill()


def asked(url: str, question: str, model: str = "lorid", **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": question}], **more}
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=300) as reply:
        return dict(json.loads(reply.read()))


def same(reply: dict[str, Any], ours: dict[str, Any]) -> bool:
    return {**ours, "seconds": 0} == {k: v for k, v in reply["lorid"].items() if k != "seed"} | {
        "seconds": 0
    }


@pytest.mark.slow
def test_a_model_in_process_answers_as_the_solver_does_and_ctrl_c_ends_it(run: Path) -> None:
    options = [
        "--rounds",
        "3",
        "--temperature",
        "0.7",
        "--max-new-tokens",
        "24",
        "--threads",
        "1",
        "--top-k",
        "0",
        "--top-p",
        "1",
    ]
    solver = Solver.load(
        run, rounds=3, sampling=Sampling(0.7, max_new_tokens=24), seed=5, threads=1
    )
    with serving(run, *options) as (process, url):
        for question in QUESTIONS[:3]:
            assert same(asked(url, question, seed=5), solver.solve(question).as_json())
        ir = asked(url, QUESTIONS[0], "ir", seed=5)["lorid"]["draws"]
        assert ir == [solver.solve(QUESTIONS[0]).history[0].ir.model_dump(mode="json")]
        with pytest.raises(urllib.error.HTTPError) as e:
            asked(url, "x" * 4000, "ir")  # the model has room for 2,048 tokens
        with e.value as reply:
            assert json.loads(reply.read())["error"]["code"] == "context_length_exceeded"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "ended; what had been asked was answered\n")
    assert "Traceback" not in err


@pytest.mark.slow
def test_before_servers(run: Path) -> None:
    with FakeVllm(adapters=("my-ir", "my-kg", "my-dr")) as vllm:
        names = ("--served", "ir=my-ir", "kg=my-kg", "dr=my-dr")
        with serving(
            run, "--server", vllm.url, *names, "--max-new-tokens", "64", "--rounds", "4"
        ) as (process, url):
            solver = Solver.load(
                run, engine="server", server=[vllm.url], rounds=4, seed=2, sampling=Sampling(1.5, 0.9, 50, 64),
                served={"ir": "my-ir", "kg": "my-kg", "dr": "my-dr"},
            )  # fmt: skip
            for question in QUESTIONS:
                assert same(asked(url, question, seed=2), solver.solve(question).as_json())
            vllm.statuses = iter([400])
            with pytest.raises(urllib.error.HTTPError) as e:
                asked(url, QUESTIONS[0], "ir")
            with e.value as reply:
                assert reply.code == 502
            assert asked(url, QUESTIONS[0], "ir")["choices"]
            process.terminate()
            assert process.wait(60) == 130


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "LORID_SERVE_KEY"),
        (["--queue", "0"], "queue"),
        (["--port", "70000"], "port"),
        (["--server", "http://127.0.0.1:1/v1"], "does not answer"),
    ],
)
def test_wrong_usage_ends_before_anything_is_served(
    run: Path,
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from lorid_data.commandline.program import run as run_program
    from lorid_train import cli

    monkeypatch.delenv("LORID_SERVE_KEY", raising=False)
    options = ["--port", "0", *options] if "--port" not in options else options
    assert run_program(cli.app, ["serve", str(run), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_a_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lorid_data.commandline.program import run as run_program
    from lorid_train import cli

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run_program(cli.app, ["serve", str(tmp_path / "no-run"), "--port", str(port)]) == 2
    assert "choose another" in capsys.readouterr().err
