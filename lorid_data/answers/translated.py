"""What an answer in another language says, in the words of this module: 27个, 5 Millionen, 2 y 9, sí.

Translated are a unit, a counter, a scale or "tenths" behind the last number, "below zero", a minus in
words, the "and" and "or" between two values, and a whole answer that is a numeral, yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from lorid_data.answers.languages import Language, languages, spoken_in
from lorid_data.answers.results import table

_LETTER = r"(?:[^\W\d_]|[\u0900-\u0963])"
"""Devanagari's vowel signs are no letters to `re`."""
_NOUN = re.compile(
    rf"(?<=[\d)}}])\s*(?P<noun>(?![\u0370-\u03ff]){_LETTER}+(?:[ ./]{{1,2}}{_LETTER}+){{0,8}}\.?)(?:\^\{{?(?P<power>[23])\}}?)?\s*$"
)
_NUMERAL = re.compile(r"(?<![\w.,^/])\d+(?:\.\d+)?$")
_PARTS = {2: "halves", 3: "thirds", 4: "fourths", 5: "fifths", 6: "sixths", 7: "sevenths", 8: "eighths", 9: "ninths",
          10: "tenths", 100: "hundredths", 1000: "thousandths"}  # fmt: skip
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


_BETWEEN_SPACES = re.compile(r" (?:[a-z]{1,2}|[a-z]{3,6})[ }]")


def may_be_foreign(text: str) -> bool:
    """Whether `in_english` may find anything: asked first, since most answers are plain mathematics."""
    if not text.isascii():
        return True
    if text[:1].isalpha() and text.split(" ", 1)[0].lower() in _ascii_words():
        return True
    if (
        text[-2:].strip(".").isalpha()
        and text.rsplit(" ", 1)[-1].rstrip(".").lower() in _ascii_words()
    ):
        return True
    return any(m[0][1:-1] in _ascii_words() for m in _BETWEEN_SPACES.finditer(text))


def stated(text: str) -> str:
    """What an answer is that says "the answer is" in another language: 三十 of 答案是三十; else the text.

    Only texts that are not ASCII are read so.
    """
    for one in () if text.isascii() else spoken_in(text):
        cue = one.cue.match(text)
        if cue is None or cue["denial"] is not None:
            continue
        value = one.ends.sub("", text[cue.end() :]).strip()
        if value and not one.refused.match(value):
            return value
    return text


def in_english(text: str) -> str:
    """An answer with the words that its value hangs on in English; others stay."""
    whole = _whole().get(text.lower())
    if whole is not None:
        return whole
    if not text.isascii():
        text = _NUMERALS.sub(_spelled, _flat(text))
        for one in languages():
            text = one.percent.sub(lambda m: rf"{m['top']}%", text)
            text = one.fraction.sub(lambda m: rf"\frac{{{m['top']}}}{{{m['bottom']}}}", text)
    text = _joined(_signed(text))
    found = _NOUN.search(text)
    return text if found is None else _with_noun(text, found)


_SEPARATE_NOUN = re.compile(
    rf"(?P<number>(?:\$[^$]+\$|\\boxed\s?\{{[^{{}}]*\}}|\*\*[^*]+\*\*|[-+\d.,/零〇一二两兩三四五六七八九十百千万萬亿億]+))(?:\\[,;:! ]|~|\s)*"
    rf"(?:\\(?:text|textrm|mathrm|mbox)\s?\{{\s*)?(?P<noun>{_LETTER}+)\s*\}}?"
)
_WRAPPED = re.compile(r"\$\s*(.*?)\s*\$|\\boxed\s?\{\s*(.*?)\s*\}|\*\*(.*?)\*\*")


def _flat(text: str) -> str:
    r"""A number and its noun without the wrappers of either: 30元 of `$30$元` and of `30\,\text{元}`."""
    found = _SEPARATE_NOUN.fullmatch(text)
    if found is None or found["noun"].isascii():
        return text
    whole = _WRAPPED.fullmatch(found["number"])
    return (whole[whole.lastindex or 0] if whole else found["number"]) + found["noun"]


