"""The counts that a question's draws pass through, and what came of each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from lorid_train.fit_rule.drawn import Asked, Side, same
from lorid_train.interaction.weighed import Answers
from lorid_train.interaction.weigher import START, State, features

MOST = 8
"""Draws of each role in the states that are fitted on."""


class Seen(NamedTuple):
    """One state of one question under one order of its draws."""

    state: State
    is_right: tuple[bool, ...]
    """Of each of the state's answers."""
    next: tuple[int | None, int | None]
    """The place of the answer that IR's, that DR's next draw gives; the first free one is a new
    answer, -1 none; None where there is no further draw."""


def states_of(asked: Asked) -> Iterator[Seen]:
    """Every pair of counts of IR's and DR's draws, but none at all, under every order."""
    for ir, dr in asked.orders():
        for n_ir in range(min(len(ir.said), MOST) + 1):
            for n_dr in range(min(len(dr.said), MOST) + 1):
                if n_ir + n_dr:
                    yield _seen(ir, dr, n_ir, n_dr, asked)


def _seen(ir: Side, dr: Side, n_ir: int, n_dr: int, asked: Asked) -> Seen:
    answers, state = Answers(same), START
    for n in range(max(n_ir, n_dr)):
        if n < n_ir:
            state = state.after(0, answers.add(ir.said[n]))
        if n < n_dr:
            state = state.after(1, answers.add(dr.said[n]))
    right = tuple(a in asked.right for a in answers.given)
    coming = tuple(
        answers.place(side.said[n]) if n < len(side.said) else None
        for side, n in ((ir, n_ir), (dr, n_dr))
    )
    return Seen(state, right, (coming[0], coming[1]))


@cache
def features_of(state: State) -> tuple[tuple[float, ...], ...]:
    """What is looked at of every answer of a state."""
    return tuple(features(state, n) for n in range(len(state.answers)))


class Rows(NamedTuple):
    """Answers of states as rows of a regression; alike ones of one question are one row."""

    x: list[tuple[float, ...]]
    y: list[bool]
    weight: list[float]
    """They add up to 1 over a question."""


def rows_of(seen: Sequence[Seen]) -> Rows:
    """All answers of a question's states."""
    found: dict[tuple[tuple[float, ...], bool], int] = {}
    for s in seen:
        for x, y in zip(features_of(s.state), s.is_right, strict=True):
            found[x, y] = found.get((x, y), 0) + 1
    total = sum(found.values())
    return Rows([x for x, _ in found], [y for _, y in found], [n / total for n in found.values()])
