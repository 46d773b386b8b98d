"""What of its question a rule gives away: the answer, results on the way, numbers, names, sentences.

A rule should help with every question of its kind. Each function is pure: a rule and its row in,
the text that shows the leak out, or None.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction
from functools import lru_cache

from lorid_data.audit.numbers import numbers, of_a_question, values
from lorid_data.audit.words import lexicon, longest_shared_run, shingle_words
from lorid_data.schema import Record
from lorid_data.texts.characters import in_place

QUESTION_RUN, RATIONALE_RUN = 6, 7
"""Words in a row that count as copied."""
_CONTEXT = 25


def _shown(rule: str, start: int, end: int) -> str:
    return rule[max(0, start - _CONTEXT) : end + _CONTEXT].strip()


@lru_cache(maxsize=4096)
def _value_of(answer: str) -> Fraction | None:
    """The value of an answer that is one number, with or without its sign, unit or `$`."""
    answer = in_place(answer)
    found = numbers(answer)
    if len(found) != 1:
        return None
    rest = answer[: found[0].start] + answer[found[0].end :]
    rest = re.sub(r"\\(?:text|mathrm|circ|degree|boxed|%|\$|!|,|;)|[\s${}^%().°-]", "", rest)
    return found[0].value if not rest or (len(rest) <= 12 and rest.isalpha()) else None


def answer_leak(rule: str, row: Record) -> str | None:
    """The rule states the answer, and not as a constant or as structure."""
    value = _value_of(row.answer)
    if value is not None:
        for f in of_a_question(rule):
            if abs(f.value) == abs(value):
                return _shown(rule, f.start, f.end)
        return None
    answer, text = _squeezed(row.answer), _squeezed(rule)
    telling = len(answer) >= 4 and (re.search(r"\d", answer) or re.fullmatch(r"[a-z]{4,}", answer))
    if not telling:
        return None
    if answer.isalpha():  # a word: Tuesday, even, rhombus
        final = re.search(rf"\banswer\b.*\b{re.escape(answer)}\b", rule[:2000], re.IGNORECASE)
        return final[0] if final else None
    before = r"(?<![\w\\^_])" if answer[0].isalnum() else ""
    at = re.search(rf"{before}{re.escape(answer)}(?![\w^_])", text)
    return None if at is None else text[max(0, at.start() - _CONTEXT) : at.end() + _CONTEXT]


def _squeezed(text: str) -> str:
    """One spelling of a formula: no braces, no signs of size or layout, spaces only between words."""
    text = in_place(text)
    text = re.sub(r"\\(?:left|right|displaystyle|text|mathrm|mathbf|,|!|;|quad)(?![a-z])", "", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    return re.sub(r"\s*([^\w\s])\s*", r"\1", re.sub(r"[${}]", "", text)).lower()


def intermediate_leak(rule: str, row: Record) -> str | None:
    """The rule holds a number that the rationale computes on the way."""
    computed = values(row.rationale) - values(row.question) - {_value_of(row.answer)}
    return _holds(rule, computed)


def question_number(rule: str, row: Record) -> str | None:
    """The rule holds a number of the question."""
    return _holds(rule, values(row.question) - {_value_of(row.answer)})


def _holds(rule: str, wanted: Collection[Fraction | None]) -> str | None:
    for f in of_a_question(rule):
        if f.value in wanted:
            return _shown(rule, f.start, f.end)
    return None


# --- names and sentences --------------------------------------------------------------------------

_CAPITAL = re.compile(r"(?<![\w\\$])[A-Z][a-zà-ÿ]+(?:[-'’][A-Z]?[a-zà-ÿ]+)*")
_FORMULA = re.compile(r"\$[^$]*\$")
_SENTENCE_END = re.compile(r"[.!?:;\n\"“”]\s*[\"“(]*$")
_MOST_TEXT, _WINDOW = 20_000, 20
"""Characters of a question that are read for names, and those before a word that may end a sentence."""


@lru_cache(maxsize=4096)
def names_of(question: str) -> frozenset[str]:
    """Names in a question: capitalised inside a sentence, or before `'s` or a verb at its start."""
    proper, no_names = lexicon().proper, lexicon().no_names
    # Formulas go, prices stay: "$5 to Ann and $6" is no formula.
    text = _FORMULA.sub(lambda m: " " if "\\" in m[0] else m[0], question[:_MOST_TEXT]).lstrip()
    lower = set(re.findall(r"[a-zà-ÿ]+", text))
    names = set()
    for m in _CAPITAL.finditer(text):
        name = re.sub(r"['’]s?$", "", m[0])
        before = text[max(0, m.start() - _WINDOW) : m.start()]
        first = m.start() == 0 or _SENTENCE_END.search(before) is not None
        acts = m[0] != name or _ACTS.match(text[m.end() :]) is not None
        common = name in proper or name.lower() in lower | no_names
        if not common and (acts or not first):
            names.add(name)
    return frozenset(names)


_ACTS = re.compile(
    r"\s+(?:has|had|is|was|and [A-Z]\w+|wants?|buys?|bought|sells?|sold|makes?|made|gets?|got|earns?|earned|gives?|gave"
    r"|takes?|took|can|needs?|needed|goes|went|decides?|decided|works?|worked|spends?|spent|plans?)\b"
)


def name_leak(rule: str, row: Record) -> str | None:
    """The rule holds a name of the question."""
    for name in names_of(row.question):
        at = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", rule)
        if at is not None:
            return _shown(rule, at.start(), at.end())
    return None


def copied_question(rule: str, row: Record) -> str | None:
    """The rule shares a run of six or more words with the question."""
    return _copied(rule, row.question, QUESTION_RUN)


def copied_rationale(rule: str, row: Record) -> str | None:
    """The rule shares a run of seven or more words with the rationale."""
    return _copied(rule, row.rationale, RATIONALE_RUN)


def _copied(rule: str, text: str, least: int) -> str | None:
    run = longest_shared_run(shingle_words(rule), shingle_words(text), least)
    # A run of letters is a formula, not a sentence.
    return " ".join(run) if sum(len(w) > 1 for w in run) >= least - 1 else None
