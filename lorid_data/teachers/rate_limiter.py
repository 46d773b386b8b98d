"""Where requests wait until `Limits` lets them through, in the order of their arrival."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lorid_data.errors import StageError
from lorid_data.http.retrying import Clock
from lorid_data.teachers.limits import Limits


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to send one request, with the tokens that it reserved."""

    n_input: int
    n_output: int


class RateLimiter:
    """One gate per provider, shared by all requests to it.

    Args:
        ceiling: most requests in flight.
        clock: the time.
        patience_s: gives how long the next request is waited with at most; a provider that states
            a limit by which it would be longer ends the run.
    """

    def __init__(
        self, ceiling: int, clock: Clock, patience_s: Callable[[], float] = lambda: math.inf
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._ceiling = ceiling
        self._limits: Limits | None = None
        self._waiting: deque[tuple[Pass, asyncio.Future[None]]] = deque()
        self._alarm: asyncio.Task[None] | None = None

    @property
    def limits(self) -> Limits:
        """What is known; the ramp begins with the first look."""
        if self._limits is None:
            self._limits = Limits(self._ceiling, self._clock.now())
        return self._limits

    async def enter(self, n_input: int, n_output: int) -> Pass:
        """Wait for leave to send a request of so many tokens in and, at most, out."""
        leave = Pass(n_input, n_output)
        if not self._waiting and self.limits.admit(n_input, n_output, self._clock.now()) == 0:
            return leave
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((leave, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(leave, 0, 0)
            raise
        return leave

    def leave(self, leave: Pass, n_input: int, n_output: int) -> None:
        """The request ended, having used so many tokens; who waits may move up."""
        reserved = (leave.n_input, leave.n_output)
        self.limits.settle(reserved, (n_input, n_output), self._clock.now())
        self._let_in()

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """A good reply came, with these headers."""
        now = self._clock.now()
        self.limits.learn(headers, now)
        self.limits.succeeded(now)

    def pushed_back(self, headers: Mapping[str, str], retry_after_s: float | None) -> None:
        """The provider asked for fewer requests."""
        now = self._clock.now()
        self.limits.learn(headers, now)
        self.limits.pushed_back(retry_after_s, now)

    def _let_in(self) -> None:
        while self._waiting:
            leave, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
                continue
            wait_s = self.limits.admit(leave.n_input, leave.n_output, self._clock.now())
            if wait_s > 0:
                self._call_again(wait_s)
                return
            self._waiting.popleft()
            turn.set_result(None)

    def _call_again(self, wait_s: float) -> None:
        if self._patience_s() < wait_s < math.inf:
            msg = (
                f"the provider states limits ({self.limits.stated()}) by which the next request would wait "
                f"{wait_s:,.0f} s; what was answered is kept: run the same command again later"
            )
            self.turn_away(StageError(msg))
            return
        if math.isinf(wait_s) or (self._alarm is not None and not self._alarm.done()):
            return

        async def ring() -> None:
            # Nobody awaits this task: whatever ends it, those who wait must hear of it.
            try:
                await self._clock.sleep(wait_s)
                self._alarm = None
                self._let_in()
            except Exception as e:  # noqa: BLE001
                self.turn_away(e)

        self._alarm = asyncio.get_running_loop().create_task(ring())

    def turn_away(self, error: Exception) -> None:
        """Everybody who waits gets this error instead of leave."""
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    def close(self) -> None:
        """Stop waiting for anything."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
