"""Cells in processes: one that dies, one that fails, an interruption, and a study started again."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.names import MANIFEST
from lorid_train.study import pool, run
from lorid_train.study.cell import STEPS
from lorid_train.study.progress import plan_lines
from lorid_train.study.settings import StudyConfig
from lorid_train.study.tasks import tasks_of

FAKE = """
import json, os, signal, sys
order = json.loads(sys.stdin.readline())
world = order["name"].split("-")[0]
print(f"cell {order['name']} with {os.environ['OMP_NUM_THREADS']}", file=sys.stderr, flush=True)
say = lambda **body: print(json.dumps(body), flush=True)
say(step="data", s=1.5, was_done=False)
if world == "1":
    os.kill(os.getpid(), signal.SIGKILL)
if world == "2":
    say(error="the disk is full")
    sys.exit(1)
if world == "3":
    sys.exit(7)
if world == "9":
    say(step="train", s=0, was_done=True)
    sys.stdin.read()  # works until the study ends
    sys.exit(130)
"""


@pytest.fixture(autouse=True)
def _fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "fake_worker.py"
    script.write_text(FAKE)
    monkeypatch.setattr(pool, "COMMAND", (sys.executable, str(script)))


def config(*worlds: int, **changes: Any) -> StudyConfig:
    return StudyConfig(
        **({"source": "concepts", "group_by": "subject", "worlds": worlds} | changes)
    )


def test_a_cell_that_dies_or_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    tasks = tasks_of(config(0, 1, 2, 3, 4), tmp_path, None)
    steps: list[tuple[str, str, float, bool]] = []
    failures = pool.make_all(
        tasks, workers=2, threads=3, on_step=lambda t, step, s, was: steps.append((t.name, step, s, was))
    )  # fmt: skip
    why = {f.name: f.why for f in failures}
    assert why == {
        "1-student-0": "its process was killed by SIGKILL",
        "2-student-0": "the disk is full",
        "3-student-0": "its process ended with status 7",
    }
    assert sorted(steps) == [(t.name, "data", 1.5, False) for t in tasks]
    assert (tasks[4].folder / "log.txt").read_text() == "cell 4-student-0 with 3\n"


def test_an_interruption_ends_the_processes_and_starts_no_more(tmp_path: Path) -> None:
    tasks = tasks_of(config(9, 90, 0), tmp_path, None)
    at_work = threading.Event()

    def on_step(task: Any, step: str, s: float, was_done: bool) -> None:
        if step == "train":
            at_work.set()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            pool.make_all(tasks, workers=1, threads=1, on_step=on_step)
    finally:
        signal.signal(signal.SIGINT, before)
    assert at_work.is_set()
    assert [t.folder.exists() for t in tasks] == [True, False, False]


def test_a_fault_of_what_watches_a_cell_ends_the_others_at_once(tmp_path: Path) -> None:
    tasks = tasks_of(config(9, 0), tmp_path, None)  # 9 works until the study ends
    working = threading.Event()

    def on_step(task: Any, step: str, s: float, was_done: bool) -> None:
        if step == "train":
            working.set()
        elif task.world == 0 and working.wait(10):
            raise ZeroDivisionError("while watching")

    told: list[BaseException] = []

    def make() -> None:
        try:
            pool.make_all(tasks, workers=2, threads=1, on_step=on_step)
        except ZeroDivisionError as e:
            told.append(e)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    thread.join(15)
    assert [str(e) for e in told] == ["while watching"]


# --- the study's own folder --------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The cells of each call, of a study whose stages and report do nothing."""
    calls: list[list[str]] = []

    def make_all(tasks: Sequence[Any], *, on_step: Any, **_: object) -> list[pool.Failure]:
        calls.append([t.name for t in tasks])
        for t in tasks:
            for step in STEPS:
                on_step(t, step, 1.0, False)
        return [pool.Failure(t.name, "no luck", Path("log")) for t in tasks if t.world == 13]

    def write_study(cells: Sequence[Any], out: Path, *, group_by: str, settings: Mapping[str, Any], is_registered: bool) -> None:  # fmt: skip
        (out / "metrics.json").write_text(
            f"{group_by} {[c.name for c in cells]} {dict(settings)} {is_registered}"
        )

    monkeypatch.setattr(run, "make_all", make_all)
    monkeypatch.setattr("lorid_train.training.preflight.check", lambda _: None)
    monkeypatch.setattr("lorid_train.study_report.write_study", write_study)
    return calls


def test_run_again_it_does_nothing(
    tmp_path: Path, made: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    manifest = run.study(config(0, 1), out)
    assert (manifest.n_in, manifest.n_kept) == (2, 2)
    assert "metrics.json" in manifest.files
    assert run.study(config(0, 1, workers=7, batch_size=9), out) == manifest
    assert made == [["0-student-0", "1-student-0"]]
    assert "CPU-seconds" in capsys.readouterr().err.splitlines()[-1]
    text = (out / "metrics.json").read_text()
    assert text.startswith("subject ['0-student-0', '1-student-0']")
    assert str(tmp_path) not in text


def test_worlds_may_be_added_and_settings_may_not_change(
    tmp_path: Path, made: list[list[str]]
) -> None:
    out = tmp_path / "out"
    run.study(config(0), out)
    run.study(config(0, 1), out)
    assert made[-1] == ["0-student-0", "1-student-0"]
    with pytest.raises(ConfigError, match=r"temperature was 0\.8, is 0\.5"):
        run.study(config(0, 1, temperature=0.5), out)


def test_failed_cells_are_named_and_the_study_stays_open(
    tmp_path: Path, made: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(StageError, match=r"cell 13-student-0: no luck \(see log\)\n1 of 2 cells are done"):  # fmt: skip
        run.study(config(0, 13), out)
    assert not (out / MANIFEST).exists()
    assert not (out / "metrics.json").exists()
    said = capsys.readouterr().err
    assert "study: 2 cells, 2 at a time" in said
    assert "0-student-0: train took 0:01" in said


def test_the_latest_of_each_cell_at_work_is_told_once(tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    a.write_text("loading\ntrain ir: 1/9\rtrain ir: 2/9 (22 %), loss 1.2345\n\n")
    said: dict[str, str] = {}
    at_work = {"0-student-0": a, "0-student-1": b}
    assert pool.latest(at_work, said) == ["  0-student-0: train ir: 2/9 (22 %), loss 1.2345"]
    assert pool.latest(at_work, said) == []
    b.write_text("evaluate: 7 of at most 90\n")
    assert pool.latest(at_work, said) == ["  0-student-1: evaluate: 7 of at most 90"]
    b.write_bytes(b"x" * 9_000 + b"\n" + b"\xff half\n")
    assert pool.last_line(b).endswith("half")


def test_the_plan_says_what_each_cell_takes(tmp_path: Path) -> None:
    config = StudyConfig(
        source="concepts", group_by="subject", test={"rounds": 4}, validation={"rounds": 2}
    )
    first = plan_lines(tasks_of(config, tmp_path, None))[0]
    assert "each of 1 cell trains ir, kg, dr" in first
    assert "15 draws per test question and 9 draws per validation question" in first
