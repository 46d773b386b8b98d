"""Weights of votes from graded draws: log-odds by role, of programs by whether they keep to the question. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lorid_train.interaction.three_way import EQUAL, Votes

KINDS = ("ir", "dr", "cg", "cg_ungrounded")
AHEAD = math.log(19)
"""The lead at which votes are closed: the leader is 19 times likelier than the next answer."""


class Graded(NamedTuple):
    """One answer of a validation draw."""

    kind: str
    """One of `KINDS`."""
    is_right: bool


def fit_votes(graded: Iterable[Graded], *, p_same_wrong: float) -> Votes:
    """What a vote of each kind is worth: log(p / ((1 − p) c)), at least 0.

    p is how often an answer of the kind is right, (right + 1) / (answers + 2); c is how often two
    wrong answers are the same one. That is the factor by which a vote changes the odds of an answer,
    if votes are independent. A kind without answers counts nothing.

    Args:
        graded: answers of validation draws; draws without an answer are no votes.
        p_same_wrong: c, in (0, 1].
    """
    counts = {k: [0, 0] for k in KINDS}
    for g in graded:
        counts[g.kind][0] += g.is_right
        counts[g.kind][1] += 1
    if not any(n for _, n in counts.values()):
        return EQUAL
    weights = {k: _weight(right, n, p_same_wrong) for k, (right, n) in counts.items()}
    return _votes(weights)


def _weight(right: int, n: int, c: float) -> float:
    if n == 0:
        return 0.0
    p = (right + 1) / (n + 2)
    return round(max(0.0, math.log(p / ((1 - p) * c))), 6)


def _votes(w: Mapping[str, float]) -> Votes:
    return Votes(w["ir"], w["dr"], w["cg"], w["cg_ungrounded"], AHEAD)
