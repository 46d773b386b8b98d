"""Checks of single records: small pure functions `Record -> Finding | None`.

Each finding has a reason, a severity and the text that shows it. Severities drop, regenerate and
quarantine reject the row; queue and report keep it with a flag. Nothing here runs text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lorid_data.calculate import agrees, calculate, number
from lorid_data.schema import Record, RejectReason
from lorid_data.text import control_characters, last_boxed, unbalanced_latex


class Severity(StrEnum):
    """What a finding does to its row."""

    DROP = "drop"
    REGENERATE = "regenerate"
    QUARANTINE = "quarantine"
    QUEUE = "queue"
    """Kept with a flag, for a person to look at."""
    REPORT = "report"
    """Kept with a flag, counted only."""


REJECTING = frozenset({Severity.DROP, Severity.REGENERATE, Severity.QUARANTINE})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in a record."""

    reason: RejectReason
    severity: Severity
    detail: str
    evidence: str = ""


Check = Callable[[Record], Finding | None]


def question_empty(r: Record) -> Finding | None:
    """The question has no visible character."""
    if r.question.strip():
        return None
    return Finding(RejectReason.QUESTION_EMPTY, Severity.DROP, "the question is empty", r.question)


def not_text(r: Record) -> Finding | None:
    """Control characters, or U+FFFD where a byte was lost, in any text of the row."""
    for name in ("question", "rationale", "answer"):
        bad = control_characters(getattr(r, name))
        if bad:
            return Finding(
                RejectReason.QUESTION_NOT_TEXT,
                Severity.DROP,
                f"{name} holds {', '.join(bad)}",
                repr(getattr(r, name)),
            )
    return None


def answer_missing(r: Record) -> Finding | None:
    """There is no reference answer to train towards or to score against."""
    if r.answer.strip():
        return None
    return Finding(
        RejectReason.ANSWER_MISSING, Severity.DROP, "the answer is empty", r.rationale[-200:]
    )


def answer_unparsed(r: Record) -> Finding | None:
    r"""The reference answer does not equal itself in a `\boxed{}`: no reply to it could be right."""
    from lorid_data.answers import Verdict, equal

    if not r.answer.strip():
        return None
    verdict = equal(rf"\boxed{{{r.answer}}}", r.answer)
    if verdict is Verdict.EQUAL:
        return None
    return Finding(
        RejectReason.ANSWER_UNPARSED,
        Severity.QUARANTINE,
        f"the grader says {verdict.value}",
        r.answer,
    )


# --- does the rationale reach the stated answer? ------------------------------------------------

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
_SPACED_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")


def answer_contradicted(r: Record) -> Finding | None:
    r"""The rationale ends in another answer than the stated one.

    A `\boxed{}` must hold an equal answer, and so must "the answer is …" in a text with LaTeX. In
    plain text the stated number must stand in the last line, where thousands may be spaced and a
    factor of 100 is let through (cents and dollars, fractions and percentages).
    """
    if not r.answer.strip() or not r.rationale.strip():
        return None
    boxed = last_boxed(r.rationale)
    if boxed is not None:
        return _unless_equal(r, boxed, Severity.DROP)
    if "\\" in r.rationale:
        from lorid_data.answers import Answer, extract

        said = extract(r.rationale)
        return (
            _unless_equal(r, said.value, Severity.QUARANTINE) if isinstance(said, Answer) else None
        )
    return _unless_in_last_line(r)


def _unless_equal(r: Record, found: str, severity: Severity) -> Finding | None:
    from lorid_data.answers import Verdict, equal

    if equal(found, r.answer) is not Verdict.DIFFERENT:
        return None
    detail = f"the rationale states {found}, the answer is {r.answer}"
    return Finding(RejectReason.ANSWER_CONTRADICTED, severity, detail, r.rationale[-300:])


