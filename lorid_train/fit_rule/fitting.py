"""From graded draws to a fitted rule. Pure, but for scikit-learn's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Literal, NamedTuple

from lorid_data.errors import InputError
from lorid_train.fit_rule.drawn import Asked, Side, same
from lorid_train.fit_rule.regression import Fitted, folds, logistic
from lorid_train.fit_rule.states import Rows, Seen, features_of, rows_of, states_of
from lorid_train.interaction.rules import Fallback, decide_answers
from lorid_train.interaction.weighed import walk
from lorid_train.interaction.weigher import KINDS, VOTERS, State, Tells, Voter, Weigher, kind

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99)
MOST_DRAWS = (1, 2, 3, 4, 6, 8, 12, 16, 20)
N_FOLDS = 5
FEWEST = 20
"""Original questions; with fewer, five folds say nothing."""
TOLERANCE = 0.01
"""How far below the most accurate parameters the chosen ones may be."""


class Figures(NamedTuple):
    """What a rule did on its own questions, each decided by models that had not seen it; and the loop."""

    accuracy: float
    tokens: float
    """Per question."""
    loop_accuracy: float
    """With IR's or DR's answer as fallback, whichever is better."""
    loop_tokens: float
    is_as_good: bool
    """Whether the rule is right at least as often as the loop."""


@dataclass(frozen=True, slots=True)
class _Question:
    asked: Asked
    seen: tuple[Seen, ...]
    rows: Rows
    fold: int


Aim = Literal["loop", "best"]


def fit(questions: Sequence[Asked], aim: Aim = "loop") -> tuple[Weigher, Figures]:
    """The weights, their calibration, and when to stop.

    Args:
        questions: each with the same number of draws of IR and of DR, two at least.
        aim: the cheapest that is as accurate as the loop, or nearly as accurate as any can be.

    Raises:
        InputError: fewer than `FEWEST` original questions, or all answers are right, or none is.
    """
    n = len({q.original_id for q in questions})
    if n < FEWEST:
        msg = f"{n} questions: a rule is fitted on {FEWEST} or more; evaluate more of a validation split"
        raise InputError(msg)
    made = []
    for q, fold in zip(questions, folds([q.original_id for q in questions], N_FOLDS), strict=True):
        seen = tuple(states_of(q))
        made.append(_Question(q, seen, rows_of(seen), fold))
    whole = _regress(made)
    by_fold = [_regress([q for q in made if q.fold != k]) for k in range(N_FOLDS)]
    calibration = _calibrate(made, by_fold)
    first = Weigher(
        whole.fitted.intercept, whole.fitted.weights, calibration, 0.5, 1, {}, _right(questions), _tokens(questions)
    )  # fmt: skip
    weigher = replace(first, tells=_tells(made, whole), _known={})
    return _stopping(weigher, made, by_fold, aim)


def _regress(questions: Sequence[_Question]) -> _Leaders:
    x = [v for q in questions for v in q.rows.x]
    y = [v for q in questions for v in q.rows.y]
    return _Leaders(logistic(x, y, [v for q in questions for v in q.rows.weight]))


@dataclass(frozen=True, slots=True)
class _Leaders:
    """Who leads in a state, by a regression; worked out once per state."""

    fitted: Fitted
    _known: dict[State, tuple[int, float] | None] = field(default_factory=dict)

    def of(self, state: State) -> tuple[int, float] | None:
        """The place of the likeliest answer, the first of equals, and its log-odds."""
        if state not in self._known:
            odds = [self.fitted.log_odds(x) for x in features_of(state)]
            place = max(range(len(odds)), key=lambda n: (odds[n], -n), default=-1)
            self._known[state] = None if place < 0 else (place, odds[place])
        return self._known[state]


def _calibrate(made: Sequence[_Question], by_fold: Sequence[_Leaders]) -> tuple[float, float]:
    """A and b of calibrated log-odds a + b x, on leaders of questions that were left out."""
    x: list[tuple[float]] = []
    y: list[bool] = []
    weight: list[float] = []
    for q in made:
        led = [(s, found) for s in q.seen if (found := by_fold[q.fold].of(s.state)) is not None]
        for seen, (place, odds) in led:
            x.append((odds,))
            y.append(seen.is_right[place])
            weight.append(1 / len(led))
    line = logistic(x, y, weight, strength=1e6)
    [slope] = line.weights
    if slope <= 0:
        msg = (
            "what votes say of questions that were left out does not hold: their log-odds have a slope of "
            f"{slope:.2f}; fit on more questions"
        )
        raise InputError(msg)
    return line.intercept, slope


def _right(questions: Sequence[Asked]) -> dict[Voter, float]:
    found: dict[Voter, float] = {}
    for voter in VOTERS:
        said = [a in q.right for q in questions for a in getattr(q, voter).said]
        found[voter] = _smoothed(sum(said), len(said))
    return found


def _tokens(questions: Sequence[Asked]) -> dict[Voter, float]:
    found: dict[Voter, float] = {}
    for voter in VOTERS:
        costs = [n for q in questions for n in getattr(q, voter).n_tokens]
        found[voter] = max(sum(costs) / len(costs), 1.0)
    return found


def _smoothed(n_true: float, n: float) -> float:
    return (n_true + 1) / (n + 2)


def _tells(made: Sequence[_Question], leaders: _Leaders) -> Mapping[tuple[Voter, str], Tells]:
    """How often a further draw gives the leader's answer; a question weighs 1 in all."""
    said: dict[tuple[Voter, str, bool], list[float]] = {}
    for q in made:
        for seen in q.seen:
            found = leaders.of(seen.state)
            if found is None:
                continue
            place, weight = found[0], 1 / len(q.seen)
            for n, voter in enumerate(VOTERS):
                coming = seen.next[n]
                if coming is not None:
                    at = said.setdefault(
                        (voter, kind(seen.state, place, n), seen.is_right[place]), [0.0, 0.0]
                    )
                    at[0] += weight * (coming == place)
                    at[1] += weight
    return {
        (v, k): Tells(*(_smoothed(*said.get((v, k, is_right), (0.0, 0.0))) for is_right in (True, False)))
        for v in VOTERS
        for k in KINDS
    }  # fmt: skip


