"""The one answer that a text gives, and what marked it; or an honest none.

A text is read up to where it stops being its author's: a special token, a new "Question:", a new
turn. Explicit marks (####, --> … END, a box, a tag) count before cue phrases, and the last of them
counts. Every pattern is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from lorid_data.answers.cues import last_line, last_said
from lorid_data.answers.joined import joined
from lorid_data.answers.marks import Mark, boxes, marks
from lorid_data.answers.markup import strip_markup
from lorid_data.answers.phrase import CHOICE, Kind, answer_phrase
from lorid_data.answers.refusal import is_refusal, says_nothing
from lorid_data.answers.results import Answer, FoundBy, LimitError, NoAnswer, Why
from lorid_data.answers.spelling import plain_unicode
from lorid_data.answers.spoken import is_denied_in_words, is_withdrawn_in_words
from lorid_data.answers.withdrawn import (
    denies_itself,
    is_called_wrong,
    is_negated,
    is_withdrawn,
    restated,
)
from lorid_data.texts.characters import separated

MAX_TAIL = 50_000
"""Only the last characters of a longer text are read."""

MAX_CONTENT = 1000
"""What a mark holds is read as words only up to this length."""

MAX_STOPS = 10
"""Only after the first of them an answer is looked for."""

_TURN_LINE = re.compile(
    r"[#*> ]{0,8}(?:Human|User|Student|Instruction|Question|Q)\s?(?:\*\*)?:(?=[\s*])", re.IGNORECASE
)
"""How a line begins with which another turn does."""
_TURN = re.compile(
    r"<\|[^|<>\n]{0,40}\|>|</s>|<eos>|<end_of_turn>|<start_of_turn>|\[/?INST\]"
    r"|#{2,4} ?(?:Instruction|Input|Question|Human|User) ?:"
    rf"|(?<=\n){_TURN_LINE.pattern}",
    re.IGNORECASE,
)
"""Where another turn begins, whatever stands before it."""
_NEXT_LINE = re.compile(
    r"[#*> ]{0,8}(?:Question|Problem|Q|Exercise|Example|Input|Output)\s?\d{0,3}\s?(?:\*\*)?[:.](?=[\s*])"
    r"|(?:The\s)?Next\s(?:problem|question)\b|#{1,6} (?:Question|Problem|Exercise|Example)(?: \d{1,3})?\s*\n",
    re.IGNORECASE,
)
"""How a line begins with which the next problem does, if this one has its answer already; else it may be this one's part."""
_ROLES = frozenset(["", "assistant", "model", "system", "user"])
_LAST = re.compile(
    r"(?<![\w.\\])(?:(?<=\s)-|^-|(?<=[=($])-)?[$€£]?-?(?:\d{1,3}(?:,\d{3})+(?![\d])|\d+(?!\d))(?:\.\d+)?(?:/\d+(?![\d/]))?%?"
    r"|\\frac\{-?\d+\}\{\d+\}"
)
_UNFINISHED = re.compile(
    r"(?:[-+*/=<(,×÷\\^{\[$&:]|\b(?:the|a|an|of|is|are|and|or|to|in|for|with|by|has|have|so|then|that|which|we|she|he|"
    r"they|from|per|be|will|would|than|as|at|on|if|because|since|plus|minus|times))$",
    re.IGNORECASE,
)
_EMPTY_TEXT = re.compile(
    r"(?:\\(?:text|mathrm|mbox|phantom|hspace)\s?\{\s*\}|\\phantom\s?\{[^{}]*\}|\{\s*\}|\\(?:quad|qquad|[,;:! ])|\s)+"
)
"""What shows nothing."""
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textbf)\s?\{([^{}]*)\}")
_WIDE = re.compile(r"\s{30,}")
"""Narrowed first, so that no pattern below meets thousands of spaces."""
_SHOWS = re.compile(r"[^\W_]|[∞∅√]")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_FACTORIAL = re.compile(r"[^A-Za-z\n]*[\d)]!{1,2}")
"""A mark holds an answer, not a cry."""
_THOUGHT = re.compile(r"</think(?:ing)?>")
_ANNOTATION = re.compile(r"<<[^<>\n]{0,200}>>")


def extract(text: str, *, last_number: bool = False) -> Answer | NoAnswer:
    """Find the answer that a text gives.

    Args:
        text: what a model or a source wrote.
        last_number: whether the last number of a text without any marked answer counts; such an
            answer says so in `found_by`.

    Returns:
        The answer as written, without its marker, emphasis and final full stop, and what marked
        it; or the reason why there is none. A mark with nothing behind it is no answer, even where
        numbers stand elsewhere.
    """
    if not text.strip():
        return NoAnswer(Why.EMPTY_TEXT)
    text = separated(text[-MAX_TAIL:]).replace("<0x0A>", "\n")
    text = own_part(_WIDE.sub(lambda gap: "\n" if "\n" in gap[0] else " ", text))
    for stop in islice(_lines(_NEXT_LINE, text), MAX_STOPS):
        if text[: stop.start()].strip() and isinstance(
            found := _marked(text[: stop.start()]), Answer
        ):
            return found
    found = _marked(text)
    if isinstance(found, NoAnswer) and found.reason is Why.NO_MARKER and last_number:
        return _last_number(text)
    return found


