"""Words: numbers written in them ("seventy-two", "5 million"), and which runs of letters are words at all."""

from __future__ import annotations

import re
from fractions import Fraction

from lorid_data.answers.results import table
from lorid_data.answers.tokens import Tok

_SMALL = {
    w: i
    for i, w in enumerate(
        table("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen
    fourteen fifteen sixteen seventeen eighteen nineteen
    """)
    )
}
_TENS = {
    w: 10 * i
    for i, w in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
    )
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def spelled(text: str) -> int | Fraction | None:
    """The number or the fraction that the whole text spells, or None."""
    whole = spelled_number(text)
    return spelled_fraction(text) if whole is None else whole


def spelled_number(text: str) -> int | None:
    """The number that the whole text spells, or None."""
    words = [w for w in re.split(r"[\s\-,]+", text.lower()) if w]
    if not words or words[0] == "and" or words[-1] == "and":
        return None
    total = current = 0
    seen_unit = False
    for before, word in zip(["", *words], words, strict=False):
        if word in _SMALL and (
            not seen_unit or current % 100 == 0 or (current % 10 == 0 and _SMALL[word] < 10)
        ):
            current += _SMALL[word]
            seen_unit = True
        elif word in _TENS and current % 100 == 0:
            current += _TENS[word]
            seen_unit = True
        elif word == "hundred" and 0 < current < 100:
            current *= 100
        elif word in SCALES and word != "hundred" and current:
            total += current * SCALES[word]
            current, seen_unit = 0, False
        elif word != "and" or before not in SCALES:
            return None
    return total + current if seen_unit or total else None


_PARTS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10,
}  # fmt: skip


def part(word: str) -> int | None:
    """10 for tenths: what the word divides by. Quarters are coins as well, seconds are time."""
    single = word.lower().removesuffix("s").replace("halve", "half")
    if single in ("hundredth", "thousandth"):
        return 100 if single == "hundredth" else 1000
    return None if single == "quarter" else _PARTS.get(single)


def spelled_fraction(text: str) -> Fraction | None:
    """The fraction that the whole text spells ("two thirds", "one-half"), or None."""
    words = text.lower().replace("-", " ").split()
    if len(words) != 2:
        return None
    top = 1 if words[0] in ("a", "an") else _SMALL.get(words[0])
    last = "half" if words[1] == "halves" else words[1]
    bottom = _PARTS.get(last) or _PARTS.get(last.removesuffix("s"))
    return None if not top or bottom is None else Fraction(top, bottom)


_PRODUCTS = frozenset(
    table("""
    no yes odd six ten one two red all day dog cat sun mon tue wed thu fri sat may
    jan
    """)
)
"""Words of up to three letters that are words; every other run of three is a product of variables."""


def is_word(tok: Tok) -> bool:
    """Whether a token is a word, no product of variables."""
    if tok.kind == "text":
        return len(tok.text) > 1
    if tok.kind != "word":
        return False
    return (
        len(tok.text) > 3
        or tok.text.isupper()
        or tok.text[:1].isupper()
        or tok.text.lower() in _PRODUCTS
    )
