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
