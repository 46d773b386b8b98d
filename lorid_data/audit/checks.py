"""Every check of the audit by its name, and `examine`, which runs them on all rows.

Checks of rules and of rows are pure functions of one row; checks of joins see all rows.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lorid_data.audit import leaks, mapping, rationales, usefulness
from lorid_data.audit.result import Audit, Flag
from lorid_data.audit.words import is_covered
from lorid_data.checks import catalogue as row_checks
from lorid_data.checks.finding import Severity, failed
from lorid_data.checks.rules import rule_fault
from lorid_data.schema import Record
from lorid_data.texts.counting import count

VERSION = 4
"""Bump when a check changes what it finds."""
Level = Literal["rule", "list", "row"]
FREQUENT = 0.01
"""A rule that stands under more than this fraction of the original questions is frequent."""
_FREQUENT_LEAST = 5


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

_RULE_CHECKS: Mapping[str, Callable[[str, Record], str | None]] = {
    "answer_leak": leaks.answer_leak,
    "intermediate_leak": leaks.intermediate_leak,
    "question_number": leaks.question_number,
    "name_leak": leaks.name_leak,
    "copied_question": leaks.copied_question,
    "copied_rationale": leaks.copied_rationale,
    "generic_rule": lambda rule, _: usefulness.generic_rule(rule),
    "rule_format": lambda rule, _: "the rule is empty" if not rule.strip() else rule_fault(rule),
}
_ROW_CHECKS: Mapping[str, Callable[[Record], str | None]] = {
    "no_knowledge": lambda row: None if row.knowledge else "no rules",
    "generic_list": lambda row: usefulness.generic_list(row.knowledge),
    "few_rules": usefulness.few_rules,
    "missing_operation": usefulness.missing_operation,
    "backward_question": mapping.backward_question,
    "unreached_answer": rationales.unreached_answer,
}
_OF_REASON = {"sentences_glued": "glued_sentence", "annotation_left": "annotation_left"}
"""Checks of `validate` that reject no row have a name of their own here."""
_KNOWLEDGE_FAULTS = frozenset({"knowledge_empty", "knowledge_format"})


OF_LANGUAGE = frozenset({"generic_rule", "generic_list", "missing_operation", "name_leak"})
"""Checks that know words: they are not applied to rows whose language no list covers."""


def applies(check: str, row: Record) -> bool:
    """Whether a check can say anything of a row: one that knows words needs its language."""
    return check not in OF_LANGUAGE or is_covered(" ".join(row.knowledge), row.question)


def examine(rows: Sequence[Record]) -> dict[str, tuple[Flag, ...]]:
    """What the checks find, by row_id, in the order of the rows; rows without a finding are left out."""
    joined = _joined(rows)
    found: dict[str, tuple[Flag, ...]] = {}
    for row in rows:
        flags = [*found_in(row), *joined.get(row.row_id, ())]
        if flags:
            found[row.row_id] = tuple(sorted(flags, key=_order))
    return found


def found_in(row: Record) -> tuple[Flag, ...]:
    """What the checks find that need no other row."""
    return (*_of_rules(row), *_of_row(row))


def _order(flag: Flag) -> tuple[int, int]:
    return list(BY_NAME).index(flag.check), -1 if flag.rule_index is None else flag.rule_index


def _of_rules(row: Record) -> Iterator[Flag]:
    checks = {name: c for name, c in _RULE_CHECKS.items() if applies(name, row)}
    for i, rule in enumerate(row.knowledge):
        for name, check in checks.items():
            evidence = _said(name, check, rule, row)
            if evidence is not None:
                yield Flag(check=name, rule_index=i, evidence=evidence)
    for i, (j, close) in usefulness.duplicate_of(row.knowledge).items():
        yield Flag(
            check="duplicate_rule", rule_index=i, evidence=f"rule {j}, word overlap {close:.2f}"
        )


def _of_row(row: Record) -> Iterator[Flag]:
    for name, check in _ROW_CHECKS.items():
        evidence = _said(name, check, row) if applies(name, row) else None
        if evidence is not None:
            yield Flag(check=name, evidence=evidence)
    for found in filter(None, (row_checks.look(check, row) for check in row_checks.CHECKS)):
        name = _OF_REASON.get(found.reason.value, "row_format")
        if found.reason.value not in _KNOWLEDGE_FAULTS:
            yield Flag(check=name, evidence=f"{found.reason.value}: {found.detail}"[:200])


def _said(name: str, check: Callable[..., str | None], *about: Any) -> str | None:
    """What a check says of a row or rule; where it breaks, that is what is said."""
    try:
        return check(*about)
    except Exception as e:  # noqa: BLE001  (recorded with its row)
        return f"check_failed: {failed(name, e).detail}"[:200]


def _joined(rows: Sequence[Record]) -> dict[str, list[Flag]]:
    """What only shows when rows are put side by side."""
    found: dict[str, list[Flag]] = defaultdict(list)
    for row_id, evidence in mapping.answer_conflicts(rows).items():
        found[row_id].append(Flag(check="answer_conflict", evidence=evidence))
    shared = mapping.shared_lists(rows)
    frequent = frequent_rules(rows)
    for row in rows:
        if row.knowledge in shared:
            n = shared[row.knowledge]
            found[row.row_id].append(
                Flag(check="shared_list", evidence=f"under {count(n, 'original question')}")
            )
        for i, rule in enumerate(row.knowledge):
            n_under = frequent.get(same_rule(rule))
            if n_under is not None:
                evidence = f"under {count(n_under, 'original question')}"
                found[row.row_id].append(
                    Flag(check="frequent_rule", rule_index=i, evidence=evidence)
                )
    return found


def same_rule(rule: str) -> str:
    """One spelling for rules that differ in case, spaces or the final stop."""
    return re.sub(r"\s+", " ", rule).strip().rstrip(".").casefold()


def rule_counts(rows: Sequence[Record]) -> dict[str, int]:
    """Under how many original questions each rule stands, by `same_rule`."""
    under: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for rule in row.knowledge:
            under[same_rule(rule)].add(row.original_id)
    return {rule: len(ids) for rule, ids in under.items()}


def spellings(rows: Sequence[Record]) -> dict[str, str]:
    """How each rule is written most often (of equals, first), by `same_rule`."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for rule in row.knowledge:
            seen[same_rule(rule)][" ".join(rule.split())] += 1
    return {key: found.most_common(1)[0][0] for key, found in seen.items()}


def frequent_rules(rows: Sequence[Record]) -> dict[str, int]:
    """Rules under more than `FREQUENT` of the original questions, and under five at least."""
    n_questions = len({r.original_id for r in rows})
    least = max(_FREQUENT_LEAST, FREQUENT * n_questions)
    return {
        rule: n
        for rule, n in rule_counts(rows).items()
        if n >= least and n > FREQUENT * n_questions
    }


def n_with_findings(result: Audit) -> int:
    """Rows with a finding that is more than a count (severity report)."""
    report = {c.name for c in CHECKS if c.severity is Severity.REPORT}
    return sum(any(f.check not in report for f in flags) for flags in result.rows.values())
