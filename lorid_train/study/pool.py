"""Cells in processes of their own, a few at a time.

A process that dies takes its cell with it and no other. Each ends when the pipe to it closes, so
that an interrupted or killed study leaves none behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lorid_data.commandline.failures import EXIT_INTERRUPTED
from lorid_data.commandline.progress import say
from lorid_train.study.tasks import Task, order_of

COMMAND = (sys.executable, "-m", "lorid_train.study.worker")
LOG = "log.txt"
"""File of a cell's folder that its process writes its progress to."""
EVERY_S = 30.0
"""How often the cells at work are told of."""
OnStep = Callable[[Task, str, float, bool], None]
"""Told of each step that ended: its task, name and seconds, and whether it had been done before."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell that could not be made, and why."""

    name: str
    why: str
    log: Path


@dataclass(slots=True)
class _Pool:
    """The processes that are alive, and whether new ones may start."""

    on_step: OnStep
    threads: int
    alive: set[subprocess.Popen[str]] = field(default_factory=set)
    at_work: dict[str, Path] = field(default_factory=dict)
    """The log of each cell that is being made, by the cell's name."""
    failures: list[Failure] = field(default_factory=list)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, task: Task) -> None:
        """Make one cell in a process, and wait for it."""
        if self.stopped:
            return
        task.folder.mkdir(parents=True, exist_ok=True)
        with (task.folder / LOG).open("a", encoding="utf-8") as log:
            process = self._start(log.fileno())
        if process is None:
            return
        with self.lock:
            self.at_work[task.name] = task.folder / LOG
        with process:
            said = _listen(process, task, self.on_step)
            process.wait()  # before its pipe closes, which tells it to end
        with self.lock:
            self.alive.discard(process)
            self.at_work.pop(task.name, None)
        status = process.returncode
        if status == 0 or (self.stopped and status == EXIT_INTERRUPTED):
            return
        with self.lock:
            self.failures.append(Failure(task.name, said or _reason(status), task.folder / LOG))

    def _start(self, log: int) -> subprocess.Popen[str] | None:
        with self.lock:
            if self.stopped:
                return None
            process = subprocess.Popen(  # noqa: S603  (our own module)
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C reaches the study alone, which then lets its processes end.
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": str(self.threads)},
            )
            self.alive.add(process)
            return process

    def stop(self, how: Callable[[subprocess.Popen[str]], None]) -> None:
        """Start no more, and end those that are alive."""
        with self.lock:
            self.stopped = True
            for process in self.alive:
                how(process)


def make_all(
    tasks: Sequence[Task], *, workers: int, threads: int, on_step: OnStep
) -> list[Failure]:
    """Make every cell; those that failed.

    Raises:
        KeyboardInterrupt: interrupted; the cells at work were told to end, and have ended.
    """
    pool = _Pool(on_step, threads)
    futures: list[Future[None]] = []
    with ThreadPoolExecutor(workers) as executor:
        try:
            futures += [executor.submit(pool.make, task) for task in tasks]
            _wait(futures, pool)
        except BaseException:  # an interruption, or a fault of what watches a cell
            _end(pool, futures)
            raise
        for future in futures:
            future.result()
    return pool.failures


def _wait(futures: Sequence[Future[None]], pool: _Pool) -> None:
    """Wait for all, or for the first that fails; awake often enough to see an interruption.

    Polars handles SIGINT too, in a way that lets a wait without end go on. Now and then the latest
    of each cell at work is said.
    """
    said: dict[str, str] = {}
    last = time.monotonic()
    while wait(futures, timeout=0.5).not_done:
        if time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            with pool.lock:
                at_work = dict(pool.at_work)
            for line in latest(at_work, said):
                say(line)
        for future in futures:
            if future.done():
                future.result()


def latest(at_work: Mapping[str, Path], said: dict[str, str]) -> list[str]:
    """The last line of each cell's log, where it is not what was said before; `said` is updated."""
    found = []
    for name, log in sorted(at_work.items()):
        line = last_line(log)
        if line and said.get(name) != line:
            said[name] = line
            found.append(f"  {name}: {line}")
    return found


def last_line(log: Path) -> str:
    """The last line of a log that says something; of a line that is written over, its last state."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [part.strip() for line in text.splitlines() for part in line.split("\r")]
    return next((line for line in reversed(lines) if line), "")[:200]


def _end(pool: _Pool, futures: Sequence[Future[None]]) -> None:
    """Let the processes end; end them at once if interrupted again."""
    for how in (_let_end, subprocess.Popen.kill):
        try:
            pool.stop(how)
            while wait(futures, timeout=0.5).not_done:
                pass
        except KeyboardInterrupt:
            continue
        return


def _listen(process: subprocess.Popen[str], task: Task, on_step: OnStep) -> str | None:
    """Pass on what a process says until it ends; why it fails, if it said so."""
    assert process.stdin is not None
    assert process.stdout is not None
    why = None
    with suppress(BrokenPipeError):  # it died at once: its exit status says so
        process.stdin.write(json.dumps(order_of(task)) + "\n")
        process.stdin.flush()
    for line in process.stdout:
        body = json.loads(line)
        if "error" in body:
            why = body["error"]
        else:
            on_step(task, body["step"], body["s"], body["was_done"])
    return why


def _let_end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def _reason(status: int) -> str:
    if status < 0:
        return f"its process was killed by {signal.Signals(-status).name}"
    return f"its process ended with status {status}"
