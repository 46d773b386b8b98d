"""What votes are worth: the chance that an answer is right, and which draw to make next. Pure.

A state of a question counts, for each answer in the order in which they were given, the votes of
IR and of DR, and the draws of each that stated no answer. All that is said of a state follows
from these counts, so it is worked out once per state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Voter = Literal["ir", "dr"]
VOTERS: tuple[Voter, Voter] = ("ir", "dr")
KINDS = ("first", "again", "others")
"""What a role has said when it is drawn: nothing yet; the leader's answer; others, or no answer."""
FEATURES = (
    "ir_said",
    "dr_said",
    "ir_again",
    "dr_again",
    "both_said",
    "ir_against",
    "dr_against",
    "rival",
    "silent",
)
"""What is looked at of an answer, in the order of the weights:

whether IR, whether DR has given it; the logarithm of how often each has; whether both have;
log(1 + n) for the votes of IR and of DR for other answers, for those of the strongest other answer,
and for draws without an answer.
"""
Tally = tuple[int, int]
"""Votes of IR and of DR."""


class State(NamedTuple):
    """Where the count of a question stands."""

    answers: tuple[Tally, ...]
    """Votes for each answer, the one given first before the others."""
    silent: Tally = (0, 0)
    """Draws of IR and of DR without an answer."""

    def after(self, voter: int, place: int) -> State:
        """The state with one draw more.

        Args:
            voter: 0 is IR's draw, 1 is DR's.
            place: of the answer that it gives; the first free one is a new answer, -1 is none.
        """
        new = (1 - voter, voter)
        if place < 0:
            return State(self.answers, (self.silent[0] + new[0], self.silent[1] + new[1]))
        if place == len(self.answers):
            return State((*self.answers, new), self.silent)
        i, d = self.answers[place]
        changed = (*self.answers[:place], (i + new[0], d + new[1]), *self.answers[place + 1 :])
        return State(changed, self.silent)

    @property
    def drawn(self) -> Tally:
        """Draws of IR and of DR."""
        return (
            sum(a[0] for a in self.answers) + self.silent[0],
            sum(a[1] for a in self.answers) + self.silent[1],
        )


class Tells(NamedTuple):
    """How often a draw gives the leader's answer, by whether that is right; both in (0, 1)."""

    if_right: float
    if_wrong: float


class Judged(NamedTuple):
    """What a state amounts to."""

    leader: int | None
    """The place of the likeliest answer among the state's; None before any answer."""
    probability: float
    """That it is right, in (0, 1); 0 without a leader."""
    best: tuple[Voter, Voter]
    """The roles, the one first whose draw tells most per token."""


START = State(())
"""Nothing drawn."""


@dataclass(slots=True)
class Node:
    """A state that was met, what it amounts to, and where further draws lead.

    A game is a walk over nodes: what was worked out once is looked up by two small numbers.
    """

    state: State
    judged: Judged
    next: dict[tuple[int, int], Node] = field(default_factory=dict)
    """By role and by the place of the answer, as `State.after` has them."""


def features(state: State, place: int) -> tuple[float, ...]:
    """What is looked at of one answer of a state, in the order of `FEATURES`.

    Args:
        state: the counts.
        place: the answer's place in `state.answers`.
    """
    i, d = state.answers[place]
    others = [a for n, a in enumerate(state.answers) if n != place]
    return (
        float(i > 0),
        float(d > 0),
        math.log(i) if i else 0.0,
        math.log(d) if d else 0.0,
        float(i > 0 and d > 0),
        math.log1p(sum(a[0] for a in others)),
        math.log1p(sum(a[1] for a in others)),
        math.log1p(max((a[0] + a[1] for a in others), default=0)),
        math.log1p(sum(state.silent)),
    )


def kind(state: State, leader: int, voter: int) -> str:
    """Which of `KINDS` a further draw of a role would be; 0 is IR, 1 is DR."""
    if state.answers[leader][voter]:
        return "again"
    return "others" if state.drawn[voter] else "first"


@dataclass(frozen=True, slots=True)
class Weigher:
    """The fitted numbers of the rule.

    Attributes:
        intercept: of the log-odds.
        weights: of `FEATURES`, in their order.
        calibration: a and b of calibrated log-odds a + b x; b above 0.
        threshold: the chance at which the leader answers, in (0, 1).
        most_draws: the draws of an answer after which the leader answers whatever its chance.
        tells: by role and kind.
        right: how often a draw of each role is right, in (0, 1).
        tokens: the mean cost of a draw of each role, above 0; DR's with the knowledge that it reads.
    """

    intercept: float
    weights: tuple[float, ...]
    calibration: tuple[float, float]
    threshold: float
    most_draws: int
    tells: Mapping[tuple[Voter, str], Tells]
    right: Mapping[Voter, float]
    tokens: Mapping[Voter, float]
    _known: dict[State, Node] = field(default_factory=dict, repr=False, compare=False)

    def probability(self, state: State, place: int) -> float:
        """The chance that one answer of a state is right, in (0, 1)."""
        x = self.intercept + sum(
            w * f for w, f in zip(self.weights, features(state, place), strict=True)
        )
        a, b = self.calibration
        return _logistic(a + b * x)

    def judge(self, state: State) -> Judged:
        """The leader, its chance, and which role to draw next. Remembered by state."""
        return self.node(state).judged

    def node(self, state: State = START) -> Node:
        """A state with what it amounts to."""
        found = self._known.get(state)
        if found is None:
            found = self._known[state] = Node(state, self._judge(state))
        return found

    def after(self, node: Node, voter: int, place: int) -> Node:
        """Where one more draw leads; see `State.after`."""
        found = node.next.get((voter, place))
        if found is None:
            found = node.next[voter, place] = self.node(node.state.after(voter, place))
        return found

    def _judge(self, state: State) -> Judged:
        chances = [self.probability(state, n) for n in range(len(state.answers))]
        if not chances:
            worth = [self.right[v] / self.tokens[v] for v in VOTERS]
            return Judged(None, 0.0, _order(worth))
        leader = max(range(len(chances)), key=lambda n: (chances[n], -n))
        p = chances[leader]
        worth = [
            informs(p, self.tells[v, kind(state, leader, n)]) / self.tokens[v]
            for n, v in enumerate(VOTERS)
        ]
        return Judged(leader, p, _order(worth))


def informs(p: float, tells: Tells) -> float:
    """The mutual information of *the next draw repeats the leader* and *the leader is right*, in nats.

    Args:
        p: the chance that the leader is right.
        tells: how often a draw repeats a right leader, and a wrong one.
    """
    said = p * tells.if_right + (1 - p) * tells.if_wrong
    return _entropy(said) - p * _entropy(tells.if_right) - (1 - p) * _entropy(tells.if_wrong)


def _order(worth: list[float]) -> tuple[Voter, Voter]:
    return VOTERS if worth[0] >= worth[1] else (VOTERS[1], VOTERS[0])


def _entropy(p: float) -> float:
    return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