_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_NUMERALS = re.compile(
    r"(?<![\u4e00-\u9fff\d])[零〇一二两兩三四五六七八九十百][零〇一二两兩三四五六七八九十百千万萬亿億]*"
    r"|(?<=分之|分の)[一二三四五六七八九十百]+"
)
_STATED_NUMERALS = re.compile(
    r"[一二两三四五六七八九十百]+分[之の][一二三四五六七八九十百]+|[一二两兩三四五六七八九十百][零〇一二两兩三四五六七八九十百千万萬亿億]+"
    r"|^[零〇一二两兩三四五六七八九十百]$"
)


def numerals(sentence: str) -> list[str]:
    """The numbers that a sentence writes in Chinese numerals: two and more of them, since 一 is in many words."""
    return _STATED_NUMERALS.findall(sentence)


def _spelled(m: re.Match[str]) -> str:
    """二十七 as 27: digits in Chinese and Japanese, with their tens and myriads. 一样 is a word."""
    rest = m.string[m.end() :].strip()
    if rest and not rest.startswith(("分之", "分の")) and not _longest(rest, foreign_units())[0]:
        return m[0]
    total = section = digit = 0
    for c in m[0]:
        if c in _DIGITS:
            digit = 10 * digit + _DIGITS[c]
        elif c in _TENS:
            section += (digit or 1) * _TENS[c]
            digit = 0
        else:
            total += (section + digit) * _MYRIADS[c]
            section = digit = 0
    return str(total + section + digit)


@cache
def foreign_units() -> Mapping[str, str]:
    """Every spelling of a unit in any of the languages, in lower case; the first table wins."""
    return _all(lambda one: one.units)


