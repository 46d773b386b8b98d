"""What a question is like: properties that its text and its reference solution show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lorid_data.texts.characters import plain

if TYPE_CHECKING:
    from lorid_data.schema import Record

_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
LENGTHS = ((20, "up to 20 words"), (40, "21 to 40 words"), (60, "41 to 60 words"))
LONGEST = "over 60 words"


def numbers_in(text: str) -> list[str]:
    """The plain numbers of a text, as they are written but for commas between thousands."""
    return [n.replace(",", "") for n in _NUMBER.findall(plain(text))]


def length_of(question: str) -> str:
    """A question's length, in four kinds."""
    n = len(question.split())
    return next((name for most, name in LENGTHS if n <= most), LONGEST)


def unused_numbers(question: str, rationale: str) -> str | None:
    """Whether the question gives a number that its solution does not use: some or none.

    None where it cannot be told: the question gives no number, or the solution writes none.
    """
    given, used = set(numbers_in(question)), set(numbers_in(rationale))
    if not given or not used:
        return None
    return "some" if given - used else "none"


def properties(record: Record) -> dict[str, str]:
    """The properties of a record, by name; those that cannot be told are left out."""
    found = {
        "n_words": str(len(record.question.split())),
        "length": length_of(record.question),
        "unused_numbers": unused_numbers(record.question, record.rationale),
    }
    return {k: v for k, v in found.items() if v}
