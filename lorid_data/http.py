"""HTTP for what is asked of models: one pooled transport, one retry policy, and servers in turn.

Only failures that may pass are tried again (`Transient`); everything else is the caller's to judge.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic_core import from_json

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientTimeout

REST_S = 10.0
"""A server that failed rests for so long, where another one is left."""
TRANSIENT_STATUSES = frozenset({408, 409, 425, 429, *range(500, 600)})
_SECRET = re.compile(r"\b(?:sk-|hf_|Bearer\s+)[\w.*-]{4,}")
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


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply whatever its status; names of headers in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """A pool of connections. Opened by the first request; closed with `close`.

    Args:
        headers: what every request is sent with, beside its type.
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        import aiohttp  # noqa: F401  (not in the middle of the first request)

        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._session: ClientSession | None = None

    async def post(
        self, url: str, body: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> HttpReply:
        """Send JSON, with more headers if need be.

        Raises:
            Transient: there was no reply in time, or no connection.
        """
        import aiohttp

        if self._session is None:
            allow_many_files()
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
            # Looking for a proxy costs two thread switches per request: only where one is named.
            has_proxy = any(name.lower().endswith("_proxy") for name in os.environ)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                trust_env=has_proxy,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.post(
                url,
                data=body,
                headers=headers,
                timeout=_timeout(timeout_s),
                allow_redirects=False,
            ) as r:
                data = await r.read()
                return HttpReply(r.status, r.headers, data)
        except aiohttp.ClientConnectorError as e:
            raise Transient(f"{url}: cannot connect ({e.strerror or type(e).__name__})") from e
        except TimeoutError as e:
            raise Transient(f"{url}: no reply within {timeout_s:g} s", maybe_paid=True) from e
        except aiohttp.ClientError as e:
            raise Transient(
                f"{url}: the connection broke ({type(e).__name__})", maybe_paid=True
            ) from e

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


@cache
def _timeout(total_s: float) -> ClientTimeout:
    import aiohttp

    return aiohttp.ClientTimeout(total=total_s)


def read_json(body: bytes) -> Any:
    """What JSON text holds.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return from_json(body)
    except ValueError:
        # Half a character, written as an escape, is refused by the faster reader alone.
        return json.loads(body)


@dataclass(slots=True, eq=False)
class Place:
    """One of several servers, and how it does."""

    url: str
    n_in_flight: int = 0
    rests_until: float = -math.inf


class Balancer:
    """Which of several servers is asked next: the one with the fewest requests in flight.

    A server that failed is passed over for a while, where there are others.

    Args:
        urls: the servers.
        clock: the time.
    """

    def __init__(self, urls: Sequence[str], clock: Clock | None = None) -> None:
        self.places = tuple(Place(url) for url in urls)
        self._clock = clock or WallClock()

    def take(self, among: Sequence[Place] | None = None) -> Place:
        """A server, of these or of all; give it back."""
        places = self.places if among is None else among
        now = self._clock.now()
        awake = [p for p in places if p.rests_until <= now]
        place = min(awake or places, key=lambda p: p.n_in_flight)
        place.n_in_flight += 1
        return place

    def give_back(self, place: Place, *, rest_s: float = 0.0) -> None:
        """A request to it ended; a server that failed rests for so long."""
        place.n_in_flight -= 1
        if rest_s > 0:
            place.rests_until = self._clock.now() + rest_s


def allow_many_files() -> None:
    """Raise the limit of open files to what the system allows this process; never beyond."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        with suppress(ValueError, OSError):
            wanted = 65536 if hard == resource.RLIM_INFINITY else hard
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def redact(text: str) -> str:
    """A text without what looks like a key; providers repeat a wrong key in their messages."""
    return _SECRET.sub("[secret]", text)


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
            except ValueError:
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
