"""The checks of the audit: what each is called, what it is about, and how much may fail it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lorid_data.checks.finding import Severity

Level = Literal["rule", "list", "row"]


@dataclass(frozen=True, slots=True)
class Check:
    """What a check is called, what it is about, and how much may fail it.

    Attributes:
        name: as in flags, gates and options.
        level: what it looks at.
        severity: what should become of what it finds; the audit itself removes nothing.
        sentence: what a finding means, for people.
        max_fraction: default gate: at most this fraction of original questions; None is no gate.
    """

    name: str
    level: Level
    severity: Severity
    sentence: str
    max_fraction: float | None = None


_R, _L, _W = "rule", "list", "row"
_DROP, _AGAIN, _QUARANTINE = Severity.DROP, Severity.REGENERATE, Severity.QUARANTINE
CHECKS: tuple[Check, ...] = (
    Check("answer_leak", "rule", _DROP, "A rule states the answer.", 0.01),
    Check("intermediate_leak", "rule", _AGAIN, "A rule holds a number that the solution computes.", 0.02),
    Check("question_number", "rule", _AGAIN, "A rule holds a number of the question.", 0.02),
    Check("name_leak", "rule", _DROP, "A rule holds a name of the question.", 0.01),
    Check("copied_question", "rule", _DROP, "A rule copies six or more words of the question.", 0.02),
    Check("copied_rationale", "rule", Severity.QUEUE, "A rule copies seven or more words of the solution."),
    Check("generic_rule", "rule", Severity.QUEUE, "A rule names nothing specific to do."),
    Check("duplicate_rule", "rule", _AGAIN, "A rule repeats an earlier one of its list.", 0.02),
    Check("rule_format", "rule", _AGAIN, "A rule is empty or not one plain line.", 0.0),
    Check("frequent_rule", "rule", Severity.REPORT, "A rule stands under more than 1 % of the original questions."),
    Check("no_knowledge", "list", Severity.REPORT, "The row has no rules."),
    Check("generic_list", "list", _AGAIN, "The rules together say nothing specific.", 0.02),
    Check("few_rules", "list", Severity.QUEUE, "Fewer rules than half the steps of the solution."),
    Check("missing_operation", "list", Severity.REPORT, "The solution uses an operation that no rule speaks of."),
    Check("backward_question", "list", _DROP, "The row asks for a number of its original question, but carries the original's rules.", 0.0),
    Check("answer_conflict", "list", _AGAIN, "The row shares its list with rows that have another answer to the same original question.", 0.0),
    Check("shared_list", "list", Severity.REPORT, "The same list stands under several original questions."),
    Check("unreached_answer", "row", _QUARANTINE, "The solution does not reach the stated answer.", 0.02),
    Check("row_format", "row", _QUARANTINE, "The question, solution or answer is broken; see validate.", 0.02),
    Check("glued_sentence", "row", Severity.QUEUE, "Two sentences run into each other."),
    Check("annotation_left", "row", Severity.QUEUE, "A calculator annotation, or a piece of one, was left in a text."),
)  # fmt: skip
"""All checks, in the order in which they are shown."""
BY_NAME: Mapping[str, Check] = {c.name: c for c in CHECKS}
REPORTED = frozenset(c.name for c in CHECKS if c.severity is Severity.REPORT)
"""Checks whose findings are counts, and nothing for people to look at."""
