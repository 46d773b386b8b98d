"""Numbers of a rule that belong to one question, told from constants and structure.

`Divide by 60 to get hours` holds a constant of time, `$b^2-4ac$` the structure of a formula. Neither
is taken from a question, however often the question holds the same number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from lorid_data.audit.formulas import plain_spans
from lorid_data.audit.words import lexicon, stem, words
from lorid_data.texts.characters import in_place

_DIGITS = r"\d{1,3}(?:(?:,|\{,\}|,\\!)\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_FRACTION = re.compile(r"\\[dt]?frac\s*\{(-?\d+)\}\s*\{(\d+)\}|\\[dt]?frac\s*(\d)\s*(\d)")
_SLASH = re.compile(r"(?<![\w./])(\d+)\s*/\s*(\d+)(?![\w/]|\.\d)")
_NUMBER = re.compile(rf"(?<![\w.])(?:{_DIGITS})(?!\d)")
_SCRIPT = re.compile(r"[\^_]\s*\{?\s*-?\s*$|\\(?:sqrt|log)\s*\[\s*$|\blog_\{?$")
_RESULT = re.compile(
    r"(?:=|≈|\b(?:is|are|equals?|gives?|giving|gets?|getting|obtain|yields?|leaves?|makes?|totals?|result(?:s|ing)? in"
    r"|come(?:s)? to|so|becomes?)(?: exactly| equal to| to)?)\s*[$(]*\s*(?:\\\$)?\s*-?$",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"\b(?:answer|solution|final (?:\w+ )?\w+|the result) ?(?:is|are|equals?|of|:|=)\W*-?$",
    re.IGNORECASE,
)
_MORE = re.compile(r"\s*(?:times|more|less|fewer|or more|or less|and|to)\b", re.IGNORECASE)
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_SPELLED = {w: i for i, w in enumerate(_SMALL)}
_ROUND = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {w: 10 * i for i, w in enumerate(_ROUND, 2)}
_SPELLED_OUT = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<unit>{'|'.join(_SMALL[1:10])}))?|(?P<small>{'|'.join(_SPELLED)}))"
    r"(?P<hundred>[- ]hundred)?\b",
    re.IGNORECASE,
)
_WINDOW = 60
"""Characters on each side in which a constant's unit is looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A number in a text.

    Attributes:
        value: exactly.
        start: where it begins.
        end: where it ends.
        text: as written.
        spelled: whether it is written out in words.
    """

    value: Fraction
    start: int
    end: int
    text: str
    spelled: bool = False


_MOST_DIGITS = 40
"""Digits of a number that is read: longer ones are no quantity of a problem."""
_MOST_TEXT, _MOST_RULE = 20_000, 2_000
"""Characters of a text, and of a rule, that are read for numbers."""


@lru_cache(maxsize=1 << 14)
def numbers(text: str) -> tuple[Found, ...]:
    """Every number of a text's first 20,000 characters: digits, fractions and words, from left to right."""
    text = in_place(text[:_MOST_TEXT])
    found: list[Found] = []
    taken = bytearray(len(text))
    for f in _in_order(text):
        if not any(taken[f.start : f.end]):
            taken[f.start : f.end] = b"\x01" * (f.end - f.start)
            found.append(f)
    return tuple(sorted(found, key=lambda f: f.start))


def _in_order(text: str) -> Iterator[Found]:
    for m in _FRACTION.finditer(text):
        top, bottom = m[1] or m[3], m[2] or m[4]
        if len(top + bottom) <= _MOST_DIGITS and int(bottom):
            yield Found(Fraction(int(top), int(bottom)), m.start(), m.end(), m[0])
    for m in _SLASH.finditer(text):
        if len(m[1] + m[2]) <= _MOST_DIGITS and int(m[2]):
            yield Found(Fraction(int(m[1]), int(m[2])), m.start(), m.end(), m[0])
    for m in _NUMBER.finditer(text):
        digits = re.sub(r",\\!|\{,\}|,", "", m[0])
        if len(digits) <= _MOST_DIGITS:
            yield Found(Fraction(digits), m.start(), m.end(), m[0])
    for m in _SPELLED_OUT.finditer(text):
        value = _TENS.get((m["tens"] or "").lower(), 0) + _SPELLED.get(
            (m["unit"] or m["small"] or "").lower(), 0
        )
        yield Found(
            Fraction(value * (100 if m["hundred"] else 1)), m.start(), m.end(), m[0], spelled=True
        )


