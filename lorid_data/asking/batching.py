"""Asking in batches: what is submitted is written down first, and is never submitted twice.

The journal's table `batches` (see `ledger`) has a row per batch: its mark and its requests before
submission, the provider's id after it. A run that was killed in between looks for its mark at the
provider. A batch that failed as a whole, or whose results are gone, is closed and says why.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from lorid_data.asking.journal import Journal, failed, replied
from lorid_data.asking.ledger import Ledger, Submitted
from lorid_data.asking.online import Responses, interruptible, known_of
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
    run = _Run(teacher, batches_of(teacher.backend), journal, progress, dict(missing))
    return asyncio.run(run.everything(poll_s))


class _Run:
    """One run of `ask_in_batches`."""

    def __init__(
        self,
        teacher: RemoteTeacher,
        api: BatchApi,
        journal: Journal,
        progress: Progress,
        todo: dict[str, TeacherRequest],
    ) -> None:
        self.teacher, self.api, self.journal, self.progress = teacher, api, journal, progress
        self.todo = todo
        """What is not answered yet, by the key of the first request."""
        self.ledger = Ledger(journal.path, teacher)
        self.answers: dict[str, TeacherReply | TeacherError] = {}
        self.n_failed: Counter[str] = Counter()
        self.most_requests = api.max_requests
        self.is_waiting = False
        """Whether a batch has just failed: what is submitted at once would fail like it."""
        self.is_narrow = False
        """Whether the provider holds few requests at a time: then it gets one batch after another."""
        self.foreign: set[str] = set()
        """Batches of the provider that were taken for ours, and are not."""

    async def everything(self, poll_s: float) -> Responses:
        """Submit, wait and collect until nothing is left."""
        stop = asyncio.Event()
        self.progress.note = lambda *_: f"${self.teacher.budget.spent_usd:.4f} spent, {len(self.ledger.open())} batches open"  # fmt: skip
        try:
            with interruptible(stop.set) as interrupted:
                await self._adopt()
                while not interrupted():
                    await self._submit_fresh()
                    batches = self.ledger.open()
                    if not batches:
                        return self.answers
                    self.is_waiting = False
                    if not [b for b in batches if await self._collect(b)] or self.is_waiting:
                        await _wait(stop, poll_s)
            say("batches that are submitted go on at the provider; the same command collects them")
            raise KeyboardInterrupt
        finally:
            await self.teacher.close()

    async def _adopt(self) -> None:
        """Find out whether what was written down without an id was submitted."""
        for batch in [b for b in self.ledger.open() if b.batch_id is None]:
            batch_id = await self._find(batch)
            if batch_id is None:
                self.ledger.close(batch, "it was never submitted")
            else:
                self.ledger.name(batch, batch_id, is_adopted=True)

    async def _find(self, batch: Submitted) -> str | None:
        keys, known = {r.key for r in batch.requests}, self.ledger.known() | self.foreign
        find = partial(self.api.find, batch.token, keys, batch.before, known)
        found: str | None = await self._patiently(find)
        return found

    async def _submit_fresh(self) -> None:
        under_way = {r.key for b in self.ledger.open() for r in b.requests}
        fresh = [r for r in self.todo.values() if r.key not in under_way]
        rung = self.teacher.rung
        most = [self._most_usd(r) for r in fresh]
        fitting = self.teacher.budget.how_many_fit(most, also=self._reserved())
        parts = split(fresh[:fitting], self.most_requests, self.api.max_bytes)
        if self.is_narrow:
            parts = islice(parts, 0 if under_way else 1)
        for part in parts:
            before = await self._patiently(self.api.newest)
            batch = self.ledger.intend(part, rung, before)
            self.ledger.name(batch, await self._submit(batch))
        if fresh and not fitting and not under_way:
            await self.teacher.budget.reserve(most[0])  # says that the budget is reached

    async def _submit(self, batch: Submitted) -> str:
        lost = False

        async def submit() -> str:
            nonlocal lost
            # A submission whose reply was lost may have been taken.
            found = await self._find(batch) if lost else None
            lost = True
            return found or await self.api.submit(batch.requests, batch.rung, batch.token)

        try:
            batch_id: str = await self._patiently(submit)
        except (Unsupported, TeacherError) as e:
            self.ledger.close(batch, str(e))
            raise StageError(str(e)) from e
        return batch_id

    async def _collect(self, batch: Submitted) -> bool:
        """Store what came of a batch, if it is over."""
        assert batch.batch_id is not None
        batch_id, by_key = batch.batch_id, {r.key: r for r in batch.requests}
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
        firsts = {r.key: first for first, r in self.todo.items()}
        end: StageError | None = None
        for request in self._unsettled(batch):
            result = results.get(request.key, Transient("no result in its batch"))
            await self._store(firsts.get(request.key), request, result, batch)
            end = end or (result if isinstance(result, StageError) else None)
        self.ledger.close(batch)
        if end is not None:
            raise end
        return True

    async def _make_room(self, batch: Submitted, full: BatchFull) -> None:
        """The provider holds as much as it takes: the same again later, in smaller batches."""
        self.ledger.close(batch, str(full))
        say(f"{full}; submitted again later, in batches of at most {count(max(1, len(batch.requests) // 2), 'request')}")  # fmt: skip
        self.is_waiting = self.is_narrow = True
        if len(batch.requests) > 1:
            self.most_requests = min(self.most_requests, len(batch.requests) // 2)
        else:
            await self._fail_all(batch, full)

    async def _write_off(self, batch: Submitted, why: BatchFailed) -> None:
        """A batch without results: its requests are asked again, a little later."""
        say(f"{why}; its {count(len(batch.requests), 'request')} are asked again")
        self.is_waiting = True
        await self._fail_all(batch, why)
        self.ledger.close(batch, str(why))

    async def _fail_all(self, batch: Submitted, why: BatchFailed) -> None:
        firsts = {r.key: first for first, r in self.todo.items()}
        for request in self._unsettled(batch):
            error = Transient(str(why), maybe_paid=why.maybe_paid)
            await self._store(firsts.get(request.key), request, error, batch)

    def _unsettled(self, batch: Submitted) -> list[TeacherRequest]:
        """Requests whose results are not stored yet; a run that was killed had stored the others."""
        settled = self.ledger.settled(batch)
        return [r for r in batch.requests if r.key not in settled]

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
        if first is None or not (isinstance(result, TeacherError) or given_up):
            return
        error = result if isinstance(result, TeacherError) else TeacherError(RejectReason.TEACHER_FAILED, str(result))  # fmt: skip
        cut_off = self.journal.replies([first]).get(first)
        refused_longer = error.is_refusal and cut_off is not None
        self._done(first, cut_off if refused_longer and cut_off else error)

    def _answered(self, first: str | None, request: TeacherRequest, reply: TeacherReply) -> None:
        more = longer(request) if reply.finish_reason == "length" and request.key == first else None
        if first is not None and more is not None:
            self.todo[first] = more
        elif first is not None:
            self._done(first, reply)

    def _done(self, first: str, answer: TeacherReply | TeacherError) -> None:
        del self.todo[first]
        self.answers[first] = answer
        bad = isinstance(answer, TeacherError)
        self.progress.advance(answered=not bad, unanswered=bad)

    def _reserved(self) -> float:
        return sum(self._most_usd(r) for b in self.ledger.open() for r in b.requests)

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


def split(
    requests: Sequence[TeacherRequest], most: int, most_bytes: int
) -> Iterator[list[TeacherRequest]]:
    """Requests in parts that a provider takes as one batch."""
    part: list[TeacherRequest] = []
    n_bytes = 0
    for request in requests:
        # Twice the text: quotes and line breaks take two bytes on the wire, and 1 kB for the schema.
        size = 2 * sum(len(m.content.encode()) for m in request.messages) + 1024
        if part and (len(part) == most or n_bytes + size > most_bytes):
            yield part
            part, n_bytes = [], 0
        part.append(request)
        n_bytes += size
    if part:
        yield part


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
