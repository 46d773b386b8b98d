"""Rules in which programs have a say, as systems beside the loop: decided on the draws that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from lorid_train.interaction import three_way
from lorid_train.interaction.rules import agree
from lorid_train.interaction.three_way import THREE_WAY, Missing, Said, Votes
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.rows import Verdict
from lorid_train.metrics.systems import Answer, Answered


def three_way_systems(
    graded: Sequence[GradedProblem], rounds: int, fallback: str, votes: Votes
) -> Mapping[str, Answer]:
    """`RULE@T` for every rule of programs; none where no program was sampled."""
    if not any(role == "cg" for g in graded for role, _ in (*g.by_round, *g.aside)):
        return {}
    return {
        f"{rule.replace('_', '-')}@{rounds}": partial(
            decided_at, rule=rule, t=rounds, fallback=fallback, votes=votes
        )
        for rule in THREE_WAY
    }


def decided_at(
    g: GradedProblem, *, rule: str, t: int, fallback: str, votes: Votes
) -> Answered | None:
    """What a rule says of a problem, and what it cost; None where it asks for a draw that is not there."""

    def look(role: str, r: int) -> Said | None:
        vote = g.vote(role, r)
        if vote is None:
            return None
        return Said(vote.answer, vote.ran is not None and vote.ran.is_grounded)

    try:
        d = three_way.play(look, rule=rule, rounds=t, fallback=fallback, agree=agree, votes=votes)
    except Missing:
        return None
    said = next((v.verdict for v in g.votes_of(d) if v.answer == d.answer), Verdict.NO_ANSWER)
    if d.answer is None:
        said = Verdict.NO_ANSWER
    return Answered(d.answer, said, d.how, d.round, g.n_tokens_of(d))
