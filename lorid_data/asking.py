"""Asking a teacher many things at once: every reply is stored before anybody reads it.

What is in flight is always finished, whatever ends the run; a second Ctrl-C alone cuts it off.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from lorid_data.errors import TeacherError
from lorid_data.journal import Journal, failed, replied
from lorid_data.progress import Progress, say
from lorid_data.schema import TeacherReply
from lorid_data.teachers.base import Teacher, TeacherRequest

Answers = Mapping[str, TeacherReply | TeacherError]
"""What became of each request, by its key."""


def ask_all(
    missing: Sequence[tuple[str, TeacherRequest]],
    teacher: Teacher,
    journal: Journal,
    concurrency: int,
    progress: Progress,
) -> Answers:
    """Ask every request once, at most `concurrency` at a time.

    Args:
        missing: requests with their keys, in the order in which they are begun.
        teacher: whom to ask.
        journal: where each attempt is stored, a failed one too, before it counts as done.
        concurrency: most requests in flight.
        progress: is told of each answer.

    Raises:
        KeyboardInterrupt: interrupted; what was in flight was waited for and stored.
        sqlite3.Error: an attempt could not be stored.
    """
    asking = _ask_all(missing, teacher, journal, concurrency, progress)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asking)
    # A notebook's thread has a running event loop already.
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, asking).result()


async def _ask_all(
    missing: Sequence[tuple[str, TeacherRequest]],
    teacher: Teacher,
    journal: Journal,
    concurrency: int,
    progress: Progress,
) -> Answers:
    todo = iter(missing)
    answers: dict[str, TeacherReply | TeacherError] = {}
    stop = asyncio.Event()

    async def work() -> None:
        for key, request in todo:
            try:
                answers[key] = await _ask(request, teacher, journal)
            except BaseException:
                stop.set()
                raise
            failed_now = isinstance(answers[key], TeacherError)
            progress.advance(answered=not failed_now, unanswered=failed_now)
            if stop.is_set():
                return

    with _interruptible(stop) as interrupted:
        workers = [work() for _ in range(min(concurrency, len(missing)))]
        results = await asyncio.gather(*workers, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if interrupted():
            raise KeyboardInterrupt
    return answers


async def _ask(
    request: TeacherRequest, teacher: Teacher, journal: Journal
) -> TeacherReply | TeacherError:
    """One answer, acknowledged by the journal before it is given back."""
    try:
        reply = await teacher.ask(request)
    except TeacherError as e:
        known = {
            "request_key": request.key,
            "teacher": request.teacher,
            "model_asked": request.model,
            **request.model_dump(include={"problem_id", "prompt_id", "prompt_sha256"}),
        }
        await journal.append(failed(e.reason, str(e), known))
        return e
    await journal.append(replied(reply))
    return reply


@contextmanager
def _interruptible(stop: asyncio.Event) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C sets `stop`, so that what is in flight is finished; the second ends at once."""
    loop = asyncio.get_running_loop()
    seen = False

    def on_interrupt() -> None:
        nonlocal seen
        seen = True
        stop.set()
        say("interrupted: waiting for the replies in flight; press Ctrl-C again to stop at once")
        loop.remove_signal_handler(signal.SIGINT)

    # Outside the main thread, whoever runs us handles the signal.
    with suppress(ValueError, RuntimeError, NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, on_interrupt)
    try:
        yield lambda: seen
    finally:
        loop.remove_signal_handler(signal.SIGINT)
