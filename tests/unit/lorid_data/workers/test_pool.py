"""Batches over processes: order, errors, a process that dies, an interruption, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import StageError
from lorid_data.workers.pool import in_processes
from tests.support import batch_work

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("n_workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_batches(n_workers: int) -> None:
    assert list(in_processes(batch_work.slower_first, range(7), n_workers)) == list(range(7))


def test_one_batch_or_none_is_worked_on_here() -> None:
    [(pid, *_)] = in_processes(batch_work.about_here, [0], 4)
    assert pid == os.getpid()
    assert list(in_processes(batch_work.about_here, [], 4)) == []


def test_processes_are_others_with_one_thread_each() -> None:
    found = list(in_processes(batch_work.about_here, range(8), 2))
    pids = {pid for pid, *_ in found}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert {tuple(threads) for _, *threads in found} == {("1", "1")}


def test_few_batches_are_taken_ahead() -> None:
    taken = 0

    def batches() -> Iterator[int]:
        nonlocal taken
        for n in range(100):
            taken += 1
            yield n

    results = in_processes(batch_work.slower_first, batches(), 2)
    next(results)
    assert taken <= 5
    results.close()  # type: ignore[attr-defined]


def test_batches_larger_than_a_pipe_do_not_wait_for_each_other() -> None:
    sent = [bytes(2_000_000) for _ in range(8)]
    assert [len(r) for r in in_processes(batch_work.same, sent, 2)] == [len(b) for b in sent]
    assert [len(r) for r in in_processes(batch_work.large, range(8), 2)] == list(range(3_000_000, 3_000_008))  # fmt: skip


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_error_is_raised_behind_the_results_before_it(n_workers: int) -> None:
    seen: list[int] = []
    with pytest.raises(ZeroDivisionError):
        seen.extend(in_processes(batch_work.wrong_at_two, range(9), n_workers))
    assert len(seen) == 2


def test_an_error_that_cannot_travel_is_told_by_its_text() -> None:
    with pytest.raises(StageError, match="two is refused"):
        list(in_processes(batch_work.refused_at_two, range(9), 2))


def test_a_process_that_dies_ends_it_with_one_sentence() -> None:
    seen: list[int] = []
    with pytest.raises(StageError, match=r"ended by itself \(status 3\).*fewer --workers") as e:
        seen.extend(in_processes(batch_work.dies_at_two, range(9), 2))
    assert "\n" not in str(e.value)
    assert set(seen) <= {0, 1}


def alive(folder: Path) -> list[int]:
    found = []
    for name in (p.name for p in folder.iterdir()):
        try:
            state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            continue
        if state != "Z":
            found.append(int(name))
    return found


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_program_ends_its_processes(tmp_path: Path, sent: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.support.batch_work", str(tmp_path)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until(lambda: len(alive(tmp_path)) == 2)
    if sent == signal.SIGINT:
        os.killpg(program.pid, sent)  # as a terminal does
    else:
        program.send_signal(sent)
    _, said = program.communicate(timeout=60)
    until(lambda: not alive(tmp_path))
    assert said.count("Traceback") == (sent == signal.SIGINT)  # the program's own, no process's


def test_no_process_ever_sees_an_interruption() -> None:
    """Nor the first one: what is started with it, multiprocessing's tracker, lets interruptions in again."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.support.batch_work"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert len(set(said)) == 3
    assert all(line.endswith("False)") for line in said)
