"""Several inference servers in simulated time: what an engine's schedule makes of them.

Each server works on `slots` texts at once, a token of each a step; a step takes `step_s` and
`row_s` for each text in it. What it is asked beyond its slots waits in its queue, in order. Which
server is asked next is decided by the project's own balancer, told the simulated time.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lorid_data.http.balancer import REST_S, Balancer, Place
from lorid_train.engines.base import GenRequest, GenResult, Pull

STEP_S, ROW_S = 0.008, 0.00004
"""About a 7B model in bfloat16 on one large GPU."""
READ_S = 0.00002
"""For each token of a prompt."""


@dataclass(slots=True)
class Clock:
    """Simulated seconds."""

    time: float = 0.0

    def now(self) -> float:
        """The time."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Not to be called."""
        raise NotImplementedError(f"nobody sleeps in simulated time ({seconds:g} s)")


@dataclass(slots=True)
class Server:
    """One server: what runs and what waits on it."""

    place: Place
    slots: int
    speed: float = 1.0
    is_alive: bool = True
    steps: float = 0.0
    """Tokens that each of its texts has been given since it started; with parts of one."""
    running: list[tuple[float, int, GenRequest]] = field(default_factory=list)
    """A heap by the step at which a text ends."""
    waiting: deque[tuple[int, GenRequest, float]] = field(default_factory=deque)

    def step_s(self) -> float:
        """Seconds of a step."""
        return (STEP_S + ROW_S * len(self.running)) / self.speed

    def to_next_s(self) -> float:
        """Seconds until one of its texts ends."""
        return (self.running[0][0] - self.steps) * self.step_s() if self.running else float("inf")

    def fill(self) -> None:
        """Begin what waits, as far as there are slots."""
        while self.waiting and len(self.running) < self.slots:
            number, request, length = self.waiting.popleft()
            heapq.heappush(self.running, (self.steps + length, number, request))


@dataclass(slots=True)
class Event:
    """At some time a server dies, or comes back."""

    at_s: float
    server: int
    is_alive: bool


class SimulatedServers:
    """An engine; `tokens_of` says how many tokens a request's text has, `text_of` its text.

    Args:
        n: servers.
        slots: texts that each works on at once.
        batch_size: most requests in flight, over all servers.
        speeds: of the servers, where they are not alike.
        events: servers that die or come back.
        on_time: told of every stretch of time: its length, texts at work, slots of servers alive.
    """

    def __init__(
        self,
        n: int,
        slots: int,
        *,
        batch_size: int,
        tokens_of: Callable[[GenRequest], int],
        text_of: Callable[[GenRequest], str],
        speeds: Sequence[float] = (),
        events: Sequence[Event] = (),
        on_time: Callable[[float, int, int], None] = lambda *_: None,
    ) -> None:
        self.clock = Clock()
        self.batch_size = batch_size
        self._balancer = Balancer(
            [f"server-{i}" for i in range(n)], self.clock, most=-(-batch_size // n)
        )
        speeds = speeds or [1.0] * n
        self.servers = [
            Server(p, slots, v) for p, v in zip(self._balancer.places, speeds, strict=True)
        ]
        self._tokens_of, self._text_of, self._on_time = tokens_of, text_of, on_time
        self._events = deque(sorted(events, key=lambda e: e.at_s))
        self.n_sent = self.n_moved = 0

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """One result per request, in the order of simulated time."""
        n_out = 0
        while True:
            window = min(self.batch_size, self._balancer.window())
            for request in pull(max(int(window) - n_out, n_out == 0)):
                n_out += 1
                self._send(request)
            if n_out == 0:
                return
            for request in self._advance():
                n_out -= 1
                yield GenResult(
                    request.key, self._text_of(request), "stop", 100, self._tokens_of(request)
                )

    def render(self, content: str, adapter: str | None) -> str:
        """The content as it is."""
        return f"{adapter}: {content}"

    def _send(self, request: GenRequest) -> None:
        while not (server := self._server_of(self._balancer.take())).is_alive:
            self._balancer.give_back(server.place, rest_s=REST_S, is_down=True)
            if not any(s.is_alive for s in self.servers):
                raise RuntimeError("no server is left in this simulation")
        self.n_sent += 1
        read_steps = READ_S * 150 / server.step_s() if server.running else 0.0
        server.waiting.append((self.n_sent, request, self._tokens_of(request) + read_steps))
        server.fill()

    def _server_of(self, place: Place) -> Server:
        return next(s for s in self.servers if s.place is place)

    def _advance(self) -> list[GenRequest]:
        """Go to the next end of a text or event; the requests whose texts have ended."""
        until_s = min(s.to_next_s() for s in self.servers)
        if self._events and self._events[0].at_s - self.clock.time <= until_s:
            until_s = max(0.0, self._events[0].at_s - self.clock.time)
            self._pass(until_s)
            self._happen(self._events.popleft())
            return []
        self._pass(until_s)
        ended = []
        for server in self.servers:
            while server.running and server.running[0][0] <= server.steps + 1e-9:
                ended.append(heapq.heappop(server.running)[2])
                self._balancer.give_back(server.place, is_down=False)
            server.fill()
        return ended

    def _pass(self, seconds: float) -> None:
        busy = sum(len(s.running) for s in self.servers)
        self._on_time(seconds, busy, sum(s.slots for s in self.servers if s.is_alive))
        for server in self.servers:
            server.steps += seconds / server.step_s()
        self.clock.time += seconds

    def _happen(self, event: Event) -> None:
        server = self.servers[event.server]
        server.is_alive = event.is_alive
        if event.is_alive:
            return
        lost = [r for *_, r in server.running] + [r for _, r, _ in server.waiting]
        server.running.clear()
        server.waiting.clear()
        self.n_moved += len(lost)
        for _ in lost:
            self._balancer.give_back(server.place, rest_s=REST_S, is_down=True)
        for request in lost:
            self._send(request)
