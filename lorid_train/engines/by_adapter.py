"""Several engines behind one: each request goes to the engine that holds its adapter.

Engines in this process take turns, a result of each. Servers work whether one looks or not, so
from them everything is taken that has come: no group of servers waits for a slower one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lorid_train.engines.base import Engine, GenRequest, GenResult, Pull
from lorid_train.engines.server import ServerEngine

_LOOK_S = 0.02
"""How long servers are waited for before others are looked after."""


@dataclass(frozen=True, slots=True)
class Part:
    """An engine, and what it calls an adapter; None is its bare base."""

    engine: Engine
    adapter: str | None


class EngineByAdapter:
    """Generates with several engines, one result of each in turn.

    A request for an engine that has no room waits; no more are pulled than all have room for.

    Args:
        parts: by the name under which a request asks for an adapter.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = dict(parts)
        self._engines = list({id(p.engine): p.engine for p in self._parts.values()}.values())

    @property
    def batch_size(self) -> int:
        """How many requests all engines work on at once."""
        return sum(e.batch_size for e in self._engines)

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """One result per request, in any order."""
        sorter = _Sorter(pull, self._parts, self.batch_size)
        running: dict[int, Iterator[GenResult | None]] = {}
        try:
            while True:
                n_results = 0
                for engine in self._engines:
                    # One that had nothing to do has ended, and begins anew when there is something.
                    if id(engine) not in running and sorter.has_for(engine):
                        running[id(engine)] = _begun(engine, sorter.pull_for(engine))
                    for result in _turn(engine, running):
                        n_results += 1
                        sorter.n_out -= 1
                        yield result
                if n_results == 0 and sorter.n_out == 0:
                    return
        finally:
            for results in running.values():
                if isinstance(results, Generator):
                    results.close()

    def render(self, content: str, adapter: str | None) -> str:
        """The prompt text in the format of that adapter's engine."""
        part = self._parts[str(adapter)]
        return part.engine.render(content, part.adapter)


def _begun(engine: Engine, pull: Pull) -> Iterator[GenResult | None]:
    if isinstance(engine, ServerEngine):
        return engine.results(pull, look_s=_LOOK_S)
    return engine.generate(pull)


def _turn(engine: Engine, running: dict[int, Iterator[GenResult | None]]) -> Iterator[GenResult]:
    """What an engine gives before the next one's turn: of servers what has come, else one result."""
    results = running.get(id(engine))
    if results is None:
        return
    for _ in range(engine.batch_size if isinstance(engine, ServerEngine) else 1):
        try:
            result = next(results)
        except StopIteration:
            del running[id(engine)]
            return
        if result is None:
            return
        yield result


class _Sorter:
    """Requests that were pulled for one engine and belong to another wait here for it."""

    def __init__(self, pull: Pull, parts: Mapping[str, Part], most: int) -> None:
        self._pull, self._parts, self._most = pull, parts, most
        self._waiting: dict[int, deque[GenRequest]] = {id(p.engine): deque() for p in parts.values()}  # fmt: skip
        self.n_out = 0
        """Requests that were pulled and have no result yet."""

    def has_for(self, engine: Engine) -> bool:
        """Whether there is something for an engine to do now."""
        self._fill(engine, 1)
        return bool(self._waiting[id(engine)])

    def pull_for(self, engine: Engine) -> Pull:
        """What an engine pulls: its own requests."""
        mine = self._waiting[id(engine)]

        def pulled(n: int) -> Sequence[GenRequest]:
            self._fill(engine, n)
            return [mine.popleft() for _ in range(min(n, len(mine)))]

        return pulled

    def _fill(self, engine: Engine, n: int) -> None:
        mine = self._waiting[id(engine)]
        while len(mine) < n and (room := min(n - len(mine), self._most - self.n_out)) > 0:
            asked = self._pull(room)
            if not asked:
                return
            self.n_out += len(asked)
            for request in asked:
                part = self._parts[str(request.adapter)]
                own = replace(request, adapter=part.adapter)
                self._waiting[id(part.engine)].append(own)
