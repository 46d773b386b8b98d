"""The process that makes one cell: `python -m lorid_train.study.worker`, started by `pool`.

It reads one line of JSON from its standard input (`tasks.order`), and then watches that pipe: when
it closes, the study has ended, however it ended, and so does the worker. On its standard output it
says in lines of JSON which step has ended, or why it fails; all else goes to standard error.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lorid_data.commandline.failures import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from lorid_data.errors import LockedError, LoridError
from lorid_data.folders.files import locked

_PR_SET_PDEATHSIG = 1
PATIENCE_S = 60.0
"""How long a worker waits for one of a study that was just killed to let go of the cell."""


def main() -> int:
    """Make the cell that the first line of standard input names; the exit status."""
    _die_with_the_study()
    warnings.filterwarnings("ignore", category=FutureWarning)
    # A shell's background jobs ignore interrupts, and so would their children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_study, daemon=True).start()
    try:
        return _status(order, _speaker())
    finally:
        # The pipe may close while this process ends by itself.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _status(order: dict[str, Any], say: Callable[..., None]) -> int:
    try:
        _make(order, say)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except LoridError as e:
        say(error=str(e))
        return e.exit_status
    except Exception as e:  # noqa: BLE001  (one cell's failure is not the study's)
        traceback.print_exc()
        say(error=f"{type(e).__name__}: {e}")
        return EXIT_FAILED
    return EXIT_OK


def _make(order: dict[str, Any], say: Callable[..., None]) -> None:
    from lorid_train.study.cell import make_cell
    from lorid_train.study.tasks import task_of

    task = task_of(order)
    with alone(task.folder):
        make_cell(task, lambda step, s, was_done: say(step=step, s=s, was_done=was_done))


@contextmanager
def alone(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock of a folder; wait for it for a while.

    Raises:
        LockedError: another process holds it all the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + patience_s
    while True:
        try:
            with locked(folder):
                yield
                return
        except LockedError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def _die_with_the_study() -> None:
    """Let the kernel end this process at once where the study is killed; Linux alone does that.

    A library that is being loaded, or that computes, hears of the closed pipe seconds later. What
    a worker writes is whole or absent, so that it may be killed at any moment.
    """
    with suppress(OSError, AttributeError, ValueError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_with_the_study() -> None:
    """Interrupt the work when the pipe from the study closes."""
    try:
        # Not through `sys.stdin`: its lock is wanted when the interpreter ends, and this thread waits.
        while os.read(0, 1 << 16):
            pass
    finally:  # whatever ends this thread: a worker that nobody can end must not go on
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _speaker() -> Callable[..., None]:
    """Keep standard output for what is said to the study; what is printed goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(**body: object) -> None:
        channel.write(json.dumps(body) + "\n")
        channel.flush()

    return say


if __name__ == "__main__":
    sys.exit(main())
