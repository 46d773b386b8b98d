"""Batches worked on by several processes, the results in the order of the batches."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import chain, islice
from typing import Any, TypeVar

from lorid_data.errors import StageError
from lorid_data.workers.child import serve

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2
"""Batches that each process has: one that it works on, one that waits."""
_END_S = 30.0
"""How long a process may take to end by itself."""

Elsewhere = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""(work, batches) → the results in the order of the batches, done by something other than processes of this one."""
_elsewhere: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


@contextmanager
def elsewhere(spread: Elsewhere | None) -> Iterator[None]:
    """Have the work of `in_processes` done by `spread` until the block ends; by None: by processes again.

    A stage knows nothing of it: what it reads, joins and writes is the same wherever its work is done.
    """
    token = _elsewhere.set(spread)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def is_elsewhere() -> bool:
    """Whether the work of `in_processes` is done by something else now: for a stage that cuts its work in another way then."""
    return _elsewhere.get() is not None


def in_processes(work: Callable[[T], R], batches: Iterable[T], n_workers: int) -> Iterator[R]:
    """Do some work on each batch, and give the results in the order of the batches.

    At most a few batches for each process are in memory. The processes are fresh (spawned) ones
    with one thread of numerical work each; they end with the iterator, with this process, and with
    an interruption. A program of one's own that asks for several must be importable: its last part
    stands under `if __name__ == "__main__":`.

    Args:
        work: a function of a module, or a `functools.partial` of one; sent once to each process.
        batches: what it is called with, one after another; each must pickle (a slice of an Arrow
            table takes its whole table along: send what a reader gave, not a part of it).
        n_workers: how many processes. With 1, or where there is only one batch, the work is done here.

    Raises:
        StageError: a process ended by itself.
        Exception: what `work` raised for a batch, once the results before it are given.
    """
    spread = _elsewhere.get()
    yield from here(work, batches, n_workers) if spread is None else spread(work, batches)


def here(work: Callable[[T], R], batches: Iterable[T], n_workers: int) -> Iterator[R]:
    """As `in_processes`, always by processes of this machine."""
    todo = iter(batches)
    first = list(islice(todo, n_workers))
    if len(first) < 2:
        yield from map(work, chain(first, todo))
        return
    pool = _Pool()
    try:
        pool.start(len(first), work)
        yield from pool.results(chain(first, todo))
        pool.end()
    finally:
        pool.kill()


class _Pool:
    """The processes, a pipe to each, and which batches each of them has."""

    def __init__(self) -> None:
        self._processes: list[Any] = []
        self._pipes: list[Any] = []
        self._has: list[list[int]] = []

    def start(self, n: int, work: Callable[[Any], Any]) -> None:
        """Start the processes, and tell each its work."""
        from multiprocessing import get_context
        from multiprocessing.resource_tracker import ensure_running

        # It comes with the first process otherwise, and lets in again what is kept out below.
        ensure_running()
        context = get_context("spawn")
        for _ in range(n):
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there,), daemon=True)
            with _without_interrupts():
                process.start()
            there.close()
            self._processes.append(process)
            self._pipes.append(here)
            self._has.append([])
        message = pickle.dumps(work)
        for at in range(n):
            self._send(at, message)

    def results(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The results in order; what is wrong with one is raised in its place."""
        done: dict[int, Any] = {}
        n_given = n_sent = 0
        is_more, most = True, _AHEAD * len(self._processes)
        while is_more or n_given < n_sent:
            while is_more and n_sent < n_given + most and (at := self._free()) is not None:
                batch = next(batches, _NONE)
                if batch is _NONE:
                    is_more = False
                else:
                    self._send(at, pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
                    self._has[at].append(n_sent)
                    n_sent += 1
            if n_given < n_sent and n_given not in done:
                done.update(self._received())
            if n_given in done:
                yield _result(done.pop(n_given))
                n_given += 1

    def _free(self) -> int | None:
        """The process with the fewest batches, if it can take one more."""
        at = min(range(len(self._has)), key=lambda i: len(self._has[i]))
        return at if len(self._has[at]) < _AHEAD else None

    def _send(self, at: int, message: bytes) -> None:
        try:
            self._pipes[at].send_bytes(message)
        except OSError as e:
            raise self._gone(at) from e

    def _received(self) -> dict[int, Any]:
        """What processes have done by now, by the number of the batch; waits until one has done something."""
        from multiprocessing.connection import wait

        found = {}
        for pipe in wait([p for p, has in zip(self._pipes, self._has, strict=True) if has]):
            at = self._pipes.index(pipe)
            try:
                message = pipe.recv_bytes()  # type: ignore[union-attr]
            except (EOFError, OSError) as e:
                raise self._gone(at) from e
            found[self._has[at].pop(0)] = pickle.loads(message)  # noqa: S301  (from a process of ours)
        return found

    def _gone(self, at: int) -> StageError:
        process = self._processes[at]
        process.join(5)
        status = process.exitcode
        how = f"status {status}"
        if status is not None and status < 0:
            how = signal.Signals(-status).name
        return StageError(
            f"a worker process ended by itself ({how}), most often because there was not enough memory: "
            "run the same command again with fewer --workers"
        )

    def end(self) -> None:
        """Tell the processes that nothing comes any more, and wait for them."""
        for pipe in self._pipes:
            with suppress(OSError):  # gone already: all that it had to give is here
                pipe.send_bytes(b"")
        for process in self._processes:
            process.join(_END_S)

    def kill(self) -> None:
        """End those that still run, at once."""
        for process in self._processes:
            process.terminate()
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.join()
            process.close()


_NONE = object()


def _result(message: tuple[Any, ...]) -> Any:
    if message[0]:
        return message[1]
    _, error, said = message
    raise error from _InChildError(said)


class _InChildError(Exception):
    """What a process wrote of the error that it met."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Have a process that is started here never see Ctrl-C: this one does, and ends it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
