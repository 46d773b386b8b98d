"""What a provider allows, on a clock that tests turn: every number here is exact."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from typing import Any

import pytest

from lorid_data.http.retrying import WallClock
from lorid_data.teachers.limits import RAMP_DOUBLING_S, RAMP_START, Bucket, Limits
from lorid_data.teachers.rate_limiter import RateLimiter


def test_a_bucket_gives_its_rate_and_takes_back() -> None:
    bucket = Bucket(capacity_s=1.0)
    assert bucket.wait_s(1e9, 0.0) == 0, "unlimited until told"
    bucket.set_rate(10.0, 0.0)
    assert bucket.wait_s(1, 0.0) == pytest.approx(0.1)
    assert bucket.wait_s(1, 0.1) == 0
    bucket.take(1)
    assert bucket.wait_s(5, 0.1) == pytest.approx(0.5)
    bucket.take(-5)
    assert bucket.wait_s(5, 0.1) == 0
    assert bucket.wait_s(50, 0.6) == 0, "more than it holds: the whole is enough"
    bucket.take(50)
    assert bucket.wait_s(1, 0.6) == pytest.approx(4.1), "the debt is waited for"


def test_the_ceiling_is_reached_by_doubling_within_two_seconds() -> None:
    limits = Limits(4096, now=100.0)
    assert limits.window(100.0) == RAMP_START
    assert limits.window(100.0 + RAMP_DOUBLING_S) == 2 * RAMP_START
    assert limits.window(101.9) == 4096
    assert Limits(10, now=0).window(0) == 10


def test_a_429_freezes_everybody_and_halves_once() -> None:
    limits = Limits(64, now=0.0)
    for _ in range(64):
        assert limits.admit(1, 1, 0.0) == 0
    assert limits.admit(1, 1, 0.0) == math.inf
    for _ in range(40):
        limits.settle((1, 1), (1, 1), 1.0)
        limits.pushed_back(5.0, 1.0)
    assert limits.window(1.0) == 32, "those in flight together are one pushback"
    assert limits.admit(1, 1, 2.0) == pytest.approx(4.0)
    assert limits.admit(1, 1, 6.0) == 0


def test_room_grows_again_by_addition() -> None:
    limits = Limits(64, now=0.0)
    limits.pushed_back(0.0, 1.0)
    sizes = []
    for _ in range(4):
        for _ in range(limits.window(2.0)):
            limits.succeeded(2.0)
        sizes.append(limits.window(2.0))
    assert sizes == [32, 33, 34, 35] or sizes == [33, 34, 35, 36]
    for _ in range(64 * 64):
        limits.succeeded(3.0)
    assert limits.window(3.0) == 64


@pytest.mark.parametrize(
    ("headers", "per_s"),
    [
        ({"x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": "599", "x-ratelimit-reset-requests": "100ms"}, 10),
        ({"x-ratelimit-limit-requests": "60"}, 1),
        # A period that is shorter than a minute shows in how soon the limit is whole again.
        ({"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}, 10),
        ({"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "6", "x-ratelimit-reset-requests": "0.4s"}, 10),
        ({"x-ratelimit-limit-requests": "10000", "x-ratelimit-remaining-requests": "9999", "x-ratelimit-reset-requests": "6ms"}, 10000 / 60),
        ({"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49", "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:01Z"}, 50 / 60),
        ({"x-ratelimit-limit-requests": "nonsense"}, math.inf),
        ({}, math.inf),
    ],
)  # fmt: skip
def test_headers_state_the_rate(headers: dict[str, str], per_s: float) -> None:
    limits = Limits(64, now=0.0)
    limits.learn(headers, 0.0)
    assert limits.requests.rate == pytest.approx(0.98 * per_s)


def test_tokens_per_minute_are_reserved_and_settled() -> None:
    limits = Limits(64, now=0.0)
    limits.learn(
        {"anthropic-ratelimit-input-tokens-limit": "6000", "anthropic-ratelimit-output-tokens-limit": "600"},
        0.0,
    )  # fmt: skip
    assert limits.tokens["input"].rate == 100
    assert limits.tokens["output"].rate == 10
    assert limits.admit(100, 50, 0.0) == pytest.approx(5.0)
    assert limits.admit(100, 50, 5.0) == 0
    assert limits.admit(100, 50, 5.0) == pytest.approx(5.0), "all that was there is reserved"
    limits.settle((100, 50), (100, 10), 5.0)
    assert limits.admit(100, 50, 5.0) == pytest.approx(1.0), "what was not used came back"


class FakeClock:
    """Time that stands still until everybody waits, then jumps to whoever waits least."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._count), future))
        await future

    async def run_until(self, done: asyncio.Future[Any]) -> None:
        while not done.done():
            for _ in range(20):
                await asyncio.sleep(0)
            if done.done():
                return
            at, _, future = heapq.heappop(self._sleepers)
            self.time = max(self.time, at)
            if not future.done():
                future.set_result(None)


