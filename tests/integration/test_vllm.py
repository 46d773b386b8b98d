"""The engine `server` against a real vLLM with the three adapters of a run.

vLLM lives in an environment of its own. `LORID_VLLM` names its program (`vllm`).
"""

from __future__ import annotations

import json
import os
import runpy
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
LIMIT_S = 300
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))


@contextmanager
def vllm(program: str, run: Path, log: Path) -> Iterator[str]:
    """The base URL of a server of the packaged student, in float32, with the adapters of a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adapters = [f"{role}={run / 'adapters' / role}" for role in ("ir", "kg", "dr")]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with log.open("wb") as out:
        server = subprocess.Popen(
            [program, "serve", str(student_folder()), "--host", "127.0.0.1", "--port", str(port),
             "--dtype", "float32", "--enforce-eager", "--max-model-len", "1024", "--max-num-seqs", "16",
             # vLLM 0.32 on a CPU cannot read a prompt in pieces where a request has a seed.
             "--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384",
             "--enable-lora", "--max-loras", "3", "--max-lora-rank", "16", "--lora-modules", *adapters],
            stdout=out, stderr=subprocess.STDOUT,
            env={**env, "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"},
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/v1"
        give_up = time.monotonic() + LIMIT_S
        while not answers(url):
            assert server.poll() is None, log.read_text(errors="replace")[-4000:]
            assert time.monotonic() < give_up, "vLLM did not come up"
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(60)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_it_writes_greedily_what_the_transformers_engine_writes(tmp_path: Path) -> None:
    program = os.environ.get("LORID_VLLM")
    if not program:
        pytest.skip("LORID_VLLM is not set: it names the program vllm (in its own environment)")
    run = support["make_run"](student_folder(), tmp_path / "run")
    ours = [sys.executable, "-m"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    build = ["lorid_data", "build", "arithmetic", "--teacher", "none", "--split", "test", "--limit", "6",
             "--out", "data"]  # fmt: skip
    evaluate = ["lorid_train", "evaluate", "--adapters", str(run), "--dataset", "data", "--rounds", "2",
                "--max-new-tokens", "64", "--greedy", "ir", "kg-knowledge"]  # fmt: skip
    with vllm(program, run, tmp_path / "vllm.log") as url:
        for command in (
            build,
            [*evaluate, "--out", "here"],
            [*evaluate, "--out", "there", "--engine", "server", "--server", url],
        ):
            done = subprocess.run(
                [*ours, *command], cwd=tmp_path, env=env, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
    here, there = (texts(tmp_path / name) for name in ("here", "there"))
    assert len(here) == 3 * 6
    assert there == here
    sampled = texts(tmp_path / "there", greedy=False)
    assert {role for _, role, _ in sampled} == {"ir", "kg", "dr"}
    assert (tmp_path / "there" / "report.html").is_file()


def texts(evaluation: Path, *, greedy: bool = True) -> dict[tuple[str, str, int], str]:
    """The texts of the draws, by problem, role and round."""
    lines = (evaluation / "draws.jsonl").read_bytes().split(b"\n")[:-1]
    draws = [json.loads(line) for line in lines]
    return {
        (d["problem_id"], d["role"], d["round"]): d["text"]
        for d in draws
        if (d["condition"] != "sampled") == greedy
    }
