"""A hard cap on what is spent: reserve the most that a request can cost, settle what it did cost."""

from __future__ import annotations

import asyncio
import math

from lorid_data.errors import StageError


class Budget:
    """What may be spent, and what has been.

    Args:
        cap_usd: the cap; None for none.
        spent_usd: what was spent before.
    """

    def __init__(self, cap_usd: float | None = None, spent_usd: float = 0.0) -> None:
        self.cap_usd, self.spent_usd, self.reserved_usd = cap_usd, spent_usd, 0.0
        self.before_usd = spent_usd
        self.is_proven = False
        """Whether a reply has shown what requests really cost: under a cap the first one goes alone."""
        self._settled = asyncio.Event()

    def begin(self, spent_usd: float) -> None:
        """What earlier runs spent counts too."""
        self.spent_usd = self.before_usd = spent_usd

    async def reserve(self, most_usd: float | None) -> float:
        """Set aside what a request can cost at most; waits while other requests might leave enough.

        Returns:
            What was set aside, to be settled.

        Raises:
            StageError: even when nothing else is in flight there is not enough left.
        """
        most = most_usd or 0.0
        while self.cap_usd is not None:
            is_over = self.spent_usd + self.reserved_usd + most > self.cap_usd
            is_probed = self.reserved_usd > 0 and not self.is_proven
            if not is_over and not is_probed:
                break
            if self.reserved_usd <= 0:
                raise StageError(
                    f"the budget of ${self.cap_usd:g} is reached: ${self.spent_usd:.4f} is spent, and the next request may cost "
                    f"${most:.4f}; what was answered is kept: run the same command again with a higher --budget"
                )
            self._settled.clear()
            await self._settled.wait()
        self.reserved_usd += most
        return most

    def left(self, *, also: float = 0.0) -> float:
        """What may still be spent beside what is spent, set aside and `also` held, in USD."""
        if self.cap_usd is None:
            return math.inf
        return self.cap_usd - self.spent_usd - self.reserved_usd - also

    def settle(self, reserved_usd: float, cost_usd: float | None) -> None:
        """A request ended; an unknown cost counts as all that was reserved."""
        self.spent_usd += reserved_usd if cost_usd is None else cost_usd
        # Sums of fractions do not come back to exactly zero.
        self.reserved_usd = max(0.0, self.reserved_usd - reserved_usd)
        if self.reserved_usd < 1e-9:
            self.reserved_usd = 0.0
        self._settled.set()
