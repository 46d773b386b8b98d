"""Words of a rule: tokens, stems and the packaged word lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from lorid_data.pages.page import packaged
from lorid_data.texts.characters import in_place

_OF_ONE_ROW = 8
"""Texts whose words are kept: each check of each rule reads those of its row again."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_IRREGULAR = {
    "halves": "half", "vertices": "vertex", "indices": "index", "matrices": "matrix", "axes": "axis", "feet": "foot",
    "dice": "die", "summation": "sum", "summed": "sum", "summing": "sum", "summand": "sum", "addend": "add", "added": "add",
    "adding": "add", "squaring": "square", "squared": "square", "cubing": "cube", "cubed": "cube", "dividing": "divide",
    "combination": "choose", "combinations": "choose", "multiplier": "multiply", "multiplicand": "multiply", "radii": "radius", "bases": "base", "series": "series",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The packaged word lists, as stems; `proper` as written."""

    specific: frozenset[str]
    operations: frozenset[str]
    function: frozenset[str]
    proper: frozenset[str]
    no_names: frozenset[str]
    constants: Mapping[str, frozenset[str]]
    """Words near which a number is a constant, by its digits."""


@cache
def lexicon() -> Lexicon:
    """The word lists of `words.yaml`."""
    import yaml

    body = yaml.safe_load(packaged("lorid_data.audit", "words.yaml"))
    return Lexicon(
        specific=frozenset(map(stem, body["specific"].split())),
        operations=frozenset(map(stem, body["operations"].split())),
        function=frozenset(body["function"].split()),
        proper=frozenset(body["proper"].split()),
        no_names=frozenset(body["no_names"].split()),
        constants={str(k): frozenset(map(stem, v.split())) for k, v in body["constants"].items()},
    )


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """One spelling for the forms of a word: `Dividing`, `divides`, `divided` → `divid`."""
    w = re.sub(r"['’]s?$", "", word.lower())
    w = _IRREGULAR.get(w, w)
    for ending, least in (
        ("ations", 4),
        ("ation", 4),
        ("ing", 4),
        ("ies", 3),
        ("ied", 3),
        ("ed", 3),
    ):
        if w.endswith(ending) and len(w) - len(ending) >= least - 1:
            w = w[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    else:
        if w.endswith("s") and not w.endswith("ss") and len(w) > 3:
            w = w[:-1]
    if len(w) > 3 and w[-1] == w[-2] and w[-1] not in "sl":
        w = w[:-1]
    return w[:-1] if w.endswith("e") and len(w) > 3 else w


_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LEAST_WORDS = 8
_LEAST_FUNCTION = 0.17
"""Of the different words of rules in English a fifth at least are function words; in other languages a sixth at most."""


_OTHERS = frozenset(
    [
        "el",
        "los",
        "las",
        "del",
        "que",
        "por",
        "para",
        "con",
        "una",
        "les",
        "du",
        "et",
        "est",
        "pour",
        "dans",
        "une",
        "der",
        "das",
        "und",
        "ist",
        "mit",
        "dem",
        "den",
        "ein",
        "eine",
        "zu",
        "von",
        "il",
        "che",
        "di",
        "gli",
        "della",
        "os",
        "em",
        "com",
        "não",
        "uma",
        "y",
        "la",
        "le",
        "de",
        "se",
        "og",
        "på",
        "är",
        "och",
        "het",
        "een",
        "van",
    ]
)
"""Function words of other languages that are no words of English."""


@lru_cache(maxsize=_OF_ONE_ROW)
def is_covered(text: str, context: str = "") -> bool:
    """Whether the word lists cover the language of a text: all of them are of English.

    Where the text holds too few different words to tell, those of its context are read, too; if they
    are still too few, it counts as covered.
    """
    said = words(text)
    letters = "".join(said)
    if 2 * len(_LATIN.findall(letters)) < len(letters):
        return False
    distinct = {w.lower() for w in said}
    if len(distinct) < _LEAST_WORDS:
        distinct |= {w.lower() for w in words(context)}
    n_function = len(distinct & lexicon().function)
    if len(distinct) < _LEAST_WORDS or n_function >= _LEAST_FUNCTION * len(distinct):
        return True
    return bool(n_function) and not distinct & _OTHERS


def words(text: str) -> list[str]:
    """The words of a text as they are written; LaTeX commands and numbers are none."""
    return _WORD.findall(_COMMAND.sub(" ", text))


@lru_cache(maxsize=1 << 14)
def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words, function words left out."""
    function = lexicon().function
    return tuple(stem(w) for w in words(text) if w.lower() not in function)


@lru_cache(maxsize=_OF_ONE_ROW)
def shingle_words(text: str) -> tuple[str, ...]:
    """Lower-case words with every number as `#`: what a copied sentence keeps."""
    plain = _COMMAND.sub(" ", in_place(text)).lower()
    return tuple(re.findall(r"[^\W\d_]+|#", re.sub(r"\d+(?:[.,]\d+)*", "#", plain)))


_MOST_A, _MOST_B = 200, 3000


def longest_shared_run(a: tuple[str, ...], b: tuple[str, ...], least: int) -> tuple[str, ...]:
    """The longest run of at least `least` words that stands in both, or nothing.

    The first 200 words of `a` and the first 3,000 of `b` are read.
    """
    a, b = a[:_MOST_A], b[:_MOST_B]
    runs = {b[j : j + least] for j in range(len(b) - least + 1)}
    if not any(a[i : i + least] in runs for i in range(len(a) - least + 1)):
        return ()
    best_n, best_end, before = 0, 0, [0] * (len(b) + 1)
    for i, word in enumerate(a, 1):
        now = [0] * (len(b) + 1)
        for j, other in enumerate(b, 1):
            if word == other:
                now[j] = before[j - 1] + 1
                if now[j] > best_n:
                    best_n, best_end = now[j], i
        before = now
    return a[best_end - best_n : best_end]
