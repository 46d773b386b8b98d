"""What a phrase such as "… 72 clips, because 48 + 24 = 72." gives as the answer: "72 clips"."""

from __future__ import annotations

import re

_EDGE = " \t\r\n*_`\"'“”‘’"
_MATH = (
    re.compile(r"\$\$\s*([^$]+?)\s*\$\$"),
    re.compile(r"\\\(\s*(.+?)\s*\\\)", re.DOTALL),
    re.compile(r"\\\[\s*(.+?)\s*\\\]", re.DOTALL),
    re.compile(r"\$\s*((?:\\\$|[^$\n])+?)\s*(?<!\\)\$(?!\d)"),
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_SENTENCE_END = re.compile(r"(?<![ap]\.m)(?<!\bRs)[.!?](?=\s|$|\*|\")|\n|。")
_CLAUSE = re.compile(
    r"\s*(?:,\s*)?\b(?:because|since|so|which|where|when|as|but|if|however|then|therefore|thus|hence|obtained|found"
    r"|meaning|assuming|given|after|before|that|while|for|and\s+(?:the|this|that|it|we|so|not|therefore)|not|END)\b|\s*;|\s+[–—-]\s+|\s*--"
)
_LEAD = re.compile(
    r"\s*(?:(?:is|are|was|be|that|therefore|thus|hence|simply|just|exactly|approximately|about|around|roughly|only|equal\s+to|given\s+by"
    r"|option|choice)\b|≈|=(?!=)|:|：|\\approx(?![A-Za-z]))\s*",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(?:not|in|at|on|as|to|n/?a|none|cannot|can't|can\s+not|could\s+not|unable|don't|depends|between|null|nan|tbd|todo|then|still|yet"
    r"|what|how|why|who|which|whether|being|(?:greater|less|more|fewer)\s+than|one\s+of|given|(?:im)?possible|easy|hard|difficult)(?![A-Za-z])"
    r"|(?:correct|incorrect|wrong|right|clear|unclear|known|unknown|obvious|missing|here|found|shown|above|below|pending|undetermined"
    r"|indeterminate|required|needed)(?=[\s.,!]*(?:$|\b(?:because|since|as|so|when|if|from|that|in|and|by|for|to|above|below)\b))"
    r"|(?:i|we|you|they)\s+(?:do|did|can|could|am|are|will|would|need|must|have|know|think|was|were|just|still|cannot)(?:n.?t)?\b|i'?m\b"
    r"|(?:it|this|there)\s+(?:is|are|depends|seems|was|does|cannot|can't)\b"
    r"|[?_]+$|\.\.\.|…|-+$",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:greater|less|more|fewer|larger|smaller)\s+than\b|\bat\s+(?:least|most)\b|\bnot\b|\bbetween\b|n't\b",
    re.IGNORECASE,
)
"""Before the only number of a sentence, this says what the answer is compared with, not what it is."""
_NUMBER = re.compile(
    r"(?<![\w.])[-−+]?\s?(?:US)?[$€£]?\s?[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?%?(?!\w)"
)
_PROSE = re.compile(
    r"(?:the|a|an|that|his|her|their|our|its|she|he|each|every|all|both)\b", re.IGNORECASE
)
_COPULA = re.compile(r"\b(?:is|are|was|were|equals|be|=|:)\s+", re.IGNORECASE)
MAX_WORDS = 4


def strip_markup(text: str) -> str:
    """Without surrounding white space, emphasis, `$` and the final full stop."""
    before = None
    while before != text:
        before = text
        text = text.strip(_EDGE)
        if text.endswith((".", ",", ";", ":")) and not text.endswith(("...", "a.m.", "p.m.")):
            text = text[:-1]
        for pattern in _MATH:
            if whole := pattern.fullmatch(text):
                text = whole[1]
    return text


def is_refusal(text: str) -> bool:
    """Whether a phrase says that there is no answer, or speaks about it instead of giving it."""
    text = text.strip(_EDGE)
    return _REFUSAL.match(text) is not None or not re.search(r"[^\W_]|\\[A-Za-z{]|[∞∅√]", text)


def answer_phrase(segment: str) -> str:
    """The answer at the start of what follows a cue, or the empty text.

    Mathematics between delimiters is taken whole. Else the sentence is cut where an explanation
    begins; prose gives an answer only where it holds exactly one number.
    """
    segment = _skip_lead(segment)
    if not segment or is_refusal(segment):
        return ""
    boxed = _BOX.search(segment[:200])
    if boxed is not None:
        return ""  # the box itself was looked at before any cue
    math = _leading_math(segment)
    if math:
        return strip_markup(math)
    sentence = _first_sentence(segment)
    if not sentence:
        return ""
    if _starts_like_an_answer(sentence):
        return _before_clause(sentence)
    return _from_prose(sentence)


def _skip_lead(segment: str) -> str:
    before = None
    while before != segment:
        before = segment
        segment = segment.lstrip(_EDGE)
        if lead := _LEAD.match(segment):
            segment = segment[lead.end() :]
    return segment


def _leading_math(segment: str) -> str:
    """`$…$` at the start, with the unit behind it; or several of them joined by commas and words."""
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
        return "".join(pieces)
    return ""


def _first_sentence(segment: str) -> str:
    end = _SENTENCE_END.search(segment)
    return strip_markup(segment[: end.start()] if end else segment)


def _starts_like_an_answer(sentence: str) -> bool:
    if re.match(r"[-−+±(\[{|√π∞.]|\\|[$€£]|\d|US\$", sentence):
        return True
    words = sentence.split()
    return (
        len(words) == 1
        or re.match(r"[A-Za-z]\w{0,2}(?:\([a-z]\))?\s*[=<>≤≥+*/^-]", sentence) is not None
    )


def _before_clause(sentence: str) -> str:
    sentence = re.sub(r"\s*\((?=[^()]*[A-Za-z]{3})[^()]*\)\s*$", "", sentence)
    cut = _CLAUSE.search(sentence)
    kept = strip_markup(sentence[: cut.start()] if cut else sentence)
    arithmetic = re.fullmatch(r"[-−+*/×÷().,$\d\s%]+=\s*([^=]+)", kept)
    if arithmetic is None and kept.count("=") > 1 and not re.search(r",|;|\b(?:and|or)\b", kept):
        arithmetic = re.fullmatch(r".*=\s*([^=]+)", kept)
    kept = strip_markup(arithmetic[1]) if arithmetic else kept
    while kept.endswith("}") and kept.count("}") > kept.count("{"):
        kept = strip_markup(kept[:-1])  # {"answer": "72"}
    return kept


def _from_prose(sentence: str) -> str:
    """A short name such as "Evelyn", or the only number of a sentence."""
    cut = _CLAUSE.search(sentence)
    short = strip_markup(sentence[: cut.start()] if cut else sentence)
    numbers = _NUMBER.findall(sentence)
    if not numbers:
        is_name = 0 < len(short.split()) <= MAX_WORDS and not _PROSE.match(short)
        return short if is_name else ""
    if _COMPARED.search(sentence):
        return ""
    if len(numbers) == 1:
        return str(numbers[0]).strip()
    said = _COPULA.split(sentence)[-1]
    found = _NUMBER.match(said)
    return found[0].strip() if found else ""
