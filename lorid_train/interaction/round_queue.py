"""Rounds of many questions in the order in which they are to be drawn, kept as draws come in.

To go through all open questions at every draw would take longer than the draws do once thousands
are at work on many servers. So only what a draw changes is put in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush

from lorid_train.interaction.draws import DrawKey

Urgency = tuple[float, int]


class RoundQueue:
    """The keys of rounds, the most urgent round first; after a round, the next one of its question.

    Args:
        askable: the keys of a question's round that can be asked now and have not been.
        urgency: of a question's round: the smaller, the sooner; None where it is not wanted (any more).
    """

    def __init__(
        self,
        askable: Callable[[str, int], Iterable[DrawKey]],
        urgency: Callable[[str, int], Urgency | None],
    ) -> None:
        self._askable, self._urgency = askable, urgency
        self._heap: list[tuple[Urgency, int, str]] = []

    def push(self, problem_id: str, r: int) -> None:
        """Something of this round may be asked now, or its urgency has changed."""
        urgency = self._urgency(problem_id, r)
        if urgency is not None:
            heappush(self._heap, (urgency, r, problem_id))

    def keys(self) -> Iterator[DrawKey]:
        """What can be asked, the most urgent first; what is not asked then is there the next time."""
        looked: set[tuple[str, int]] = set()
        try:
            while self._heap:
                _, r, problem_id = heappop(self._heap)
                if (problem_id, r) in looked or self._urgency(problem_id, r) is None:
                    continue
                looked.add((problem_id, r))
                self.push(problem_id, r + 1)
                yield from self._askable(problem_id, r)
        finally:
            for problem_id, r in looked:
                if any(True for _ in self._askable(problem_id, r)):
                    self.push(problem_id, r)