def _unless_in_last_line(r: Record) -> Finding | None:
    stated = number(r.answer)
    lines = ANNOTATION.sub("", r.rationale).rstrip().splitlines()
    if stated is None or not lines:
        return None
    spellings = (lines[-1], _SPACED_THOUSANDS.sub("", lines[-1]))
    texts = {text for line in spellings for text in _NUMBER.findall(line)}
    found = {abs(n) for text in texts if (n := number(text)) is not None}
    if not found or found & {abs(stated), abs(stated) * 100, abs(stated) / 100}:
        return None
    return Finding(
        RejectReason.ANSWER_CONTRADICTED,
        Severity.QUARANTINE,
        f"the answer {r.answer} does not stand in the last line of the rationale",
        r.rationale[-300:],
    )


# --- <<a*b=c>> ----------------------------------------------------------------------------------

ANNOTATION = re.compile(r"<<([^<>]*)>>")


def annotation_wrong(r: Record) -> Finding | None:
    """A calculator annotation does not compute; what is no plain arithmetic is passed over.

    The result may be rounded or cut to the digits that are written.
    """
    for match in ANNOTATION.finditer(r.rationale):
        left, eq, right = match[1].rpartition("=")
        value, shown = calculate(left) if eq else None, number(right)
        if value is None or shown is None or agrees(value, shown, right):
            continue
        return Finding(
            RejectReason.ANNOTATION_WRONG,
            Severity.QUARANTINE,
            f"{left} is {float(value):g}, not {right.strip()}",
            match[0],
        )
    return None


_PIECE = re.compile(r"<<|>>")
_DRAWING = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL | re.IGNORECASE)


def annotation_left(r: Record) -> Finding | None:
    """A piece of an annotation; or a whole one outside the rationales of GSM8K, whose own they are.

    A piece queues the row for a person, a whole one is only reported: training texts lose it anyway.
    """
    for name, text in _texts(r):
        if piece := _PIECE.search(ANNOTATION.sub("", _DRAWING.sub(" ", text))):
            return Finding(
                RejectReason.ANNOTATION_LEFT,
                Severity.QUEUE,
                f"{name} holds {piece[0]} without its partner",
                text[-500:],
            )
        whole = ANNOTATION.search(text)
        if whole and (name != "rationale" or r.source != "gsm8k"):
            return Finding(
                RejectReason.ANNOTATION_LEFT,
                Severity.REPORT,
                f"{name} holds the annotation {whole[0]}",
                whole[0],
            )
    return None


def _texts(r: Record) -> list[tuple[str, str]]:
    rules = [(f"rule {i}", rule) for i, rule in enumerate(r.knowledge)]
    return [("question", r.question), ("rationale", r.rationale), ("answer", r.answer), *rules]


# --- prose --------------------------------------------------------------------------------------

_GLUED = re.compile(r"[a-z\d)$}\]][.!?](?=[A-Z][a-z]+ [a-z$\\])")


def sentences_glued(r: Record) -> Finding | None:
    """A sentence begins right behind the full stop of another: "64 square feet.The answer is"."""
    for name, text in _texts(r):
        if m := _GLUED.search(_DRAWING.sub(" ", text)):
            return Finding(
                RejectReason.SENTENCES_GLUED,
                Severity.REPORT,
                f"{name}: no space behind a full stop",
                text[max(0, m.start() - 60) : m.end() + 60],
            )
    return None


# --- LaTeX --------------------------------------------------------------------------------------


def latex_unbalanced(r: Record) -> Finding | None:
    r"""Braces, `\[ \]`, `\( \)`, environments or `$` of a text with LaTeX do not pair up."""
    for name in ("question", "rationale", "answer"):
        what = unbalanced_latex(getattr(r, name))
        if what is not None:
            return Finding(
                RejectReason.LATEX_UNBALANCED,
                Severity.QUARANTINE,
                f"{name}: {what}",
                getattr(r, name)[-500:],
            )
    return None


# --- rules --------------------------------------------------------------------------------------

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
        "holds control characters": bool(control_characters(rule)),
        "has LaTeX that does not balance": unbalanced_latex(rule) is not None,
    }
    return next((fault for fault, found in faults.items() if found), None)


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
VERSION = 2
"""Raised when a check changes what it finds: a validated folder then belongs to another configuration."""
