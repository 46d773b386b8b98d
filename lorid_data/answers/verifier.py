"""The handle on the worker process: started when first needed, one for each process, killed when late.

A lock makes it safe from any thread. A forked child starts a worker of its own. Nothing here relies
on signals, so it works outside the main thread and under asyncio; it blocks until the deadline of the
pair at most, whether it waits for other threads, for the worker to start, or for the comparison.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from typing import Any

from lorid_data.answers.results import Verdict

LIMIT_S = 0.9
"""Wall-clock limit of one comparison inside the worker."""
GRACE_S = 0.1
"""How much later than the deadline of a pair the worker is killed as a whole."""
START_S = 30.0
"""How long `ready` waits for the worker to load its libraries. No answer has a part in that time."""
CACHE_SIZE = 20_000


class Verifier:
    """A worker process and the verdicts it gave."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._is_warm = False
        self._buffer = b""
        self._cache: OrderedDict[tuple[str, str], Verdict] = OrderedDict()

    def ask(self, a: str, b: str, wait_s: float = START_S) -> Verdict:
        """Whether two LaTeX texts mean the same; TIMEOUT where that is not known within `wait_s` seconds.

        A worker that is still loading its libraries then goes on, for the next question.
        """
        deadline = time.monotonic() + wait_s
        pair = (a, b) if a <= b else (b, a)
        if pair in self._cache:
            return self._cache[pair]
        if not self._lock.acquire(timeout=max(wait_s, 0)):
            return Verdict.TIMEOUT
        try:
            limit_s = min(LIMIT_S, deadline - time.monotonic())
            found, is_final = self._compare(pair, deadline)
            if is_final and (found is not Verdict.TIMEOUT or limit_s >= LIMIT_S):
                self._cache[pair] = found
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
            return found
        finally:
            self._lock.release()

    def ready(self) -> None:
        """Start the worker, if none is running, and wait until it has loaded all that it needs, `START_S` at most."""
        if self._is_warm and self._is_ready:
            return
        deadline = time.monotonic() + START_S
        with self._lock:
            if not self._is_warm:
                self._compare(("1", "2"), deadline)
            self._loaded(deadline)

    def _compare(self, pair: tuple[str, str], deadline: float) -> tuple[Verdict, bool]:
        """The verdict, and whether it is the worker's: one that has not started, or is gone, says nothing."""
        if not self._loaded(deadline):
            return Verdict.TIMEOUT, False
        limit_s = min(LIMIT_S, deadline - time.monotonic())
        if limit_s <= 0:
            return Verdict.TIMEOUT, False
        try:
            request = {"a": pair[0], "b": pair[1], "limit_s": limit_s}
            self._write(json.dumps(request).encode() + b"\n")
            reply = self._read_line(deadline + GRACE_S)
        except OSError:
            reply = None
        if reply is None:
            self.stop()
            return Verdict.TIMEOUT, False
        if not self._is_warm:  # behind its first reply it warms up, and says again when it is ready
            self._is_warm, self._is_ready = True, False
        return Verdict(reply["verdict"]), True

    def _loaded(self, deadline: float) -> bool:
        """Whether the worker runs and has loaded its libraries by the deadline."""
        try:
            if self._process is None:
                self._start()
            if not self._is_ready:
                self._is_ready = self._read_line(deadline) == {"ready": True}
        except OSError:
            self.stop()
        if self._process is not None and self._process.poll() is not None:
            self.stop()  # gone: the next question starts another
        return self._is_ready

    def _start(self) -> None:
        """Start the worker with this process's import path, as a module: the user's __main__ is never run again.

        Raises:
            OSError: it cannot be started.
        """
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._buffer = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lorid_data.answers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
            start_new_session=True,
        )

    def _write(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)

    def _read_line(self, deadline: float) -> dict[str, Any] | None:
        """One line of the worker, or None where it is late or gone."""
        assert self._process is not None
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not _readable(source, left):
                return None
            piece = os.read(source, 65536)
            if not piece:
                return None
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        """Kill the worker and its child; the next question starts a new one."""
        process, self._process = self._process, None
        self._is_ready = self._is_warm = False
        if process is None:
            return
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()

    def abandon(self) -> None:
        """Forget a worker that belongs to the parent of a fork."""
        process, self._process = self._process, None
        self._is_ready = self._is_warm = False
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.returncode = 0
        self._lock = threading.Lock()


def _readable(fd: int, limit_s: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(max(1, int(limit_s * 1000))))


_verifier: Verifier | None = None
_making = threading.Lock()


def verifier() -> Verifier:
    """The verifier of this process."""
    global _verifier, _making
    if _verifier is None:
        with _making:
            if _verifier is None:
                made = Verifier()
                os.register_at_fork(after_in_child=_after_fork)
                atexit.register(made.stop)
                _verifier = made
    return _verifier


def _after_fork() -> None:
    global _making
    _making = threading.Lock()
    if _verifier is not None:
        _verifier.abandon()
