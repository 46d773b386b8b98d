"""Whether rules say anything: generic rules and lists, duplicates, coverage of the rationale."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lorid_data.audit.formulas import formulas
from lorid_data.audit.words import lexicon, stems
from lorid_data.schema import Record
from lorid_data.texts.characters import in_place
from lorid_data.texts.counting import count

DUPLICATE = 0.75
"""Jaccard index of content words from which two rules of a list say the same."""


def specifics(rule: str) -> frozenset[str]:
    """The stems of a rule that name something to do or to do it with; formulas count as one each."""
    named = {s for s in stems(rule) if s in lexicon().specific}
    return frozenset(
        named | {f for f in formulas(rule) if re.search(r"[\\^_=+*/<>|∤-]|\d|[A-Za-z]{2}|\w\(", f)}
    )


def generic_rule(rule: str) -> str | None:
    """The rule names nothing specific: it could stand under every question."""
    if not rule.strip() or specifics(rule):
        return None
    return "names nothing specific"


def generic_list(rules: Sequence[str]) -> str | None:
    """The rules together name fewer specific things than one for two rules."""
    if not rules:
        return None
    named = frozenset[str]().union(*(specifics(r) for r in rules))
    if len(named) >= len(rules) / 2:
        return None
    return f"{count(len(rules), 'rule')}, naming {', '.join(sorted(named)) or 'nothing specific'}"


_MOST_COMPARED = 200


def duplicate_of(rules: Sequence[str]) -> dict[int, tuple[int, float]]:
    """Rules that repeat an earlier one: index → (index of the earlier, Jaccard index).

    Rules that differ in an operation, a formula, a number or a negation are not the same. The first
    200 rules of a row are compared: each with each.
    """
    found: dict[int, tuple[int, float]] = {}
    rules = rules[:_MOST_COMPARED]
    keys = [(set(stems(r)), _operations(r), _formula_key(r)) for r in rules]
    for i, (a, ops_a, formulas_a) in enumerate(keys):
        for j, (b, ops_b, formulas_b) in enumerate(keys[:i]):
            either = len(a | b)
            close = len(a & b) / either if either else float(rules[i] == rules[j])
            if close >= DUPLICATE and ops_a == ops_b and formulas_a == formulas_b:
                found.setdefault(i, (j, close))
    return found


def _operations(rule: str) -> frozenset[str]:
    return frozenset(s for s in stems(rule) if s in lexicon().operations)


_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NEGATED = re.compile(r"\b(?:not|no|never|without|cannot)\b|n[’']t\b", re.IGNORECASE)


def _formula_key(rule: str) -> frozenset[str]:
    """What makes two rules of the same words different: formulas, numbers, and whether they negate."""
    rule = in_place(rule)
    written = {f.replace(" ", "") for f in formulas(rule)} | set(_NUMBER.findall(rule))
    return frozenset(written | ({"not"} if _NEGATED.search(rule) else set()))


# --- coverage -------------------------------------------------------------------------------------

_ANNOTATION = re.compile(r"<<([^<>=]*)=[^<>]*>>")
_WORDS_FOR = {
    "+": r"add|sum|total|combin|plus|together|increas|altogether|accumulat|more|join|count|overall|both",
    "-": r"subtract|differ|minus|remain|less|left|decreas|remov|fewer|deduct|change|exceed|reduc|balance|profit|loss|remainder",
    "*": r"multipl|times|product|doubl|twice|tripl|percent|per |each|rate|area|volume|fraction|factor|repeat|scale|proportion|square|power|convert",
    "/": r"divid|quotient|per |half|halv|ratio|average|mean|fraction|split|share|each|rate|percent|proportion|third|quarter|part|convert|multipl",
}


def operations_in(rationale: str) -> list[str]:
    """The operation of each calculator annotation (`<<a*b=c>>`) of a rationale, in order."""
    return [
        op
        for m in _ANNOTATION.finditer(rationale)
        for op in re.findall(r"(?<=[\d.)%])\s*([-+*/])", m[1])
    ]


def n_steps(rationale: str) -> int:
    """How many results a plain rationale computes; 0 where it holds LaTeX, whose steps are not counted."""
    n_annotated = len(_ANNOTATION.findall(rationale))
    if n_annotated or "\\" in rationale:
        return n_annotated
    return len(re.findall(r"=\s*[$€£]?\s*-?\d", rationale))


def few_rules(row: Record) -> str | None:
    """Fewer rules than half the steps of the rationale (four steps or more)."""
    steps = n_steps(row.rationale)
    if steps < 4 or len(row.knowledge) * 2 >= steps:
        return None
    return f"{count(len(row.knowledge), 'rule')} for {count(steps, 'step')}"


def missing_operation(row: Record) -> str | None:
    """The rationale's annotations use an operation that no rule speaks of."""
    text = " ".join(row.knowledge).lower()
    for op in dict.fromkeys(operations_in(row.rationale)):
        if re.search(_WORDS_FOR[op], text) is None:
            return f"the rationale uses {op}, no rule does"
    return None
