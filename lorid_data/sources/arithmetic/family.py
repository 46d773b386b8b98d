"""A family of word problems as data: phrasings, steps and rules; drawing one needs no more.

A step is its own text, `"{a} / 2 = {b} {things} in {month2}."`: the equation in it computes the
number on its right, so that a rationale cannot disagree with its arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from lorid_data.sources.arithmetic.words import POOLS

SMALLEST, LARGEST = 2, 200
"""Every number of a problem lies in this range, so that nouns are plural and students small."""
NAMES = "abcdefghijklmnopqrstuvwxyz"
"""What the results of a program's steps are called, in their order."""

_EQUATION = re.compile(r"(\{\w+\}|\d+) ([-+*/]) (\{\w+\}|\d+) = \{(\w+)\}")
_SLOT = re.compile(r"\{(\w+)\}")
_ATTEMPTS = 500


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of problem.

    Attributes:
        name: the subject of its problems.
        numbers: the range of each number that is drawn: (lowest, highest) or (lowest, highest,
            step); the highest belongs to it.
        hidden: equations worked out before the question, for numbers that must fit others.
        phrasings: at least three wordings of the question.
        steps: what the rationale says, one equation each; the last result is the answer.
        knowledge: general rules, with no number and no name of any problem.
    """

    name: str
    numbers: Mapping[str, tuple[int, int] | tuple[int, int, int]]
    phrasings: tuple[str, ...]
    steps: tuple[str, ...]
    knowledge: tuple[str, ...]
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """One problem of a family: the texts that follow from its numbers and words."""

    question: str
    rationale: str
    answer: str
    program: str
    """The steps as a program: a result that a later step uses is a name, whatever its value."""


def draw(family: Family, rng: Random, scale: int = 1) -> Instance:
    """Draw one problem. Deterministic: only `rng.randrange` is used.

    Args:
        family: what it is a problem of.
        rng: where its numbers and words come from.
        scale: how many times larger its numbers may be; above 1 one of them at least is larger than
            any of an ordinary problem.

    Raises:
        ValueError: the ranges of the family hardly ever give numbers that fit: at scale 1 a mistake in it,
            above that the end of a family whose numbers cannot grow, such as hours of a day.
    """
    for _ in range(_ATTEMPTS * scale):
        values = _solve(family, rng, scale)
        if values is not None:
            break
    else:
        msg = (
            f"family {family.name!r}: no fitting numbers in {_ATTEMPTS} attempts; widen its ranges"
        )
        raise ValueError(msg)
    phrasing = family.phrasings[rng.randrange(len(family.phrasings))]
    texts = {k: str(v) for k, v in values.items()} | _words(family, rng)
    rationale = " ".join(family.steps).format_map(texts)
    answer = str(values[_result(family.steps[-1])])
    return Instance(phrasing.format_map(texts), rationale, answer, _program(family, values))


def _program(family: Family, values: Mapping[str, int]) -> str:
    """One line a step: numbers of the question as they are, earlier results by name."""
    names: dict[str, str] = {}

    def operand(slot: str) -> str:
        return names.get(slot[1:-1], str(values[slot[1:-1]])) if slot.startswith("{") else slot

    lines = []
    for i, step in enumerate(family.steps):
        found = _EQUATION.search(step)
        assert found is not None, step
        name = "answer" if step is family.steps[-1] else NAMES[i]
        lines.append(f"{name} = {operand(found[1])} {found[2]} {operand(found[3])}")
        names[found[4]] = name
    return "\n".join(lines)


def _solve(family: Family, rng: Random, scale: int) -> dict[str, int] | None:
    """Draw the numbers and work out the rest; None where one is no integer or out of range."""
    values: dict[str, int] = {}
    for name, bounds in family.numbers.items():
        low, high, step = (*bounds, 1)[:3]
        values[name] = low + step * rng.randrange((scale * high - low) // step + 1)
    for text in (*family.hidden, *family.steps):
        found = _EQUATION.search(text)
        if found is None:
            msg = f"family {family.name!r}: no equation in step {text!r}"
            raise ValueError(msg)
        left, right = (
            values[x[1:-1]] if x.startswith("{") else int(x) for x in (found[1], found[3])
        )
        result = compute(left, found[2], right)
        if result is None or not SMALLEST <= result <= scale * LARGEST:
            return None
        values[found[4]] = result
    return values if scale == 1 or max(values.values()) > LARGEST else None


def compute(left: int, operator: str, right: int) -> int | None:
    """`left operator right` for + - * /; None where a division is not exact."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left // right if right and left % right == 0 else None


def _result(step: str) -> str:
    found = _EQUATION.search(step)
    assert found is not None, step
    return found[4]


def _words(family: Family, rng: Random) -> dict[str, str]:
    """A word for each slot that the family uses, never one word twice."""
    used = _SLOT.findall(" ".join((*family.phrasings, *family.steps)))
    words: dict[str, str] = {}
    for slot in POOLS:  # in the pools' order, so that a new phrasing changes no other draw
        if slot in used:
            pool = [w for w in POOLS[slot] if w not in words.values()]
            words[slot] = pool[rng.randrange(len(pool))]
    return words
