"""What a schedule needs of a problem's draws, and what it made ahead of need.

A batch with room to spare is filled with rounds that may turn out not to be needed, so which
draws are stored depends on the batch size. No number may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lorid_train.metrics.grading import GradedProblem


def stop_round(g: GradedProblem) -> int | None:
    """The last round that the loop looks at, at its largest threshold; None if draws are missing."""
    last = g.decisions[-1] if g.decisions else None
    return None if last is None else last.round


def planned_ir_votes(graded: Sequence[GradedProblem]) -> int:
    """How many rounds of IR to draw for every problem, so that voting can match the loop's cost.

    Depends only on the rounds that the loop looked at: 1.1 times the loop's mean tokens over a
    problem's mean IR tokens, and one to spare. 0 where the loop is incomplete.
    """
    stops = [stop_round(g) for g in graded]
    if not graded or any(s is None for s in stops):
        return 0
    budget = vote = 0.0
    for g, stop in zip(graded, stops, strict=True):
        assert stop is not None  # checked above
        budget += g.n_loop_tokens(stop)
        vote += sum(v.n_tokens for v in g.ir[:stop]) / max(1, stop)
    return 0 if vote == 0 else math.ceil(1.1 * budget / vote) + 1


def as_scheduled(graded: Sequence[GradedProblem], *, exhaustive: bool) -> list[GradedProblem]:
    """The problems without the draws that were made ahead of need.

    A lazy schedule needs DR up to the stop, and IR up to the stop or to `planned_ir_votes`. An
    exhaustive one needs every round of every problem: nothing is dropped.
    """
    if exhaustive:
        return list(graded)
    n_ir = planned_ir_votes(graded)
    kept = []
    for g in graded:
        stop = stop_round(g)
        if stop is None:
            kept.append(g)
        else:
            kept.append(replace(g, ir=g.ir[: max(stop, n_ir)], dr=g.dr[:stop]))
    return kept
