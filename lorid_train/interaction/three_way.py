"""Rules in which programs have a say: what is looked at, one draw after another, and what that decides.

A rule is a procedure that asks for draws in a fixed order and stops as soon as it knows. So what it
has not asked for cannot change its decision: drawing lazily is running the procedure until it asks for
what is not there, and a table in which everything has been drawn gives the same decision.

| rule            | stops at the first round in which                                     |
| --------------- | --------------------------------------------------------------------- |
| `cg_alone`      | CG's program gives an answer                                          |
| `cg_repeat`     | CG's answer is one that CG gave before                                |
| `cg_must_agree` | CG's answer is IR's or DR's of the round                              |
| `any_two`       | two of the three answers of the round are equal                       |
| `cg_votes`      | the weighed votes for an answer are far enough ahead of the next one's |

`same_round` and `cumulative` are here too, for the fallback `cg`: CG is asked only where they end
without an agreement. Whether a program keeps to its question (`is_grounded`) is a weight of its vote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from lorid_train.interaction.draws import Decision, Draw, How

ThreeWay = Literal["any_two", "cg_must_agree", "cg_alone", "cg_repeat", "cg_votes"]
THREE_WAY: tuple[ThreeWay, ...] = get_args(ThreeWay)
ASKED: Mapping[str, tuple[str, ...]] = {
    "cg_alone": ("cg",),
    "cg_repeat": ("cg",),
    "cg_must_agree": ("cg", "ir", "dr"),
    "any_two": ("cg", "ir", "dr"),
    "cg_votes": ("cg", "ir", "dr"),
    "same_round": ("ir", "dr"),
    "cumulative": ("ir", "dr"),
}
"""The roles whose answers a rule asks for, in the order in which it asks in a round; DR's brings KG's along."""
Agree = Callable[[str | None, str | None], bool]
"""Whether two answers are there and equal."""


class Said(NamedTuple):
    """What one draw comes to."""

    answer: str | None
    is_grounded: bool = False
    """Of a program: whether it keeps to its question."""


class Missing(Exception):  # noqa: N818  (no error)
    """A draw that the rule asks for is not there."""

    def __init__(self, role: str, number: int) -> None:
        super().__init__(role, number)
        self.role, self.number = role, number


@dataclass(frozen=True, slots=True)
class Votes:
    """What `cg_votes` counts a vote as, and how far ahead is enough.

    The weights are log-odds: how much likelier an answer becomes to be right when a role gives it.
    """

    ir: float = 1.0
    dr: float = 1.0
    cg: float = 1.0
    """Of a program that keeps to its question."""
    cg_ungrounded: float = 0.5
    ahead: float = 2.0
    """The lead over the next answer at which the votes are closed."""

    def of(self, role: str, said: Said) -> float:
        """The weight of one vote."""
        if role == "cg":
            return self.cg if said.is_grounded else self.cg_ungrounded
        return self.ir if role == "ir" else self.dr


EQUAL = Votes()
"""One vote each, half a one for a program that does not keep to its question: where nothing was fitted."""


@dataclass(slots=True)
class _Table:
    """The draws of a problem as a rule asks for them; what it has asked for is noted."""

    look: Callable[[str, int], Said | None]
    read: dict[tuple[str, int], Said] = field(default_factory=dict)

    def said(self, role: str, number: int) -> Said:
        if (role, number) not in self.read:
            found = self.look(role, number)
            if found is None:
                raise Missing(role, number)
            self.read[role, number] = found
        return self.read[role, number]

    def answer(self, role: str, number: int) -> str | None:
        return self.said(role, number).answer

    def decided(self, answer: str | None, how: How, number: int) -> Decision:
        return Decision(answer=answer, how=how, round=number, read=tuple(self.read))


def roles_of(rule: str, fallback: str) -> tuple[str, ...]:
    """The roles that a rule may draw, KG included, in the order of a round."""
    roles = list(ASKED[rule])
    if fallback in ("ir", "dr", "cg") and rule != "cg_votes":
        roles += [fallback] if fallback not in roles else []
    return tuple(r for role in roles for r in (("kg", "dr") if role == "dr" else (role,)))


def is_three_way(rule: str, fallback: str) -> bool:
    """Whether programs have a say under a rule and a fallback."""
    return rule in THREE_WAY or (fallback == "cg" and rule in ASKED)


def without_effect(rule: str, fallback: str, abstain_below: float | None) -> list[str]:
    """Options that a rule would pass over in silence, each in a sentence; none where there are none."""
    found = []
    if abstain_below and is_three_way(rule, fallback):
        found.append(
            f"abstain_below {abstain_below:g}: rule {rule!r} with fallback {fallback!r} gives no "
            "probability by which an answer could be withheld; leave it out (0 in a replay), or take a rule of IR and DR"
        )
    if rule == "weighed" and fallback == "cg":
        found.append(
            "fallback 'cg': the rule 'weighed' never asks CG, and gives its likeliest answer; take the fallback ir or none"
        )
    return found


def play(
    look: Callable[[str, int], Said | None],
    *,
    rule: str,
    rounds: int,
    fallback: str,
    agree: Agree,
    votes: Votes = EQUAL,
) -> Decision:
    """Decide one problem; the decision names the draws that were looked at, in the order of asking.

    Args:
        look: (role, round) → what that draw comes to; None where it is not there.
        rule: a key of `ASKED`.
        rounds: t, at least 1.
        fallback: who answers where the rule ends without stopping: `none`, the latest answer of `ir`,
            `dr` or `cg`, or the `majority` of the roles that the rule asks. Under `cg_votes` the leader
            does, unless it is `none`.
        agree: the equality of answers.
        votes: of `cg_votes`.

    Raises:
        Missing: the first draw that is asked for and not there.
    """
    table = _Table(look)
    if rule == "cg_votes":
        return _voted(table, rounds, fallback, agree, votes)
    stop = _STOPS[rule]
    for r in range(1, rounds + 1):
        answer = stop(table, r, agree)
        if answer is not None:
            return table.decided(answer, How.CONSENSUS, r)
    last = _fall_back(table, rule, rounds, fallback, agree)
    return table.decided(last, How.NONE if last is None else How.FALLBACK, rounds)


def _cg_alone(table: _Table, r: int, _: Agree) -> str | None:
    return table.answer("cg", r)


def _cg_repeat(table: _Table, r: int, agree: Agree) -> str | None:
    answer = table.answer("cg", r)
    earlier = (table.answer("cg", i) for i in range(1, r))
    return next((e for e in earlier if agree(e, answer)), None)


def _cg_must_agree(table: _Table, r: int, agree: Agree) -> str | None:
    answer = table.answer("cg", r)
    if answer is None:
        return None  # nobody can agree with it
    return answer if any(agree(answer, table.answer(role, r)) for role in ("ir", "dr")) else None


def _any_two(table: _Table, r: int, agree: Agree) -> str | None:
    given: list[str] = []
    for role in ASKED["any_two"]:
        if role == "dr" and not given:
            return None  # alone it agrees with nobody
        answer = table.answer(role, r)
        if answer is None:
            continue
        if (equal := next((g for g in given if agree(g, answer)), None)) is not None:
            return equal
        given.append(answer)
    return None


def _same_round(table: _Table, r: int, agree: Agree) -> str | None:
    ir = table.answer("ir", r)
    dr = table.answer("dr", r)
    return ir if agree(ir, dr) else None


def _cumulative(table: _Table, r: int, agree: Agree) -> str | None:
    """The candidate with most draws behind it, then IR's of the round: as `rules.decide` has it."""
    sides = {role: [table.answer(role, i) for i in range(1, r + 1)] for role in ("ir", "dr")}
    found = [
        sides[role][-1]
        for role, other in (("ir", "dr"), ("dr", "ir"))
        if any(agree(sides[role][-1], a) for a in sides[other])
    ]
    if len(found) < 2:
        return found[0] if found else None
    said = [a for side in sides.values() for a in side]
    return max(found, key=lambda c: sum(agree(c, a) for a in said))


