"""Phrases that stand where an answer should stand and are none: refusals, templates, remarks about it."""

from __future__ import annotations

import re

EDGE = " \t\r\n*_`\"'“”‘’"
"""What may surround an answer: white space, emphasis, quotes."""
_REFUSAL = re.compile(
    r"(?:not|never|in(?!\s+total)|at|on|as|to|by|up|n/?a|none|cannot|can't|can\s+not|could\s+not|unable|don't|depends|between|among|null|nan|tbd|todo|then|still|yet"
    r"|unsure|unspecified|insufficient|inconclusive|undecided|ambiguous|subject\s+to"
    r"|what|how|why|who|which|whether|being|(?:greater|less|more|fewer|larger|smaller|bigger)\s+than|one\s+of|some|any|given|(?:im)?possible|easy|hard|difficult"
    r"|neither\s+\S+|no\s+(?:answer|idea|clue|more|less|fewer|longer|sense|result)|(?:see|refer|please|sorry|let)\b"
    r"|(?:(?:im)?properly\s+|already\s+|usually\s+|often\s+|only\s+|best\s+)?(?:computed|calculated|determined|obtained|found|derived|reached|written|expressed"
    r"|rounded|simplified|based|left|hidden|displayed|stated|explained|shown|required|needed|asked|supposed|expected|meant|called|known|divisible|dependent|similar|related|due))(?![A-Za-z])"
    r"|(?:correct|incorrect|wrong|right|clear|unclear|known|unknown|obvious|trivial|simple|straightforward|unique|finite|missing|here|found|shown|above|below|pending|undetermined"
    r"|indeterminate|required|needed|ready|coming|follows|following|as\s+follows)(?=[\s.,!]*(?:$|\b(?:because|since|as|so|when|if|from|that|in|and|or|by|for|to|above|below|given|without|with)\b))"
    r"|(?:i|we|you)\s+(?:do|did|can|could|am|are|will|would|need(?!\s+(?:exactly\s+)?[$€£]?\d[\d,.]*\s(?!more\b))|must|know|think|was|were|just|still|cannot|add|multiply|subtract|divide)(?:n.?t)?\b|i'?m\b"
    r"|(?:it|this|there)\s+(?:depends|seems|does|cannot|can't)\b|(?:it|this|there)\s+(?:is|are|was)\b(?!.*\d)"
    r"|什么|未知|无法|不知|[^\W\d_]{0,12}(?:able|ible)\b"
    r"|[?_]+$|x{2,}(?![\w^])|\.\.\.|…|\\l?dots\b|\\boxed\s*$|-+$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?:[\[<{(]{1,2}|[\\$]|(?P<bare>))\s*(?:(?:insert|put|write|type|enter|fill)\s+(?:in\s+)?)?(?:(?:your|the|my|an?)\s+)?(?:(?:final|correct|numeric(?:al)?|computed)\s+)?"
    r"_?(?:answer|number|value|result|solution|blank|expression|integer)s?(?:\s+(?:here|goes\s+here|only))?\s*(?(bare)$|(?:[\]>})]|(?![\w^_=+])))",
    re.IGNORECASE,
)
"""What a template says where an answer should stand: "[your answer]"."""
_ADMISSION = re.compile(
    r"(?:n/?a|tbd|unknown|unsure|undetermined|undecided|no\s+answer|i\s+(?:do\s+not|don't|cannot|can't)\b.*|(?:cannot|can't)\s+(?:be\s+)?(?:determined?|solved?|answer\w*|tell)\b.*"
    r"|not\s+(?:enough|sure|known)\b.*|insufficient\b.*)\s*$",
    re.IGNORECASE,
)
_DOTS = re.compile(r"(?:\\[lc]?dots|[.…\s])+")


def is_refusal(text: str) -> bool:
    """Whether a phrase says that there is no answer, or speaks about it instead of giving it."""
    text = text.strip(EDGE + ",")
    return (
        _REFUSAL.match(text) is not None
        or _PLACEHOLDER.match(text.rstrip(".")) is not None
        or not re.search(r"[^\W_]|\\[A-Za-z{]|[∞∅√]", text)
    )


def says_nothing(text: str) -> bool:
    """Whether a box holds a template's words or an admission instead of an answer."""
    return (
        _PLACEHOLDER.match(text) is not None
        or _ADMISSION.match(text) is not None
        or _DOTS.fullmatch(text) is not None
    )
