"""How often a group was trained on, as the few values that a chart has room for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MOST_VALUES = 8
"""Distinct frequencies that are shown as they are."""
SEEN = "seen"
"""The slice of all rows whose group was trained on at least once."""


class Bin(NamedTuple):
    """A range of frequencies, ends included."""

    low: int
    high: int

    @property
    def label(self) -> str:
        """As the axis shows it: 4, or 4–7."""
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"

    @property
    def slice(self) -> str:
        """As `metrics.json` names it: frequency=4, or frequency=4-7."""
        return "frequency=" + self.label.replace("–", "-")


def bins(frequencies: Iterable[int]) -> list[Bin]:
    """The bins that hold a row, in order.

    Each frequency is its own bin where there are at most eight of them; else they are 0, 1, 2–3,
    4–7, 8–15, …: powers of two.
    """
    distinct = sorted(set(frequencies))
    if len(distinct) <= MOST_VALUES:
        return [Bin(f, f) for f in distinct]
    return list(dict.fromkeys(_of(f) for f in distinct))


def _of(frequency: int) -> Bin:
    if frequency == 0:
        return Bin(0, 0)
    low = 1 << (frequency.bit_length() - 1)
    return Bin(low, 2 * low - 1)
