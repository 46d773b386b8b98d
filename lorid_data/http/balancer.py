"""Several servers in turn: the one with the fewest requests in flight is asked next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lorid_data.http.retrying import Clock, WallClock

REST_S = 10.0
"""A server that failed rests for so long, where another one is left."""


@dataclass(slots=True, eq=False)
class Place:
    """One of several servers, and how it does."""

    url: str
    n_in_flight: int = 0
    rests_until: float = -math.inf
    is_down: bool = False
    """Whether nobody was there when it was last asked."""


class Balancer:
    """Which of several servers is asked next: the one with the fewest requests in flight.

    A server that failed is passed over for a while, where there are others. One that was not there
    at all is then given a single request, and more only when it has answered that.

    Args:
        urls: the servers.
        clock: the time.
        most: requests that one server is to have in flight, as `room` counts them; None is no bound.
        down: servers that are known not to be there.
    """

    def __init__(
        self,
        urls: Sequence[str],
        clock: Clock | None = None,
        *,
        most: int | None = None,
        down: Sequence[str] = (),
    ) -> None:
        self._clock = clock or WallClock()
        self._most = most
        self.places = tuple(Place(url) for url in urls)
        for place in self.places:
            place.is_down = place.url in down

    def window(self) -> float:
        """How many requests the servers that are there are to have in flight together."""
        n_there = sum(not p.is_down for p in self.places)
        return math.inf if self._most is None else self._most * n_there

    def take(self, among: Sequence[Place] | None = None) -> Place:
        """A server, of these or of all; give it back."""
        places = self.places if among is None else among
        now = self._clock.now()
        awake = [
            p for p in places if p.rests_until <= now and not (p.is_down and p.n_in_flight)
        ]  # fmt: skip
        place = min(awake or places, key=lambda p: p.n_in_flight)
        place.n_in_flight += 1
        return place

    def give_back(self, place: Place, *, rest_s: float = 0.0, is_down: bool | None = None) -> bool:
        """A request to it ended; a server that failed rests for so long.

        Args:
            place: the server.
            rest_s: how long it rests.
            is_down: whether nobody was there; None where that is not known.

        Returns:
            Whether it is down and was not before, or the other way round.
        """
        place.n_in_flight -= 1
        if rest_s > 0:
            place.rests_until = self._clock.now() + rest_s
        if is_down is False:
            place.rests_until = -math.inf if place.is_down else place.rests_until
        changed = is_down is not None and is_down != place.is_down
        if is_down is not None:
            place.is_down = is_down
        return changed
