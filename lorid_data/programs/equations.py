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
from lorid_data.texts.characters import in_place

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+"
_PIECE = re.compile(
    rf"\s*(?:(?P<number>{_NUMBER})|(?P<sign>[-+*/×÷–−=()$%]|(?<=[\s\d)])[xX](?=[\s\d(.$])))",
    re.ASCII,
)
"""Of what equations are made; what stands between two of them ends an equation."""
_RESULT = re.compile(rf"\s*-?\s*(?:{_NUMBER})(?:\s?%)?", re.ASCII)
_UNIT = re.compile(
    r"(?<=[\d%)])(?:\s(?![xX]\b)[A-Za-z]{1,20}|\s?/\s?[A-Za-z]{1,20}){1,4}(?=\s?[-+*/=×÷–−)]|\s[xX]\s)",
    re.ASCII,
)
"""What a number counts, between it and a sign: `14 pieces/house * 60 houses = 840`."""
_TOKEN = re.compile(r"\d+(?:\.\d*)?|\.\d+|[-+*/()]", re.ASCII)
_SIGNS = str.maketrans({"×": "*", "x": "*", "X": "*", "÷": "/", "–": "-", "−": "-", ",": None, "$": None})  # fmt: skip
_MOST_CHARS, _MOST_CHAIN = 20_000, 400


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
    text = in_place(rationale[:_MOST_CHARS])
    for m in _ANNOTATION.finditer(text):
        if (step := step_of(m[1])) is not None:
            steps.append((m.start(), step))
    # Blanks keep the places of what follows.
    plain = _UNIT.sub(_blank, _ANNOTATION.sub(_blank, text))
    holes = [m.start() for m in _ANNOTATION.finditer(text)]
    for start, end in _runs(plain):
        if not any(start <= h <= end for h in holes):
            steps += [(start, s) for s in _of_chain(plain[start:end].translate(_SIGNS))]
    return [s for _, s in sorted(steps, key=lambda at: at[0])]


def _blank(m: re.Match[str]) -> str:
    return " " * len(m[0])


def step_of(equation: str) -> Step | None:
    """`48/2=24` as a step; None where it is no arithmetic, or its sides differ by more than rounding."""
    left, equals, right = in_place(equation).rpartition("=")
    shown = number(right)
    if not equals or shown is None:
        return None
    digits = len(right.strip().partition(".")[2])
    for text in (_bare(left), _percent(left)):
        value = calculate(text)
        if value is not None and abs(value - shown) < Fraction(1, 10**digits):
            return Step(tuple(_TOKEN.findall(_explicit(text))), value, shown, digits)
    return None


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where pieces of equations stand side by side, an equals sign among them. Reads each character once."""
    start = end = 0
    has_equals = is_number = False
    for m in _PIECE.finditer(text):
        # Two numbers side by side are two things, and so is what a word or a full stop parts.
        if m.start() != end or (m["number"] is not None and is_number):
            if has_equals:
                yield start, end
            start, has_equals = m.start(), False
        end, is_number = m.end(), m["number"] is not None
        has_equals = has_equals or m["sign"] == "="
    if has_equals:
        yield start, end


def _of_chain(chain: str) -> Iterator[Step]:
    """`2 * 3 = 6`; of `3 * 4 + 2 = 12 + 2 = 14` the first part that is worth the last."""
    *lefts, last = chain[:_MOST_CHAIN].split("=")
    result = _RESULT.match(last)
    for left in lefts if result is not None else ():
        text = left.strip()
        for side in (text, text.strip("-+*/ "), _balanced(text)):
            step = step_of(f"{side}={result[0].strip()}") if result is not None else None
            if step is not None and step.is_calculation:
                yield step
                return


def _balanced(text: str) -> str:
    """Without a bracket in front whose other half stands behind the result: `(3 * 4 = 12)`."""
    return text.removeprefix("(") if text.count("(") > text.count(")") else text


def _bare(text: str) -> str:
    return _explicit(text.replace("%", ""))


def _percent(text: str) -> str:
    """With `20%` as `(20/100)`."""
    return _explicit(re.sub(r"(\d+(?:\.\d*)?|\.\d+)\s?%", r"(\1/100)", text))


def _explicit(text: str) -> str:
    """With a sign where brackets mean a product: `5(3)` is `5*(3)`."""
    return re.sub(r"(?<=[\d.)])\s*(?=\()|(?<=\))\s*(?=[\d.])", "*", text)
