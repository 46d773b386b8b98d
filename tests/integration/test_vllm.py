"""The engine `server` against real vLLM servers with the three adapters of a run.

vLLM lives in an environment of its own. `LORID_VLLM` names its program (`vllm`), or the Python of
that environment.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lorid_train.models.base_model import student_folder

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 600
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))


@contextmanager
def vllm(program: str, run: Path, log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server of the packaged student, in float32, with the adapters of a run: its base URL and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adapters = [f"{role}={run / 'adapters' / role}" for role in ("ir", "kg", "dr")]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    is_python = Path(program).name.startswith("python")
    begin = [program, "-m", "vllm.entrypoints.openai.api_server", "--model"] if is_python else [program, "serve"]  # fmt: skip
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*begin, str(student_folder()), "--host", "127.0.0.1", "--port", str(port),
             "--dtype", "float32", "--enforce-eager", "--gpu-memory-utilization", "0.2", "--max-model-len", "1024", "--max-num-seqs", "16",
             # vLLM 0.32 on a CPU cannot read a prompt in pieces where a request has a seed.
             "--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384",
             "--enable-lora", "--max-loras", "3", "--max-lora-rank", "16", "--lora-modules", *adapters],
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            env={**env, "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"},
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/v1"
        give_up = time.monotonic() + LIMIT_S
        while not answers(url):
            assert server.poll() is None, log.read_text(errors="replace")[-4000:]
            assert time.monotonic() < give_up, "vLLM did not come up"
            time.sleep(0.5)
        yield url, server
    finally:
        server.terminate()
        server.wait(60)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def program() -> str:
    named = os.environ.get("LORID_VLLM")
    if not named:
        pytest.skip("LORID_VLLM is not set: it names the program vllm (in its own environment)")
    return named


ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def ours(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """One of this project's commands; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=cwd, env=ENV, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done


def questions(n: int) -> list[str]:
    return ["lorid_data", "build", "arithmetic", "--teacher", "none", "--split", "test", "--limit", str(n),
            "--out", "data"]  # fmt: skip


def evaluation(run: Path) -> list[str]:
    return ["lorid_train", "evaluate", "--adapters", str(run), "--dataset", "data", "--rounds", "2",
            "--max-new-tokens", "64", "--greedy", "ir", "kg-knowledge"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_it_writes_greedily_what_the_transformers_engine_writes(
    program: str, tmp_path: Path
) -> None:
    run = support["make_run"](student_folder(), tmp_path / "run")
    evaluate = evaluation(run)
    with vllm(program, run, tmp_path / "vllm.log") as (url, _):
        ours(*questions(6), cwd=tmp_path)
        ours(*evaluate, "--out", "here", cwd=tmp_path)
        ours(*evaluate, "--out", "there", "--engine", "server", "--server", url, cwd=tmp_path)
    here, there = (texts(tmp_path / name) for name in ("here", "there"))
    assert len(here) == 3 * 6
    assert there == here
    sampled = texts(tmp_path / "there", greedy=False)
    assert {role for _, role, _ in sampled} == {"ir", "kg", "dr"}
    assert (tmp_path / "there" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_one_of_two_is_killed_and_nothing_is_lost(program: str, tmp_path: Path) -> None:
    run = support["make_run"](student_folder(), tmp_path / "run")
    evaluate = [*evaluation(run), "--batch-size", "16"]
    ours(*questions(24), cwd=tmp_path)
    ours(*evaluate, "--out", "here", cwd=tmp_path)
    with (
        vllm(program, run, tmp_path / "vllm-1.log") as (one, _),
        vllm(program, run, tmp_path / "vllm-2.log") as (two, lost),
    ):
        begun = subprocess.Popen(
            [sys.executable, "-m", *evaluate, "--out", "there", "--engine", "server", "--server", one, two],
            cwd=tmp_path, env=ENV, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert begun.stderr is not None
        draws = tmp_path / "there" / "draws.jsonl"
        give_up = time.monotonic() + LIMIT_S
        while not draws.is_file() or draws.read_bytes().count(b"\n") < 12:
            assert begun.poll() is None, begun.stderr.read()
            assert time.monotonic() < give_up
            time.sleep(0.02)
        os.killpg(lost.pid, signal.SIGKILL)  # its engine's process, too
        said = begun.communicate(timeout=LIMIT_S)[1]
    assert begun.returncode == 0, said
    assert len([line for line in said.splitlines() if two in line]) == 1, said
    assert "its share of the work goes to the others" in said
    here, there = (texts(tmp_path / name) for name in ("here", "there"))
    assert len(here) == 3 * 24
    assert there == here
    lines = draws.read_bytes().split(b"\n")[:-1]
    keys = {tuple(json.loads(line)[k] for k in ("problem_id", "role", "condition", "round")) for line in lines}  # fmt: skip
    assert len(keys) == len(lines)


def texts(evaluation: Path, *, greedy: bool = True) -> dict[tuple[str, str, int], str]:
    """The texts of the draws, by problem, role and round."""
    lines = (evaluation / "draws.jsonl").read_bytes().split(b"\n")[:-1]
    draws = [json.loads(line) for line in lines]
    return {
        (d["problem_id"], d["role"], d["round"]): d["text"]
        for d in draws
        if (d["condition"] != "sampled") == greedy
    }
