"""Commands that read finished evaluations: killed at any file event, on a full disk, three at once."""

from __future__ import annotations

import json
import os
import resource
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "killed.py"
IS_ALL = os.environ.get("LORID_ATTACK") == "all"
made = runpy.run_path(str(ROOT / "tests" / "support" / "finished_evaluation.py"))
served = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
simulated = runpy.run_path(str(ROOT / "tests" / "support" / "simulated_evaluation.py"))
COMMANDS = {
    "export-draws": "lorid_train export-draws W/eval --rule majority --out W/draws",
    "export-log": "lorid_train export-log W/eval --out W/log.parquet",
    "fit-rule": "lorid_train fit-rule W/eval --out W/rule.json",
    "difficulty": "lorid_data difficulty W/questions --from W/eval --out W/out",
}
RUN = COMMANDS if IS_ALL else ("export-draws", "difficulty")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions and a finished evaluation of them, all rounds drawn."""
    root = tmp_path_factory.mktemp("evaluated") / "w"
    root.mkdir()
    settings = {"schedule": "exhaustive", "rounds": 4, "votes": "none"}
    made["write"](root / "eval", split="validation", settings=settings, n=40, lazy=False, n_votes=0)
    served["dataset"](root / "questions", [simulated["record"](i) for i in range(40)])
    return root


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1"}  # fmt: skip


@pytest.mark.parametrize("name", RUN)
def test_killed_at_any_file_event_it_ends_the_same(
    template: Path, tmp_path: Path, name: str, every: int
) -> None:
    work = tmp_path / "w"
    program, *argv = COMMANDS[name].replace("W/", f"{work}/").split()
    order = {"program": program, "argv": argv, "work": str(work), "template": str(template), "every": every, "preload": ["lorid_train.evaluation.exports", "lorid_train.evaluation.drawn_rows"]}  # fmt: skip
    ran = ended([sys.executable, str(SCRIPT), json.dumps(order)])
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == []


def full() -> None:
    """No file may grow past 500 bytes: what a full disk looks like, without one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))


def ended(
    argv: list[str], before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False, preexec_fn=before)  # fmt: skip


@pytest.fixture
def argv(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> list[str]:
    work = Path(shutil.copytree(template, tmp_path / "w"))
    line = COMMANDS[str(request.param)].replace("W/", f"{work}/").split()
    return [sys.executable, "-m", *line]


@pytest.mark.parametrize("argv", COMMANDS if IS_ALL else ["export-draws"], indirect=True)
def test_a_full_disk_is_said_and_the_command_goes_on_once_there_is_room(argv: list[str]) -> None:
    ran = ended(argv, full)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    assert "full" in ran.stderr or "large" in ran.stderr, ran.stderr
    again = ended(argv)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("argv", COMMANDS if IS_ALL else ["difficulty"], indirect=True)
def test_three_at_once_make_one_or_are_told_of_each_other(argv: list[str]) -> None:
    started = [subprocess.Popen(argv, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # fmt: skip
    for text, status in [(p.communicate()[1], p.returncode) for p in started]:
        assert status == 0 or "another process" in text, (status, text)
    again = ended(argv)
    assert again.returncode == 0, again.stderr
