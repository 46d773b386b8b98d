"""Stages on more rows than one batch: the same bytes from any number of processes, no memory for rows, no process left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.folders.batches import DatasetWriter
from lorid_data.folders.files import sha256_file
from lorid_data.folders.parquet import ROW_GROUP
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids

ROOT = Path(__file__).parents[2]


def rows(n: int, *, program: str | None = None) -> Iterator[Record]:
    """Rows of all kinds: right, contradicted, with a formula, variants of one another."""
    for i in range(n):
        question = f"What is {i} + {i + 1}? Say how."
        answer = str(2 * i + 1) if i % 7 else "3"
        rationale = f"{i} + {i + 1} = {2 * i + 1}. " + f"The answer is {2 * i + 1}."  # fmt: skip
        if i % 50 == 1 and program is None:
            answer = rf"\frac{{{2 * i + 1}}}{{1}}"
        problem = make_problem(source="t", split="train", question=question, rationale=rationale, answer=answer, original_id=f"o{i // 3}")  # fmt: skip
        [row_id] = row_ids([problem])
        fields = problem.model_dump(exclude={"knowledge"}) | {
            "program": program and program + str(i)
        }
        yield Record(row_id=row_id, knowledge=("Add the numbers.",), provenance=Provenance(teacher="none"), **fields)  # fmt: skip


def folder_of(out: Path, n: int, *, program: str | None = None) -> Path:
    with open_stage(out, "build", identity={"n": n}) as stage, DatasetWriter(stage) as writer:
        writer.keep(rows(n, program=program))
        writer.finish(n_in=n)
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("rows") / "in", 2500)


def tree(folder: Path) -> dict[str, str]:
    return {p.name: sha256_file(p) for p in folder.iterdir() if not p.name.startswith(".")}


@pytest.mark.parametrize("stage", ["validate", "programs"])
def test_any_number_of_processes_writes_the_same_bytes(
    folder: Path, tmp_path: Path, stage: str
) -> None:
    for n in (1, 2, 4):
        out = tmp_path / str(n)
        assert main([stage, str(folder), "--out", str(out), "--workers", str(n)]) == 0
        (out / "executions.sqlite").unlink(missing_ok=True)  # holds how long each run took
    assert tree(tmp_path / "1") == tree(tmp_path / "2") == tree(tmp_path / "4")


def test_a_wrong_number_of_processes_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(folder), "--out", str(tmp_path / "o"), "--workers", "0"]) == 2
    assert "workers" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def marked(mark: str) -> list[int]:
    """The processes that a command has started, by a variable that they inherit."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                environment = (place / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in environment and int(place.name) != os.getpid():
                found.append(int(place.name))
    return found


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_no_process_and_ends_the_same(
    folder: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    mark = f"LORID_MARK_{uuid.uuid4().hex}"
    out = tmp_path / "out"
    command = [sys.executable, "-m", "lorid_data", "validate", str(folder), "--out", str(out), "--workers", "2"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), mark: "1"}
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        # The program, two processes, and the verifier of each with its child, besides the tracker.
        until(lambda: len(marked(mark)) >= 6 or program.poll() is not None)
        assert program.poll() is None
        if sent == signal.SIGINT:
            os.killpg(program.pid, sent)
        else:
            program.kill()
        _, said = program.communicate(timeout=60)
    assert program.returncode == (130 if sent == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in said
    until(lambda: not marked(mark))
    assert not (out / "manifest.json").exists()
    for where in (out, tmp_path / "calm"):
        assert main(["validate", str(folder), "--out", str(where), "--workers", "2"]) == 0
    assert tree(out) == tree(tmp_path / "calm")


def peak_mib(*argv: str) -> float:
    """The most memory that a command's own process has had."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.peak", *argv]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)  # fmt: skip
    return int(done.stdout.split()[-1]) / 1024


COMMANDS = {
    "validate": ["validate", "IN", "--out", "OUT", "--workers", "1"],
    "split": ["split", "IN", "--out", "OUT", "--test", "0.2"],
}


@pytest.fixture(scope="module")
def small_and_large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Rows of 12 KB: held as objects, the large folder's would take 140 MiB beyond the small one's."""
    root = tmp_path_factory.mktemp("sizes")
    n, program = ROW_GROUP, "answer = 1 " * 1000
    return folder_of(root / "small", n, program=program), folder_of(root / "large", 4 * n, program=program)  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_memory_does_not_grow_with_the_rows(
    small_and_large: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    peaks = []
    for i, folder in enumerate(small_and_large):
        argv = [a.replace("IN", str(folder)).replace("OUT", str(tmp_path / str(i))) for a in COMMANDS[name]]  # fmt: skip
        peaks.append(peak_mib(*argv))
    assert peaks[1] < peaks[0] + 70, peaks
