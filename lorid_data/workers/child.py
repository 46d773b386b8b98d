"""What runs in each process: batches in, results out, until the parent says so or is gone.

A thread takes batches as soon as the parent sends them, so that neither waits for the other to
read. It is also what notices that the parent has ended, however it did: the pipe is closed then,
and the process ends at once.
"""

from __future__ import annotations

import os
import pickle
import queue
import threading
import traceback
from typing import TYPE_CHECKING, Any

from lorid_data.errors import LoridError, StageError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ONE_THREAD = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS",
)  # fmt: skip
"""Set to 1 in each process, before a library that reads them is loaded: the processes are the parallelism."""


def serve(pipe: Connection) -> None:
    """Do the work that comes first through the pipe on each batch that comes after it."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    todo: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_take, args=(pipe, todo), daemon=True).start()
    work = pickle.loads(todo.get())  # noqa: S301  (from the parent, through a pipe of its own)
    while batch := todo.get():
        result = _done(work, batch)
        try:
            pipe.send_bytes(result)
        except OSError:  # the parent has ended
            os._exit(1)


def _take(pipe: Connection, todo: queue.SimpleQueue[bytes]) -> None:
    try:
        while True:
            todo.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(1)


def _done(work: Any, batch: bytes) -> bytes:
    """A pickled pair: whether it was done, and the result or the error."""
    try:
        return pickle.dumps((True, work(pickle.loads(batch))), pickle.HIGHEST_PROTOCOL)  # noqa: S301
    except Exception as e:  # noqa: BLE001  (it is the caller's)
        said = traceback.format_exc()
        try:
            found = pickle.dumps((False, e, said))
            pickle.loads(found)  # noqa: S301
        except Exception:  # noqa: BLE001  (an error that cannot travel: its text does)
            kind = StageError if isinstance(e, LoridError) else RuntimeError
            found = pickle.dumps((False, kind(f"{e}" if kind is StageError else repr(e)), said))
        return found
