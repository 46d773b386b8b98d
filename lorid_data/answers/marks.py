"""The explicit marks of an answer in a text: `#### x`, `--> x END`, `<answer>x</answer>`, a box."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lorid_data.answers.cues import has_cue
from lorid_data.answers.results import FoundBy
from lorid_data.texts.latex import closing_braces


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a mark stands and what it holds."""

    start: int
    end: int
    found_by: FoundBy
    content: str | None
    """None where the text breaks off inside."""


_HASH = re.compile(r"(?<![\"'`])####[^\S\n]*([^\n]*)")
_ARROW = re.compile(r"-->")
_END = re.compile(r"(?<![A-Za-z])END(?![A-Za-z])")
_TAG = re.compile(r"[<\[](/?)(?:final_)?answer([>\]])", re.IGNORECASE)
_BOX = re.compile(r"(?:\\(?:boxed|fbox|framebox)(?![A-Za-z])|(?<![A-Za-z\\])boxed(?=\{))\s*")
_BARE = re.compile(r"-?\d[\d,]*(?:\.\d+)?|\\[A-Za-z]+|[A-Za-z](?![A-Za-z])|[^\s{}$\\A-Za-z]")
"""What a box without braces holds: TeX would take one character, its writer meant the number."""
_HEADING = re.compile(
    r"(?:step|part|solution|explanation|verification|note|check|conclusion|summary|example|case|calculat\w*|given"
    r"|analysis|approach|method|reasoning|find\w*|determin\w*|comput\w*|understand\w*|let|first|next|finally|now)\b"
    r"|\d+[.)]\s+[*_]*[A-Za-z]",
    re.IGNORECASE,
)
_MAX_REST = 200
"""An answer whose closing mark is missing, at the end of a text, is not longer than this."""


def marks(text: str) -> list[Mark]:
    """All explicit marks, in order."""
    found = [*_hashes(text), *_arrows(text), *_tags(text), *boxes(text)]
    return sorted(found, key=lambda m: m.start)


def _hashes(text: str) -> list[Mark]:
    """`#### 72`. The same four characters are a heading in Markdown: a heading is no answer."""
    found: list[Mark] = []
    if "####" not in text:  # what most texts lack is cheaper looked for than matched
        return found
    for m in _HASH.finditer(text):
        pieces = [p.strip() for p in m[1].split("####")]
        content = next((p for p in reversed(pieces) if p), "").lstrip("#").strip()
        is_last = m.end() >= len(text.rstrip())
        words = content.lstrip("*_ ")
        if _HEADING.match(words) or (not is_last and re.match(r"[A-Za-z]{2,}", words)):
            continue
        if not has_cue(content[:40]):  # "#### Final answer: 72" is found as a cue
            found.append(Mark(m.start(), m.end(), FoundBy.HASH, content))
    return found


def _arrows(text: str) -> list[Mark]:
    """`--> 72 END`; without any END in the text, an arrow that is the last thing it says."""
    found: list[Mark] = []
    arrows = list(_ARROW.finditer(text))
    for i, m in enumerate(arrows):
        limit = arrows[i + 1].start() if i + 1 < len(arrows) else len(text)
        if end := _END.search(text, m.end(), limit):
            found.append(Mark(m.start(), end.end(), FoundBy.ARROW, text[m.end() : end.start()]))
    if arrows and not found:
        rest = text[arrows[-1].end() :].strip()
        if _is_short(rest):
            found.append(Mark(arrows[-1].start(), len(text), FoundBy.ARROW, rest))
    return found


def _tags(text: str) -> list[Mark]:
    """`<answer>72</answer>`; the closing tag may be missing where the text ends: servers cut it off."""
    found: list[Mark] = []
    opened: re.Match[str] | None = None
    for m in _TAG.finditer(text):
        if not m[1]:
            opened = m
        elif opened is not None:
            content = text[opened.end() : m.start()]
            found.append(Mark(opened.start(), m.end(), FoundBy.TAG, content))
            opened = None
    if opened is not None and opened[2] == ">" and _is_short(rest := text[opened.end() :].strip()):
        found.append(Mark(opened.start(), len(text), FoundBy.TAG, rest))
    return found


def _is_short(rest: str) -> bool:
    return "\n" not in rest and len(rest) <= _MAX_REST


def boxes(text: str) -> list[Mark]:
    r"""Each `\boxed{…}` that is not inside another."""
    starts = list(_BOX.finditer(text)) if "box" in text else []
    closes = closing_braces(text) if starts else {}
    found: list[Mark] = []
    last_end = -1
    for m in starts:
        if m.start() < last_end:
            continue
        if text[m.end() : m.end() + 1] == "{":
            close = closes.get(m.end())
            if close is None:
                content = _unclosed(text[m.end() + 1 :])
                found.append(Mark(m.start(), m.end() + 1, FoundBy.BOXED, content))
                continue
            found.append(Mark(m.start(), close + 1, FoundBy.BOXED, text[m.end() + 1 : close]))
            last_end = close
        elif token := _BARE.match(text[m.end() : m.end() + 40]):
            found.append(Mark(m.start(), m.end() + token.end(), FoundBy.BOXED, token[0]))
    return found


def _unclosed(rest: str) -> str | None:
    """The content of a box whose brace is missing, where something else shows its end."""
    m = re.match(r"([^\n${}]{1,60}?)\s*(?:\$|\\\]|\\\)|\n)", rest)
    return m[1] if m else None
