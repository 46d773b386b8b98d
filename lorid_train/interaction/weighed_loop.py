"""What the rule that weighs votes wants drawn: one role at a time, the one that tells most per token.

Nothing is drawn ahead of need, so which draws are stored does not depend on the batch size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lorid_train.interaction.draws import Draw, DrawKey
from lorid_train.interaction.loop import Log, Wanted
from lorid_train.interaction.rules import SAMPLED, agree, answer_of
from lorid_train.interaction.weighed import play
from lorid_train.interaction.weigher import Weigher


class WeighedLoop(Wanted):
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
        super().__init__((), log)
        self._log, self._seed, self._rounds, self._weigher = log, seed, rounds, weigher
        self._open: dict[str, list[DrawKey]] = {p: [] for p in problem_ids}
        """The draws that each open question waits for."""
        for problem_id in list(self._open):
            self._advance(problem_id)

    @property
    def is_decided(self) -> bool:
        """Whether no question is open any more."""
        return not self._open

    def next_keys(self) -> Iterator[DrawKey]:
        """The next draw of every open question; KG's before DR's, which reads it."""
        for keys in list(self._open.values()):
            yield from (k for k in keys if k not in self._log)

    def seen(self, draw: Draw) -> None:
        """Move the question on when what it waited for is there; drop it when it is decided."""
        self._advance(draw.problem_id)

    def _advance(self, problem_id: str) -> None:
        if problem_id not in self._open or not all(k in self._log for k in self._open[problem_id]):
            return
        ir, dr = (self._answers(problem_id, role) for role in ("ir", "dr"))
        game = play(ir, dr, self._weigher, rounds=self._rounds, agree=agree)
        if game.wants is None:
            del self._open[problem_id]
            return
        roles = ("ir",) if game.wants == "ir" else ("kg", "dr")
        n = (game.n_ir if game.wants == "ir" else game.n_dr) + 1
        self._open[problem_id] = [self._key(problem_id, role, n) for role in roles]

    def _answers(self, problem_id: str, role: str) -> list[str | None]:
        """The answers of a role that are there, rounds 1, 2, … without a gap."""
        found: list[str | None] = []
        while (key := self._key(problem_id, role, len(found) + 1)) in self._log:
            found.append(answer_of(self._log[key].text))
        return found

    def _key(self, problem_id: str, role: str, n: int) -> DrawKey:
        return DrawKey(problem_id, role, SAMPLED, self._seed, n)
