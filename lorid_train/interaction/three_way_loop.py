"""What a rule of programs wants drawn: the draw that it asks for next, and nothing ahead of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lorid_train.interaction import three_way
from lorid_train.interaction.draws import Decision, Draw, DrawKey
from lorid_train.interaction.loop import Log
from lorid_train.interaction.one_by_one import OneByOne
from lorid_train.interaction.rules import SAMPLED, agree, answer_to
from lorid_train.interaction.three_way import EQUAL, Missing, Said, Votes


class ThreeWayLoop(OneByOne):
    """The wants of a rule, per question, until it is decided.

    Args:
        problem_ids: the questions.
        log: where draws are looked up; what it holds is not asked again.
        seed: of the draws.
        rounds: t: draws of each role at most.
        rule: a key of `three_way.ASKED`.
        fallback: as for `three_way.play`.
        votes: likewise.
    """

    def __init__(
        self, problem_ids: Iterable[str], log: Log, *, seed: int, rounds: int, rule: str, fallback: str,
        votes: Votes = EQUAL,
    ) -> None:  # fmt: skip
        self._seed, self._rounds = seed, rounds
        self._rule, self._fallback, self._votes = rule, fallback, votes
        super().__init__(problem_ids, log)

    def wants(self, problem_id: str) -> list[DrawKey]:
        """The draws without which the rule cannot go on; nothing where it is decided."""
        missing = course(
            self._log, problem_id, self._seed, rule=self._rule, rounds=self._rounds, fallback=self._fallback,
            votes=self._votes,
        ).missing  # fmt: skip
        if missing is None:
            return []
        return [
            DrawKey(problem_id, role, SAMPLED, self._seed, r)
            for role, r in three_way.keys_of(missing.role, missing.number)
        ]


class Course(NamedTuple):
    """How far a rule comes with the draws that are there."""

    order: tuple[tuple[str, int], ...]
    """(role, round) of the draws that it has looked at, in the order of asking; DR's stand for KG's too."""
    decision: Decision | None
    """None where a draw is missing."""
    missing: Missing | None
    """The draw that it asks for next."""


def course(
    log: Log | Mapping[DrawKey, Draw], problem_id: str, seed: int, *, rule: str, rounds: int, fallback: str,
    votes: Votes = EQUAL,
) -> Course:  # fmt: skip
    """Run a rule of `three_way` on the draws of one question that a log holds."""
    order: list[tuple[str, int]] = []

    def look(role: str, r: int) -> Said | None:
        key = DrawKey(problem_id, role, SAMPLED, seed, r)
        if key not in log:
            return None
        order.append((role, r))
        return three_way.said_by(log[key], answer_to)

    try:
        found = three_way.play(
            look, rule=rule, rounds=rounds, fallback=fallback, agree=agree, votes=votes
        )
    except Missing as missing:
        return Course(tuple(order), None, missing)
    return Course(tuple(order), found, None)


def looked_at(
    log: Mapping[DrawKey, Draw], problem_ids: Iterable[str], seed: int, *, rule: str, rounds: int, fallback: str,
    votes: Votes = EQUAL,
) -> dict[str, list[Draw]]:  # fmt: skip
    """Per problem, the draws that its decision rests on, KG's included: what the rule costs.

    Raises:
        Missing: one of them is not there.
    """
    found = {}
    for problem_id in problem_ids:
        done = course(
            log, problem_id, seed, rule=rule, rounds=rounds, fallback=fallback, votes=votes
        )
        if done.missing is not None:
            raise done.missing
        found[problem_id] = [
            log[DrawKey(problem_id, of, SAMPLED, seed, n)]
            for role, r in done.order
            for of, n in three_way.keys_of(role, r)
        ]
    return found
