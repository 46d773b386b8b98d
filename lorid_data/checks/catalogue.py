"""Every check in its order: a new one is added here."""

from __future__ import annotations

from lorid_data.checks.annotations import annotation_left, annotation_wrong
from lorid_data.checks.answers import answer_contradicted, answer_missing, answer_unparsed
from lorid_data.checks.finding import Check
from lorid_data.checks.rules import rule_empty, rule_format
from lorid_data.checks.texts import latex_unbalanced, not_text, question_empty, sentences_glued

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
VERSION = 3
"""Bump when a check changes what it finds: a validated folder then belongs to another configuration."""
