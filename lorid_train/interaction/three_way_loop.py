"""What a rule of programs wants drawn: the draw that it asks for next, and nothing ahead of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
        try:
            _played(
                self._log, problem_id, self._seed, rule=self._rule, rounds=self._rounds, fallback=self._fallback,
                votes=self._votes,
            )  # fmt: skip
        except Missing as missing:
            return [
                DrawKey(problem_id, role, SAMPLED, self._seed, r)
                for role, r in three_way.keys_of(missing.role, missing.number)
            ]
        return []


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
        decision = _played(
            log, problem_id, seed, rule=rule, rounds=rounds, fallback=fallback, votes=votes
        )
        found[problem_id] = [
            log[DrawKey(problem_id, of, SAMPLED, seed, n)]
            for role, r in decision.read or ()
            for of, n in three_way.keys_of(role, r)
        ]
    return found


def _played(
    log: Log | Mapping[DrawKey, Draw], problem_id: str, seed: int, *, rule: str, rounds: int, fallback: str,
    votes: Votes,
) -> Decision:  # fmt: skip
    def look(role: str, r: int) -> Said | None:
        key = DrawKey(problem_id, role, SAMPLED, seed, r)
        return three_way.said_by(log[key], answer_to) if key in log else None

    return three_way.play(
        look, rule=rule, rounds=rounds, fallback=fallback, agree=agree, votes=votes
    )
