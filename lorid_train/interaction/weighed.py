"""The rule that weighs votes, played on answers: where it stops, what it says, what it wants next.

A game is told by the answers of IR and of DR in the order of their rounds. Which role is drawn next
follows from the answers so far alone, so the same draws give the same game, made one by one or
taken from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lorid_train.interaction.weigher import START, Voter, Weigher

Agree = Callable[[str, str], bool]
"""Whether two answers are equal."""


class Game(NamedTuple):
    """Where a game stands when it stops, or when it wants a draw that is not there."""

    answer: str | None
    """The leader's, as it was first written."""
    probability: float | None
    """That it is right; None without a leader."""
    is_enough: bool
    """Whether the leader's chance reached the threshold."""
    n_ir: int
    """Draws of IR that were looked at."""
    n_dr: int
    """Those of DR; each with the knowledge that it reads."""
    wants: Voter | None
    """The role that has to be drawn before the game can go on; None where it has stopped."""
    order: tuple[Voter, ...]
    """Whose draws were looked at, one after the other."""

    @property
    def round(self) -> int:
        """The last round that was looked at, of either role."""
        return max(self.n_ir, self.n_dr)


class Answers:
    """The different answers of one question, in the order in which they were given.

    An answer joins the first one that it equals, so that later answers never change what earlier
    ones amount to.
    """

    def __init__(self, agree: Agree) -> None:
        self._agree = agree
        self.given: list[str] = []

    def place(self, answer: str | None) -> int:
        """Where an answer stands: the first free place where nobody gave it, -1 where there is none."""
        if answer is None:
            return -1
        for n, known in enumerate(self.given):
            if known == answer or self._agree(known, answer):
                return n
        return len(self.given)

    def add(self, answer: str | None) -> int:
        """Take an answer in; where it stands."""
        place = self.place(answer)
        if answer is not None and place == len(self.given):
            self.given.append(answer)
        return place


class Step(NamedTuple):
    """Where a game stands after some draws."""

    answer: str | None
    """The leader's, as it was first written."""
    probability: float | None
    """That it is right; None without a leader."""
    order: list[Voter]
    """Whose draws were looked at so far; it grows as the game goes on."""
    wants: Voter | None
    """The role whose draw tells most per token of those that may be drawn; None where none may."""


def walk(
    ir: Sequence[str | None],
    dr: Sequence[str | None],
    weigher: Weigher,
    *,
    rounds: int,
    agree: Agree,
) -> Iterator[Step]:
    """Every step of the game that these draws make, were it never stopped; see `play`.

    It ends where the role that is wanted has no more draws, or both have had all their rounds.
    """
    sides = (ir, dr)
    n = [0, 0]
    order: list[Voter] = []
    answers, node = Answers(agree), weigher.node()
    while True:
        leader, chance, (first, second) = node.judged
        wants = first if n[first == "dr"] < rounds else second if n[second == "dr"] < rounds else None  # fmt: skip
        if leader is None:
            yield Step(None, None, order, wants)
        else:
            yield Step(answers.given[leader], chance, order, wants)
        voter = int(wants == "dr")
        if wants is None or len(sides[voter]) <= n[voter]:
            return
        node = weigher.after(node, voter, answers.add(sides[voter][n[voter]]))
        n[voter] += 1
        order.append(wants)


def play(
    ir: Sequence[str | None],
    dr: Sequence[str | None],
    weigher: Weigher,
    *,
    rounds: int,
    agree: Agree,
) -> Game:
    """The game that these draws make.

    Args:
        ir: IR's answers of rounds 1, 2, …; None where a draw states none.
        dr: DR's.
        weigher: the fitted rule.
        rounds: T: draws of each role at most, at least 1.
        agree: the equality of answers.
    """
    last: Step | None = None
    is_enough = is_over = False
    for last in walk(ir, dr, weigher, rounds=rounds, agree=agree):
        is_enough = last.probability is not None and last.probability >= weigher.threshold
        is_over = is_enough or len(last.order) >= weigher.most_draws
        if is_over:
            break
    assert last is not None  # the first step is there before any draw
    n_ir = last.order.count("ir")
    return Game(
        last.answer, last.probability, is_enough, n_ir, len(last.order) - n_ir,
        None if is_over else last.wants, tuple(last.order),
    )  # fmt: skip


def probability(
    ir: Sequence[str | None],
    dr: Sequence[str | None],
    answer: str | None,
    weigher: Weigher,
    *,
    agree: Agree,
) -> float | None:
    """The chance that an answer is right, whoever chose it, given all these votes; None without one.

    Args:
        ir: IR's answers that were looked at.
        dr: DR's.
        answer: what was answered.
        weigher: the fitted rule.
        agree: the equality of answers.
    """
    if answer is None:
        return None
    answers, state = Answers(agree), START
    for voter, side in enumerate((ir, dr)):
        for said in side:
            state = state.after(voter, answers.add(said))
    place = answers.place(answer)
    return None if place == len(answers.given) else weigher.probability(state, place)
