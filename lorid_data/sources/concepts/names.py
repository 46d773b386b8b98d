"""Names of concepts: real ones with their meaning, and words that no language has.

An invented name is either free, for whatever text a base model is trained on, or reserved for
worlds; which of the two follows from its sha256. So a base can be kept from ever reading a name
that a world will ask about.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from lorid_data.schema import sha256_text

REAL_UNITS: tuple[tuple[str, str, int, str], ...] = (
    ("dozen", "dozens", 12, "eggs"),
    ("fortnight", "fortnights", 14, "days"),
    ("week", "weeks", 7, "days"),
    ("year", "years", 12, "months"),
    ("day", "days", 24, "hours"),
    ("decade", "decades", 10, "years"),
    ("spider", "spiders", 8, "legs"),
    ("beetle", "beetles", 6, "legs"),
    ("octopus", "octopuses", 8, "arms"),
    ("deck", "decks", 52, "cards"),
    ("cube", "cubes", 6, "faces"),
    ("pentagon", "pentagons", 5, "sides"),
    ("hexagon", "hexagons", 6, "sides"),
    ("octagon", "octagons", 8, "sides"),
    ("guitar", "guitars", 6, "strings"),
    ("violin", "violins", 4, "strings"),
    ("alphabet", "alphabets", 26, "letters"),
    ("foot", "feet", 12, "inches"),
    ("yard", "yards", 3, "feet"),
    ("fathom", "fathoms", 6, "feet"),
    ("gallon", "gallons", 4, "quarts"),
    ("bushel", "bushels", 4, "pecks"),
    ("peck", "pecks", 8, "quarts"),
    ("pound", "pounds", 16, "ounces"),
    ("stone", "stones", 14, "pounds"),
    ("quarter", "quarters", 25, "cents"),
    ("dime", "dimes", 10, "cents"),
    ("nickel", "nickels", 5, "cents"),
    ("quartet", "quartets", 4, "players"),
    ("sextet", "sextets", 6, "players"),
    ("octet", "octets", 8, "players"),
    ("decathlon", "decathlons", 10, "events"),
    ("lustrum", "lustrums", 5, "years"),
)
"""Name, plural, how many, and of what."""
REAL_FORMULAS = (("average", "sum", "divided by", 2), ("midrange", "sum", "divided by", 2))
"""Name, and what it makes of two numbers."""

_STARTS = (
    *("b", "br", "d", "dr", "fl", "g", "gl", "j", "k", "kl", "l", "m", "n", "pl", "r", "sk"),
    *("t", "tr", "v", "z"),
)
_MIDDLES = ("b", "d", "f", "k", "l", "m", "n", "r", "v", "z")
_ENDS = ("ak", "ib", "ud", "og", "ep", "av", "ok")
_VOWELS = "aeiou"


def is_reserved(name: str) -> bool:
    """Whether an invented name may stand for a concept of a world: three in four may."""
    return int(sha256_text(name)[:8], 16) % 4 != 0


def invented(rng: Random, *, reserved: bool) -> Iterator[str]:
    """Distinct invented names, all of them reserved for worlds or all free, in random order."""
    seen: set[str] = set()
    while True:
        parts = (_STARTS, _VOWELS, _MIDDLES, _ENDS)
        name = "".join(p[rng.randrange(len(p))] for p in parts)
        if name not in seen and is_reserved(name) == reserved:
            seen.add(name)
            yield name