def _all(of: Callable[[Language], Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in languages():
        for word, meaning in of(one).items():
            found.setdefault(word, meaning)
    return found


@cache
def _scales() -> Mapping[str, int]:
    return _all(lambda one: one.scales)


@cache
def _parts() -> Mapping[str, int]:
    return _all(lambda one: one.parts)


@cache
def _whole() -> Mapping[str, str]:
    """Whole answers: numerals, yes and no."""
    found = {w: str(n) for w, n in _all(lambda one: one.numbers).items()}
    for one in languages():
        for name in ("yes", "no"):
            for word in one.words_for[f"{name}_words"].split("|"):
                found.setdefault(word, name)
    return found


def _either(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


@cache
def _below() -> re.Pattern[str]:
    return _either(one.below.pattern for one in languages())


@cache
def _ascii_words() -> frozenset[str]:
    """Every word without accents that is in a noun phrase of a table: no other English noun costs a look."""
    patterns = [
        p
        for one in languages()
        for p in (one.below.pattern, one.minus.pattern, one.words_for["and"], one.words_for["or"])
    ]
    tables = (*foreign_units(), *_scales(), *_parts(), *_whole(), *patterns)
    said = " ".join(tables).replace(r"\s", " ")
    words = {w for w in re.findall(r"[^\W\d_]+", said) if w.isascii()}
    return frozenset(words - _ENGLISH)


_ENGLISH = frozenset(table("no minus million cent second"))
"""Words of the tables that are also English, and mean there what they mean here."""


@cache
def _minus() -> re.Pattern[str]:
    return _either(rf"^{one.minus.pattern}" for one in languages())


def _signed(text: str) -> str:
    return _minus().sub("-", text, count=1) if not text[:1].isdigit() else text


@cache
def conjunctions(kind: str) -> str:
    """A pattern for "and" and "or" in all the languages that write them spaced, or glued to other words."""
    return "|".join(
        one.words_for[name]
        for one in languages()
        if one.is_spaced is (kind == "spaced")
        for name in ("and", "or")
    )


@cache
def _between_values() -> re.Pattern[str]:
    return re.compile(
        rf"(?<=[\d}})\]$])(?:\s(?P<spaced>{conjunctions('spaced')})\s|\s?\\(?:text|mbox)\s?\{{\s*(?P<boxed>{conjunctions('spaced')})\s*\}}\s?|\s?(?P<glued>{conjunctions('glued')})\s?)(?=(?P<next>[-+\d(]|\$(?=\S)|\\(?:frac|sqrt|pi|text)\b|[A-Za-z](?:_\w)?\s?=))"
    )


@cache
def _or() -> re.Pattern[str]:
    return _either(one.words_for["or"] for one in languages())


def _joined(text: str) -> str:
    """2 y 9 as 2 and 9, x = 3 или x = 4 as x = 3 or x = 4."""

    def translated(m: re.Match[str]) -> str:
        word = m["spaced"] or m["boxed"] or m["glued"]
        if (
            m["spaced"] and len(word) == 1 and word.isascii()
        ):  # 2 y (x + 1) is a product, 2 y 9 is none
            is_named = m["next"][0].isalpha() and "=" in text[: m.start()]
            is_outside = m["next"] == text[m.start() - 1] == "$"
            if not (m["next"].isdigit() or is_named or is_outside):
                return m[0]
        return " or " if _or().fullmatch(word) else " and "

    return _between_values().sub(translated, text)


def _with_noun(text: str, found: re.Match[str]) -> str:
    """The text with the noun behind its last number translated; as it is, where nothing in it is known."""
    head, noun = text[: found.start("noun")], found["noun"].lower().rstrip(".")
    if (below := _below().search(noun)) is not None:
        unit = unit_of(noun[: below.start()])
        return rf"{head}\text{{ {unit or 'degrees'} below zero}}"
    word, value = _longest(noun, _scales())
    if value and len(word) > len(_longest(noun, foreign_units())[0]):
        number = _NUMERAL.search(head.rstrip())
        if number is None:
            return text
        scaled = Fraction(number[0]) * value
        rest = noun[len(word) :].strip()
        if scaled.denominator != 1:
            return text
        return in_english(f"{head[: number.start()]}{scaled} {rest}".rstrip())
    word, divisor = _longest(noun, _parts())
    if divisor in _PARTS:
        return rf"{head}\text{{ {_PARTS[divisor]}}}"
    if "/" in noun:
        units = [unit_of(n) for n in noun.split("/")]
        return head + _shown("/".join(units)) if all(units) and not noun.isascii() else text
    unit = unit_of(noun)
    if found["power"] and unit in ("m", "cm", "mm", "km"):
        unit += "^" + found["power"]
    elif found["power"] or (noun.isascii() and (not unit or " " not in noun)):
        return text
    return head + _shown(unit or "items")


def _shown(unit: str) -> str:
    base, _, power = unit.partition("^")
    return rf"\text{{ {base}}}^{power}" if power else rf"\text{{ {unit}}}"


def unit_of(noun: str) -> str:
    """The unit that a noun phrase begins with, or "" for none that is known."""
    unit = _longest(noun.lower().strip(" ."), foreign_units())[1]
    return unit or ""


def _longest(noun: str, table: Mapping[str, Any]) -> tuple[str, Any]:
    """The longest word or words of a table that a noun phrase begins with, and what they mean."""
    words = noun.split()
    for n in range(len(words), 0, -1):
        head = " ".join(words[:n])
        for spelled in (head, head.rstrip(".")):
            if spelled in table:
                return spelled, table[spelled]
    if _UNSPACED.match(noun):
        for n in range(min(len(noun), 12), 0, -1):
            if noun[:n] in table:
                return noun[:n], table[noun[:n]]
    return "", None


def worth_end(language: Language, sentence: str, start: int) -> int:
    """Behind the words after a number that change what it is worth (millions, tenths, "below zero"); else `start`."""
    behind = sentence[start:].lower()
    below = language.below.search(behind)
    if below is not None and re.fullmatch(r"[^\d,.;]{0,24}", behind[: below.start()]):
        return len(sentence)
    rest = behind.lstrip()
    skipped = len(behind) - len(rest)
    unit, _ = _longest(rest, foreign_units())
    for of in (_scales(), _parts()):
        word, _ = _longest(rest, of)
        if len(word) > len(unit):
            return start + skipped + len(word)
    return start
