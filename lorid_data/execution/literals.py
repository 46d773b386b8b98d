"""The numbers that stand in a program and in a question: read by rule, nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from lorid_data.texts.characters import plain

_MOST_CHARS = 20_000
_MOST_DIGITS = 40
_PLAIN = r"\d[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d{1,2})?|\.\d+"
_TOKEN = re.compile(
    r"(?P<text>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    rf"|\#[^\n]*|[^\W\d]\w*|(?P<number>{_PLAIN})",
    re.ASCII | re.DOTALL,
)
_DIGITS = re.compile(
    r"(?<![\w.])(?P<top>\d+)\s*/\s*(?P<bottom>\d+)(?![\w/])"
    r"|(?<![\d.])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<percent>\s*(?:%|percent\b))?",
    re.ASCII | re.IGNORECASE,
)
_MIXED = re.compile(r"(?<![\w.])(\d+)(?:\s+|-|\s+and\s+)(\d+)\s*/\s*(\d+)(?![\w/])", re.ASCII)
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {w: i for i, w in enumerate(_ONES)} | {w: 10 * i for i, w in enumerate(_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ONE_WORD = rf"(?:{'|'.join((*_WORDS, *_SCALES))})"
_PHRASE = re.compile(rf"\b{_ONE_WORD}(?:(?:[ -]|,? and ){_ONE_WORD})*\b", re.IGNORECASE)


def literals(program: str) -> Iterator[Fraction]:
    """The numbers that a program writes out, in their order; those in texts of nothing else too.

    `Decimal("0.15")` holds 0.15; a comment, a name and a sentence hold none.
    """
    for m in _TOKEN.finditer(program[:_MOST_CHARS]):
        text = (m["text"] or "").strip("'\"").strip()
        text = plain(text)
        number = m["number"] or (text if re.fullmatch(_PLAIN, text, re.ASCII) else None)
        if number is not None and len(number) <= _MOST_DIGITS:
            yield Fraction(number.replace("_", "").rstrip("."))


def numbers(text: str) -> Iterator[Fraction]:
    """The numbers of a text, in digits, as fractions and in words; a percentage also as a fraction.

    A mixed number (`2 1/2`) gives itself and its parts; `1/4` gives itself, 1 and 4.
    """
    text = plain(text[:_MOST_CHARS])
    for m in _MIXED.finditer(text):
        if _is_short(m[0]) and int(m[3]):
            yield int(m[1]) + Fraction(int(m[2]), int(m[3]))
    for m in _DIGITS.finditer(text):
        if not _is_short(m[0]):
            continue
        if m["top"]:
            yield from (Fraction(m["top"]), Fraction(m["bottom"]))
            if int(m["bottom"]):
                yield Fraction(int(m["top"]), int(m["bottom"]))
            continue
        value = Fraction(m["number"].replace(",", ""))
        yield value
        if m["percent"]:
            yield value / 100
    yield from _spelled(text)


def percentages(text: str) -> Iterator[Fraction]:
    """The numbers of a text that are percentages: 20 for `20%` and `20 percent`."""
    for m in _DIGITS.finditer(plain(text[:_MOST_CHARS])):
        if m["percent"] and _is_short(m[0]):
            yield Fraction(m["number"].replace(",", ""))


def _is_short(text: str) -> bool:
    return len(text) <= _MOST_DIGITS


def _spelled(text: str) -> Iterator[Fraction]:
    """`twenty-five`, `three hundred`, `two thousand`: the whole and each word."""
    for m in _PHRASE.finditer(text):
        total, current = 0, 0
        for word in re.findall(r"[a-z]+", m[0].lower()):
            if word == "and":
                continue
            own = _WORDS.get(word, _SCALES.get(word, 0))
            yield Fraction(own)
            if word == "hundred":
                current = max(current, 1) * own
            elif word in _SCALES:
                total, current = total + max(current, 1) * own, 0
            else:
                current += own
        yield Fraction(total + current)
