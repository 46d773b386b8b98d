"""Checks of the reference answer: there, readable, and what the rationale ends in."""

from __future__ import annotations

import re

from lorid_data.checks.annotations import ANNOTATION
from lorid_data.checks.finding import Finding, Severity
from lorid_data.schema import Record, RejectReason
from lorid_data.texts.calculate import number
from lorid_data.texts.characters import in_place
from lorid_data.texts.latex import last_boxed


def answer_missing(r: Record) -> Finding | None:
    """There is no reference answer to train towards or to score against."""
    if r.answer.strip():
        return None
    return Finding(
        RejectReason.ANSWER_MISSING, Severity.DROP, "the answer is empty", r.rationale[-200:]
    )


def answer_unparsed(r: Record) -> Finding | None:
    r"""A reference answer does not equal itself in a `\boxed{}`: no reply like it could be right.

    So is each further answer that the row accepts: one that cannot be read would make every wrong
    reply ungradable.
    """
    from lorid_data.answers import Verdict, equal

    for answer in (r.answer, *r.accepted) if r.answer.strip() else ():
        verdict = equal(rf"\boxed{{{answer}}}", answer)
        if verdict is not Verdict.EQUAL:
            said = f"the grader says {verdict.value}"
            return Finding(RejectReason.ANSWER_UNPARSED, Severity.QUARANTINE, said, answer)
    return None


# --- does the rationale reach the stated answer? ------------------------------------------------

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
_SPACED_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")


def answer_contradicted(r: Record) -> Finding | None:
    r"""The rationale ends in another answer than the stated one.

    What the rationale states as its answer counts, be it a number, a formula or an option: a
    `\boxed{}`, another mark, or a cue such as "The answer is (D)." Only where it states none, the
    reference number must stand in the last line, where thousands may be spaced. A factor of 100 is
    let through in plain text (cents and dollars, fractions and percentages).
    """
    if not r.answer.strip() or not r.rationale.strip():
        return None
    from lorid_data.answers import Answer, boxed, extract

    in_box = boxed(r.rationale)
    if in_box is not None:
        found = _unless_equal(r, in_box, Severity.DROP)
        # where a question asks for one of two, both are boxed and the last is the answer
        last = last_boxed(r.rationale) or ""
        is_last = last != in_box and _unless_equal(r, last, Severity.DROP) is None
        return None if is_last else found
    said, is_plain = extract(r.rationale), "\\" not in r.rationale
    if isinstance(said, Answer):
        if is_plain and any(
            _times_100(said.value, a) or _comes_to(r, said.value, a)
            for a in (r.answer, *r.accepted)
        ):
            return None
        return _unless_equal(r, said.value, Severity.QUARANTINE)
    return _unless_in_last_line(r) if is_plain else None


def _unless_equal(r: Record, found: str, severity: Severity) -> Finding | None:
    from lorid_data.answers import Verdict, equal, reference

    if equal(found, reference(r.answer, r.accepted)) is not Verdict.DIFFERENT:
        return None
    detail = f"the rationale states {found}, the answer is {' or '.join((r.answer, *r.accepted))}"
    return Finding(RejectReason.ANSWER_CONTRADICTED, severity, detail, r.rationale[-300:])


def _times_100(a: str, b: str) -> bool:
    """Whether two plain numbers differ by a factor of 100 alone, their signs aside."""
    x, y = number(a), number(b)
    return x is not None and y is not None and abs(x) in (abs(y) * 100, abs(y) / 100)


def _comes_to(r: Record, said: str, answer: str) -> bool:
    """Whether what is stated is worked out to the answer: "the answer is 15 * 8 = 120 pints"."""
    text, said = in_place(ANNOTATION.sub("", r.rationale)), in_place(said)
    reference, found = number(answer), _NUMBER.findall(text[max(text.rfind(said), 0) :])
    in_sight = said in text and bool(found)
    return reference is not None and in_sight and number(found[-1]) == reference


def _unless_in_last_line(r: Record) -> Finding | None:
    read = [number(a) for a in (r.answer, *r.accepted)]
    # Where one of several is no number, the rationale may end in that.
    stated = [] if None in read else [n for n in read if n is not None]
    lines = in_place(ANNOTATION.sub("", r.rationale)).rstrip().splitlines()
    if not stated or not lines:
        return None
    spellings = (lines[-1], _SPACED_THOUSANDS.sub("", lines[-1]))
    texts = {text for line in spellings for text in _NUMBER.findall(line)}
    found = {abs(n) for text in texts if (n := number(text)) is not None}
    if not found or found & {abs(n) * k for n in stated for k in (1, 100)}:
        return None
    if found & {abs(n) / 100 for n in stated}:
        return None
    return Finding(
        RejectReason.ANSWER_CONTRADICTED,
        Severity.QUARANTINE,
        f"the answer {r.answer} does not stand in the last line of the rationale",
        r.rationale[-300:],
    )
