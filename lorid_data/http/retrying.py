"""Failures that may pass, and how often and how long they are tried again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

from lorid_data.http.redaction import redact

TRANSIENT_STATUSES = frozenset({408, 409, 425, 429, *range(500, 600)})
_R = TypeVar("_R")


class Clock(Protocol):
    """Time, so that tests can be exact."""

    def now(self) -> float:
        """Seconds from some fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class WallClock:
    """The real time."""

    def now(self) -> float:
        """The monotonic time."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Transient(Exception):  # noqa: N818  (a failure that may pass, not the last word)
    """A failure that may pass.

    Attributes:
        status: HTTP status; None where no reply came.
        retry_after_s: what the server asked to wait.
        maybe_paid: whether the server may have done the work, and charge for it, all the same.
        headers: of the reply, if one came; names in lower case.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        maybe_paid: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.retry_after_s, self.maybe_paid = status, retry_after_s, maybe_paid
        self.headers: Mapping[str, str] = headers or {}
        super().__init__(redact(message))

    @property
    def is_pushback(self) -> bool:
        """Whether the server asks for fewer requests."""
        return self.status in (429, 503, 529)


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds that the headers ask to wait: `retry-after-ms`, or `retry-after` as seconds or a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            try:
                moment = parsedate_to_datetime(value)
            except (ValueError, TypeError, IndexError, OverflowError):
                continue
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - (now or datetime.now(UTC))).total_seconds()
        if seconds == seconds:  # NaN is no number of seconds
            return min(max(seconds, 0.0), 86400.0)
    return None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a transient failure is tried again.

    Attributes:
        attempts: most attempts at one request, the first included.
        deadline_s: no attempt begins later than this after the first began.
        base_s: the first wait is at most this, each later one at most twice the one before.
        most_s: no wait drawn by us is longer; a server's Retry-After may be.
    """

    attempts: int = 8
    deadline_s: float = 900.0
    base_s: float = 1.0
    most_s: float = 60.0


async def retrying(
    attempt: Callable[[], Awaitable[_R]],
    policy: RetryPolicy,
    clock: Clock,
    *,
    draw: Callable[[], float] = random.random,
) -> _R:
    """The result of `attempt`, tried again after each `Transient` as the policy allows.

    Waits max(Retry-After, exponential with full jitter).

    Raises:
        Transient: the last one.
    """
    begin = clock.now()
    try:
        return await attempt()  # nearly always the only one: it needs no machinery
    except Transient as first:
        failure = first
    return await _again(attempt, failure, policy, clock, begin, draw)


async def _again(
    attempt: Callable[[], Awaitable[_R]],
    first: Transient,
    policy: RetryPolicy,
    clock: Clock,
    begin: float,
    draw: Callable[[], float],
) -> _R:
    """The attempts after the first, which failed."""
    from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

    failures = [first]

    def wait(_: RetryCallState) -> float:
        jitter_s = draw() * min(policy.most_s, policy.base_s * 2 ** (len(failures) - 1))
        return float(max(failures[-1].retry_after_s or 0.0, jitter_s))

    def stop(state: RetryCallState) -> bool:
        late = clock.now() - begin + state.upcoming_sleep > policy.deadline_s
        return len(failures) >= policy.attempts or late

    async def once_more() -> _R:
        # The first turn stands for the attempt that has failed already.
        if not started:
            started.append(True)
            raise first
        try:
            return await attempt()
        except Transient as e:
            failures.append(e)
            raise

    started: list[bool] = []
    again = AsyncRetrying(
        retry=retry_if_exception_type(Transient),
        wait=wait,
        stop=stop,
        sleep=clock.sleep,
        reraise=True,
    )
    result: Any = await again(once_more)
    return result  # type: ignore[no-any-return]
