"""What surrounds an answer in a text: emphasis, pictures, `$…$`, the final full stop."""

from __future__ import annotations

import re

from lorid_data.answers.refusal import EDGE

SIGNS = re.compile(
    r"^[\s\u2600-\u27bf\u25a0-\u25ff\u220e\ufe0f\u200d\U0001f000-\U0001faff]+"
    r"|[\s\u2600-\u27bf\u25a0-\u25ff\u220e\ufe0f\u200d\U0001f000-\U0001faff]+$"
)
"""Pictures and end marks around an answer."""
_MATH = (
    re.compile(r"\$\$\s*([^$]+?)\s*\$\$"),
    re.compile(r"\\\(\s*(.+?)\s*\\\)", re.DOTALL),
    re.compile(r"\\\[\s*(.+?)\s*\\\]", re.DOTALL),
    re.compile(r"\$\s*((?:\\\$|[^$\n])+?)\s*(?<!\\)\$(?!\d)"),
)


def strip_markup(text: str) -> str:
    """Without surrounding white space, emphasis, pictures, `$` and the final full stop."""
    before = None
    while before != text:
        before = text
        text = SIGNS.sub("", text.strip(EDGE))
        if text.endswith((".", ",", ";", ":")) and not text.endswith(("...", "a.m.", "p.m.")):
            text = text[:-1]
        for pattern in _MATH:
            if whole := pattern.fullmatch(text):
                text = whole[1]
    return text


def leading_math(segment: str) -> tuple[str, str]:
    """`$…$` at the start, or several of them joined by commas and words; and what follows."""
    for pattern in _MATH:
        first = pattern.match(segment)
        if first is None:
            continue
        if pattern is _MATH[-1] and re.match(r"\d[\d,.]*\s+[A-Za-z]{2}", first[1]):
            continue  # "$5 and $6": money
        pieces, end = [first[1]], first.end()
        while more := re.compile(r"\s*(,\s*(?:and|or)?|and|or)\s*").match(segment, end):
            following = pattern.match(segment, more.end())
            if following is None:
                break
            pieces += [", " if more[1].strip(", ") != "or" else " or ", following[1]]
            end = following.end()
        return "".join(pieces), segment[end:]
    return "", segment
