"""The functions of the checks by their names, and `examine`, which runs them on all rows.

Checks of rules and of rows are pure functions of one row; checks of joins see all rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from lorid_data.audit import leaks, mapping, rationales, usefulness
from lorid_data.audit.catalogue import BY_NAME, CHECKS, Check
from lorid_data.audit.joined import (
    BACKWARD,
    COVERED,
    ORIGINAL,
    Found,
    Joined,
    Seen,
    digest,
)
from lorid_data.audit.result import Counted, Flag
from lorid_data.audit.words import is_covered
from lorid_data.checks import catalogue as row_checks
from lorid_data.checks.finding import failed
from lorid_data.checks.rules import rule_fault
from lorid_data.schema import Record, canonical_json
from lorid_data.texts.characters import plain

__all__ = ["BY_NAME", "CHECKS", "Check", "examine", "found_in", "measure"]

VERSION = 5
"""Bump when a check changes what it finds."""
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
    return measure(rows)[0]


def measure(rows: Sequence[Record]) -> tuple[dict[str, tuple[Flag, ...]], Counted]:
    """As `examine`, with how often each check found something: what `gates.rates` reads."""
    with closing(Joined()) as joined:
        joined.add(map(seen, rows))
        counted = joined.settle(order)
        return {row_id: flags_of(found) for row_id, found in joined.found()}, counted


def seen(row: Record) -> Seen:
    """What the checks find in a row that need no other one, and what it is joined by."""
    has_list = bool(row.knowledge)
    marks = BACKWARD * mapping.is_backward(row) + ORIGINAL * (row.problem_id == row.original_id)
    return Seen(
        row_id=row.row_id,
        original=digest(row.original_id),
        rules=tuple(digest(same_rule(rule)) for rule in row.knowledge),
        list_=digest(canonical_json(row.knowledge)) if has_list else None,
        answer=row.answer if has_list and row.answer.strip() else None,
        marks=marks + COVERED * applies(min(OF_LANGUAGE), row),
        found=tuple((f.check, f.rule_index, f.evidence) for f in found_in(row)),
    )


def flags_of(found: Iterable[Found]) -> tuple[Flag, ...]:
    """Findings as `audit.json` has them."""
    return tuple(Flag(check=name, rule_index=i, evidence=said) for name, i, said in found)


def found_in(row: Record) -> tuple[Flag, ...]:
    """What the checks find that need no other row."""
    return (*_of_rules(row), *_of_row(row))


_PLACES = {name: i for i, name in enumerate(BY_NAME)}


def order(found: Found) -> tuple[int, int]:
    """The place of a finding among those of its row: by check, then by rule."""
    return _PLACES[found[0]], -1 if found[1] is None else found[1]


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


def same_rule(rule: str) -> str:
    """One spelling for rules that differ in case, spaces, forms of characters or the final stop."""
    return re.sub(r"\s+", " ", plain(rule)).strip().rstrip(".").casefold()
