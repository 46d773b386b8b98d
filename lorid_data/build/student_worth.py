"""What a student's choice among lists is worth beside the audit's, on draws that did not choose; pure."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from operator import sub
from statistics import fmean

import numpy as np

from lorid_data.build.by_student import Given
from lorid_data.build.tally import NONE, Tally
from lorid_data.intervals import Z_95
from lorid_data.texts.counting import count


@dataclass(frozen=True, slots=True)
class Compared:
    """The student's success with its own choice and with the audit's, on draws that did not choose.

    Attributes:
        n_rows: rows of which both choices have such draws.
        student: share right with the list that the other half of the draws chose.
        audit: share right with the audit's list.
        low, high: 95 % interval of student - audit, clustered by original question.
    """

    n_rows: int
    student: float
    audit: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """Whether it beats the audit's choice, for people."""
        difference = f"{100 * (self.student - self.audit):+.1f} points ({100 * self.low:+.1f} to {100 * self.high:+.1f})"
        said = (
            "the student's choice beats the audit's" if self.low > 0
            else "the student's choice is worse than the audit's" if self.high < 0
            else "it is not shown that the student's choice beats the audit's"
        )  # fmt: skip
        return f"{said}: {difference} on the same {count(self.n_rows, 'row')}, on draws that did not choose"


def compared(tally: Tally) -> Compared | None:
    """The two choices at equal rows; None where no row has draws to spare.

    What a choice was made of promises too much of it: so one half of the draws chooses, the other
    one measures, both ways round.
    """
    student, audit, originals = array("d"), array("d"), bytearray()
    rows = zip(
        tally.rows(0), tally.rows(1), tally.picked(0), tally.picked(1), tally.audited, tally.originals(), strict=True
    )  # fmt: skip
    for even, odd, by_even, by_odd, theirs, original in rows:
        ways = (_measured(even, by_even, odd, theirs), _measured(odd, by_odd, even, theirs))
        if pairs := [way for way in ways if way is not None]:
            student.append(fmean(a for a, _ in pairs))
            audit.append(fmean(b for _, b in pairs))
            originals += original
    if not student:
        return None
    low, high = _clustered(array("d", map(sub, student, audit)), originals)
    return Compared(len(student), fmean(student), fmean(audit), low, high)


def _measured(
    chooser: list[Given], mine: int, measurer: list[Given], theirs: int
) -> tuple[float, float] | None:
    """The shares right with the list that one half chose and with the audit's, by the other half."""
    if NONE in (mine, theirs) or not any(given.n_draws for given in chooser):
        return None  # what no draw has chosen says nothing about choosing by draws
    a, b = measurer[mine], measurer[theirs]
    if not (a.n_draws and b.n_draws):
        return None
    return a.n_right / a.n_draws, b.n_right / b.n_draws


def _clustered(values: array[float], clusters: bytearray) -> tuple[float, float]:
    """A 95 % interval of a mean whose values come in clusters (Cochran 1977, eq. 6.13).

    Args:
        values: one a row.
        clusters: 16 bytes a row, alike in rows of one cluster.
    """
    n, mean = len(values), fmean(values)
    hashes = np.frombuffer(bytes(clusters), np.uint64).reshape(n, 2)
    found = np.unique(hashes, axis=0, return_inverse=True)[1].reshape(n).astype(np.int64)
    numbers = array("q", found.tobytes())
    k = max(numbers) + 1
    if k < 2:
        return -1.0, 1.0
    sums = array("d", bytes(8 * k))
    for v, cluster in zip(values, numbers, strict=True):
        sums[cluster] = sums[cluster] + v - mean
    half = Z_95 * math.sqrt(k / (k - 1) * math.fsum(s * s for s in sums)) / n
    return max(-1.0, mean - half), min(1.0, mean + half)