def simulate(*, stated: bool, n: int, latency_s: float = 0.2, ceiling: int = 64) -> tuple[float, float, list[float]]:  # fmt: skip
    """Throughput per second and the share of 429s after 10 s, under 10 requests/s with a burst of 10."""

    async def run() -> tuple[float, float, list[float]]:
        clock = FakeClock()
        gate = RateLimiter(ceiling, clock)
        bucket = {"level": 10.0, "at": 0.0}
        good: list[float] = []
        bad: list[float] = []

        async def one() -> None:
            while True:
                leave = await gate.enter(1, 1)
                now = clock.now()
                bucket["level"] = min(10.0, bucket["level"] + (now - bucket["at"]) * 10)
                bucket["at"] = now
                allowed = bucket["level"] >= 1 - 1e-9
                bucket["level"] -= allowed
                headers = {
                    "x-ratelimit-limit-requests": "10",
                    "x-ratelimit-remaining-requests": str(int(bucket["level"])),
                    "x-ratelimit-reset-requests": f"{(10 - bucket['level']) / 10:.3f}s",
                }
                await clock.sleep(latency_s)
                if allowed:
                    gate.succeeded(headers if stated else {})
                    good.append(clock.now())
                else:
                    gate.pushed_back(headers if stated else {}, 1.0)
                    bad.append(clock.now())
                gate.leave(leave, 1, 1)
                if allowed:
                    return

        everybody = asyncio.gather(*(one() for _ in range(n)))
        await clock.run_until(everybody)
        await everybody
        gate.close()
        warm_good = [t for t in good if t > 10]
        warm_bad = [t for t in bad if t > 10]
        span = max(good) - 10
        return (
            len(warm_good) / span,
            len(warm_bad) / (len(warm_bad) + len(warm_good)),
            sorted(good),
        )

    return asyncio.run(run())


def test_under_a_stated_limit_nearly_all_of_it_is_used_and_hardly_any_refused() -> None:
    per_s, refused, _ = simulate(stated=True, n=600)
    assert per_s >= 9.5
    assert refused <= 0.02


def test_under_an_unstated_limit_it_settles_below_it() -> None:
    per_s, refused, _ = simulate(stated=False, n=600)
    assert per_s >= 6.0
    assert refused <= 0.1


def test_who_waits_is_let_in_in_order_and_can_be_turned_away() -> None:
    async def run() -> list[str]:
        clock = FakeClock()
        gate = RateLimiter(1, clock)
        first = await gate.enter(1, 1)
        order: list[str] = []

        async def wait(name: str) -> None:
            try:
                leave = await gate.enter(1, 1)
            except RuntimeError as e:
                order.append(f"{name}: {e}")
                return
            order.append(name)
            await asyncio.sleep(0)
            if name != "c":
                gate.leave(leave, 1, 1)

        tasks = [asyncio.create_task(wait(name)) for name in "abcd"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        gate.leave(first, 1, 1)
        for _ in range(20):
            await asyncio.sleep(0)
        gate.turn_away(RuntimeError("over"))
        await asyncio.gather(*tasks, return_exceptions=True)
        gate.close()
        return order

    assert asyncio.run(run()) == ["a", "c", "d: over"]


def test_a_fault_while_somebody_waits_for_leave_is_told_to_them() -> None:
    async def run() -> None:
        gate = RateLimiter(4, WallClock())
        gate.limits.pushed_back(0.1, gate._clock.now())
        waiting = asyncio.create_task(gate.enter(1, 1))
        await asyncio.sleep(0.01)

        def broken(*_: Any) -> float:
            raise ZeroDivisionError("a strange limit")

        gate.limits.admit = broken  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError, match="strange"):
            await asyncio.wait_for(waiting, 5)

    asyncio.run(run())
