"""A base from the Hub as a GGUF file, and roles on servers that are asked one question."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from lorid_data.testing.fake_hub import FakeHub
from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train import Solver

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
SUPPORT = Path(__file__).parents[1] / "support"
ROOT = SUPPORT.parents[1]
gguf = runpy.run_path(str(SUPPORT / "gguf_files.py"))
served = runpy.run_path(str(SUPPORT / "served_evaluation.py"))


def test_a_gguf_file_of_the_hub_becomes_a_base_by_command(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    gguf["write"](repo / "tiny.Q8_0.gguf", gguf["make_model"](), quantised=True)
    (repo / "other.gguf").write_bytes(b"GGUF, and not asked for")
    out = tmp_path / "base"
    with FakeHub(models={"me/tiny-GGUF": repo}) as hub:
        env = {
            **os.environ,
            **hub.environment,
            "HF_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(ROOT),
        }
        argv = [
            sys.executable,
            "-m",
            "lorid_train",
            "import-base",
            "me/tiny-GGUF:tiny.Q8_0.gguf",
            "--out",
            str(out),
        ]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"base: {out}" in done.stdout
    assert (
        json.loads((out / "lorid_base.json").read_text())["source"] == "me/tiny-GGUF:tiny.Q8_0.gguf"
    )
    assert not [r for r in hub.requests if "other.gguf" in r and "resolve" in r]


def test_a_solver_over_servers_answers_as_they_say(tiny_base: Path, tmp_path: Path) -> None:
    run = served["make_run"](tiny_base, tmp_path / "run")
    with FakeVllm(adapters=["ir", "kg", "dr"], text=lambda _: "So #### 4") as server:
        solver = Solver.load(run, engine="server", server=[server.url], rounds=3)
        found = solver.solve_all(["What is 2 + 2?", "And 3 + 1?"])
    assert [(s.answer, s.rounds) for s in found] == [("4", 1), ("4", 1)]
    assert {d.role for s in found for d in s.draws} == {"ir", "kg", "dr"}
