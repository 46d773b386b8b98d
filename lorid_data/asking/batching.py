"""Asking in batches: what is submitted is written down first, and is never submitted twice.

The journal's table `batches` has a row per batch: its mark and its requests before submission, the
provider's id after it. A run that was killed in between looks for its mark at the provider.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lorid_data.asking.journal import Journal, failed, replied
from lorid_data.asking.online import Responses, interruptible, known_of
from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import StageError, TeacherError
from lorid_data.http.retrying import Transient, retrying
from lorid_data.schema import RejectReason, TeacherReply, canonical_json
from lorid_data.teachers.backend import Answered, Rung, Unsupported
from lorid_data.teachers.base import TeacherRequest, longer
from lorid_data.teachers.batch import BatchApi, Result, batches_of
from lorid_data.teachers.remote import RemoteTeacher, n_tokens_of

ROUNDS = 3
"""So often a request may fail in batches before its row does."""
_TABLE = """
CREATE TABLE IF NOT EXISTS batches (
  token TEXT PRIMARY KEY, made_s REAL NOT NULL, teacher TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT,
  rung TEXT NOT NULL, requests TEXT NOT NULL, batch_id TEXT, over INTEGER NOT NULL DEFAULT 0
)
"""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch as it was written down; `batch_id` None where nobody knows whether it was submitted."""

    token: str
    made_s: float
    rung: Rung
    requests: tuple[TeacherRequest, ...]
    batch_id: str | None


class Ledger:
    """The batches of one teacher in a journal; each change is committed when its method returns."""

    def __init__(self, path: Path, teacher: RemoteTeacher) -> None:
        self._path = path
        self._who = (teacher.kind, teacher.model, teacher.endpoint)
        self._run(_TABLE)

    def intend(self, requests: Sequence[TeacherRequest], rung: Rung) -> Submitted:
        """Write down what is about to be submitted."""
        made = Submitted(uuid.uuid4().hex, time.time(), rung, tuple(requests), None)
        text = canonical_json([r.model_dump(mode="json") for r in requests])
        self._run(
            "INSERT INTO batches (token, made_s, teacher, model, endpoint, rung, requests) VALUES (?, ?, ?, ?, ?, ?, ?)",
            made.token, made.made_s, *self._who, rung, text,
        )  # fmt: skip
        return made

    def name(self, batch: Submitted, batch_id: str) -> None:
        """It was submitted under this id."""
        self._run("UPDATE batches SET batch_id = ? WHERE token = ?", batch_id, batch.token)

    def close(self, batch: Submitted) -> None:
        """Its replies are stored, or it never was submitted."""
        self._run("UPDATE batches SET over = 1 WHERE token = ?", batch.token)

    def open(self) -> list[Submitted]:
        """Batches that are not over."""
        query = "SELECT token, made_s, rung, requests, batch_id FROM batches WHERE NOT over AND teacher = ? AND model = ? AND endpoint IS ?"
        return [
            Submitted(token, made_s, rung, tuple(TeacherRequest(**r) for r in json.loads(text)), batch_id)
            for token, made_s, rung, text, batch_id in self._run(query, *self._who)
        ]  # fmt: skip

    def known(self) -> set[str]:
        """Ids of all batches that were ever submitted from here."""
        return {i for (i,) in self._run("SELECT batch_id FROM batches WHERE batch_id NOT NULL")}

    def _run(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
            return connection.execute(query, values).fetchall()


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
                    if not [b for b in batches if await self._collect(b)]:
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
                self.ledger.close(batch)
            else:
                self.ledger.name(batch, batch_id)

    async def _find(self, batch: Submitted) -> str | None:
        keys, known = {r.key for r in batch.requests}, self.ledger.known()
        find = partial(self.api.find, batch.token, keys, batch.made_s, known)
        found: str | None = await self._patiently(find)
        return found

    async def _submit_fresh(self) -> None:
        under_way = {r.key for b in self.ledger.open() for r in b.requests}
        fresh = [r for r in self.todo.values() if r.key not in under_way]
        rung = self.teacher.rung
        most = [self._most_usd(r) for r in fresh]
        fitting = self.teacher.budget.how_many_fit(most, also=self._reserved())
        for part in split(fresh[:fitting], self.api.max_requests, self.api.max_bytes):
            batch = self.ledger.intend(part, rung)
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
        except Unsupported as e:
            self.ledger.close(batch)
            raise StageError(str(e)) from e
        return batch_id

    async def _collect(self, batch: Submitted) -> bool:
        """Store what came of a batch, if it is over."""
        assert batch.batch_id is not None
        batch_id = batch.batch_id
        results = await self._patiently(lambda: self.api.results(batch_id, batch.rung))
        if results is None:
            return False
        firsts = {r.key: first for first, r in self.todo.items()}
        end: StageError | None = None
        for request in batch.requests:
            result = results.get(request.key, Transient("no result in its batch"))
            await self._store(firsts.get(request.key), request, result, batch.rung)
            end = end or (result if isinstance(result, StageError) else None)
        self.ledger.close(batch)
        if end is not None:
            raise end
        return True

    async def _store(
        self, first: str | None, request: TeacherRequest, result: Result, rung: Rung
    ) -> None:
        """Store one result; `first` is the key under which it is waited for, if it is."""
        if isinstance(result, Answered):
            reply = self.teacher.reply_to(request, result, rung, n_attempts=1)
            await self.journal.append(replied(reply))
            self.teacher.budget.settle(0.0, reply.cost_usd or 0.0)
            more = longer(request) if result.finish_reason == "length" and request.key == first else None  # fmt: skip
            if first is not None and more is not None:
                self.todo[first] = more
            elif first is not None:
                self._done(first, reply)
            return
        if isinstance(result, Unsupported):
            self.teacher.step_down(rung)
        await self.journal.append(failed("attempt_failed", str(result), known_of(request)))
        self.n_failed[request.key] += 1
        given_up = self.n_failed[request.key] >= ROUNDS and not isinstance(result, StageError)
        if first is not None and (isinstance(result, TeacherError) or given_up):
            error = result if isinstance(result, TeacherError) else TeacherError(RejectReason.TEACHER_FAILED, str(result))  # fmt: skip
            self._done(first, error)

    def _done(self, first: str, answer: TeacherReply | TeacherError) -> None:
        del self.todo[first]
        self.answers[first] = answer
        bad = isinstance(answer, TeacherError)
        self.progress.advance(answered=not bad, unanswered=bad)

    def _reserved(self) -> float:
        return sum(self._most_usd(r) for b in self.ledger.open() for r in b.requests)

    def _most_usd(self, request: TeacherRequest) -> float:
        price, most = self.teacher.price, int(request.sampling.get("max_tokens", 0))
        return price.cost_usd(n_tokens_of(request), most, cheap=True) if price else 0.0

    async def _patiently(self, call: Callable[[], Any]) -> Any:
        try:
            return await retrying(call, self.teacher.policy, self.teacher.clock)
        except Transient as e:
            raise StageError(f"{e}; what is submitted stays: run the same command again") from e


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
