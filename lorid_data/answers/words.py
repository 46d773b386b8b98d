"""Numbers written in words: "seventy-two", "two hundred and five", "5 million"."""

from __future__ import annotations

import re

_SMALL = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def spelled_number(text: str) -> int | None:
    """The number that the whole text spells, or None."""
    words = [w for w in re.split(r"[\s\-,]+", text.lower()) if w]
    if not words or words[0] == "and" or words[-1] == "and":
        return None
    total = current = 0
    seen_unit = False
    for word in words:
        if word in _SMALL and (not seen_unit or current % 100 == 0 or (current % 10 == 0 and _SMALL[word] < 10)):
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
        elif word != "and" or not (current or total):
            return None
    return total + current if seen_unit or total else None
