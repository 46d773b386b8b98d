"""One question on its way through the loop: its draws, its rounds, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lorid_data.errors import ConfigError
from lorid_data.schema import Question, problem_id
from lorid_train.interaction.draws import Decision, Draw, DrawKey
from lorid_train.interaction.loop import Log, Loop
from lorid_train.interaction.rules import SAMPLED, Fallback, Rule, decide
from lorid_train.solve.solution import Round, Solution

ROLES = ("ir", "kg", "dr")


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How the loop ends, and the seed of its draws.

    Attributes:
        rule: when IR and DR count as agreeing.
        rounds: the threshold t, at least 1.
        fallback: who answers without an agreement.
        seed: of all draws.
    """

    rule: Rule = "same_round"
    rounds: int = 20
    fallback: Fallback = "ir"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rounds < 1:
            msg = f"rounds {self.rounds!r}: the loop needs at least one"
            raise ConfigError(msg)

    def loop(self, problem_ids: Sequence[str], log: Log) -> Loop:
        """What the loop wants for these questions."""
        return Loop(problem_ids, log, seed=self.seed, rounds=self.rounds, rule=self.rule)


class AskedQuestion:
    """A question, and what a log holds of its draws.

    Args:
        text: the question.
        log: where its draws are put; several questions may share one.
        settings: of the loop.

    Raises:
        ConfigError: an empty question.
    """

    def __init__(self, text: str, log: Log, settings: LoopSettings) -> None:
        if not text.strip():
            msg = "the question is empty"
            raise ConfigError(msg)
        self.question = Question(problem_id=problem_id(text), text=text)
        """With the id that it has in a dataset, so that its draws are the same."""
        self._log, self._settings = log, settings
        self._n_told = 0

    @property
    def id(self) -> str:
        """The problem id."""
        return self.question.problem_id

    def new_rounds(self) -> Iterator[Round]:
        """Rounds that have become complete since the last call, up to the one that decides."""
        while (r := self._round(self._n_told + 1)) is not None:
            self._n_told += 1
            if self._decision(self._n_told).round >= self._n_told:
                yield r

    def solution(self, seconds: float) -> Solution:
        """What the draws come to; what was drawn ahead of need does not count."""
        decision = self._decision(self._settings.rounds)
        rounds = tuple(self._rounds(decision.round))
        return Solution(self.question.text, decision, rounds, seconds)

    def _round(self, number: int) -> Round | None:
        """A round whose draws are all there."""
        seed = self._settings.seed
        keys = [DrawKey(self.id, role, SAMPLED, seed, number) for role in ROLES]
        if number > self._settings.rounds or not all(k in self._log for k in keys):
            return None
        return Round(number, *(self._log[k] for k in keys))

    def _rounds(self, most: int) -> list[Round]:
        """The complete rounds from the first on, at most so many."""
        found: list[Round] = []
        while len(found) < most and (r := self._round(len(found) + 1)) is not None:
            found.append(r)
        return found

    def _decision(self, most: int) -> Decision:
        s = self._settings
        draws = [d for r in self._rounds(most) for d in r.draws]
        return decide(draws, rule=s.rule, rounds=s.rounds, fallback=s.fallback)


class MemoryLog:
    """Draws in memory; see `interaction.loop.Log`."""

    def __init__(self) -> None:
        self._draws: dict[DrawKey, Draw] = {}

    def append(self, draw: Draw) -> None:
        """Keep a draw; one that is there already is left."""
        self._draws.setdefault(draw.key, draw)

    def __contains__(self, key: DrawKey) -> bool:
        return key in self._draws

    def __getitem__(self, key: DrawKey) -> Draw:
        return self._draws[key]

    def __len__(self) -> int:
        return len(self._draws)