_STOPS: Mapping[str, Callable[[_Table, int, Agree], str | None]] = {
    "cg_alone": _cg_alone,
    "cg_repeat": _cg_repeat,
    "cg_must_agree": _cg_must_agree,
    "any_two": _any_two,
    "same_round": _same_round,
    "cumulative": _cumulative,
}


def _fall_back(table: _Table, rule: str, rounds: int, fallback: str, agree: Agree) -> str | None:
    """Who answers without an agreement. The latest answer is looked for from the last round backwards."""
    if fallback == "none":
        return None
    if fallback != "majority":
        latest = (table.answer(fallback, r) for r in range(rounds, 0, -1))
        return next((a for a in latest if a is not None), None)
    counts: list[tuple[str, int]] = []
    for r in range(1, rounds + 1):
        for role in ASKED[rule]:
            if (answer := table.answer(role, r)) is None:
                continue
            place = next((i for i, (a, _) in enumerate(counts) if agree(a, answer)), len(counts))
            if place == len(counts):
                counts.append((answer, 0))
            counts[place] = (counts[place][0], counts[place][1] + 1)
    return max(counts, key=lambda c: c[1])[0] if counts else None  # the first of equals


def _voted(table: _Table, rounds: int, fallback: str, agree: Agree, votes: Votes) -> Decision:
    """Votes one after another until an answer is far enough ahead; a draw ahead of need is not asked for."""
    scores: list[tuple[str, float]] = []
    for r in range(1, rounds + 1):
        for role in ASKED["cg_votes"]:
            said = table.said(role, r)
            if said.answer is None:
                continue
            place = next(
                (i for i, (a, _) in enumerate(scores) if agree(a, said.answer)), len(scores)
            )
            if place == len(scores):
                scores.append((said.answer, 0.0))
            scores[place] = (scores[place][0], scores[place][1] + votes.of(role, said))
            first, second = _two_best(scores)
            if first[1] - second >= votes.ahead:
                return table.decided(first[0], How.CONSENSUS, r)
    leader = _two_best(scores)[0][0] if scores and fallback != "none" else None
    return table.decided(leader, How.NONE if leader is None else How.FALLBACK, rounds)


def _two_best(scores: list[tuple[str, float]]) -> tuple[tuple[str, float], float]:
    """The leader, the first of equals, and the score of the next one, 0 without one."""
    order = sorted(scores, key=lambda s: -s[1])
    return order[0], order[1][1] if len(order) > 1 else 0.0


def said_by(draw: Draw, answer_of: Callable[[Draw], str | None]) -> Said:
    """What a draw comes to."""
    return Said(answer_of(draw), draw.executed is not None and draw.executed.is_grounded)


def table_of(
    draws: Iterable[Draw], answer_of: Callable[[Draw], str | None], sampled: str
) -> Callable[[str, int], Said | None]:
    """The draws of one problem under one seed, as `play` looks at them."""
    said = {(d.role, d.round): said_by(d, answer_of) for d in draws if d.condition == sampled}
    return lambda role, number: said.get((role, number))


def keys_of(role: str, number: int) -> Iterator[tuple[str, int]]:
    """The draws behind what a rule asks for: DR's with the knowledge that it reads."""
    if role == "dr":
        yield "kg", number
    yield role, number
