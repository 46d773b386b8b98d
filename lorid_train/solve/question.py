"""One question on its way through the loop: its draws, its rounds, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from lorid_data.errors import ConfigError
from lorid_data.schema import Question, problem_id
from lorid_train.interaction.draws import Decision, Draw, DrawKey
from lorid_train.interaction.loop import Log, Loop
from lorid_train.interaction.one_by_one import OneByOne
from lorid_train.interaction.rule_files import default_weigher
from lorid_train.interaction.rules import (
    SAMPLED,
    Fallback,
    Rule,
    abstained,
    decide,
    decided,
    game_of,
    sides,
    with_probability,
)
from lorid_train.interaction.three_way import (
    EQUAL,
    Votes,
    is_three_way,
    keys_of,
    roles_of,
    without_effect,
)
from lorid_train.interaction.three_way_loop import Course, ThreeWayLoop, course
from lorid_train.interaction.weighed import Game
from lorid_train.interaction.weighed_loop import WeighedLoop
from lorid_train.interaction.weigher import Weigher
from lorid_train.solve.solution import Round, Solution

ROLES = ("ir", "kg", "dr")
"""Of a round, in the order in which they are drawn, where programs have no say."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""What no encoding can write: the half of a character beyond U+FFFF."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How the loop ends, and the seed of its draws.

    Attributes:
        rule: when IR and DR count as agreeing, or what CG's programs have to say.
        rounds: the threshold t, at least 1.
        fallback: who answers without an agreement.
        seed: of all draws.
        weigher: the fitted rule: what `weighed` decides by, and what gives answers a probability.
        abstain_below: an answer with a lower probability is withheld; none is by default.
        votes: what `cg_votes` counts.

    Raises:
        ConfigError: fewer than one round, or options that the rule would pass over in silence.
    """

    rule: Rule = "same_round"
    rounds: int = 20
    fallback: Fallback = "ir"
    seed: int = 0
    weigher: Weigher = field(default_factory=default_weigher)
    abstain_below: float | None = None
    votes: Votes = EQUAL

    def __post_init__(self) -> None:
        problems = without_effect(self.rule, self.fallback, self.abstain_below)
        if self.rounds < 1:
            problems.append(f"rounds {self.rounds!r}: the loop needs at least one")
        if problems:
            raise ConfigError(*problems)

    @property
    def has_programs(self) -> bool:
        """Whether programs have a say."""
        return is_three_way(self.rule, self.fallback)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the loop may draw."""
        return roles_of(self.rule, self.fallback) if self.has_programs else ROLES

    def loop(self, problem_ids: Sequence[str], log: Log) -> Loop | OneByOne:
        """What the loop wants for these questions."""
        if self.has_programs:
            return ThreeWayLoop(
                problem_ids, log, seed=self.seed, rounds=self.rounds, rule=self.rule, fallback=self.fallback,
                votes=self.votes,
            )  # fmt: skip
        if self.rule == "weighed":
            return WeighedLoop(
                problem_ids, log, seed=self.seed, rounds=self.rounds, weigher=self.weigher
            )
        return Loop(problem_ids, log, seed=self.seed, rounds=self.rounds, rule=self.rule)

    def course(self, problem_id: str, log: Log) -> Course:
        """How far a rule in which programs have a say comes with the draws that are there."""
        return course(
            log, problem_id, self.seed, rule=self.rule, rounds=self.rounds, fallback=self.fallback, votes=self.votes
        )  # fmt: skip


class AskedQuestion:
    """A question, and what a log holds of its draws.

    Args:
        text: the question.
        log: where its draws are put; several questions may share one.
        settings: of the loop.

    Raises:
        ConfigError: no text, an empty one, or one with half a character.
    """

    def __init__(self, text: str, log: Log, settings: LoopSettings) -> None:
        if not isinstance(text, str):
            msg = f"the question is {text!r}, and must be a text"
            raise ConfigError(msg)
        if half := _LONE_SURROGATE.search(text):
            msg = f"the question holds {half[0]!r} at character {half.start() + 1:,}, which is half a character; take it out"
            raise ConfigError(msg)
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
        if self._settings.rule == "weighed" or self._settings.has_programs:
            steps = self._complete()
            yield from steps[self._n_told :]
            self._n_told = len(steps)
            return
        while (r := self._round(self._n_told + 1)) is not None:
            self._n_told += 1
            if self._decision(self._n_told).round >= self._n_told:
                yield r

    def solution(self, seconds: float) -> Solution:
        """What the draws come to; what was drawn ahead of need does not count."""
        s = self._settings
        if s.has_programs:
            return self._by_programs(seconds)
        if s.rule == "weighed":
            decision, rounds = decided(self._game(), s.fallback), self._steps()
        else:
            decision = self._decision(s.rounds)
            rounds = self._rounds(decision.round)
            answers = sides((d for r in rounds for d in r.draws), s.rounds)
            decision = with_probability(decision, *answers, s.weigher)
        decision = abstained(decision, s.abstain_below)
        return Solution(self.question.text, decision, tuple(rounds), seconds, s.rule)

    def _by_programs(self, seconds: float) -> Solution:
        """What a rule in which programs have a say makes of the draws; one that is not there has no answer."""
        s = self._settings
        done = s.course(self.id, self._log)
        rounds = self._grouped(done.order)
        decision = done.decision or decide(
            (d for r in rounds for d in r.draws),
            rule=s.rule, rounds=s.rounds, fallback=s.fallback, votes=s.votes,
        )  # fmt: skip
        return Solution(self.question.text, decision, tuple(rounds), seconds, s.rule)

    def _complete(self) -> list[Round]:
        """The rounds so far of a rule that asks for one draw after another, but one that may get a further draw."""
        if self._settings.rule == "weighed":
            return self._steps()
        done = self._settings.course(self.id, self._log)
        rounds = self._grouped(done.order)
        is_open = done.missing is not None and rounds and rounds[-1].number == done.missing.number
        return rounds[:-1] if is_open else rounds

    def _grouped(self, order: Sequence[tuple[str, int]]) -> list[Round]:
        """Draws in the order in which they were looked at as rounds; the fallback may look at some once more alone."""
        return [
            Round(number, **{of: self._log[self._key(of, number)] for role, _ in some for of, _ in keys_of(role, number)})
            for number, some in groupby(order, key=itemgetter(1))
        ]  # fmt: skip

    def _key(self, role: str, number: int) -> DrawKey:
        return DrawKey(self.id, role, SAMPLED, self._settings.seed, number)

    def _game(self) -> Game:
        """What the rule `weighed` makes of the draws that are there."""
        s = self._settings
        keys = (self._key(role, n) for role in ("ir", "dr") for n in range(1, s.rounds + 1))
        ir, dr = sides((self._log[k] for k in keys if k in self._log), s.rounds)
        return game_of(ir, dr, s.rounds, s.weigher)

    def _steps(self) -> list[Round]:
        """The draws of a game one after the other, each a round of one role."""
        n = {"ir": 0, "dr": 0}
        found = []
        for voter in self._game().order:
            n[voter] += 1
            roles = ("ir",) if voter == "ir" else ("kg", "dr")
            drawn = {role: self._log[self._key(role, n[voter])] for role in roles}
            found.append(Round(n[voter], **drawn))
        return found

    def _round(self, number: int) -> Round | None:
        """A round whose draws are all there."""
        keys = [self._key(role, number) for role in ROLES]
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
