"""From values to positions: a linear axis with round ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis: `low` … `high` in the data, `start` … `end` in the drawing."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value lies in the drawing."""
        span = self.high - self.low
        return self.start + (value - self.low) / span * (self.end - self.start)


def axis(low: float, high: float, start: float, end: float, *, n_ticks: int = 5) -> Axis:
    """An axis that covers `low` … `high` and whose ticks are 1, 2 or 5 times a power of ten.

    Its ends are ticks, so a range of no width, or one that is not finite, still gives an axis.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / n_ticks
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * min((m for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9)), default=10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{i * step:.15g}") for i in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def number(value: float) -> str:
    """A tick's text: 1,000, 0.25, 1.5."""
    return f"{value:,.10g}"


def percent(value: float) -> str:
    """A fraction as a percentage: 0.705 → 70.5 %."""
    return f"{value * 100:.4g} %"


def points(value: float) -> str:
    """A signed difference of fractions in percentage points, one digit: 0.025 → +2.5."""
    rounded = round(value * 100, 1)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded):.1f}"
