"""pydantic-monty behind `Executor`: an interpreter of a part of Python, in processes of its own.

It has no files, no network, no environment, no processes, no clock and no chance: what asks the host
for one of them gets an error. Every program has a session of its own. A worker whose program ran into
a limit is killed, since its memory is in no known state, and so is one that does not stop by itself.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

from lorid_data.errors import ConfigError, StageError
from lorid_data.execution.answer_text import MOST_CHARS, answer_text
from lorid_data.execution.executed import Executed, Limits, Status
from lorid_data.schema import storable

DISTRIBUTION = "pydantic-monty"
MISSING = (
    "running programs needs the sandbox pydantic-monty, which is not installed; install it with "
    "pip install 'lorid[code]' (nothing is ever run without it)"
)
GRACE_S = 0.25
"""How much later than its time a program's worker is killed, where it has not stopped by itself."""
_AT_ONCE = 256
"""Programs that are handed to the workers together."""
_READ = f"(f'{{answer!r}}'[:{MOST_CHARS + 1}], f'{{answer!s}}'[:{MOST_CHARS + 1}])"
"""Names nothing but `answer`, so that a program can put nothing of its own in the place of `repr`;
both texts are made, and cut, within the sandbox's own limits."""
_LIMITS = frozenset({"TimeoutError", "MemoryError", "RecursionError"})
_POLICY = {
    "datetime": "call_host",
    "sleep": "call_host",
    "process_time": "zero",
    "random_start": "call_host",
}
"""What would differ from run to run is asked of the host, which has no answer."""


def sandbox_version() -> str:
    """Name and version of the sandbox.

    Raises:
        ConfigError: it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    except PackageNotFoundError:
        raise ConfigError(MISSING) from None


class Sandbox:
    """Runs programs on a few worker processes; use it in a `with` block. Safe from any thread.

    The workers start with the first program.
    """

    def __init__(self, limits: Limits | None = None, *, workers: int = 1) -> None:
        """Check that there is a sandbox; start nothing.

        Raises:
            ConfigError: it is not installed.
        """
        self._limits = limits or Limits()
        self._version = sandbox_version()
        self.workers = max(1, workers)
        self._pool: Any = None
        self._starting = threading.Lock()

    @property
    def limits(self) -> Limits:
        """What one program may use."""
        return self._limits

    @property
    def sandbox(self) -> str:
        """Name and version of the sandbox."""
        return self._version

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *error: object) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def run(self, program: str) -> Executed:
        """Run one program. Never raises for what a program does."""
        if len(program.encode("utf-8", "surrogatepass")) > self.limits.program_bytes:
            return Executed(Status.LIMIT, None, "", 0.0, "the program is too long")
        if "\x00" in program or storable(program) != program:
            return Executed(Status.UNPARSABLE, None, "", 0.0, "holds what is no text")
        pool, start = self._started(), time.perf_counter()
        output = _Output(self.limits.output_bytes)
        status, answer, error = _run(pool, program, self.limits, output)
        ms = (time.perf_counter() - start) * 1000
        return Executed(status, answer, storable(output.text), ms, storable(_line(error)))

    def run_all(self, programs: Iterable[str]) -> Iterator[Executed]:
        """Run many, one on each worker at a time; the results come in the programs' order."""
        left = iter(programs)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox") as threads:
            while some := list(islice(left, _AT_ONCE)):
                yield from threads.map(self.run, some)

    def _started(self) -> Any:
        with self._starting:
            if self._pool is None:
                self._pool = _start(self.limits, self.workers)
        return self._pool


class _Output:
    """What a program prints, up to a limit; then it says so, and goes on counting nothing."""

    def __init__(self, most_bytes: int) -> None:
        self.text, self.is_full = "", False
        self._left = most_bytes

    def __call__(self, _stream: str, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self.text += data[: self._left].decode("utf-8", "ignore")
        self._left -= min(len(data), self._left)
        if len(data) > 0 and self._left == 0:
            self.is_full = True
            raise OverflowError("wrote too much")


def _start(limits: Limits, workers: int) -> Any:
    from pydantic_monty import Monty, MontyError

    pool = Monty(
        min_processes=1,
        max_processes=workers,
        request_timeout=limits.seconds + 2 * GRACE_S,
        feed_duration_limit_grace=GRACE_S,
    )
    try:
        return pool.__enter__()
    except (MontyError, OSError, RuntimeError) as e:
        msg = f"the sandbox does not start ({e}); install it again with pip install --force-reinstall {DISTRIBUTION}"
        raise StageError(msg) from e


def _run(
    pool: Any, program: str, limits: Limits, output: _Output
) -> tuple[Status, str | None, str]:
    """Status, answer and error of one program in a session of its own."""
    session_limits = {
        "max_feed_duration_secs": limits.seconds,
        "max_memory": limits.memory_bytes,
        "max_recursion_depth": limits.recursion,
        "max_suspensions": 100,
        "max_total_sleep_secs": 0.0,
    }
    try:
        with pool.checkout(limits=session_limits, os_policy=_POLICY) as session:
            result = _fed(session, program, output)
            if result[0] is Status.LIMIT:
                _kill(session)
            return result
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as e:  # noqa: BLE001  (a panic of the sandbox's client is no Exception)
        return _of_crash(e)


def _fed(session: Any, program: str, output: _Output) -> tuple[Status, str | None, str]:
    from pydantic_monty import MontyCrashedError, MontyError, MontySyntaxError

    is_read = False
    try:
        # The value of a last line that is an expression would be brought here whole.
        session.feed_run(f"{program}\n\nNone", print_callback=output)
        is_read = True
        shown, text = session.feed_run(_READ, print_callback=output)
    except MontyCrashedError:
        raise
    except MontySyntaxError as e:
        return Status.UNPARSABLE, None, str(e)[:MOST_CHARS]
    except MontyError as e:
        kind = type(e.exception()).__name__
        if output.is_full:
            return Status.LIMIT, None, "wrote too much"
        if kind in _LIMITS:
            return Status.LIMIT, None, _said(e)
        return (Status.NO_ANSWER if is_read else Status.ERROR), None, _said(e)
    answer = answer_text(shown, text)
    if answer is None:
        return Status.NO_ANSWER, None, f"answer is {shown[:80]}, neither a number nor a text"
    return Status.OK, answer, ""


def _of_crash(e: BaseException) -> tuple[Status, None, str]:
    """A worker that was killed for its time ran into a limit; anything else is the sandbox's fault."""
    is_late = bool(getattr(e, "timed_out", False))
    return (Status.LIMIT if is_late else Status.CRASHED), None, _said(e)


def _said(e: BaseException) -> str:
    return str(e)[:MOST_CHARS]


def _line(text: str) -> str:
    """One line of a message, with nothing in it that moves a cursor."""
    return "".join(c if c.isprintable() else " " for c in text)[:200].strip()


def _kill(session: Any) -> None:
    """Kill the worker of a session that is still checked out; the pool starts another."""
    with suppress(OSError, RuntimeError):
        if session.worker_pid:
            os.kill(session.worker_pid, signal.SIGKILL)