@lru_cache(maxsize=8)
def values(text: str) -> frozenset[Fraction]:
    """The values of all numbers of a text; a percentage also as a fraction."""
    found = set()
    text = in_place(text)
    for f in numbers(text):
        found.add(f.value)
        if text[f.end : f.end + 1] == "%" or text[f.end : f.end + 2] == "\\%":
            found.add(f.value / 100)
    return frozenset(found)


@lru_cache(maxsize=1 << 14)
def of_a_question(rule: str) -> tuple[Found, ...]:
    """The numbers of a rule that are neither constants nor structure.

    The first 2,000 characters of a rule are read.

    * 0, 1 and 2, exponents, indices and number words up to twelve are structure, unless the rule
      calls them the answer;
    * so are single digits in a formula with letters, unless it says what a letter equals;
    * a number near a word of its unit or figure is a constant (`60 minutes`, `180°`).
    """
    rule = in_place(rule[:_MOST_RULE])
    return tuple(f for f in numbers(rule) if _is_final(rule, f) or not _is_general(rule, f))


def _is_final(rule: str, f: Found) -> bool:
    return _FINAL.search(rule[max(0, f.start - _WINDOW) : f.start]) is not None


def _is_general(rule: str, f: Found) -> bool:
    before, after = rule[max(0, f.start - _WINDOW) : f.start], rule[f.end :]
    if _SCRIPT.search(before) is not None:
        return True
    result = _RESULT.search(before) is not None and _MORE.match(after) is None
    if abs(f.value) <= 2 and f.value.denominator == 1:
        return True
    if f.spelled and f.value <= 12 and not result:
        return True
    if _in_formula_with_letters(rule, f) and _is_coefficient(f) and not _is_said_to_equal(rule, f):
        return True
    return _is_constant(rule, f)


def _is_constant(rule: str, f: Found) -> bool:
    near = lexicon().constants.get(str(f.value))
    if near is None:
        return False
    around = rule[max(0, f.start - _WINDOW) : f.end + _WINDOW]
    degree = "circ" in around or "°" in around
    return (degree and "degr" in near) or any(stem(w) in near for w in words(around)) or (
        "%" in around and "percent" in near
    )  # fmt: skip


def _is_coefficient(f: Found) -> bool:
    """A number that formulas are made of: one digit, a fraction of such, 10, 100, 180, 360."""
    top, bottom = abs(f.value.numerator), f.value.denominator
    return (top <= 10 and bottom <= 10) or (bottom == 1 and top in (90, 100, 180, 360))


_LETTER = re.compile(
    r"(?<![A-Za-z\\])[A-Za-z]|\\(?:theta|alpha|beta|pi|phi|omega|lambda|sin|cos|tan)\b"
)


def _formula_around(rule: str, f: Found) -> tuple[int, int] | None:
    start = rule.rfind("$", 0, f.start)
    if start < 0 or rule.count("$", 0, f.start) % 2 == 0:
        return next(((a, b) for a, b in plain_spans(rule) if a <= f.start < b), None)
    end = rule.find("$", f.end)
    return (start + 1, end) if end >= 0 else None


def _in_formula_with_letters(rule: str, f: Found) -> bool:
    span = _formula_around(rule, f)
    return span is not None and _LETTER.search(rule[span[0] : span[1]]) is not None


def _is_said_to_equal(rule: str, f: Found) -> bool:
    """Whether the formula is `letter = number` and no more."""
    span = _formula_around(rule, f)
    if span is None:
        return False
    inside = rule[span[0] : span[1]].replace(" ", "")
    return (
        re.fullmatch(rf"[A-Za-z](?:_\w)?=-?{re.escape(f.text.replace(' ', ''))}", inside)
        is not None
    )