def _marked(text: str) -> Answer | NoAnswer:
    """The last answer that the text marks, unless the text takes it back."""
    after = _THOUGHT.split(text)[-1]
    if after != text and isinstance(found := _marked(after), Answer):
        return found
    explicit = marks(text)
    marked = _explicit(text, explicit)
    if marked is not None:
        return marked
    said = last_said(text) or last_line(text)
    if said is None:
        return NoAnswer(Why.EMPTY_MARKER if explicit else Why.NO_MARKER)
    return _unless_withdrawn(Answer(said.value, FoundBy.CUE), text, said.end)


def _explicit(text: str, explicit: Sequence[Mark]) -> Answer | NoAnswer | None:
    """The answer of the last mark that has one and is not denied; None where no mark says anything."""
    is_denied = False
    for i in range(len(explicit) - 1, -1, -1):
        mark = explicit[i]
        if mark.content is None:
            return NoAnswer(Why.TRUNCATED)
        if mark.found_by is FoundBy.BOXED:
            mark = joined(text, [m for m in explicit[: i + 1] if m.found_by is FoundBy.BOXED])
        value = _value(mark.content or "", mark.found_by)
        if not value:
            continue
        if is_negated(text[: mark.start]) or is_denied_in_words(text, mark.start, mark.end):
            is_denied = True
            continue
        if denies_itself(mark.content or ""):
            return NoAnswer(Why.WITHDRAWN)
        rest = text[mark.end :]
        later = last_said(rest)
        if later is not None and _disagree(value, later.value):
            return NoAnswer(Why.WITHDRAWN)
        return _unless_withdrawn(Answer(value, mark.found_by), text, mark.end)
    return NoAnswer(Why.WITHDRAWN) if is_denied else None


def _unless_withdrawn(found: Answer, text: str, end: int) -> Answer | NoAnswer:
    rest = text[end:]
    other = restated(rest)
    if other:
        return NoAnswer(Why.WITHDRAWN) if _disagree(found.value, other) else found
    is_dropped = (
        is_withdrawn(rest)
        or is_called_wrong(found.value, rest)
        or is_withdrawn_in_words(text, rest)
    )
    return NoAnswer(Why.WITHDRAWN) if is_dropped else found


def _disagree(value: str, other: str) -> bool:
    """Whether two values of one text are both numbers, and not the same."""
    from lorid_data.answers.compare import compare, declined
    from lorid_data.answers.read import read

    try:
        first, second = read(value), read(other)
        is_known = first.number is not None and second.number is not None
        return is_known and compare(first, second, declined) is False
    except LimitError:
        return False


def _lines(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """As `finditer`, at the beginnings of lines alone (behind a line feed): other places cost time on every text."""
    at = text.find("\n") + 1
    while at:
        found = pattern.match(text, at)
        if found is not None:
            yield found
        at = text.find("\n", at if found is None else found.end() - 1) + 1


def own_part(text: str) -> str:
    """The text up to where another turn begins. What begins the text, its role included, is its own."""
    at = 0
    is_plain = "<" not in text and "[" not in text and "##" not in text
    for stop in _lines(_TURN_LINE, text) if is_plain else _TURN.finditer(text):
        if text[at : stop.start()].strip().lower() not in _ROLES:
            return text[: stop.start()]
        at = stop.end()
    return text


def _value(content: str, found_by: FoundBy) -> str:
    """What a mark holds, or the empty text where that is no answer."""
    if len(content) > MAX_CONTENT:  # no prose is read for so long, and no pattern either
        return content.strip() if found_by is FoundBy.BOXED else ""
    content = _ANNOTATION.sub("", content)
    inner = boxes(content)
    if inner and (found_by is not FoundBy.BOXED or inner[0].start == content.find("\\")):
        content, found_by = inner[-1].content or "", FoundBy.BOXED
    value = strip_markup(content)
    if found_by is FoundBy.BOXED:
        if choice := CHOICE.match(value):
            return choice[1] or choice[2]
        plain = _TEXT.sub(r"\1", value).strip()
        shown = _EMPTY_TEXT.sub("", plain)
        return value if _SHOWS.search(shown) and not says_nothing(plain) else ""
    if is_refusal(value):
        return ""
    if _FACTORIAL.fullmatch(value):
        return value
    return answer_phrase(value, Kind.LABEL) or (value if _is_bare(value) else "")


def _is_bare(value: str) -> bool:
    """Whether a text has no line break and hardly a word: an expression."""
    return "\n" not in value and len(value) <= 200 and len(_WORD.findall(value)) <= 1


def _last_number(text: str) -> Answer | NoAnswer:
    """The last number of a text that comes to its end; remarks in brackets at the end do not count."""
    text = _ANNOTATION.sub("", plain_unicode(text)).rstrip()
    if _UNFINISHED.search(text):
        return NoAnswer(Why.TRUNCATED)
    body = text.rstrip(" .!")
    if body.endswith(")") and "(" in body:
        body = body[: body.rindex("(")]
    for source in (body, text):
        found = [m[0] for m in _LAST.finditer(source) if re.search(r"\d", m[0])]
        if found:
            return Answer(found[-1].strip(), FoundBy.LAST_NUMBER)
    return NoAnswer(Why.NO_NUMBER)
