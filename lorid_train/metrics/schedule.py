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


def ir_votes(loop_tokens: Sequence[int], ir_tokens: Sequence[Sequence[int]]) -> int:
    """How many rounds of IR to draw for every problem, so that voting can match the loop's cost.

    Args:
        loop_tokens: per problem, all tokens of the rounds that the loop looked at.
        ir_tokens: per problem, the tokens of IR in each of those rounds.

    Returns:
        1.1 times the loop's mean tokens over a problem's mean IR tokens, and one to spare;
        0 where IR generated nothing.
    """
    vote = sum(sum(tokens) / len(tokens) for tokens in ir_tokens if tokens)
    return 0 if vote == 0 else math.ceil(1.1 * sum(loop_tokens) / vote) + 1


def planned_ir_votes(graded: Sequence[GradedProblem]) -> int:
    """`ir_votes` of graded problems; 0 where the loop is incomplete. It needs no gold answer."""
    stops = [stop_round(g) for g in graded]
    if any(s is None for s in stops):
        return 0
    pairs = [(g, s) for g, s in zip(graded, stops, strict=True) if s is not None]
    return ir_votes(
        [g.n_loop_tokens(s) for g, s in pairs], [[v.n_tokens for v in g.ir[:s]] for g, s in pairs]
    )


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
