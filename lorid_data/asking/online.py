"""Asking a teacher many things at once: every reply is stored before anybody reads it.

What is in flight is always finished, whatever ends the run; a second Ctrl-C alone cuts it off.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lorid_data.asking.gc_pause import few_collections
from lorid_data.asking.journal import Journal, failed, replied, replies_in
from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import TeacherError
from lorid_data.schema import TeacherReply
from lorid_data.teachers.base import Teacher, TeacherRequest, longer
from lorid_data.teachers.remote import Attempted, RemoteTeacher, Stopped

Responses = Mapping[str, TeacherReply | TeacherError]
"""What became of each request, by its key."""


def ask_all(
    missing: Sequence[tuple[str, TeacherRequest]],
    teacher: Teacher,
    journal: Journal,
    concurrency: int,
    progress: Progress,
) -> Responses:
    """Ask every request once, at most `concurrency` at a time.

    Args:
        missing: requests with their keys, in the order in which they are begun.
        teacher: whom to ask.
        journal: where each attempt is stored, a failed one too, before it counts as done.
        concurrency: most requests in flight.
        progress: is told of each answer.

    Raises:
        KeyboardInterrupt: interrupted; what was in flight was waited for and stored.
        StageError: no request can be answered any more (a wrong key, a budget that is spent, …).
        sqlite3.Error: an attempt could not be stored.
    """
    answers: dict[str, TeacherReply | TeacherError] = {}
    ask_each(
        missing, teacher, journal, min(concurrency, len(missing)), progress, answers.__setitem__
    )
    return answers


Heard = Callable[[str, TeacherReply | TeacherError], object]
"""Is told what became of a request, by its key, once the journal has it."""


def ask_each(
    missing: Iterable[tuple[str, TeacherRequest]],
    teacher: Teacher,
    journal: Journal,
    concurrency: int,
    progress: Progress,
    heard: Heard,
) -> None:
    """As `ask_all`, of requests that are made when their turn comes; nothing is held but what is in flight.

    Args:
        missing: is asked for the next request whenever one has been answered.
        teacher: whom to ask.
        journal: where each attempt is stored.
        concurrency: most requests in flight.
        progress: is told of each answer.
        heard: is told of each answer.

    Raises:
        Exception: as `ask_all`.
    """
    asking = _ask_each(missing, teacher, journal, concurrency, progress, heard)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(asking)
        return
    # A notebook's thread has a running event loop already.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, asking).result()


async def _ask_each(
    missing: Iterable[tuple[str, TeacherRequest]],
    teacher: Teacher,
    journal: Journal,
    concurrency: int,
    progress: Progress,
    heard: Heard,
) -> None:
    todo = iter(missing)
    stop = asyncio.Event()
    workers: list[asyncio.Task[None]] = []
    remote = teacher if isinstance(teacher, RemoteTeacher) else None
    if remote is not None:
        _follow(remote, journal, progress)

    def end() -> None:
        stop.set()
        if remote is not None:
            remote.end()
        _give_up(workers if journal.is_dead else ())  # what is in flight could not be stored

    async def work() -> None:
        for key, request in todo:
            try:
                answer = await _ask(key, request, teacher, journal)
            except BaseException:
                end()
                raise
            heard(key, answer)
            failed_now = isinstance(answer, TeacherError)
            progress.advance(answered=not failed_now, unanswered=failed_now)
            if stop.is_set():
                return

    try:
        with interruptible(end) as interrupted, few_collections():
            workers += [asyncio.create_task(work()) for _ in range(concurrency)]
            results = await asyncio.gather(*workers, return_exceptions=True)
            _raise_first(results, interrupted=interrupted())
    finally:
        if remote is not None:
            await remote.close()


def _give_up(workers: Iterable[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()


def _raise_first(results: Sequence[object], *, interrupted: bool) -> None:
    """Raise why the run ended, if it did before its end."""
    errors = [r for r in results if isinstance(r, BaseException)]
    # A request that was not sent, or was given up, says nothing of why.
    for error in [e for e in errors if not isinstance(e, (Stopped, asyncio.CancelledError))]:
        raise error
    if interrupted:
        raise KeyboardInterrupt
    for error in errors:
        raise error


def _follow(teacher: RemoteTeacher, journal: Journal, progress: Progress) -> None:
    """Store each failed attempt, and show money and limits beside the counts."""

    async def store(attempt: Attempted) -> None:
        known = {**known_of(attempt.request), "cost_usd": attempt.cost_usd}
        await journal.append(failed("attempt_failed", attempt.detail, known))

    teacher.on_failed_attempt = store
    progress.note = teacher.describe


async def _ask(
    key: str, request: TeacherRequest, teacher: Teacher, journal: Journal
) -> TeacherReply | TeacherError:
    """One answer, acknowledged by the journal before it is given back.

    A reply that was cut off is asked for once more, with more tokens and so under another key; where
    so many are refused, it stays the answer.
    """
    try:
        reply = await teacher.ask(request)
    except TeacherError as e:
        await journal.append(failed(e.reason, str(e), known_of(request)))
        cut_off = e.is_refusal and request.key != key
        return journal.replies([key]).get(key, e) if cut_off else e
    await journal.append(replied(reply))
    more = longer(request) if reply.finish_reason == "length" and request.key == key else None
    if more is None:
        return reply
    return await _ask(key, more, teacher, journal)


def all_keys(requests: Mapping[str, TeacherRequest]) -> set[str]:
    """The keys of these requests and of the longer ones that may follow them."""
    more = (longer(r) for r in requests.values())
    return set(requests) | {r.key for r in more if r is not None}


def known_of(request: TeacherRequest) -> dict[str, Any]:
    """What a failed attempt is stored with."""
    return {
        "request_key": request.key,
        "teacher": request.teacher,
        "model_asked": request.model,
        **request.model_dump(include={"problem_id", "prompt_id", "prompt_sha256"}),
    }


def stored(
    journal: Path, requests: Mapping[str, TeacherRequest]
) -> tuple[dict[str, TeacherReply], list[tuple[str, TeacherRequest]]]:
    """What the journal answers, and what is still to be asked, with the keys of the first requests.

    A reply that was cut off counts only where the longer one was cut off too.
    """
    replies = replies_in(journal, requests)
    cut = {
        key: more
        for key, reply in replies.items()
        if reply.finish_reason == "length" and (more := longer(requests[key])) is not None
    }
    longer_keys = {more.key: key for key, more in cut.items()}
    second = replies_in(journal, longer_keys)
    known = {k: r for k, r in replies.items() if k not in cut}
    known |= {longer_keys[k]: reply for k, reply in second.items()}
    missing = [(k, cut.get(k, r)) for k, r in requests.items() if k not in known]
    return known, missing


@contextmanager
def interruptible(end: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C calls `end`, and what is in flight is finished; the second ends at once."""
    loop = asyncio.get_running_loop()
    seen = False

    def on_interrupt() -> None:
        nonlocal seen
        seen = True
        # First of all: from here on a second one raises KeyboardInterrupt wherever the loop is.
        loop.remove_signal_handler(signal.SIGINT)
        end()
        say("interrupted: waiting for the replies in flight; press Ctrl-C again to stop at once")

    # Outside the main thread, whoever runs us handles the signal.
    with suppress(ValueError, RuntimeError, NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, on_interrupt)
    try:
        yield lambda: seen
    finally:
        loop.remove_signal_handler(signal.SIGINT)
