"""Where nothing can be written, every command says so in one sentence, and why."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROOT = Path(__file__).parents[2]
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
small = runpy.run_path(str(ROOT / "tests" / "support" / "small_training.py"))
simulated = runpy.run_path(str(ROOT / "tests" / "support" / "simulated_evaluation.py"))
finished = runpy.run_path(str(ROOT / "tests" / "support" / "finished_evaluation.py"))
COMMANDS = {
    "sft": "lorid_train sft W/sft.yaml",
    "evaluate": "lorid_train evaluate --adapters W/run --dataset W/data --out W/ro/eval --rounds 1 --max-new-tokens 2 --votes none",
    "report": "lorid_train report W/eval --out W/ro/report.html",
    "study": "lorid_train study concepts-small --out W/ro/study",
    "export-knowledge": "lorid_train export-knowledge W/eval --out W/ro/knowledge",
    "export-log": "lorid_train export-log W/eval --out W/ro/log.parquet",
    "merge": "lorid_train merge W/run/adapters/ir --out W/ro/merged",
    "import": "lorid_data import W/t.jsonl --out W/ro/table",
    "validate": "lorid_data validate W/data --out W/ro/valid",
    "export-draws": "lorid_train export-draws W/told --rule majority --out W/ro/draws",
    "fit-rule": "lorid_train fit-rule W/told --out W/ro/rule.json",
    "difficulty": "lorid_data difficulty W/questions --from W/told --out W/ro/judged",
    "view": "lorid_data view W/data --out W/ro/page.html",
}
SAMPLE = ("evaluate", "report", "view")
RUN = COMMANDS if os.environ.get("LORID_ATTACK") == "all" else SAMPLE


def unshared(*argv: str) -> list[str]:
    """A command in a mount namespace of its own: what it mounts is seen by nobody else."""
    return ["unshare", "--mount", "--map-root-user", *argv]


def can_mount(where: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(unshared("mount", "-t", "tmpfs", "tmpfs", str(where)), capture_output=True, check=False)  # fmt: skip
    return tried.returncode == 0


@pytest.fixture(scope="module")
def work(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of every command, and an empty folder to be read-only."""
    from lorid_data.commandline.program import run
    from lorid_train.cli import app

    root = tmp_path_factory.mktemp("ro")
    (root / "ro").mkdir()
    if not can_mount(root / "ro"):
        pytest.skip("a read-only disk takes a mount namespace (unshare, mount), which this machine does not allow")  # fmt: skip
    support["dataset"](root / "data", support["questions"](2))
    support["make_run"](tiny_base, root / "run")
    body = small["config"](tiny_base, small_dataset, root / "ro" / "trained")
    (root / "sft.yaml").write_text(json.dumps(body.model_dump(mode="json", exclude_unset=True)))
    (root / "t.jsonl").write_text(json.dumps({"question": "What is 1 + 1?", "answer": "2"}) + "\n")
    all_drawn = {"schedule": "exhaustive", "rounds": 4, "votes": "none"}
    finished["write"](root / "told", split="validation", settings=all_drawn, n=40, lazy=False, n_votes=0)  # fmt: skip
    support["dataset"](root / "questions", [simulated["record"](i) for i in range(40)])
    argv = COMMANDS["evaluate"].replace("W/ro/", "W/").replace("W/", f"{root}/").split()[1:]
    assert run(app, argv) == 0
    return root


def on_a_read_only_disk(work: Path, command: str) -> Any:
    argv = [sys.executable, "-m", *command.replace("W/", f"{work}/").split()]
    mount = 'mount -t tmpfs tmpfs "$0" && mount -o remount,ro "$0" && exec "$@"'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1"}  # fmt: skip
    return subprocess.run(unshared("sh", "-c", mount, str(work / "ro"), *argv), env=env, capture_output=True, text=True, check=False)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_a_read_only_disk_is_said_in_one_sentence(work: Path, name: str) -> None:
    ran = on_a_read_only_disk(work, COMMANDS[name])
    assert ran.returncode == 1, ran.stderr
    [said] = [line for line in ran.stderr.splitlines() if line.startswith("error")]
    assert f"{work}/ro/" in said
    assert "the disk is read-only; choose another place" in said
    assert "Traceback" not in ran.stderr
