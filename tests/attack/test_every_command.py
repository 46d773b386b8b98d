"""A full disk and three processes at once, for every command that writes.

`make test` tries a few; `make attack` all of them.
"""

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

from lorid_data.cli.app import main
from lorid_data.commandline.program import run
from lorid_train.cli import app

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROOT = Path(__file__).parents[2]
IS_ALL = os.environ.get("LORID_ATTACK") == "all"
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
small = runpy.run_path(str(ROOT / "tests" / "support" / "small_training.py"))
DATA = {
    "import": "import W/t.jsonl --out W/out",
    "build": "build W/t.jsonl --teacher source --out W/out",
    "validate": "validate W/in --out W/out",
    "dedup": "dedup W/in --out W/out",
    "decontaminate": "decontaminate W/in --against W/test.jsonl --out W/out",
    "expand": "expand W/in --with W/v.jsonl --out W/out",
    "split": "split W/in --test 0.2 --out W/out",
    "programs": "programs W/in --out W/out",
    "audit": "audit W/in",
    "view": "view W/in --out W/page.html",
    "publish": "publish W/in me/x --dry-run --out W/out",
    "run": "run W/all.yaml",
}
TRAIN = {
    "sft": "sft W/sft.yaml",
    "evaluate": "evaluate --adapters W/run --dataset W/data --out W/new --rounds 1 --max-new-tokens 2 --votes none --threads 1",
    "report": "report W/eval --out W/report.html",
    "export-knowledge": "export-knowledge W/eval --out W/knowledge",
    "merge": "merge W/run/adapters/ir --out W/merged",
}
EVERY = [*DATA, *TRAIN]
MAY_END_WITH = {name: {0, 1} for name in ("audit", "publish", "run", "export-knowledge")}
"""A gate that is not met, and knowledge of which nothing can be kept."""


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    rows: list[dict[str, object]] = [{"question": f"What is {i} + 1? {'x' * 200}", "rationale": f"{i} + 1 = {i + 1}", "answer": str(i + 1), "knowledge": [f"Add {i}."], "licence": "MIT"} for i in range(60)]  # fmt: skip
    write_rows(root / "t.jsonl", rows)
    write_rows(root / "test.jsonl", rows[:1])
    write_rows(root / "v.jsonl", [{"query": f"{r['question']}!", "response": f"The answer is: {r['answer']}", "type": "GSM_Rephrased", "original_question": r["question"]} for r in rows])  # fmt: skip
    assert main(["import", str(root / "t.jsonl"), "--out", str(root / "in")]) == 0
    return root


@pytest.fixture(scope="module")
def training(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # fmt: skip
    root = tmp_path_factory.mktemp("training")
    shutil.copytree(tiny_base, root / "base")
    shutil.copytree(small_dataset, root / "small")
    support["dataset"](root / "data", support["questions"](2))
    support["make_run"](root / "base", root / "run")
    assert run(app, TRAIN["evaluate"].replace("W/new", "W/eval").replace("W/", f"{root}/").split()) == 0  # fmt: skip
    return root


@pytest.fixture
def command(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], set[int]]:
    """The command line, in a folder of its own, and how it may end."""
    name, work = str(request.param), tmp_path / "w"
    template = request.getfixturevalue("data" if name in DATA else "training")
    shutil.copytree(template, work)
    body = {"out": str(work / "out"), "build": {"source": str(work / "t.jsonl"), "teacher": "source"}, "validate": {}, "audit": {}}  # fmt: skip
    (work / "all.yaml").write_text(json.dumps(body))
    if name == "sft":
        settings = small["config"](work / "base", work / "small", work / "trained", sft={"max_steps": 1})  # fmt: skip
        (work / "sft.yaml").write_text(json.dumps(settings.model_dump(mode="json", exclude_unset=True)))  # fmt: skip
    line = {**DATA, **TRAIN}[name].replace("W/", f"{work}/").split()
    if name in ("evaluate", "merge"):
        line += ["--base", str(template / "base")]  # the cards name where it was
    module = "lorid_data" if name in DATA else "lorid_train"
    return [sys.executable, "-m", module, *line], MAY_END_WITH.get(name, {0})


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1"}  # fmt: skip


def full() -> None:
    """No file may grow past 1,000 bytes: what a full disk looks like, without one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))


def ended(argv: list[str], env: dict[str, str], before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, preexec_fn=before)  # fmt: skip


@pytest.mark.parametrize("command", EVERY if IS_ALL else ["build", "report"], indirect=True)
def test_a_full_disk_is_said_and_the_command_goes_on_once_there_is_room(
    command: tuple[list[str], set[int]], tmp_path: Path
) -> None:
    argv, statuses = command
    ran = ended(argv, environment(tmp_path), full)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    assert "full" in ran.stderr or "large" in ran.stderr, ran.stderr
    again = ended(argv, environment(tmp_path))
    assert again.returncode in statuses, again.stderr


@pytest.mark.parametrize("command", EVERY if IS_ALL else ["validate"], indirect=True)
def test_three_at_once_make_one_or_are_told_of_each_other(
    command: tuple[list[str], set[int]], tmp_path: Path
) -> None:
    argv, statuses = command
    started = [subprocess.Popen(argv, env=environment(tmp_path), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # fmt: skip
    said = [(p.communicate()[1], p.returncode) for p in started]
    for text, status in said:
        assert status in statuses or "another process" in text, (status, text)
    again = ended(argv, environment(tmp_path))
    assert again.returncode in statuses, again.stderr
