"""Cue phrases of languages other than English: "La respuesta es 27", "答：一共有27个。", "Ответ: 27"."""

from __future__ import annotations

import re

from lorid_data.answers.languages import Language, spoken_in
from lorid_data.answers.phrase import (
    Said,
    leading_math,
    starts_like_an_answer,
    strip_markup,
)
from lorid_data.answers.refusal import EDGE, is_refusal
from lorid_data.answers.sentences import sentence_end

_AHEAD = 400
_BEHIND = 60
_MAX_CUES = 100
_NUMBER = re.compile(
    r"(?<![\w.^_/])[-−]?\s?[$€£¥₹]?\d[\d,]*(?:\.\d+)?(?:\s?/\s?\d+)?\s?[%％]?|(?<=[^\x00-\x7f])\d[\d,]*(?:\.\d+)?(?:/\d+)?\s?[%％]?"
)
_CHOICE = re.compile(r"\(?([A-H])\)?(?![A-Za-z(])(?=\W|$|[^\x00-\x7f])")


def last_spoken(text: str) -> Said | None:
    """The answer that the last cue phrase of any language but English states."""
    found: Said | None = None
    for language in spoken_in(text):
        for cue in reversed(list(language.cue.finditer(text))[-_MAX_CUES:]):
            if found is not None and cue.end() <= found.end:
                break
            value = _stated(language, cue, text)
            if value:
                at = text.find(value, cue.end())
                found = Said(value, max(cue.end(), at + len(value)))
                break
    return found


def _stated(language: Language, cue: re.Match[str], text: str) -> str:
    if language.unstated.search(text[max(0, cue.start() - _BEHIND) : cue.start()]):
        return ""
    segment = _skipped(language, text[cue.end() : cue.end() + _AHEAD])
    if not segment or language.refused.match(segment):
        return ""
    if re.match(r"[$\\(*\s]*\\(?:boxed|fbox)", segment):
        return ""  # the box itself was looked at before any cue
    math, _ = leading_math(segment)
    if math:
        return strip_markup(math)
    end = sentence_end(segment)
    if end is not None and end[0][0] in "?？":
        return ""
    sentence = strip_markup(segment[: end.start()] if end else segment)
    sentence = language.ends.sub("", sentence).strip(EDGE)
    if language.refused.match(sentence) or is_refusal(sentence):
        return ""
    return _value(language, sentence, is_strict=cue["strict"] is not None)


def _skipped(language: Language, segment: str) -> str:
    """Without the white space, marks and small words in front; "minus three" with its sign."""
    before = None
    while before != segment:
        before = segment
        segment = segment.lstrip(EDGE + ",:：、")
        if lead := language.leads.match(segment):
            segment = segment[lead.end() :]
    if minus := language.minus.match(segment):
        segment = "-" + segment[minus.end() :]
    return segment


def _value(language: Language, sentence: str, *, is_strict: bool) -> str:
    is_short = len(sentence) < 40 and re.search(r"\d|=", sentence) is None
    if is_short and (choice := _CHOICE.match(sentence)):
        return choice[1]
    number = _NUMBER.match(sentence)
    if number and not re.match(r"\s*[-+*/^=×÷(]|\.\d", sentence[number.end() :]):
        return strip_markup(number[0])
    cut = language.clauses.search(sentence)
    kept = strip_markup(sentence[: cut.start()] if cut else sentence)
    if starts_like_an_answer(kept):
        return kept
    if is_strict:
        return ""
    numbers = _NUMBER.findall(sentence)
    if len(numbers) == 1:
        return strip_markup(numbers[0])
    return ""
