"""Planted defects: rules and lists made worse on purpose, to measure whoever judges them.

Each function takes a sound row and a random source and gives back the row with one defect, or None
where this row cannot have it. Nothing else of the row changes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lorid_data import prompts
from lorid_data.audit.leaks import names_of
from lorid_data.audit.numbers import numbers, values
from lorid_data.schema import Record

FILLERS, LEAKS = "judge/fillers.v1", "judge/leaks.v1"


@dataclass(frozen=True, slots=True)
class Planted:
    """A row with a defect.

    Attributes:
        row: the row, worse.
        rule_index: the rule that was changed or added; None where it is the list.
        kind: the name of the defect.
    """

    row: Record
    rule_index: int | None
    kind: str


Plant = Callable[[Record, random.Random], tuple[tuple[str, ...], int | None] | None]


def plant(kind: str, row: Record, rng: random.Random) -> Planted | None:
    """The row with a defect of this kind; None where it cannot have it.

    Raises:
        KeyError: no such kind.
    """
    made = PLANTS[kind](row, rng)
    if made is None:
        return None
    rules, index = made
    return Planted(row.model_copy(update={"knowledge": rules}), index, kind)


def _replace(row: Record, i: int, rule: str) -> tuple[tuple[str, ...], int]:
    rules = list(row.knowledge)
    rules[i] = rule
    return tuple(rules), i


def _pick(row: Record, rng: random.Random) -> int:
    return rng.randrange(len(row.knowledge))


def _leak(row: Record, rng: random.Random, value: str) -> tuple[tuple[str, ...], int]:
    template = rng.choice(prompts.load(LEAKS).text.splitlines())
    i = _pick(row, rng)
    # str.replace, not format: rules hold braces of LaTeX.
    return _replace(row, i, template.replace("{value}", value).replace("{rule}", row.knowledge[i]))


def _answer(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int] | None:
    return _leak(row, rng, f"${row.answer}$" if "\\" in row.answer else row.answer)


def _number_in(row: Record, rng: random.Random, text: str, without: frozenset[Fraction]) -> tuple[tuple[str, ...], int] | None:  # fmt: skip
    found = [
        f.text for f in numbers(text) if not f.spelled and f.value > 2 and f.value not in without
    ]
    return _leak(row, rng, rng.choice(found)) if found else None


def _intermediate(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int] | None:
    return _number_in(row, rng, row.rationale, values(row.question) | values(row.answer))


def _question_number(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int] | None:
    return _number_in(row, rng, row.question, values(row.answer))


def _name(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int] | None:
    names = sorted(names_of(row.question))
    if not names:
        return None
    i, rule = _pick(row, rng), ""
    rule, name = row.knowledge[i], rng.choice(names)
    return _replace(
        row, i, rng.choice((f"For {name}, {_lower(rule)}", f"{rule[:-1]}, as {name} does."))
    )


def _sentence(row: Record, rng: random.Random, text: str) -> tuple[tuple[str, ...], int] | None:
    sentences = [s.strip() for s in re.split(r"(?<=[.?!])\s+|\n", text)]
    long = [s for s in sentences if len(re.findall(r"[A-Za-z]{2,}", s)) >= 8 and "[asy]" not in s]
    return _replace(row, _pick(row, rng), rng.choice(long)) if long else None


def _generic(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int]:
    return _replace(row, _pick(row, rng), rng.choice(prompts.load(FILLERS).text.splitlines()))


def _generic_list(row: Record, rng: random.Random) -> tuple[tuple[str, ...], None]:
    fillers = prompts.load(FILLERS).text.splitlines()
    return tuple(rng.sample(fillers, min(len(fillers), len(row.knowledge)))), None


_GOAL_FIRST = re.compile(r"^(To [^,$]+), (\w[^$]*)\.$")
_SYNONYMS = {"find": "get", "total": "overall", "number": "count", "multiply": "multiply", "amount": "quantity", "given": "stated"}  # fmt: skip


def _duplicate(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int]:
    """A copy of a rule with its halves turned round, or with a word exchanged."""
    rule = rng.choice(row.knowledge)
    goal = _GOAL_FIRST.match(rule)
    if goal is not None:
        copy = f"{goal[2][0].upper()}{goal[2][1:]} {_lower(goal[1])}."
    else:
        word = next((w for w in _SYNONYMS if re.search(rf"\b{w}\b", rule)), None)
        copy = re.sub(rf"\b{word}\b", _SYNONYMS[word], rule, count=1) if word else rule.rstrip(".")
    return (*row.knowledge, copy), len(row.knowledge)


def _format(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int]:
    i = _pick(row, rng)
    rule = row.knowledge[i]
    marks = (
        f"{i + 1}. {rule}",
        f"Rule {i + 1}: {rule}",
        f"- {rule}",
        f"**{rule}**",
        f"{rule}\nNext.",
        " ",
    )
    return _replace(row, i, rng.choice(marks))


_OPPOSITES = {
    "add": "subtract", "subtract": "add", "multiply": "divide", "divide": "multiply", "sum": "difference", "difference": "sum",
    "product": "quotient", "multiplied by": "divided by", "divided by": "multiplied by", "plus": "minus", "minus": "plus",
    "twice": "half", "larger": "smaller", "equal to": "greater than",
}  # fmt: skip


def _wrong(row: Record, rng: random.Random) -> tuple[tuple[str, ...], int] | None:
    """A rule whose operation is turned into its opposite."""
    able = [
        (i, word)
        for i, rule in enumerate(row.knowledge)
        for word in _OPPOSITES
        if len(re.findall(rf"\b{word}\b", rule, re.IGNORECASE)) == 1
    ]
    if not able:
        return None
    i, word = rng.choice(able)

    def opposite(m: re.Match[str]) -> str:
        other = _OPPOSITES[word]
        return other.capitalize() if m[0][0].isupper() else other

    return _replace(row, i, re.sub(rf"\b{word}\b", opposite, row.knowledge[i], flags=re.IGNORECASE))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


PLANTS: Mapping[str, Plant] = {
    "answer_leak": _answer,
    "intermediate_leak": _intermediate,
    "question_number": _question_number,
    "name_leak": _name,
    "copied_question": lambda row, rng: _sentence(row, rng, row.question),
    "copied_rationale": lambda row, rng: _sentence(row, rng, row.rationale),
    "generic_rule": _generic,
    "generic_list": _generic_list,
    "duplicate_rule": _duplicate,
    "rule_format": _format,
    "wrong_rule": _wrong,
}
"""Kinds of defects; all but `wrong_rule` have the name of the check that should find them."""


def plant_each(kind: str, rows: Sequence[Record], seed: int) -> list[Planted]:
    """A defect in every row that can have it; the same seed plants the same."""
    made = (plant(kind, row, random.Random(f"{seed}:{kind}:{row.row_id}")) for row in rows)
    return [p for p in made if p is not None]
