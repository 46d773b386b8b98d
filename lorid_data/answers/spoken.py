"""Cue phrases of languages other than English: "La respuesta es 27", "答：一共有27个。", "Ответ: 27"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from lorid_data.answers.languages import Language, spoken_in
from lorid_data.answers.markup import leading_math, strip_markup
from lorid_data.answers.phrase import Said, starts_like_an_answer
from lorid_data.answers.refusal import EDGE, is_refusal
from lorid_data.answers.sentences import sentence_end
from lorid_data.answers.translated import conjunctions, numerals, worth_end
from lorid_data.answers.withdrawn import behind_its_words
from lorid_data.texts.characters import narrow

_AHEAD = 400
_BEHIND = 60
_MAX_CUES = 100
_NUMBER = re.compile(
    r"(?<![\w.^_/])[-−]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d| \d)|(?<![\w.^_/])[-−]?\s?[$€£¥₹]?\d[\d,]*(?:\.\d+)?(?:\s?/\s?\d+)?\s?[%％]?|(?<=[^\x00-\x7f\d])[-−]?\d[\d,]*(?:\.\d+)?(?:/\d+)?\s?[%％]?"
)
_CHOICE = re.compile(r"\(?([A-HА-Е])\)?(?![A-Za-zА-яё(])(?=\W|$|[^\x00-\x7f])")


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


def is_withdrawn_in_words(text: str, rest: str) -> bool:
    """Whether a text in another language than English takes back the answer that `rest` follows."""
    said = rest[:_AHEAD]
    if not re.search(r"[^\W\d_]{2}", said):
        return False
    return any(
        one.withdrawn.match(language_rest(one, part))
        for one in spoken_in(text)
        for part in (said, behind_its_words(said))
    )


def is_denied_in_words(text: str, start: int, end: int) -> bool:
    """Whether the mark between two indices is denied: "Die Antwort ist nicht" before it, "ではありません" behind."""
    before, behind = text[max(0, start - _BEHIND) : start], text[end : end + _BEHIND]
    return any(
        one.denies.search(before) or one.denied.match(behind) or _ends_in_denial(one, before)
        for one in spoken_in(text)
    )


def _ends_in_denial(language: Language, before: str) -> bool:
    found = list(language.cue.finditer(before))
    return (
        bool(found)
        and found[-1]["denial"] is not None
        and not before[found[-1].end() :].strip(" $*:")
    )


def language_rest(language: Language, rest: str) -> str:
    """What follows the words that close the answer's own sentence."""
    end = sentence_end(rest)
    closing = rest[: end.start()] if end else ""
    return rest[end.start() :] if end and language.ends.fullmatch(closing) else rest


def _stated(language: Language, cue: re.Match[str], text: str) -> str:
    if language.unstated.search(text[max(0, cue.start() - _BEHIND) : cue.start()]):
        return ""
    segment = text[cue.end() : cue.end() + _AHEAD]
    said = _skipped(language, segment)
    if verdict := language.verdict.match(said):
        return verdict[1]
    if cue["denial"] is not None or language.refused.match(said):
        end = sentence_end(segment)
        instead = language.instead.search(segment, 0, end.start() if end else len(segment))
        if instead is None:
            return ""
        said = _skipped(language, segment[instead.end() :])
    if not said or re.match(r"[$\\(*\s]*\\(?:boxed|fbox)", said):
        return ""  # the box itself was looked at before any cue
    if pieces := list(_leading(said)):
        return " ".join(strip_markup(p) for p in pieces)
    end = sentence_end(said)
    if end is not None and end[0][0] in "?？":
        return ""
    sentence = strip_markup(said[: end.start()] if end else said)
    sentence = language.ends.sub("", sentence).strip(EDGE)
    if language.refused.match(sentence) or is_refusal(sentence):
        return ""
    return _value(language, sentence, is_strict=cue["strict"] is not None)


def _leading(said: str) -> Iterator[str]:
    """The formula in front, and those that a word for "and" or "or" joins to it, with the words."""
    math, rest = leading_math(said)
    while math:
        yield math
        joint = _joint().match(rest)
        math, rest = leading_math(rest[joint.end() :]) if joint else ("", "")
        if joint and math:
            yield joint[0].strip()


@cache
def _joint() -> re.Pattern[str]:
    return re.compile(
        rf"\s(?:{conjunctions('spaced')})\s(?=\$)|\s?(?:{conjunctions('glued')})\s?(?=\$)"
    )


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


_NAMED = re.compile(r"[^\d=$\\]{1,40}=\s*(?=[-−+(\[{\\√π\d])")
_PAIR = re.compile(r"[(\[\]][^()\[\]$]*[,;][^()\[\]$]*[)\]\[]")


def _value(language: Language, sentence: str, *, is_strict: bool) -> str:
    if listed := _listed(sentence):
        return listed
    is_short = len(sentence) < 40 and re.search(r"\d|=", sentence) is None
    if is_short and (choice := _CHOICE.match(narrow(sentence))):
        return choice[1]
    number = _NUMBER.match(sentence)
    if number and not re.match(r"\s*[-+*/^=×÷(!√π∛]|\.\d|分[之の]", sentence[number.end() :]):
        return strip_markup(sentence[: worth_end(language, sentence, number.end())])
    cut = language.clauses.search(sentence)
    kept = strip_markup(sentence[: cut.start()] if cut else sentence)
    if starts_like_an_answer(kept):
        return kept
    if is_strict:
        return ""
    return _stated_inside(language, sentence)


@cache
def _lists() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Numbers, or equations of names, with commas or an "and" of any language between them, up to the end."""
    joint = (
        rf"(?:\s(?:{conjunctions('spaced')})\s|\s?(?:{conjunctions('glued')})\s?|\s*[,;、，]\s*)"
    )
    number = r"[-−]?\d+(?:\.\d+)?(?:/\d+)?"
    equation = r"\$?[A-Za-z](?:_\w+)?\s?=\s?[^,;、，=]{1,30}?"
    numbers = rf"{number}(?:{joint}{number})+"
    equations = rf"{equation}(?:{joint}{equation})+"
    return re.compile(numbers), re.compile(equations)


def _listed(sentence: str) -> str:
    """2 y 9, x = 2、y = 3: all that a sentence says; else the empty text."""
    whole = any(p.fullmatch(sentence) for p in _lists())
    return sentence.replace("、", ", ").replace("，", ", ") if whole else ""


def _stated_inside(language: Language, sentence: str) -> str:
    """The only mathematics between delimiters, the only interval or point, or the only number of a sentence."""
    if named := _NAMED.match(sentence):
        return strip_markup(sentence[named.end() :])
    spans = sentence.split("$")
    if len(spans) == 3 and not re.search(r"\d", spans[0] + spans[2]):
        return strip_markup(spans[1])
    pairs = _PAIR.findall(sentence)
    if pairs:
        return strip_markup(pairs[0]) if len(pairs) == 1 else ""
    numbers = list(_NUMBER.finditer(sentence))
    if not numbers and len(written := numerals(sentence)) == 1:
        return written[0]
    if len(numbers) != 1 or re.match(r"\s*[)\]^*/]", sentence[numbers[0].end() :]):
        return ""
    return strip_markup(
        sentence[numbers[0].start() : worth_end(language, sentence, numbers[0].end())]
    )
