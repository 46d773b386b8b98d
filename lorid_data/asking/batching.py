"""Asking in batches: what is submitted is written down first, and is never submitted twice.

The journal's table `batches` (see `ledger`) has a row per batch: its mark and its requests before
submission, the provider's id after it. A run that was killed in between looks for its mark at the
provider. A batch that failed as a whole, or whose results are gone, is closed and says why.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from lorid_data.asking.batch_queue import BatchQueue, Missing
from lorid_data.asking.journal import Journal, failed, replied
from lorid_data.asking.ledger import Ledger, Submitted
from lorid_data.asking.online import Heard, Responses, interruptible, known_of
from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import StageError, TeacherError
from lorid_data.http.retrying import Transient, retrying
from lorid_data.schema import RejectReason, TeacherReply
from lorid_data.teachers.backend import Answered, Unsupported
from lorid_data.teachers.base import TeacherRequest, longer
from lorid_data.teachers.batch import BatchApi, BatchFailed, BatchFull, Result, batches_of
from lorid_data.teachers.finish import no_end
from lorid_data.teachers.remote import RemoteTeacher
from lorid_data.texts.counting import count

_AT_ONCE = 256
"""Results that are stored together."""
ROUNDS = 3
"""So often a request may fail in batches before its row does."""


def ask_in_batches(
    missing: Sequence[tuple[str, TeacherRequest]],
    teacher: RemoteTeacher,
    journal: Journal,
    progress: Progress,
    *,
    poll_s: float = 30.0,
) -> Responses:
    """Ask every request in batches; goes on with those that an earlier run submitted.

    Args:
        missing: requests with their keys.
        teacher: whom to ask, at what price and within which budget.
        journal: where batches, replies and failures are stored.
        progress: is told of each answer.
        poll_s: how often a batch that is not over is looked at.

    Raises:
        KeyboardInterrupt: interrupted; what is submitted goes on at the provider.
        StageError: no request can be answered any more.
    """
    answers: dict[str, TeacherReply | TeacherError] = {}
    ask_each_in_batches(
        lambda: missing, teacher, journal, progress, answers.__setitem__, poll_s=poll_s
    )
    return answers


def ask_each_in_batches(
    missing: Missing,
    teacher: RemoteTeacher,
    journal: Journal,
    progress: Progress,
    heard: Heard,
    *,
    poll_s: float = 30.0,
) -> None:
    """As `ask_in_batches`, of requests that are made when their turn comes; one batch is held at a time.

    Args:
        missing: gives the requests with their keys, from the first on at every call.
        teacher: whom to ask.
        journal: where batches, replies and failures are stored.
        progress: is told of each answer.
        heard: is told of each answer, by the key of its first request.
        poll_s: how often a batch that is not over is looked at.

    Raises:
        Exception: as `ask_in_batches`.
    """
    run = _Run(teacher, batches_of(teacher.backend), journal, progress, BatchQueue(missing), heard)
    asyncio.run(run.everything(poll_s))


class _Asked(Mapping[str, TeacherRequest]):
    """The requests of a batch by key: read when somebody looks."""

    def __init__(self, read: Callable[[], Sequence[TeacherRequest]]) -> None:
        self._read = read
        self._by_key: dict[str, TeacherRequest] | None = None

    @property
    def _all(self) -> dict[str, TeacherRequest]:
        if self._by_key is None:
            self._by_key = {r.key: r for r in self._read()}
        return self._by_key

    def __getitem__(self, key: str) -> TeacherRequest:
        return self._all[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class _Run:
    """One run of `ask_each_in_batches`."""

    def __init__(
        self,
        teacher: RemoteTeacher,
        api: BatchApi,
        journal: Journal,
        progress: Progress,
        queue: BatchQueue,
        heard: Heard,
    ) -> None:
        self.teacher, self.api, self.journal, self.progress = teacher, api, journal, progress
        self.queue, self.heard = queue, heard
        self.ledger = Ledger(journal.path, teacher)
        self.reserved_usd: dict[str, float] = {}
        """What the requests of each batch that is not over may cost, by its mark."""
        self.n_failed: Counter[str] = Counter()
        self.most_requests = api.max_requests
        self.is_waiting = False
        """Whether a batch has just failed: what is submitted at once would fail like it."""
        self.is_narrow = False
        """Whether the provider holds few requests at a time: then it gets one batch after another."""
        self.foreign: set[str] = set()
        """Batches of the provider that were taken for ours, and are not."""

    async def everything(self, poll_s: float) -> None:
        """Submit, wait and collect until nothing is left."""
        stop = asyncio.Event()
        self.progress.note = lambda *_: f"${self.teacher.budget.spent_usd:.4f} spent, {len(self.reserved_usd)} batches open"  # fmt: skip
        try:
            with interruptible(stop.set) as interrupted:
                await self._adopt()
                for batch in self.ledger.open():
                    self._note(batch, self.ledger.requests(batch))
                while not interrupted():
                    await self._submit_fresh(interrupted)
                    batches = self.ledger.open()
                    if not batches:
                        return
                    self.is_waiting = False
                    if not [b for b in batches if await self._collect(b)] or self.is_waiting:
                        await _wait(stop, poll_s)
            say("batches that are submitted go on at the provider; the same command collects them")
            raise KeyboardInterrupt
        finally:
            await self.teacher.close()

    def _note(self, batch: Submitted, requests: Sequence[TeacherRequest]) -> None:
        """Requests that are submitted are not submitted again while their batch is not over."""
        self.queue.skip([r.key for r in requests])
        self.reserved_usd[batch.token] = sum(map(self._most_usd, requests))

    def _over(self, batch: Submitted, why: str | None = None) -> None:
        self.ledger.close(batch, why)
        self.reserved_usd.pop(batch.token, None)

    async def _adopt(self) -> None:
        """Find out whether what was written down without an id was submitted."""
        for batch in [b for b in self.ledger.open() if b.batch_id is None]:
            batch_id = await self._find(batch)
            if batch_id is None:
                if batch.token in self.reserved_usd:  # it was taken for submitted until now
                    self._give_back(self.ledger.requests(batch))
                self._over(batch, "it was never submitted")
            else:
                self.ledger.name(batch, batch_id, is_adopted=True)

    async def _find(self, batch: Submitted) -> str | None:
        keys = {r.key for r in self.ledger.requests(batch)}
        known = self.ledger.known() | self.foreign
        find = partial(self.api.find, batch.token, keys, batch.before, known)
        found: str | None = await self._patiently(find)
        return found

    async def _submit_fresh(self, interrupted: Callable[[], bool]) -> None:
        """Submit what nobody has submitted yet, a batch after another, as far as the budget reaches."""
        n_open = self.ledger.n_open()
        if self.is_narrow and n_open:
            return
        rung = self.teacher.rung
        budget = self.teacher.budget
        left = budget.left(also=sum(self.reserved_usd.values()))
        unfit: list[TeacherRequest] = []

        def fits(request: TeacherRequest) -> bool:
            nonlocal left
            most = self._most_usd(request)
            if most > left:
                unfit.append(request)
                return False
            left -= most
            return True

        size = partial(self.api.n_bytes, rung=rung)
        for part in self.queue.parts(self.most_requests, self.api.max_bytes, size, fits):
            before = await self._patiently(self.api.newest)
            batch = self.ledger.intend(part, rung, before)
            self._note(batch, part)
            self.ledger.name(batch, await self._submit(batch, part))
            n_open += 1
            if self.is_narrow or interrupted():
                return
        if unfit and not n_open:
            await budget.reserve(self._most_usd(unfit[0]))  # says that the budget is reached

    async def _submit(self, batch: Submitted, requests: Sequence[TeacherRequest]) -> str:
        lost = False

        async def submit() -> str:
            nonlocal lost
            # A submission whose reply was lost may have been taken.
            found = await self._find(batch) if lost else None
            lost = True
            return found or await self.api.submit(requests, batch.rung, batch.token)

        try:
            batch_id: str = await self._patiently(submit)
        except (Unsupported, TeacherError) as e:
            self._over(batch, str(e))
            raise StageError(str(e)) from e
        return batch_id

    async def _collect(self, batch: Submitted) -> bool:
        """Store what came of a batch, if it is over."""
        assert batch.batch_id is not None
        batch_id, by_key = batch.batch_id, _Asked(lambda: self.ledger.requests(batch))
        try:
            results = await self._patiently(lambda: self.api.results(batch_id, batch.rung, by_key))
        except BatchFull as e:
            await self._make_room(batch, e)
            return True
        except BatchFailed as e:
            await self._write_off(batch, e)
            return True
        if results is None:
            return False
        if batch.is_adopted and not results.keys() & by_key.keys():
            self.foreign.add(batch_id)  # another's, of as many requests: look again
            self.ledger.name(batch, None)
            await self._adopt()
            return True
        end: StageError | None = None
        unsettled = self._unsettled(batch, by_key.values())
        while some := list(islice(unsettled, _AT_ONCE)):
            outcomes = [results.pop(r.key, Transient("no result in its batch")) for r in some]
            await self._store_all(some, outcomes, batch)
            end = end or next((o for o in outcomes if isinstance(o, StageError)), None)
        self._over(batch)
        if end is not None:
            raise end
        return True

    async def _store_all(
        self, requests: Sequence[TeacherRequest], results: Sequence[Result], batch: Submitted
    ) -> None:
        """Store results together: one commit for many."""
        stores = (
            self._store(self.queue.first_of(r.key), r, result, batch)
            for r, result in zip(requests, results, strict=True)
        )
        for error in await asyncio.gather(*stores, return_exceptions=True):
            if isinstance(error, BaseException):
                raise error

    async def _make_room(self, batch: Submitted, full: BatchFull) -> None:
        """The provider holds as much as it takes: the same again later, in smaller batches."""
        say(f"{full}; submitted again later, in batches of at most {count(max(1, batch.n_requests // 2), 'request')}")  # fmt: skip
        self.is_waiting = self.is_narrow = True
        if batch.n_requests > 1:
            self.most_requests = min(self.most_requests, batch.n_requests // 2)
            self._give_back(self.ledger.requests(batch))
        else:
            await self._fail_all(batch, full)
        self._over(batch, str(full))

    async def _write_off(self, batch: Submitted, why: BatchFailed) -> None:
        """A batch without results: its requests are asked again, a little later."""
        say(f"{why}; its {count(batch.n_requests, 'request')} are asked again")
        self.is_waiting = True
        await self._fail_all(batch, why)
        self._over(batch, str(why))

    async def _fail_all(self, batch: Submitted, why: BatchFailed) -> None:
        unsettled = self._unsettled(batch, self.ledger.requests(batch))
        while some := list(islice(unsettled, _AT_ONCE)):
            errors = [Transient(str(why), maybe_paid=why.maybe_paid) for _ in some]
            await self._store_all(some, errors, batch)

    def _unsettled(
        self, batch: Submitted, requests: Iterable[TeacherRequest]
    ) -> Iterator[TeacherRequest]:
        """Requests whose results are not stored yet; a run that was killed had stored the others."""
        settled = self.ledger.settled(batch)
        for request in requests:
            if request.key not in settled:
                yield request
            else:  # that run stored a failure, or a reply that was cut off
                self.queue.back_if_wanted(request)

    def _give_back(self, requests: Iterable[TeacherRequest]) -> None:
        for request in requests:
            self.queue.back_if_wanted(request)

    async def _store(
        self, first: str | None, request: TeacherRequest, result: Result, batch: Submitted
    ) -> None:
        """Store one result; `first` is the key under which it is waited for, if it is."""
        rung, settles = batch.rung, (batch.token, request.key)
        cost: float | None = 0.0
        if isinstance(result, Answered):
            cost = self.teacher.cost_usd(result.usage, request)
            why = no_end(result.text, result.finish_reason)
            if why is None:
                reply = self.teacher.reply_to(request, result, rung, cost_usd=cost, n_attempts=1)
                await self.journal.append(replied(reply, settles))
                self.teacher.budget.settle(0.0, cost or 0.0)
                self._answered(first, request, reply)
                return
            result = Transient(why)
        elif isinstance(result, Transient) and result.maybe_paid:
            cost = self.teacher.most_usd(request)
        if isinstance(result, Unsupported):
            self.teacher.step_down(rung)
        self.teacher.budget.settle(0.0, cost or 0.0)
        known = {**known_of(request), "cost_usd": cost}
        await self.journal.append(failed("attempt_failed", str(result), known, settles))
        self.n_failed[request.key] += 1
        given_up = self.n_failed[request.key] >= ROUNDS and not isinstance(result, StageError)
        if first is None:
            return
        if not (isinstance(result, TeacherError) or given_up):
            self.queue.back(first, request)
            return
        error = result if isinstance(result, TeacherError) else TeacherError(RejectReason.TEACHER_FAILED, str(result))  # fmt: skip
        cut_off = self.journal.replies([first]).get(first)
        refused_longer = error.is_refusal and cut_off is not None
        self._done(first, cut_off if refused_longer and cut_off else error)

    def _answered(self, first: str | None, request: TeacherRequest, reply: TeacherReply) -> None:
        more = longer(request) if reply.finish_reason == "length" and request.key == first else None
        if first is not None and more is not None:
            self.queue.back(first, more)
        elif first is not None:
            self._done(first, reply)

    def _done(self, first: str, answer: TeacherReply | TeacherError) -> None:
        self.queue.done(first)
        self.heard(first, answer)
        bad = isinstance(answer, TeacherError)
        self.progress.advance(answered=not bad, unanswered=bad)

    def _most_usd(self, request: TeacherRequest) -> float:
        return self.teacher.most_usd(request) or 0.0

    async def _patiently(self, call: Callable[[], Any]) -> Any:
        try:
            return await retrying(call, self.teacher.policy, self.teacher.clock)
        except Transient as e:
            wait_s = round(e.retry_after_s or 0.0)
            when = f" in {timedelta(seconds=wait_s)}, as it asks" if wait_s else ""
            raise StageError(
                f"{e}; what is submitted stays: run the same command again{when}"
            ) from e


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
