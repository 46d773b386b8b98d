"""The one answer that a text gives, and what marked it; or an honest none.

A text is read up to where it stops being its author's: a special token, a new "Question:", a new
turn. Explicit marks (####, --> … END, a box, a tag) count before cue phrases, and the last of them
counts. Every pattern is linear in the length of the text.
"""

from __future__ import annotations

import re
from itertools import islice

from lorid_data.answers.phrase import answer_phrase, is_refusal, strip_markup
from lorid_data.answers.results import Answer, FoundBy, NoAnswer, Why
from lorid_data.answers.spelling import plain_unicode
from lorid_data.text import closing_braces

MAX_TAIL = 50_000
"""Only the last characters of a longer text are read."""

MAX_CUES = 100
"""Only the last of them are looked at."""

MAX_STOPS = 10
"""Only after the first of them an answer is looked for."""

_TURN = re.compile(
    r"<\|[^|<>\n]{0,40}\|>|</s>|<eos>|<end_of_turn>|\[/?INST\]"
    r"|(?<=\n)[#*> ]{0,8}(?:Human|User|Instruction|Question|Q)\s?(?:\*\*)?:(?=[\s*])",
    re.IGNORECASE,
)
"""Where another turn begins, whatever stands before it."""
_NEXT = re.compile(
    r"(?<=\n)[#*> ]{0,8}(?:Question|Problem|Q|Exercise|Example)\s?\d{0,3}\s?(?:\*\*)?[:.](?=[\s*])",
    re.IGNORECASE,
)
"""Where the next problem begins, if this one has its answer already; else it may be this one's part."""
_HASH = re.compile(r"####[^\S\n]*([^\n]*)")
_ARROW = re.compile(r"-->")
_END = re.compile(r"(?<![A-Za-z])END(?![A-Za-z])")
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*")
_HEADING = re.compile(
    r"(?:step|part|solution|explanation|verification|note|check|conclusion|summary|example|case|calculat\w*|given"
    r"|analysis|approach|method|reasoning|find|determine|compute|understand\w*|let|first|next|finally|now)\b"
    r"|\d+[.)]\s+[A-Za-z]",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"""(?:
        \banswers?\b
        (?:\s{1,4}(?:to|for)\s[^.:\n]{1,80}?)?
        (?:\*{0,2},?\s{0,4}(?:(?:therefore|then|thus|hence),?\s)?(?:is|are|was|must\ be|should\ be|would\ be|will\ be|comes\ to|turns\ out\ to\ be|equals?)\b(?:\s{1,4}(?:then|therefore|thus|simply|just|exactly|given\ by|equal\ to)){0,3}
          |["'*_]{0,4}\s{0,4}[:=：])
      | (?<=\n)[\ #*_>]{0,8}(?:the\ )?(?:final\ )?answer[\ *_]{0,8}\n
      | \bans(?:wer)?\s?[:=.]
      | 答案(?:是|为)?\s*[:：]?
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_LAST = re.compile(
    r"(?<![\w.\\])(?:(?<=\s)-|^-|(?<=[=($])-)?[$€£]?-?(?:\d{1,3}(?:,\d{3})+(?![\d])|\d+(?!\d))(?:\.\d+)?(?:/\d+(?![\d/]))?%?"
    r"|\\frac\{-?\d+\}\{\d+\}"
)
_HYPOTHETICAL = re.compile(
    r"\b(?:if|whether|suppose|assuming|assume|imagine|unless|not\s+sure(?:\s+that)?|(?:don't|do\s+not)\s+(?:think|believe|know)"
    r"(?:\s+(?:that|what))?)(?:\s+(?:the|my|our|your|his|her|their))?(?:\s+(?:final|correct|right))?\s*$",
    re.IGNORECASE,
)
"""What stands before a cue that states no answer: "if the answer is 5"."""
_UNFINISHED = re.compile(
    r"(?:[-+*/=<(,×÷\\^{\[$&:]|\b(?:the|a|an|of|is|are|and|or|to|in|for|with|by|has|have|so|then|that|which|we|she|he|"
    r"they|from|per|be|will|would|than|as|at|on|if|because|since|plus|minus|times))$",
    re.IGNORECASE,
)
_EMPTY_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s?\{\s*\}|\{\s*\}")
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
    text = own_part(text[-MAX_TAIL:])
    for stop in islice(_NEXT.finditer(text), MAX_STOPS):
        if text[: stop.start()].strip() and isinstance(
            found := _marked(text[: stop.start()]), Answer
        ):
            return found
    found = _marked(text)
    if isinstance(found, NoAnswer) and found.reason is Why.NO_MARKER and last_number:
        return _last_number(text)
    return found


def _marked(text: str) -> Answer | NoAnswer:
    """The last answer that the text marks."""
    is_marked = False
    marks = sorted(
        [*_hashes(text), *_arrows(text), *_tags(text), *_boxes(text)], key=lambda m: m[0]
    )
    for _, found_by, content in reversed(marks):
        if content is None:
            return NoAnswer(Why.TRUNCATED)
        value = _clean(content, found_by)
        if value:
            return Answer(value, found_by)
        is_marked = True
    text = "\n" + text
    cues = list(_CUE.finditer(text))
    for cue in cues[: -MAX_CUES - 1 : -1]:
        if _HYPOTHETICAL.search(text[max(0, cue.start() - 40) : cue.start()]):
            continue
        if value := answer_phrase(text[cue.end() : cue.end() + 400]):
            return Answer(value, FoundBy.CUE)
    return NoAnswer(Why.EMPTY_MARKER if is_marked else Why.NO_MARKER)


def own_part(text: str) -> str:
    """The text up to where another turn begins. A turn that begins the text is its own."""
    for stop in _TURN.finditer(text):
        if text[: stop.start()].strip():
            return text[: stop.start()]
    return text


Mark = tuple[int, FoundBy, str | None]
"""Where it stands, what it is, and what stands behind it (None where the text breaks off inside)."""


def _hashes(text: str) -> list[Mark]:
    """`#### 72`. The same four characters are a heading in Markdown: a heading is no answer."""
    found: list[Mark] = []
    for m in _HASH.finditer(text):
        content = m[1].strip().lstrip("#").strip()
        if _HEADING.match(content.lstrip("*_ ")):
            continue
        if _CUE.search("\n" + content[:40] + "\n") is not None:
            continue  # "#### Final answer: 72" is found as a cue
        found.append((m.start(), FoundBy.HASH, content))
    return found


def _arrows(text: str) -> list[Mark]:
    """`--> 72 END`; without END only as the last thing that the text says."""
    found: list[Mark] = []
    arrows = list(_ARROW.finditer(text))
    for i, m in enumerate(arrows):
        limit = arrows[i + 1].start() if i + 1 < len(arrows) else len(text)
        end = _END.search(text, m.end(), limit)
        if end is not None:
            found.append((m.start(), FoundBy.ARROW, text[m.end() : end.start()]))
        elif i + 1 == len(arrows):
            rest = text[m.end() :].strip()
            if "\n" not in rest and len(rest) <= 200:
                found.append((m.start(), FoundBy.ARROW, rest))
    return found


def _tags(text: str) -> list[Mark]:
    found: list[Mark] = []
    opened: re.Match[str] | None = None
    for m in _TAG.finditer(text):
        if not m[1]:
            opened = m
        elif opened is not None:
            found.append((opened.start(), FoundBy.TAG, text[opened.end() : m.start()]))
            opened = None
    return found


def _boxes(text: str) -> list[Mark]:
    r"""Each `\boxed{…}` that is not inside another."""
    starts = list(_BOX.finditer(text))
    closes = closing_braces(text) if starts else {}
    found: list[Mark] = []
    last_end = -1
    for m in starts:
        if m.start() < last_end:
            continue
        if text[m.end() : m.end() + 1] == "{":
            close = closes.get(m.end())
            if close is None:
                found.append((m.start(), FoundBy.BOXED, _unclosed(text[m.end() + 1 :])))
                continue
            found.append((m.start(), FoundBy.BOXED, text[m.end() + 1 : close]))
            last_end = close
        elif token := re.match(r"\\[A-Za-z]+|[^\s{}$\\]", text[m.end() : m.end() + 40]):
            found.append((m.start(), FoundBy.BOXED, token[0]))
    return found


def _unclosed(rest: str) -> str | None:
    """The content of a box whose brace is missing, where something else shows its end."""
    m = re.match(r"([^\n${}]{1,60}?)\s*(?:\$|\\\]|\\\)|\n)", rest)
    return m[1] if m else None


def _clean(content: str, found_by: FoundBy) -> str:
    content = _ANNOTATION.sub("", content)
    if found_by is FoundBy.BOXED:
        inner = _BOX.match(content.strip())
        if inner is not None and content.strip().endswith("}"):
            content = content.strip()[inner.end() + 1 : -1]
        value = strip_markup(content)
        return "" if _EMPTY_TEXT.fullmatch(value) or value.strip("?_. ") == "" else value
    value = strip_markup(content)
    if boxes := _boxes(value):
        return strip_markup(boxes[-1][2] or "")
    if is_refusal(value):
        return ""
    return answer_phrase(value) or (value if len(value) <= 200 and "\n" not in value else "")


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
