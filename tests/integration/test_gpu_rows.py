"""`benchmarks/gpu_rows.py` with tiny shapes on a CPU: every row runs, what is there is kept, a limit is a limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NEEDS = {"train-flash": "flash_attn", "train-flash-checkpointed": "flash_attn", "pack-flash": "flash_attn",
         "loop-vllm": "vllm", "qlora-4bit": "bitsandbytes"}  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def gpu_rows(out: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """What it says, and its last line."""
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "gpu_rows.py"),
        "--tiny",
        "--device",
        "cpu",
    ]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run([*command, "--out", str(out), *options], env=env, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


def test_every_row_is_made_once(tmp_path: Path) -> None:
    _, body = gpu_rows(tmp_path)
    rows = body["settings"]["rows"]
    assert body["settings"]["not_made"] == []
    installed = {r: f for r, f in rows.items() if not (r in NEEDS and find_spec(NEEDS[r]) is None)}
    for row, figures in rows.items():
        if row in installed:
            assert not {"failed", "skipped"} & set(figures), (row, figures)
        else:
            assert figures == {"skipped": f"{NEEDS[row]} is not installed"}
    assert rows["lora-fused"]["largest_difference"] < 1e-5
    assert {"packed_row_by_row_over_mask", "lora_fused_over_peft"} <= set(body["ratios"])
    assert not (tmp_path / "scratch").exists()
    files = {r: (tmp_path / f"{r}.json").stat().st_mtime_ns for r in installed}
    _, again = gpu_rows(tmp_path)
    assert again["settings"]["rows"] == rows
    assert files == {r: (tmp_path / f"{r}.json").stat().st_mtime_ns for r in installed}


def test_what_there_is_no_time_for_is_named(tmp_path: Path) -> None:
    said, body = gpu_rows(tmp_path, "--minutes", "0.01", "--rows", "lora-peft", "lora-fused")
    assert "no time was left for lora-peft, lora-fused: the same command makes them" in said
    assert body["settings"]["not_made"] == ["lora-peft", "lora-fused"]
    assert not list(tmp_path.iterdir())
