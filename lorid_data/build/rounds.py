"""Asking a panel: round by round, until each row is decided, about more rows than are to be held."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from lorid_data.asking.estimate import Estimate, estimate, together
from lorid_data.asking.journal import Journal
from lorid_data.asking.many import How, Many, keys_of, unanswered
from lorid_data.build.candidates import Heard
from lorid_data.build.panel import Panel, Weighed, panel_is_decided, weigh
from lorid_data.build.passing import batches_of
from lorid_data.schema import Problem
from lorid_data.teachers.base import TeacherRequest, Unasked
from lorid_data.teachers.prices import Price
from lorid_data.teachers.remote import RemoteTeacher

Requests = Iterator[list[TeacherRequest | None]]


class Rounds:
    """What a panel says of many problems; a seat is asked only while a row is not decided.

    Held of each row are 2 bytes, and what `Many` holds of each round. Replies are read from the
    journal whenever they are wanted.

    Args:
        panel: who is asked.
        problems: gone through again and again.
        journal: where replies and failures are stored.
    """

    def __init__(self, panel: Panel, problems: Iterable[Problem], journal: Journal) -> None:
        self._panel, self._problems, self._journal = panel, problems, journal
        self._n_rounds = array("H")
        """Of each row, the rounds in which it was asked: the first so many."""
        self._asked: list[tuple[list[int], Many]] = []

    def everything(self) -> None:
        """Ask, round after round, what is not answered.

        Raises:
            KeyboardInterrupt: interrupted; the same call goes on.
            StageError: no request can be answered any more; what was answered is stored.
        """
        panel = self._panel
        paid = partial(keys_of, partial(_requests, panel, self._problems, range(len(panel.seats))))
        for seats in panel.rounds():
            if not self._open():
                break
            teacher = panel.reopened(seats[0])
            samples = ", ".join(str(panel.seats[seat][1]) for seat in seats)
            what = f"build, {teacher.kind}:{teacher.model}, sample {samples}"
            n = len(self._asked)
            many = Many(partial(self._batches, seats, n), teacher, self._journal)
            asking = panel.asking
            many.everything(How(what, asking.mode, asking.concurrency, panel.poll_s), paid)
            self._asked.append((seats, many))

    def weighed(self) -> Iterator[list[Weighed]]:
        """What each row takes of the replies about it, in batches, from the first on at every call."""
        for first, batch in _numbered(self._problems):
            heard = self._heard(first, batch)
            yield [weigh(self._panel, p, h) for p, h in zip(batch, heard, strict=True)]

    def _open(self) -> bool:
        """Note that the rows that are not decided are asked in a further round; whether there are any."""
        n = len(self._asked)
        is_any = False
        for first, batch in _numbered(self._problems):
            if n == 0:
                self._n_rounds.extend(0 for _ in batch)
            is_open = [bool(p.question.strip()) and self._n_rounds[first + k] == n for k, p in enumerate(batch)]  # fmt: skip
            if n and any(is_open) and self._panel.rewrite:  # else all seats are asked
                heard = self._heard(first, batch)
                is_open = [x and not panel_is_decided(self._panel, p, h) for x, p, h in zip(is_open, batch, heard, strict=True)]  # fmt: skip
            for k, x in enumerate(is_open):
                self._n_rounds[first + k] += x
            is_any |= any(is_open)
        return is_any

    def _batches(self, seats: Sequence[int], n: int) -> Requests:
        """The requests of a round, with None where a row is not asked any more."""
        for first, batch in _numbered(self._problems):
            yield self._of(first, batch, seats, n)

    def _of(
        self, first: int, batch: Sequence[Problem], seats: Sequence[int], n: int
    ) -> list[TeacherRequest | None]:
        return [
            self._panel.request(p, i, seat) if self._n_rounds[i] > n else None
            for i, p in enumerate(batch, first)
            for seat in seats
        ]

    def _heard(self, first: int, batch: Sequence[Problem]) -> list[list[Heard]]:
        """What every seat has said of each row of a batch so far."""
        heard: list[list[Heard]] = [[None] * len(self._panel.seats) for _ in batch]
        for n, (seats, many) in enumerate(self._asked):
            requests = self._of(first, batch, seats, n)
            for at, (request, answer) in enumerate(zip(requests, many.answers(requests), strict=True)):  # fmt: skip
                if request is not None:
                    row, seat = divmod(at, len(seats))
                    assert not isinstance(answer, Unasked)
                    heard[row][seats[seat]] = answer
        return heard


def estimate_panel(panel: Panel, problems: Iterable[Problem], journal: Path) -> Estimate:
    """What is still to be asked at most: a vote that is decided early asks for less."""
    parts = []
    for t, teacher in enumerate(panel.teachers):
        seats = [i for i, (n, _) in enumerate(panel.seats) if n == t]
        left = unanswered(partial(_requests, panel, problems, seats), journal)
        remote = teacher if isinstance(teacher, RemoteTeacher) else None
        price = remote.price if remote else Price(0.0, 0.0, 0.0)
        parts.append(estimate(left, price, cheap=bool(remote and remote.cheap)))
    return together(parts)


def _requests(panel: Panel, problems: Iterable[Problem], seats: Sequence[int]) -> Requests:
    """All requests that these seats may get, a batch of rows at a time."""
    for first, batch in _numbered(problems):
        asked = ((i, p) for i, p in enumerate(batch, first) if p.question.strip())
        yield [panel.request(p, i, seat) for i, p in asked for seat in seats]


def _numbered(problems: Iterable[Problem]) -> Iterator[tuple[int, list[Problem]]]:
    """Problems in batches, each with the number of its first row."""
    first = 0
    for batch in batches_of(problems):
        yield first, batch
        first += len(batch)
