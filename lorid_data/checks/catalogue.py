"""Every check in its order: a new one is added here."""

from __future__ import annotations

from lorid_data.checks.annotations import annotation_left, annotation_wrong
from lorid_data.checks.answers import answer_contradicted, answer_missing, answer_unparsed
from lorid_data.checks.finding import Check, Finding, failed
from lorid_data.checks.rules import rule_empty, rule_format
from lorid_data.checks.texts import latex_unbalanced, not_text, question_empty, sentences_glued
from lorid_data.schema import Record

CHECKS: tuple[Check, ...] = (
    question_empty,
    not_text,
    answer_missing,
    answer_unparsed,
    answer_contradicted,
    annotation_wrong,
    annotation_left,
    sentences_glued,
    latex_unbalanced,
    rule_empty,
    rule_format,
)
"""All checks, in the order in which the first rejecting one names the reason."""


def look(check: Check, row: Record) -> Finding | None:
    """What a check finds in a row; where the check itself breaks, that is the finding.

    A row's failure is recorded and the run goes on, whatever a row holds.
    """
    try:
        return check(row)
    except Exception as e:  # noqa: BLE001  (recorded with its row)
        return failed(check.__name__, e)


VERSION = 4
"""Bump when a check changes what it finds: a validated folder then belongs to another configuration."""
