"""A teacher behind a network: limits, retries, money and the ladder around a provider's API.

Nothing here is stored: `on_failed_attempt` is told of what failed, the caller stores the replies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lorid_data.errors import StageError, TeacherError
from lorid_data.http.retrying import Clock, RetryPolicy, Transient, WallClock, retrying
from lorid_data.schema import RejectReason, TeacherReply
from lorid_data.teachers.backend import Answered, Backend, Rung, Unsupported
from lorid_data.teachers.base import TeacherRequest, make_reply
from lorid_data.teachers.budget import Budget
from lorid_data.teachers.finish import no_end
from lorid_data.teachers.prices import Price, dollars
from lorid_data.teachers.rate_limiter import RateLimiter
from lorid_data.teachers.usage import Usage
from lorid_data.texts.counting import count

MAX_TOKENS = 2048
"""Most tokens of a reply; one that is cut off is asked for again with more, see `base.longer`."""
N_FAILED_IN_A_ROW = 10
"""So many requests in a row given up, and the run stops: something is wrong with all of them."""


N_PAID = 3
"""So often a reply that is no answer is paid for before its request is given up."""


class NoEnd(Transient):
    """A reply came and is paid for, but it is no answer; it has been told already."""


class Stopped(StageError):  # noqa: N818  (an end, not a fault)
    """The request was not sent, because the run is ending."""


@dataclass(slots=True)
class Attempted:
    """A failed attempt, for the journal."""

    request: TeacherRequest
    detail: str
    cost_usd: float | None


@dataclass(slots=True)
class RemoteTeacher:
    """Answers requests through a backend, within limits and a budget.

    Attributes:
        backend: the provider's API.
        price: what its tokens cost; None where unknown.
        cheap: whether the mode costs half (flex).
        sampling: what every request is sampled with; part of its key.
        on_failed_attempt: is told of each attempt without a reply, before the next one.
    """

    backend: Backend
    ceiling: int = 64
    price: Price | None = None
    cheap: bool = False
    budget: Budget = field(default_factory=Budget)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    clock: Clock = field(default_factory=WallClock)
    sampling: dict[str, Any] = field(default_factory=lambda: {"max_tokens": MAX_TOKENS})
    on_failed_attempt: Callable[[Attempted], Awaitable[None]] | None = None
    gate: RateLimiter = field(init=False)
    n_failed_attempts: int = 0
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    last_note: str = ""
    """Where the text of the last reply stood, if not where it belongs."""
    _rung: int = 0
    _overshoot: float = 1.0
    _n_failed_in_a_row: int = 0
    _end: StageError | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate = RateLimiter(self.ceiling, self.clock, lambda: self.policy.deadline_s)

    @property
    def kind(self) -> str:
        """openai, anthropic or server."""
        return self.backend.kind

    @property
    def model(self) -> str:
        """The model as the user named it."""
        return self.backend.model

    @property
    def endpoint(self) -> str | None:
        """The endpoint as the user named it."""
        return self.backend.endpoint

    async def ask(self, request: TeacherRequest) -> TeacherReply:
        """The reply to a request; tried again as the policy allows.

        Raises:
            TeacherError: this request cannot be answered.
            StageError: no request can be answered any more, and why.
        """
        n_attempts = n_paid = 0

        async def attempt() -> TeacherReply:
            nonlocal n_attempts, n_paid
            n_attempts += 1
            try:
                return await self._attempt(request, n_attempts)
            except NoEnd as e:
                n_paid += 1
                if n_paid < N_PAID:
                    raise
                raise TeacherError(
                    RejectReason.TEACHER_FAILED,
                    f"{e}; gave up after {count(n_attempts, 'attempt')}",
                ) from e

        try:
            reply = await retrying(attempt, self.policy, _Pausing(self.clock, self._ended))
        except Transient as e:
            error = TeacherError(RejectReason.TEACHER_FAILED, f"{e}; gave up after {count(n_attempts, 'attempt')}")  # fmt: skip
            self._failed(error)
            raise error from e
        except TeacherError as e:
            if e.reason != RejectReason.TEACHER_REFUSED:
                self._failed(e)
            raise
        except StageError as e:
            self.end(e)
            raise
        self._n_failed_in_a_row = 0
        return reply

    @property
    def rung(self) -> Rung:
        """How structure is asked for now."""
        return self.backend.rungs[self._rung]

    def step_down(self, rung: Rung) -> None:
        """This way of asking for structure is not understood; others may have found out meanwhile."""
        self._rung = max(self._rung, self.backend.rungs.index(rung) + 1)

    def reply_to(
        self,
        request: TeacherRequest,
        answered: Answered,
        rung: Rung,
        *,
        cost_usd: float | None,
        n_attempts: int,
        latency_s: float | None = None,
    ) -> TeacherReply:
        """The reply, with its cost, as it is stored."""
        usage = answered.usage
        return make_reply(
            request,
            answered.text,
            model_answered=answered.model or request.model,
            finish_reason=answered.finish_reason,
            n_input_tokens=usage.n_input,
            n_output_tokens=usage.n_output,
            n_cached_tokens=usage.n_cached,
            cost_usd=cost_usd,
            latency_s=latency_s,
            rung=rung,
            n_attempts=n_attempts,
        )

    def end(self, error: StageError | None = None) -> None:
        """Send nothing more; what is in flight is still waited for."""
        if self._end is None:
            self._end = error or Stopped("the run is ending")
            self._ended.set()
            self.gate.turn_away(Stopped(str(self._end)))

    async def close(self) -> None:
        """Close connections."""
        self.gate.close()
        await self.backend.close()

    def describe(self, n_done: int, n_left: int) -> str:
        """Money and limits in a few words, for progress.

        Args:
            n_done: requests answered by this run.
            n_left: requests still to be answered.
        """
        parts = ["cost unknown"]
        if self.price is not None:
            spent = self.budget.spent_usd
            parts = [f"{dollars(spent, 4)} spent"]
            if n_done and n_left:
                here = spent - self.budget.before_usd
                parts.append(f"{dollars(spent + here / n_done * n_left)} projected")
        parts += [
            f"{count(self.n_input_tokens, 'token')} in",
            f"{self.n_output_tokens:,} out",
            f"{count(self.n_failed_attempts, 'attempt')} failed",
            self.gate.limits.describe(self.clock.now()),
        ]
        return ", ".join(parts)

    async def _attempt(self, request: TeacherRequest, n_attempts: int) -> TeacherReply:
        n_input, n_output = n_tokens_of(request), _most_output(request)
        self._check()
        held = await self._reserve(request)
        cost: float | None = 0.0
        try:
            leave = await self.gate.enter(n_input, n_output)
            used = (0, 0)
            try:
                self._check()
                begin = self.clock.now()
                answered, rung = await self._send(request)
                usage = answered.usage
                used = (usage.n_input or n_input, usage.n_output or n_output)
                cost = self.cost_usd(usage, request)
                self.budget.is_proven = True
                self.n_input_tokens += used[0]
                self.n_output_tokens += used[1]
                self.gate.succeeded(answered.headers)
                self.last_note = answered.note
                await self._refuse_no_end(request, answered, cost)
            except NoEnd:
                raise
            except Transient as e:
                cost = None if e.maybe_paid else 0.0
                await self._tell(request, e, held if cost is None and self.price else cost)
                raise
            except asyncio.CancelledError:
                cost = None
                raise
            finally:
                self.gate.leave(leave, *used)
        finally:
            self.budget.settle(held, cost)
        latency_s = round(self.clock.now() - begin, 6)
        return self.reply_to(
            request, answered, rung, cost_usd=cost, n_attempts=n_attempts, latency_s=latency_s
        )

    async def _reserve(self, request: TeacherRequest) -> float:
        """Set aside what a request may cost, by what is known of costs when its turn comes."""
        held = await self.budget.reserve(self.most_usd(request))
        while held < (self.most_usd(request) or 0.0):  # replies have shown more meanwhile
            self.budget.settle(held, 0.0)
            held = await self.budget.reserve(self.most_usd(request))
        return held

    async def _send(self, request: TeacherRequest) -> tuple[Answered, Rung]:
        """Send on the best rung that the provider is known to understand, stepping down if need be."""
        while True:
            rung = self.rung
            try:
                return await self.backend.send(request, rung), rung
            except Unsupported as e:
                await self._tell(request, e, 0.0)
                if rung == self.backend.rungs[-1]:
                    raise  # a backend whose last way is not the plain prompt
                self.step_down(rung)
            except Transient as e:
                if e.is_pushback:
                    self._refuse_long_wait(e)
                    self.gate.pushed_back(e.headers, e.retry_after_s)
                raise

    def _refuse_long_wait(self, pushback: Transient) -> None:
        """End the run where the provider wants to be left alone longer than any request is tried."""
        wait_s = pushback.retry_after_s or 0.0
        if wait_s > self.policy.deadline_s:
            back = datetime.now(UTC) + timedelta(seconds=wait_s)
            raise StageError(
                f"{pushback}; it asks to wait {timedelta(seconds=round(wait_s))}: what was answered is kept, "
                f"run the same command again after {back:%Y-%m-%d %H:%M} UTC"
            )

    async def _refuse_no_end(
        self, request: TeacherRequest, answered: Answered, cost_usd: float | None
    ) -> None:
        """Raise where a reply is no answer, but a failure that may pass."""
        why = no_end(answered.text, answered.finish_reason)
        if why is not None:
            error = NoEnd(f"{self.kind}:{self.model}: {why}")
            await self._tell(request, error, cost_usd)
            raise error

    def most_usd(self, request: TeacherRequest) -> float | None:
        """What a request costs at most, as far as is known before it is sent; None without a price.

        Where replies cost more than they may (reasoning that no limit holds back), later ones are
        expected to cost as much.
        """
        if self.price is None:
            return None
        most = _most_output(request)
        return self._overshoot * self.price.cost_usd(n_tokens_of(request), most, cheap=self.cheap)

    def cost_usd(self, usage: Usage, request: TeacherRequest) -> float | None:
        """What is booked for a reply: never less than the provider can charge; None without a price.

        Counts that are missing or contradict each other cost what the request may cost at most.
        """
        if self.price is None:
            return None
        n_input, n_output = usage.n_input or 0, usage.n_output or 0
        usd = self.price.cost_usd(n_input, n_output, usage.n_cached or 0, n_written=usage.n_written, cheap=self.cheap)  # fmt: skip
        usd = max(usd, usage.stated_usd or 0.0)
        most = self.most_usd(request) or 0.0
        if usd > most > 0:
            self._overshoot *= usd / most
        return usd if usage.is_sure else max(usd, most)

    async def _tell(
        self, request: TeacherRequest, error: Exception, cost_usd: float | None
    ) -> None:
        self.n_failed_attempts += 1
        if self.on_failed_attempt is not None:
            await self.on_failed_attempt(Attempted(request, str(error), cost_usd))

    def _check(self) -> None:
        if self._end is not None:
            raise Stopped(str(self._end))

    def _failed(self, error: TeacherError) -> None:
        self._n_failed_in_a_row += 1
        if self._n_failed_in_a_row >= N_FAILED_IN_A_ROW:
            stop = StageError(
                f"{count(N_FAILED_IN_A_ROW, 'request')} in a row were given up, the last one because: {error}; "
                "what was answered is kept: put this right and run the same command again"
            )
            self.end(stop)
            raise stop from error


def _most_output(request: TeacherRequest) -> int:
    """Most tokens of a reply; 0 where the request has no limit."""
    return int(request.sampling.get("max_tokens", 0))


def n_tokens_of(request: TeacherRequest) -> int:
    """A careful estimate of a request's input tokens: one per two bytes of text, and 200 for the rest."""
    n_bytes = 0
    for message in request.messages:
        text = message.content
        n_bytes += len(text) if text.isascii() else len(text.encode())
    return n_bytes // 2 + 200


@dataclass(frozen=True, slots=True)
class _Pausing:
    """A clock whose sleep ends early when the run ends."""

    clock: Clock
    ended: asyncio.Event

    def now(self) -> float:
        return self.clock.now()

    async def sleep(self, seconds: float) -> None:
        tasks = [
            asyncio.ensure_future(self.clock.sleep(seconds)),
            asyncio.ensure_future(self.ended.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