class _Walked(NamedTuple):
    """A game that was never stopped: after each draw the leader's chance, whether it is right, tokens."""

    chance: list[float]
    is_right: list[bool]
    n_tokens: list[int]


def _walked(weigher: Weigher, q: Asked, ir: Side, dr: Side) -> _Walked:
    found = _Walked([], [], [])
    for step in walk(ir.said, dr.said, weigher, rounds=len(ir.said), agree=same):
        order = step.order
        if not order:
            continue
        n = order.count(order[-1]) - 1
        cost = (ir if order[-1] == "ir" else dr).n_tokens[n]
        found.chance.append(step.probability or 0.0)
        found.is_right.append(step.answer in q.right)
        found.n_tokens.append(cost)
    return found._replace(n_tokens=list(accumulate(found.n_tokens)))


def _stopping(
    weigher: Weigher, made: Sequence[_Question], by_fold: Sequence[_Leaders], aim: Aim
) -> tuple[Weigher, Figures]:
    """The cheapest threshold and number of draws that are accurate enough."""
    unseen = [
        replace(weigher, intercept=f.fitted.intercept, weights=f.fitted.weights, _known={})
        for f in by_fold
    ]
    games: list[list[_Walked]] = []
    loop: list[tuple[int, int]] = []
    loop_tokens = 0
    for q in made:
        orders = q.asked.orders()
        games.append([_walked(unseen[q.fold], q.asked, ir, dr) for ir, dr in orders])
        looped = [_looped(q.asked, ir, dr) for ir, dr in orders]
        loop.append((sum(r[0] for r, _ in looped), sum(r[1] for r, _ in looped)))
        loop_tokens += sum(t for _, t in looped)
    n = sum(map(len, games))
    better = max((0, 1), key=lambda i: sum(x[i] for x in loop))
    of_loop = [x[better] for x in loop]
    tried = {
        (threshold, most): _tried(games, of_loop, threshold, most)
        for threshold in THRESHOLDS
        for most in MOST_DRAWS
        if most <= len(games[0][0].chance)
    }
    key = _chosen(tried, n, aim)
    found = tried[key]
    figures = Figures(
        found.n_right / n, found.n_tokens / n, sum(of_loop) / n, loop_tokens / n, found.ahead >= 0
    )
    return replace(weigher, threshold=key[0], most_draws=key[1], _known={}), figures


class _Tried(NamedTuple):
    """What a threshold and a number of draws come to, over all questions and orders."""

    n_right: int
    n_tokens: int
    ahead: int
    """Right answers more than the loop's."""
    error: float
    """The standard error of that, over questions."""


def _tried(
    games: Sequence[Sequence[_Walked]], of_loop: Sequence[int], threshold: float, most: int
) -> _Tried:
    n_right = n_tokens = 0
    ahead = []
    for of_question, looped in zip(games, of_loop, strict=True):
        right, spent = _played(of_question, threshold, most)
        n_right, n_tokens = n_right + right, n_tokens + spent
        ahead.append(right - looped)
    n, total = len(ahead), sum(ahead)
    spread = sum((x - total / n) ** 2 for x in ahead) / max(n - 1, 1)
    return _Tried(n_right, n_tokens, total, math.sqrt(spread * n))


def _chosen(tried: Mapping[tuple[float, int], _Tried], n: int, aim: Aim) -> tuple[float, int]:
    """The cheapest that will do; of equally cheap ones the lower threshold, then the fewer draws."""
    most = max(t.n_right for t in tried.values())
    wanted: dict[Aim, list[Callable[[_Tried], bool]]] = {
        "loop": [lambda t: t.ahead >= t.error, lambda t: t.ahead >= 0],
        "best": [lambda t: t.n_right >= most - TOLERANCE * n],
    }
    for will_do in wanted[aim]:
        good = [k for k, t in tried.items() if will_do(t)]
        if good:
            return min(good, key=lambda k: (tried[k].n_tokens, k))
    return min(tried, key=lambda k: (-tried[k].n_right, tried[k].n_tokens, k))


def _played(games: Sequence[_Walked], threshold: float, most: int) -> tuple[int, int]:
    """Right answers and tokens if every game is stopped like this."""
    n_right = n_tokens = 0
    for g in games:
        last = min(most, len(g.chance)) - 1
        at = next((i for i in range(last) if g.chance[i] >= threshold), last)
        n_right += g.is_right[at]
        n_tokens += g.n_tokens[at]
    return n_right, n_tokens


def _looped(q: Asked, ir: Side, dr: Side) -> tuple[tuple[int, int], int]:
    """Whether the loop is right with IR's and with DR's answer as fallback, and its tokens."""
    of_ir, of_dr = (dict(enumerate(s.said, 1)) for s in (ir, dr))
    rights, last = [], 0
    fallbacks: tuple[Fallback, ...] = ("ir", "dr")
    for fallback in fallbacks:
        d = decide_answers(of_ir, of_dr, rule="same_round", rounds=len(ir.said), fallback=fallback)
        rights.append(int(d.answer in q.right))
        last = d.round
    return (rights[0], rights[1]), sum(ir.n_tokens[:last]) + sum(dr.n_tokens[:last])
