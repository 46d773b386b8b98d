"""What became of requests: what the journal answers is read, the rest is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lorid_data.asking.batching import ask_in_batches
from lorid_data.asking.journal import Journal
from lorid_data.asking.online import Responses, all_keys, ask_all, stored
from lorid_data.commandline.progress import Progress
from lorid_data.teachers.base import Teacher, TeacherRequest
from lorid_data.teachers.registry import Mode
from lorid_data.teachers.remote import RemoteTeacher


def answers_to(
    wanted: Mapping[str, TeacherRequest],
    teacher: Teacher,
    journal: Journal,
    *,
    what: str,
    mode: Mode,
    concurrency: int,
    poll_s: float,
    paid: Collection[str] | None = None,
) -> Responses:
    """The answer to each request, by its key; what a stored reply answers is not asked again.

    Args:
        wanted: requests by their keys.
        teacher: whom to ask.
        journal: where replies and failures are stored.
        what: is being done, for the progress.
        mode: `batch` asks a remote teacher in batches.
        concurrency: most requests in flight, outside batches.
        poll_s: how often a batch that is not over is looked at.
        paid: keys whose cost so far counts against the budget; by default those of `wanted` and
            of the longer requests that may follow them.

    Raises:
        KeyboardInterrupt: interrupted; the same call goes on.
        StageError: no request can be answered any more; what was answered is stored.
    """
    replies, missing = stored(journal.path, wanted)
    if isinstance(teacher, RemoteTeacher):
        teacher.budget.begin(journal.spent_usd(all_keys(wanted) if paid is None else paid))
    with Progress(what, len(wanted), done=len(replies)) as progress:
        if mode == "batch" and isinstance(teacher, RemoteTeacher):
            asked = ask_in_batches(missing, teacher, journal, progress, poll_s=poll_s)
        else:
            asked = ask_all(missing, teacher, journal, concurrency, progress)
    return {**replies, **asked}
