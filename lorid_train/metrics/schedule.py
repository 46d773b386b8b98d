"""What a schedule needs of a problem's draws, and what it made ahead of need.

A batch with room to spare is filled with rounds that may turn out not to be needed, so which
draws are stored depends on the batch size. No number may.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from lorid_train.interaction.draws import Decision
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.rows import Verdict


def votes_to_draw(loop_tokens: Sequence[int], vote_tokens: Sequence[Sequence[int]]) -> int:
    """How many rounds of a role to draw for every problem, so that voting can match the loop's cost.

    Args:
        loop_tokens: per problem, all tokens of the rounds that the loop looked at.
        vote_tokens: per problem, what the role's vote cost in each of those rounds.

    Returns:
        1.1 times the loop's mean tokens over a problem's mean cost of a vote, and one to spare;
        0 where the role generated nothing.
    """
    means = [sum(tokens) / len(tokens) for tokens in vote_tokens if tokens]
    vote = sum(means)
    if means and len(means) < len(loop_tokens):  # the role was not asked about every problem
        vote *= len(loop_tokens) / len(means)
    return 0 if vote == 0 else math.ceil(1.1 * sum(loop_tokens) / vote) + 1


def planned_votes(
    graded: Sequence[GradedProblem], last: Sequence[Decision | None] | None = None
) -> dict[str, int]:
    """`votes_to_draw` of ir and dr; 0 where the loop is incomplete. It needs no gold answer.

    Args:
        graded: the problems.
        last: the decision of each at the largest threshold; by default the loop's.
    """
    last = _last(graded) if last is None else last
    if any(d is None for d in last):
        return {"ir": 0, "dr": 0}
    pairs = [(g, d) for g, d in zip(graded, last, strict=True) if d is not None]
    loop = [g.n_tokens_of(d) for g, d in pairs]
    ir, dr = ([[v.n_tokens for v in g.looked_at(d)[i]] for g, d in pairs] for i in (0, 1))
    return {"ir": votes_to_draw(loop, ir), "dr": votes_to_draw(loop, dr)}


def as_scheduled(
    graded: Sequence[GradedProblem],
    *,
    exhaustive: bool,
    voted: Container[str] = ("ir", "dr"),
    samples: Mapping[str, int] | None = None,
    asked: Sequence[Decision | None] | None = None,
) -> list[GradedProblem]:
    """The problems without the draws that were made ahead of need.

    A lazy schedule needs each role up to the stop, those that were drawn on for voting (`voted`) up
    to `planned_votes`, and those that were asked for by number (`samples`) up to that. An
    exhaustive one needs every round of every problem: nothing is dropped.

    What the loop's rule at its largest threshold does not need, and the rule of `asked` did, is put
    aside: smaller thresholds and other rules may look at it. A decision that rests on draws which
    nothing asked for is none: at another batch size they would not be there.

    Args:
        graded: the problems as they were graded, with every stored draw.
        exhaustive: the schedule.
        voted: roles.
        samples: rounds by role.
        asked: of each problem, the last decision of the rule by which the draws were made, where
            that is another than the loop's (a replay).
    """
    if exhaustive:
        return list(graded)
    stored = _needed(graded, _last(graded) if asked is None else asked, voted, samples)
    whole = [_resting_on(g) for g in stored]
    if asked is None:
        return whole
    lean = _needed(whole, _last(whole), voted, samples)
    return [replace(g, aside=_beyond(w, g)) for w, g in zip(whole, lean, strict=True)]


def _last(graded: Sequence[GradedProblem]) -> list[Decision | None]:
    """The decision at the largest threshold, by problem."""
    return [g.decisions[-1] if g.decisions else None for g in graded]


def _needed(
    graded: Sequence[GradedProblem],
    last: Sequence[Decision | None],
    voted: Container[str],
    samples: Mapping[str, int] | None,
) -> list[GradedProblem]:
    """The problems with the draws that these decisions, votes and numbers ask for; whole without a decision."""
    planned = planned_votes(graded, last)
    n_ir, n_dr = (
        max(planned[role] if role in voted else 0, (samples or {}).get(role, 0))
        for role in ("ir", "dr")
    )
    kept = []
    for g, d in zip(graded, last, strict=True):
        if d is None:
            kept.append(g)
            continue
        of_ir, of_dr = d.drawn if d.read is None else _rounds(d.read)
        ir, dr = g.ir[: max(of_ir, n_ir)], g.dr[: max(of_dr, n_dr)]
        official = g.official
        if official is not None and official.round > min(len(ir), len(dr)):
            official = None  # it was decided by draws made ahead of need
        kept.append(replace(g, ir=ir, dr=dr, official=official, **_programs(g, d, ir, dr, samples)))
    return kept


def _resting_on(g: GradedProblem) -> GradedProblem:
    """The problem without the decisions whose draws are not all there."""
    whole = [d is None or all(g.vote(*k) is not None for k in d.keys) for d in g.decisions]
    if all(whole):
        return g
    decisions = tuple(d if ok else None for d, ok in zip(g.decisions, whole, strict=True))
    verdicts = tuple(
        v if ok else Verdict.NO_ANSWER for v, ok in zip(g.verdicts, whole, strict=True)
    )
    return replace(g, decisions=decisions, verdicts=verdicts)


def _beyond(whole: GradedProblem, lean: GradedProblem) -> dict[tuple[str, int], Vote]:
    """The draws of a problem that a leaner one lacks."""
    sides = {("ir", r): v for r, v in enumerate(whole.ir, 1)}
    sides |= {("dr", r): v for r, v in enumerate(whole.dr, 1)}
    return {k: v for k, v in {**sides, **whole.by_round}.items() if lean.vote(*k) is None}


def _rounds(read: Sequence[tuple[str, int]]) -> tuple[int, int]:
    """The rounds of IR and of DR that a rule with gaps has drawn, 1, 2, … up to the first gap."""
    found = []
    for role in ("ir", "dr"):
        rounds, n = {r for of, r in read if of == role}, 0
        while n + 1 in rounds:
            n += 1
        found.append(n)
    return found[0], found[1]


def _programs(
    g: GradedProblem,
    last: Decision,
    ir: Sequence[Vote],
    dr: Sequence[Vote],
    samples: Mapping[str, int] | None,
) -> dict[str, Any]:
    """What is kept of the draws that rules of programs look at: what was decided by or asked for, no more."""
    if not g.by_round:
        return {}
    n = {"ir": len(ir), "dr": len(dr), "cg": (samples or {}).get("cg", 0)}
    read = set(last.read or ())
    by_round = {k: v for k, v in g.by_round.items() if k in read or k[1] <= n[k[0]]}
    cg = g.further.get("cg", ())
    kept = tuple(v for _, v in takewhile(lambda at: ("cg", at[0]) in by_round, enumerate(cg, 1)))
    return {"by_round": by_round, "further": {**g.further, "cg": kept} if cg else g.further}
