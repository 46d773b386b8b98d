"""How fast a provider may be asked: pure state, with the time passed in.

`Limits.admit` says whether a request may start now, or how long to wait. What it learns: the
ceiling is reached by doubling while nothing pushes back; a 429 freezes everybody and halves the
requests in flight; headers state the provider's limits; where they state none, the rate that was
refused is not tried again at once.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import median

RAMP_START = 64
RAMP_DOUBLING_S = 0.125
"""From 64 to 4,096 in 0.75 s."""
_PACE = 0.98
"""Share of a stated rate that is used: clocks and networks jitter."""
_REQUESTS = tuple(
    tuple(name.format(what) for what in ("limit", "remaining", "reset"))
    for name in ("x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}")
)
_TOKENS = {
    kind: (f"x-ratelimit-limit-{infix}", f"anthropic-ratelimit-{infix}-limit")
    for kind, infix in (("input", "input-tokens"), ("output", "output-tokens"), ("total", "tokens"))
}
"""Names of the headers that state limits: OpenAI's and Anthropic's."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Bucket:
    """So much per second; unlimited until it is told a rate.

    What is taken may exceed what is there: the debt is waited for by the next. `capacity_s` seconds
    of the rate can be saved up, and never less than one unit.
    """

    def __init__(self, capacity_s: float) -> None:
        self.rate = math.inf
        self._capacity_s = capacity_s
        self._level = 0.0
        self._at = 0.0

    @property
    def capacity(self) -> float:
        """Most that can be saved up."""
        return max(1.0, self.rate * self._capacity_s)

    def set_rate(self, rate: float, now: float) -> None:
        """Change the rate; what is there stays, up to the new capacity."""
        was_unlimited = math.isinf(self.rate)
        self._fill(now)
        self.rate = rate
        self._level = 0.0 if was_unlimited else min(self._level, self.capacity)
        self._at = now

    def wait_s(self, amount: float, now: float) -> float:
        """How long until `amount` may be taken: until it is there, or the bucket is full."""
        if math.isinf(self.rate):
            return 0.0
        self._fill(now)
        short = min(amount, self.capacity) - self._level
        if self.rate <= 0:
            return 0.0 if short <= 0 else 1e9
        # Below a nanosecond it is there: a sum of fractions never is exactly one.
        return short / self.rate if short > 1e-9 * max(1.0, self.rate) else 0.0

    def take(self, amount: float) -> None:
        """Take it, into debt if need be; a negative amount gives back."""
        if not math.isinf(self.rate):
            self._level -= amount

    def at_most(self, level: float, now: float) -> None:
        """The provider says that no more than this is left."""
        if not math.isinf(self.rate):
            self._fill(now)
            self._level = min(self._level, level)

    def _fill(self, now: float) -> None:
        if not math.isinf(self.rate):
            self._level = min(self.capacity, self._level + (now - self._at) * self.rate)
        self._at = now


