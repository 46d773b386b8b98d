"""Asking about more rows than are to be held: requests are made when their turn comes, replies are read by key.

Three passes over the same requests, a batch at a time. The first finds out what the journal answers
already; the second puts the rest to the teacher; the third, `answers`, reads what became of a batch. What is held of
a request is 16 bytes during the first pass and one byte after it, and what cannot be read back: the
errors of this run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lorid_data.asking.batching import ask_each_in_batches
from lorid_data.asking.journal import Journal, replies_in
from lorid_data.asking.online import ask_each, stored
from lorid_data.commandline.progress import Progress
from lorid_data.errors import StageError, TeacherError
from lorid_data.schema import TeacherReply
from lorid_data.teachers.base import Teacher, TeacherRequest, Unasked, longer
from lorid_data.teachers.registry import Mode
from lorid_data.teachers.remote import RemoteTeacher

Batch = Sequence[TeacherRequest | None]
"""A request for each row of a batch; None for a row about which nobody is asked."""
_KNOWN, _NOBODY, _ASK, _ASK_LONGER = range(4)
"""What is to be done for a row: nothing, nothing as nobody is asked, ask, or ask again with room for a longer reply."""
_KEY = 16
"""Bytes of a key by which those of one request are told: no chance likeness is to be feared."""


@dataclass(frozen=True, slots=True)
class How:
    """How a teacher is asked.

    Attributes:
        what: is being done, for the progress.
        mode: `batch` asks a remote teacher in batches.
        concurrency: most requests in flight, outside batches.
        poll_s: how often a batch that is not over is looked at.
    """

    what: str
    mode: Mode = "online"
    concurrency: int = 64
    poll_s: float = 30.0


class Many:
    """The requests of many rows, put to one teacher.

    Args:
        batches: the requests of all rows, from the first on at every call; always the same ones.
        teacher: whom to ask.
        journal: where replies and failures are stored.
    """

    def __init__(
        self, batches: Callable[[], Iterator[Batch]], teacher: Teacher, journal: Journal
    ) -> None:
        self._batches, self._teacher, self._journal = batches, teacher, journal
        self._todo = bytearray()
        self._n_wanted = 0
        self._failed: dict[str, TeacherError] = {}
        self._cut: set[str] = set()
        """Requests whose reply was cut off and stays the answer, as a longer one was refused in this run."""

    def everything(self, how: How, paid: Callable[[], Iterator[str]] | None = None) -> None:
        """Survey, then ask what is not answered.

        Args:
            how: the teacher is asked.
            paid: keys whose cost so far counts against the budget; by default those of all requests
                and of the longer ones that may follow them.

        Raises:
            KeyboardInterrupt: interrupted; the same call goes on.
            StageError: no request can be answered any more; what was answered is stored.
        """
        self._survey()
        if isinstance(self._teacher, RemoteTeacher):
            keys = paid or partial(keys_of, self._batches)
            spent = self._journal.spent_usd(keys()) if self._journal.has_costs() else 0.0
            self._teacher.budget.begin(spent)
        n_missing = self._todo.count(_ASK) + self._todo.count(_ASK_LONGER)
        with Progress(how.what, self._n_wanted, done=self._n_wanted - n_missing) as progress:
            if how.mode == "batch" and isinstance(self._teacher, RemoteTeacher):
                ask_each_in_batches(self._missing, self._teacher, self._journal, progress, self._heard, poll_s=how.poll_s)  # fmt: skip
            else:
                width = min(how.concurrency, n_missing)
                ask_each(self._missing(), self._teacher, self._journal, width, progress, self._heard)  # fmt: skip

    def _survey(self) -> None:
        """Which rows are still to be asked about: of those with one request, one."""
        import numpy as np

        keys = bytearray()
        for batch in self._batches():
            wanted = {r.key: r for r in batch if r is not None}
            found = _in_journal(self._journal, wanted)
            for request in batch:
                state = _NOBODY
                if request is not None:
                    state = _ASK_LONGER if request.key in found.cut else _ASK
                    state = _KNOWN if request.key in found.known else state
                self._todo.append(state)
                keys += bytes(_KEY) if request is None else bytes.fromhex(request.key[: 2 * _KEY])
        numbers = np.frombuffer(bytes(keys), np.uint64).reshape(-1, 2)
        # Of several rows with one request the last is asked about.
        is_last = np.zeros(len(numbers), bool)
        is_last[len(numbers) - 1 - np.unique(numbers[::-1], axis=0, return_index=True)[1]] = True
        states = np.frombuffer(self._todo, np.uint8).copy()
        self._n_wanted = int((is_last & (states != _NOBODY)).sum())
        states[~is_last & (states != _NOBODY)] = _KNOWN
        self._todo = bytearray(states.tobytes())

    def _missing(self) -> Iterator[tuple[str, TeacherRequest]]:
        """What is to be asked, with the keys of the first requests: made one by one."""
        n = 0
        for batch in self._batches():
            states = self._todo[n : n + len(batch)]
            n += len(batch)
            for request, state in zip(batch, states, strict=True):
                if request is not None and state in (_ASK, _ASK_LONGER):
                    more = longer(request) if state == _ASK_LONGER else request
                    yield request.key, more or request

    def _heard(self, key: str, answer: TeacherReply | TeacherError) -> None:
        if isinstance(answer, TeacherError):
            self._failed[key] = answer
        elif answer.finish_reason == "length":
            self._cut.add(key)

    def answers(self, batch: Batch) -> list[TeacherReply | TeacherError | Unasked]:
        """What became of the requests of a batch; of a row about which nobody was asked, `Unasked`.

        Raises:
            StageError: what was stored is not there.
        """
        wanted = {r.key: r for r in batch if r is not None and r.key not in self._failed}
        found = _in_journal(self._journal, wanted)
        return [Unasked("none") if r is None else self._answer(r.key, found) for r in batch]

    def _answer(self, key: str, found: _Stored) -> TeacherReply | TeacherError:
        answer = self._failed.get(key) or found.known.get(key)
        if answer is None and key in self._cut:
            answer = found.cut.get(key)
        if answer is None:
            raise StageError(f"{self._journal.path}: the reply to the request {key} is gone; do not change a journal in use, and run the same command again")  # fmt: skip
        return answer


def keys_of(batches: Callable[[], Iterator[Batch]]) -> Iterator[str]:
    """The keys of all requests and of the longer ones that may follow them."""
    for batch in batches():
        for request in batch:
            if request is not None:
                yield request.key
                if (more := longer(request)) is not None:
                    yield more.key


@dataclass(frozen=True, slots=True)
class _Stored:
    known: Mapping[str, TeacherReply]
    cut: Mapping[str, TeacherReply]
    """Replies that were cut off, and no longer one is stored."""


def _in_journal(journal: Journal, wanted: Mapping[str, TeacherRequest]) -> _Stored:
    known, missing = stored(journal.path, wanted)
    first = {k for k, request in missing if request.key != k}
    return _Stored(known, replies_in(journal.path, first))


def unanswered(batches: Callable[[], Iterator[Batch]], journal: Path) -> Iterator[TeacherRequest]:
    """What a journal does not answer of many requests, each once; nothing is asked."""
    seen: set[bytes] = set()
    for batch in batches():
        _, missing = stored(journal, {r.key: r for r in batch if r is not None})
        for key, request in missing:
            short = bytes.fromhex(key[: 2 * _KEY])
            if short not in seen:
                seen.add(short)
                yield request
