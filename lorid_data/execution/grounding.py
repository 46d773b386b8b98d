"""Whether a program keeps to its question: its numbers stand there or are common, and it uses all of them.

A check of text, not of meaning: a program may pass it and be wrong. It says nothing about the reference answer,
so that it can be asked of what a model wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from lorid_data.execution.literals import literals, numbers, percentages
from lorid_data.texts.characters import plain

_ALWAYS = (0, 1, 2, 100, Fraction(1, 100), Fraction(1, 2))
"""Numbers that need no reason: nothing, one, a half or a pair, and percent."""
_CONSTANTS = {
    r"half|halv|twice|doubl|pairs?|couple|both|twins?|bi(?:week|month|annual)": "2 1/2",
    r"thrice|tripl|treble|third": "3 1/3 2/3",
    r"quadrupl|fourth|quarter": "4 1/4 3/4 25",
    r"fifth": "5 1/5",
    r"sixth": "6 1/6",
    r"seventh": "7 1/7",
    r"eighth": "8 1/8",
    r"ninth": "9 1/9",
    r"tenth|decades?": "10 1/10",
    r"dozens?": "12",
    r"second|minutes?|hours?|hourly|\bmph\b|[ap]\.?m\b": "60 3600 24 12 30 15",
    r"days?|daily|nights?|midnight|noon|morning|mon|tues|wednes|thurs|fri|satur|sun": "24 7 5 12 60",
    r"weeks?|weekly|weekends?|weekdays?|fortnight": "7 4 5 52 14 12",
    r"months?|monthly|january|february|march|april|may|june|july|august|september|october|november|december": "12 4 30 31 28 29 365 52",
    r"years?|yearly|annual|birthday|ages?|old": "12 52 365 366 24 4 10",
    r"foot|feet|inch|inches|yards?": "12 3 36 1/12 144 9",
    r"miles?": "5280 1760",
    r"pounds?|ounces?|tons?|lbs?|oz": "16 2000 8",
    r"gallons?|quarts?|pints?|cups?|fluid": "4 16 128 8 32",
    r"dollars?|cents?|dimes?|nickels?|pennies|penny|coins?|\$": "10 5 25 1/4 1/10 1/20 20 50",
    r"kilo|\bk?[gml]\b|\bcm\b|\bkm\b|met(?:er|re)|lit(?:er|re)|gram|milli|centi": "1000 10",
    r"squares?|rectang|sides?|perimeter|cubes?|boxes": "4 6 3",
    r"triang": "3 180",
    r"degrees?|circles?|angles?": "180 360 90",
    r"score": "20",
    r"centur": "10",
    r"leg|cow|dog|cat|hors|sheep|goat|chair|table|car|wheel": "4",
    r"average|mean": "3",
}
"""What a word of the question brings along, by the beginning of the word."""
_FIGURES = tuple(
    (re.compile(rf"(?<![^\W\d_])(?:{words})", re.IGNORECASE), tuple(map(Fraction, values.split())))
    for words, values in _CONSTANTS.items()
)


@dataclass(frozen=True, slots=True)
class Grounding:
    """How a program keeps to its question.

    Attributes:
        from_nowhere: numbers of the program that the question neither holds nor brings along.
        unused: numbers of the question that the program does not write.
    """

    from_nowhere: tuple[Fraction, ...]
    unused: tuple[Fraction, ...]

    @property
    def is_grounded(self) -> bool:
        """Whether every number comes from the question, and every number of it is used."""
        return not self.from_nowhere and not self.unused


def grounding(question: str, program: str) -> Grounding:
    """How the numbers of a program and those of its question fit."""
    written = set(literals(program))
    given, shares = set(numbers(question)), set(percentages(question))
    known = given | set(_forms(shares)) | brought_along(question) | common_constants()
    reached = written | {1 / w for w in written if w}
    used = {g for g in given if not reached.isdisjoint((g, *_forms(_shares(g, shares))))}
    unused = {g for g in given - used if g not in _ALWAYS and not _is_part(g, given, used)}
    return Grounding(tuple(sorted(written - known)), tuple(sorted(unused)))


def common_constants() -> frozenset[Fraction]:
    """The numbers that need no reason."""
    return frozenset(Fraction(v) for v in _ALWAYS)


@lru_cache(maxsize=4096)
def brought_along(question: str) -> frozenset[Fraction]:
    """The constants that the words of a question bring along: 7 where it speaks of weeks."""
    question = plain(question)
    return frozenset(v for words, values in _FIGURES if words.search(question) for v in values)


def _forms(shares: Iterable[Fraction]) -> Iterator[Fraction]:
    """What percentages are in a calculation: 20 is 0.2, 1.2, 0.8, 80 and 120, too."""
    for v in shares:
        yield from (v, v / 100, 100 - v, 100 + v, 1 - v / 100, 1 + v / 100)


def _shares(value: Fraction, shares: set[Fraction]) -> list[Fraction]:
    """The percentage that a number of a question is, as written or as a fraction; none where it is none."""
    return [v for v in (value, value * 100) if v in shares]


def _is_part(value: Fraction, given: set[Fraction], used: set[Fraction]) -> bool:
    """Whether a number is only a part of another one that is used: the 1 and the 4 of 1/4."""
    return any(
        g in used and value in (g.numerator, g.denominator) and g.denominator > 1 for g in given
    )
