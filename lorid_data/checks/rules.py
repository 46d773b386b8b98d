"""Checks of the rules of knowledge: each is one plain, readable line."""

from __future__ import annotations

import re

from lorid_data.checks.finding import Finding, Severity
from lorid_data.schema import Record, RejectReason
from lorid_data.texts.backslashes import controls
from lorid_data.texts.latex import control_characters, unbalanced_latex

_ENUMERATOR = re.compile(r"\s*(?:\(?\d{1,2}[.)]\s|\(?[a-zA-Z]\)\s|[-*•–—·]\s|\(?[ivx]{1,4}\)\s)")
_LABEL = re.compile(
    r"\s*(?:rule|step|note|hint|knowledge|principle|tip)s?\s*#?\d*\s*[:.)]\s", re.IGNORECASE
)
_JOINED = re.compile(r"[.;]\s+(?:\(?[2-9][.)]\s|(?:rule|step)\s*[2-9]\b)", re.IGNORECASE)


def rule_empty(r: Record) -> Finding | None:
    """A rule has no visible character."""
    for i, rule in enumerate(r.knowledge):
        if not rule.strip():
            return Finding(
                RejectReason.KNOWLEDGE_EMPTY, Severity.REGENERATE, f"rule {i} is empty", repr(rule)
            )
    return None


def rule_format(r: Record) -> Finding | None:
    """A rule is not one plain line: it has a line break, an enumerator, a label or markup."""
    for i, rule in enumerate(r.knowledge):
        fault = rule_fault(rule)
        if fault is not None:
            return Finding(
                RejectReason.KNOWLEDGE_FORMAT, Severity.REGENERATE, f"rule {i} {fault}", repr(rule)
            )
    return None


def rule_fault(rule: str) -> str | None:
    """What is wrong with the format of one rule, or None."""
    faults = {
        "has a line break": len(rule.splitlines()) > 1,
        "begins with an enumerator": _ENUMERATOR.match(rule) is not None,
        "begins with a label": _LABEL.match(rule) is not None,
        "is several rules in one": _JOINED.search(rule) is not None,
        "is marked up": "**" in rule or "```" in rule or rule.lstrip().startswith("#"),
        "is a written-out list": rule.lstrip().startswith(("['", '["')),
        "holds control characters": bool(control_characters(rule) or controls(rule)),
        "has LaTeX that does not balance": unbalanced_latex(rule) is not None,
    }
    return next((fault for fault, found in faults.items() if found), None)
