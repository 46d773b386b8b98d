"""The steps of a rationale: its calculator annotations, or plain equations in its text; pure.

An annotation is `<<48/2=24>>` (Cobbe et al. 2021); a plain equation is arithmetic in text, `48 / 2 = 24` or
`$5 x 3 = $15`. What is no arithmetic with numbers alone (`2x + 3 = 7`) is no step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from lorid_data.texts.calculate import calculate, number

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+"
_OPERAND = rf"\$?\s?(?:{_NUMBER})\s?%?"
_TERM = rf"(?:\(\s?)*-?\s?{_OPERAND}(?:\s?\))*"
_SIDE = (
    rf"{_TERM}(?:\s?(?:[-+*/×÷–−]|(?<=[\d\s)])[xX](?=[\s\d$(.]))\s?{_TERM}|\s?(?<=[\d)])\({_TERM})*"
)
_EQUATION = re.compile(rf"(?<![\w.^/])(?P<sides>{_SIDE}(?:\s?=\s?{_SIDE})+)(?![\w^(])", re.ASCII)
_UNIT = re.compile(
    r"(?<=[\d%)])(?:\s(?![xX]\b)[A-Za-z]{1,20}|\s?/\s?[A-Za-z]{1,20}){1,4}(?=\s?[-+*/=×÷–−)]|\s[xX]\s)",
    re.ASCII,
)
"""What a number counts, between it and a sign: `14 pieces/house * 60 houses = 840`."""
_TOKEN = re.compile(r"\d+(?:\.\d*)?|\.\d+|[-+*/()]", re.ASCII)
_SIGNS = str.maketrans({"×": "*", "x": "*", "X": "*", "÷": "/", "–": "-", "−": "-", ",": None, "$": None})  # fmt: skip
_MOST_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Step:
    """One calculation.

    Attributes:
        tokens: numbers, signs and brackets of its left side, in their order.
        value: what the left side is worth, exactly.
        shown: what stands on the right, exactly as a number.
        digits: decimals that the right side is written with.
    """

    tokens: tuple[str, ...]
    value: Fraction
    shown: Fraction
    digits: int

    @property
    def is_calculation(self) -> bool:
        """Whether anything is computed: `24 = 24` only repeats a number."""
        return any(t in ("+", "-", "*", "/") for t in self.tokens[1:])


def has_annotations(rationale: str) -> bool:
    """Whether a rationale holds anything that looks like an annotation."""
    return _ANNOTATION.search(rationale) is not None


def annotated(rationale: str) -> list[Step]:
    """The steps of the annotations that are arithmetic, in their order."""
    found = (step_of(m[1]) for m in _ANNOTATION.finditer(rationale[:_MOST_CHARS]))
    return [s for s in found if s is not None]


def all_steps(rationale: str) -> list[Step]:
    """The steps of annotations and of plain equations, in their order.

    An equation whose result an annotation writes (`48/2 = <<48/2=24>>24`) is one step, the annotation's.
    """
    steps: list[tuple[int, Step]] = []
    text = rationale[:_MOST_CHARS]
    for m in _ANNOTATION.finditer(text):
        if (step := step_of(m[1])) is not None:
            steps.append((m.start(), step))
    # Blanks keep the places; a result behind an annotation stays in its equation.
    plain = _UNIT.sub(_blank, _ANNOTATION.sub(_blank, text))
    holes = [m.start() for m in _ANNOTATION.finditer(text)]
    squeezed, places = _squeezed(plain)
    for m in _EQUATION.finditer(squeezed):
        start, end = places[m.start()], places[m.end() - 1]
        if any(start <= h <= end for h in holes):
            continue
        steps += [(start, s) for s in _of_chain(m["sides"])]
    return [s for _, s in sorted(steps, key=lambda at: at[0])]


def _blank(m: re.Match[str]) -> str:
    return " " * len(m[0])


def step_of(equation: str) -> Step | None:
    """`48/2=24` as a step; None where it is no arithmetic, or its sides differ by more than rounding."""
    left, equals, right = equation.rpartition("=")
    shown = number(right)
    if not equals or shown is None:
        return None
    digits = len(right.strip().partition(".")[2])
    for text in (_bare(left), _percent(left)):
        value = calculate(text)
        if value is not None and abs(value - shown) < Fraction(1, 10**digits):
            return Step(tuple(_TOKEN.findall(_explicit(text))), value, shown, digits)
    return None


def _of_chain(sides: str) -> Iterator[Step]:
    """`2 * 3 = 6`, or of `3 * 4 + 2 = 12 + 2 = 14` every part that is worth the last."""
    *lefts, last = sides.split("=")
    for left in lefts:
        step = step_of(f"{left.translate(_SIGNS)}={last.translate(_SIGNS).strip()}")
        if step is not None and step.is_calculation:
            yield step
            return


def _bare(text: str) -> str:
    return _explicit(text.replace("%", ""))


def _percent(text: str) -> str:
    """With `20%` as `(20/100)`."""
    return _explicit(re.sub(r"(\d+(?:\.\d*)?|\.\d+)\s?%", r"(\1/100)", text))


def _explicit(text: str) -> str:
    """With a sign where brackets mean a product: `5(3)` is `5*(3)`."""
    return re.sub(r"(?<=[\d.)])\s*(?=\()|(?<=\))\s*(?=[\d.])", "*", text)


def _squeezed(text: str) -> tuple[str, list[int]]:
    """A text with one blank for several, and where each character came from."""
    kept = [i for i, c in enumerate(text) if c != " " or not i or text[i - 1] != " "]
    return "".join(text[i] for i in kept), kept