class Limits:
    """What one provider allows, as far as it is known.

    Args:
        ceiling: most requests in flight.
        now: seconds on the clock that all later calls use.
    """

    def __init__(self, ceiling: int, now: float) -> None:
        self.ceiling = ceiling
        self.n_in_flight = self.most_in_flight = 0
        self.n_pushbacks = 0
        self._ramp_from = now
        self._window: float | None = None
        self._frozen_until = -math.inf
        self._halved_at = -math.inf
        self.requests = Bucket(0.0)
        self.tokens = {"input": Bucket(10.0), "output": Bucket(10.0), "total": Bucket(10.0)}
        self._stated = False
        self._observed: deque[float] = deque(maxlen=32)
        self._longest_reset_s = 0.0
        self._replies: deque[float] = deque(maxlen=512)

    def window(self, now: float) -> int:
        """Most requests in flight now."""
        if self._window is not None:
            return int(self._window)
        doublings = min((now - self._ramp_from) / RAMP_DOUBLING_S, 32.0)
        return min(self.ceiling, int(RAMP_START * 2**doublings))

    def admit(self, n_input: int, n_output: int, now: float) -> float:
        """0 if the request may start now: it is then counted; else seconds until to ask again.

        Infinite where only the end of a request can make room.
        """
        if now < self._frozen_until:
            return self._frozen_until - now
        if self.n_in_flight >= self.window(now):
            ramping = self._window is None and self.window(now) < self.ceiling
            return RAMP_DOUBLING_S / 8 if ramping else math.inf
        amounts = [(self.requests, 1), *self._tokens_of(n_input, n_output)]
        if (wait_s := max(bucket.wait_s(amount, now) for bucket, amount in amounts)) > 0:
            return wait_s
        for bucket, amount in amounts:
            bucket.take(amount)
        self.n_in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.n_in_flight)
        return 0.0

    def settle(self, reserved: tuple[int, int], used: tuple[int, int], now: float) -> None:
        """A request ended: give back what it reserved and did not use, in and out."""
        self.n_in_flight -= 1
        for bucket, amount in self._tokens_of(reserved[0] - used[0], reserved[1] - used[1]):
            bucket.wait_s(0, now)
            bucket.take(-amount)

    def succeeded(self, now: float) -> None:
        """A good reply: after a pushback, room grows by a 64th of the ceiling per round."""
        self._replies.append(now)
        if self._window is not None and self._window < self.ceiling:
            step = max(1.0, self.ceiling / 64) / self._window
            self._window = min(self.ceiling, self._window + step)
        if not self._stated and not math.isinf(self.requests.rate):
            self.requests.set_rate(self.requests.rate * (1 + 0.02 / self.requests.rate), now)

    def pushed_back(self, retry_after_s: float | None, now: float) -> None:
        """A 429 or its like: nobody starts until it is over; one halving per freeze."""
        self.n_pushbacks += 1
        pause_s = retry_after_s if retry_after_s is not None else 1.0
        if now >= self._frozen_until and now - self._halved_at > 0.05:
            self._window = max(1.0, self.window(now) / 2)
            self._halved_at = now
            if not self._stated:
                self._slow_down(now)
        self._frozen_until = max(self._frozen_until, now + pause_s)

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Take in the limits that the headers of a reply state (OpenAI's and Anthropic's names)."""
        for limit_name, remaining_name, reset_name in _REQUESTS:
            if limit_name in headers:
                remaining, reset_s = _number(headers.get(remaining_name)), _reset_s(headers.get(reset_name))  # fmt: skip
                self._learn_requests(_number(headers[limit_name]), remaining, reset_s, now)
                break
        for kind, names in _TOKENS.items():
            for name in names:
                if name in headers:
                    limit, bucket = _number(headers[name]), self.tokens[kind]
                    if limit and limit / 60 != bucket.rate:
                        bucket.set_rate(limit / 60, now)
                    break

    def _learn_requests(
        self, limit: float | None, remaining: float | None, reset_s: float | None, now: float
    ) -> None:
        if not limit:
            return
        rate = limit / 60  # per minute, unless the way it refills tells a shorter period
        if remaining is not None and reset_s is not None and reset_s >= 0.02:
            self._longest_reset_s = max(self._longest_reset_s, reset_s)
            if limit > remaining:
                self._observed.append((limit - remaining) / reset_s)
        if self._observed:
            seen = min(median(self._observed), limit / self._longest_reset_s)
            rate = seen if seen >= 3 * rate else rate
        # Small differences are noise: a bucket that is reset at each reply never fills.
        if not self._stated or abs(self.requests.rate / (rate * _PACE) - 1) > 0.02:
            self.requests.set_rate(rate * _PACE, now)
        self._stated = True
        if remaining is not None:
            self.requests.at_most(remaining, now)

    def _slow_down(self, now: float) -> None:
        """Nothing states the rate: go on at most as fast as replies came, a little slower."""
        recent = [t for t in self._replies if now - t <= 5.0]
        if len(recent) >= 5 and now > recent[0]:
            self.requests.set_rate(max(0.2, 0.9 * len(recent) / (now - recent[0])), now)

    def _tokens_of(self, n_input: int, n_output: int) -> list[tuple[Bucket, int]]:
        """What a request takes of each limit of tokens that is known; most often there is none."""
        amounts = {"input": n_input, "output": n_output, "total": n_input + n_output}
        known = ((self.tokens[kind], n) for kind, n in amounts.items())
        return [(bucket, n) for bucket, n in known if not math.isinf(bucket.rate)]

    def stated(self) -> str:
        """The rates that are known; empty where none is."""
        rates = [] if math.isinf(self.requests.rate) else [f"{self.requests.rate:,.1f} requests/s"]
        rates += [
            f"{bucket.rate * 60:,.0f} {kind} tokens/min"
            for kind, bucket in self.tokens.items()
            if not math.isinf(bucket.rate)
        ]
        return ", ".join(rates)

    def describe(self, now: float) -> str:
        """The current limits in a few words."""
        parts = [f"{self.n_in_flight} in flight of {self.window(now)}"]
        parts += [stated] if (stated := self.stated()) else []
        if now < self._frozen_until:
            parts.append(f"waiting {self._frozen_until - now:.0f} s as asked")
        return ", ".join(parts)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < math.inf else None


def _reset_s(text: str | None) -> float | None:
    """Seconds until a limit is whole again: `6m0s`, `12ms`, `1.5`, or a moment in RFC 3339."""
    if not text:
        return None
    if "T" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    parts = _DURATION.findall(text)
    if parts and "".join(n + u for n, u in parts) == text:
        return sum(float(n) * _UNIT_S[u] for n, u in parts)
    return _number(text)
