"""One character for the several that mean the same: the only place that says which.

Digits of any script are 0 to 9, fullwidth letters and signs those of ASCII, and so on. Whatever
compares words or numbers of texts reads them through here, so that no two parts of the project
differ in what they take for the same. A text of ASCII is given back as it is, at no cost.

    plain       a text whose words and numbers are compared
    in_place    the same where places in the text count: each character stays where it is
    separated   only the numbers with separators, where the text is shown as it was written
    narrow      only fullwidth letters and signs, to see how a text begins
    normal      NFKC with it: for readers that treat more characters by themselves before
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ]+")
LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₍₎]+")
VULGAR = re.compile("[¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]")
_SCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ₀₁₂₃₄₅₆₇₈₉₊₋₍₎", "0123456789+-()ni0123456789+-()")
_NOT_ASCII_DIGIT = re.compile(r"[^\D0-9]")
_IN_NUMBERS = {"٬": ",", "٫": ".", "٪": "%"}
"""The thousands, the decimals and the percent of Arabic."""
_ONE_FOR_ONE = str.maketrans(
    {
        **_IN_NUMBERS,
        "،": ",",
        **dict.fromkeys("−–—‒―﹣", "-"),
        **dict.fromkeys("“”″«»", '"'),
        **dict.fromkeys("‘’′", "'"),
        "º": "°",
    }
)
_WIDE = {chr(c + 0xFEE0): chr(c) for c in range(0x21, 0x7F)} | {"\u3000": " ", "\u00a0": " "}
"""The fullwidth letters and signs, of which NFKC says the same."""
_SEVERAL = re.compile("[" + "".join(map(chr, _ONE_FOR_ONE)) + "]")
_BEFORE = str.maketrans({"´": "'", "ª": " ", "º": "°"})
"""What NFKC takes for something else."""
_CLASSES = [p.pattern.strip("[]+") for p in (INVISIBLE, VULGAR, RAISED, LOWERED)]
_RARE = re.compile(f"[{''.join(_CLASSES)}´ªº]")
"""What `plain` looks for before it does what few texts need."""
_NARROW = str.maketrans(_WIDE)
_IN_PLACE = {**_ONE_FOR_ONE, **_NARROW, ord("—"): "—", ord("―"): "―"}
"""A dash between words stays one: what is read in place is prose."""
_SEPARATED = re.compile(
    r"\d+(?:[٬٫]\d+)+|[０-９]{1,3}(?:，[０-９]{3})+(?:．[０-９]+)?(?![０-９])|[０-９]+．[０-９]+|(?<=\d)[٪％]"
)
"""Numbers with a separator that ASCII has not; what a fullwidth comma parts may be two numbers."""


def plain(text: str) -> str:
    """A text with one spelling of each character, as its words and numbers are compared.

    NFKC, with digits, minus signs, quotes and the separators of numbers as ASCII has them; what is
    raised or lowered behind `^` and `_`, so that x² is no x2; ½ as ` 1/2`; no invisible characters.
    """
    if text.isascii():
        return text
    if _RARE.search(text):
        text = INVISIBLE.sub("", text).translate(_BEFORE)
        text = VULGAR.sub(lambda m: " " + unicodedata.normalize("NFKC", m[0]), text)
        text = RAISED.sub(lambda m: "^" + unscripted(m[0]), text)
        text = LOWERED.sub(lambda m: "_" + unscripted(m[0]), text)
    return normal(text).replace("⁄", "/").replace("∕", "/")


def in_place(text: str) -> str:
    """The same as far as each character stays where it is; so long as the text."""
    if text.isascii():
        return text
    return _in_digits(text.translate(_IN_PLACE))


def separated(text: str) -> str:
    """A text with `1,234.5` and `%` for what other scripts separate so; other digits stay. As long as it was."""
    return text if text.isascii() else _SEPARATED.sub(lambda m: in_place(m[0]), text)


def narrow(text: str) -> str:
    """A text with the letters and signs of ASCII for the fullwidth ones; as long as it was."""
    return text if text.isascii() else text.translate(_NARROW)


def normal(text: str) -> str:
    """NFKC, with digits, minus signs, quotes and the separators of numbers as ASCII has them."""
    text = unicodedata.normalize("NFKC", text)
    text = _SEVERAL.sub(
        lambda m: _ONE_FOR_ONE[ord(m[0])], text
    )  # `translate` asks of every character
    return _in_digits(text)


def unscripted(text: str) -> str:
    """Raised and lowered characters as they are on the line."""
    return text.translate(_SCRIPTS)


def plain_all(texts: pl.Series, *, lower: bool = False) -> pl.Series:
    """`plain` of each of some texts; those of ASCII are given back as they are, not looked at one by one.

    Args:
        texts: without nulls.
        lower: whether what is not ASCII is also made lower case.
    """
    import numpy as np
    import polars as pl

    other = np.flatnonzero((texts.str.len_bytes() != texts.str.len_chars()).to_numpy())
    if not len(other):
        return texts
    found = [plain(text).lower() if lower else plain(text) for text in texts[other]]
    return texts.clone().scatter(other, pl.Series(found, dtype=pl.String))


def _in_digits(text: str) -> str:
    return _NOT_ASCII_DIGIT.sub(lambda m: str(unicodedata.decimal(m[0])), text)
