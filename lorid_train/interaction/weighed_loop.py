"""What the rule that weighs votes wants drawn: one role at a time, the one that tells most per token."""

from __future__ import annotations

from collections.abc import Iterable

from lorid_train.interaction.draws import DrawKey
from lorid_train.interaction.loop import Log
from lorid_train.interaction.one_by_one import OneByOne
from lorid_train.interaction.rules import SAMPLED, agree, answer_of
from lorid_train.interaction.weighed import play
from lorid_train.interaction.weigher import Weigher


class WeighedLoop(OneByOne):
    """The wants of the rule `weighed`, per question, until it is decided.

    Args:
        problem_ids: the questions.
        log: where draws are looked up; what it holds is not asked again.
        seed: of the draws.
        rounds: T: draws of each role at most.
        weigher: the fitted rule.
    """

    def __init__(
        self, problem_ids: Iterable[str], log: Log, *, seed: int, rounds: int, weigher: Weigher
    ) -> None:
        self._seed, self._rounds, self._weigher = seed, rounds, weigher
        super().__init__(problem_ids, log)

    def wants(self, problem_id: str) -> list[DrawKey]:
        """The next draw of the role that tells most; nothing where the question is decided."""
        ir, dr = (self._answers(problem_id, role) for role in ("ir", "dr"))
        game = play(ir, dr, self._weigher, rounds=self._rounds, agree=agree)
        if game.wants is None:
            return []
        roles = ("ir",) if game.wants == "ir" else ("kg", "dr")
        n = (game.n_ir if game.wants == "ir" else game.n_dr) + 1
        return [self._key(problem_id, role, n) for role in roles]

    def _answers(self, problem_id: str, role: str) -> list[str | None]:
        """The answers of a role that are there, rounds 1, 2, … without a gap."""
        found: list[str | None] = []
        while (key := self._key(problem_id, role, len(found) + 1)) in self._log:
            found.append(answer_of(self._log[key].text))
        return found

    def _key(self, problem_id: str, role: str, n: int) -> DrawKey:
        return DrawKey(problem_id, role, SAMPLED, self._seed, n)
