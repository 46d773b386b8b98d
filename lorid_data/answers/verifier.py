"""The handle on the worker process: started when first needed, one for each process, killed when late.

A lock makes it safe from any thread. A forked child starts a worker of its own. Nothing here relies
on signals, so it works outside the main thread and under asyncio; it blocks for at most the limit.
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
GRACE_S = 0.5
"""How much later than its limit the worker is killed as a whole."""
START_S = 30.0
"""How long the worker may take to load its libraries. No answer has a part in that time."""
CACHE_SIZE = 20_000


class Verifier:
    """A worker process and the verdicts it gave."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._cache: OrderedDict[tuple[str, str], Verdict] = OrderedDict()

    def ask(self, a: str, b: str, limit_s: float = LIMIT_S) -> Verdict:
        """Whether two LaTeX texts mean the same, in at most `limit_s` + `GRACE_S` seconds once started."""
        pair = (a, b) if a <= b else (b, a)
        with self._lock:
            known = self._cache.get(pair)
            if known is not None:
                return known
            found = self._compare(pair, limit_s)
            if found is not Verdict.TIMEOUT or limit_s >= LIMIT_S:
                self._cache[pair] = found
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
            return found

    def ready(self) -> None:
        """Start the worker, if none is running, and wait until it has loaded its libraries."""
        with self._lock:
            if self._process is None:
                try:
                    self._start()
                except OSError:
                    self.stop()

    def _compare(self, pair: tuple[str, str], limit_s: float) -> Verdict:
        try:
            if self._process is None:
                self._start()
            request = {"a": pair[0], "b": pair[1], "limit_s": limit_s}
            self._write(json.dumps(request).encode() + b"\n")
            reply = self._read_line(limit_s + GRACE_S)
        except OSError:
            reply = None
        if reply is None:
            self.stop()
            return Verdict.TIMEOUT
        return Verdict(reply["verdict"])

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
        if self._read_line(START_S) != {"ready": True}:
            msg = f"{sys.executable} -m lorid_data.answers.worker does not start; is math-verify installed?"
            raise OSError(msg)

    def _write(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)

    def _read_line(self, limit_s: float) -> dict[str, Any] | None:
        """One line of the worker, or None where it is late or gone."""
        assert self._process is not None
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        deadline = time.monotonic() + limit_s
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
