"""A study, or the process that makes a cell of it, killed at any file event and run again, ends with the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "killed.py"
IS_ALL = os.environ.get("LORID_ATTACK") == "all"
TINY: dict[str, Any] = {
    "source": "concepts", "group_by": "subject", "worlds": [0], "seeds": [0], "workers": 1, "threads": 1, "groups": 6,
    "roles": ["ir", "kg", "dr"], "limit": {"test": 2, "validation": 2}, "max_new_tokens": 4,
    "lora": {"r": 2, "lora_alpha": 4, "lora_dropout": 0.0, "target_modules": ["q_proj"]},
    "sft": {"max_steps": 1, "warmup_steps": 0, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1,
            "gradient_checkpointing": False, "bf16": False},
    "test": {"rounds": 1, "samples": {"ir": 2}, "greedy": ["ir", "kg-knowledge", "gold-knowledge"]}, "validation": {"rounds": 1},
}  # fmt: skip
PRELOAD = ["torch", "transformers", "peft", "trl", "lorid_train.study.run", "lorid_train.study_report.page"]  # fmt: skip
# As for trainings, and what a worker said of its steps.
PASSED_OVER = r"/checkpoints/|/tokens/|/\.time\.json$|/speed\.jsonl$|/training\.html$|/log\.txt$"
N_OF_STUDY, N_OF_WORKER = 5, 2
"""Kills of a study and of a cell's process, spread over all their events: a cell's stages are killed at
every one elsewhere."""


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}  # fmt: skip


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The settings; and beside them a study that is finished, under the path that each run has."""
    work = tmp_path / "w"
    work.mkdir()
    (work / "s.yaml").write_text(json.dumps(TINY))
    argv = [sys.executable, "-m", "lorid_train", "study", str(work / "s.yaml"), "--out", str(work / "out")]  # fmt: skip
    ran = subprocess.run(argv, env=environment(tmp_path), capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    shutil.copytree(work, tmp_path / "template")
    for name in ("manifest.json", "report.html", "report.md", "metrics.json"):
        (tmp_path / "template" / "out" / name).unlink()
    (tmp_path / "empty").mkdir()
    shutil.copy(work / "s.yaml", tmp_path / "empty")
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(
    not IS_ALL, reason="LORID_ATTACK=all; tests/integration/test_study.py kills a study once"
)
@pytest.mark.timeout(3600)  # minutes of CPU: a limit that tells a hang, and no slow machine
def test_a_study_killed_at_any_file_event_ends_the_same(template: Path) -> None:
    """The study itself over finished cells, and the process of a cell, from nothing."""
    work = template / "w"
    order = {
        "program": "lorid_train", "argv": ["study", str(work / "s.yaml"), "--out", str(work / "out")], "work": str(work), "every": 1,
        "most": N_OF_STUDY, "preload": PRELOAD, "passed_over": PASSED_OVER, "template": str(template / "template"),
    }  # fmt: skip
    of_worker = {
        **order,
        "template": str(template / "empty"),
        "in_worker": True,
        "most": N_OF_WORKER,
    }
    orders = [order, of_worker]
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(orders)], env=environment(template), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [[] for _ in orders], ran.stderr
