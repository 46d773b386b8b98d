"""What becomes of a row: its program and how it ran → a record or a reject; pure."""

from __future__ import annotations

from lorid_data import answers
from lorid_data.execution.executed import Executed, Limits, Status
from lorid_data.execution.grounding import grounding
from lorid_data.programs.convert import Made, NotMade
from lorid_data.schema import (
    Disposition,
    Record,
    Reject,
    RejectReason,
    canonical_json,
    storable,
)

DOUBTS = (RejectReason.UNGROUNDED, RejectReason.AMBIGUOUS_LINK)
"""Reasons that say that a program may give the answer by chance; `--keep` makes flags of them."""
_DOUBTS = frozenset(r.value for r in DOUBTS)
_BY_STATUS = {
    Status.UNPARSABLE: RejectReason.UNPARSABLE,
    Status.LIMIT: RejectReason.LIMIT,
    Status.ERROR: RejectReason.DOES_NOT_RUN,
    Status.CRASHED: RejectReason.DOES_NOT_RUN,
    Status.NO_ANSWER: RejectReason.DOES_NOT_RUN,
}
_FAILED = frozenset({RejectReason.TEACHER_FAILED, RejectReason.SCRIPT_EXHAUSTED})
_AGAIN = frozenset(
    {RejectReason.REPLY_NOT_JSON, RejectReason.REPLY_WRONG_SHAPE, RejectReason.REPLY_TRUNCATED}
)


def is_right(record: Record, answer: str) -> bool:
    """Whether an answer is the record's, or one of those that are right as well."""
    gold = answers.reference(record.answer, record.accepted)
    return answers.equal(answer, gold) is answers.Verdict.EQUAL


def checked(
    record: Record,
    made: Made | NotMade,
    done: Executed | None,
    *,
    sandbox: str,
    limits: Limits,
    keep: frozenset[str],
) -> Record | Reject:
    """The record with its program, or a reject with the reason.

    Args:
        record: the row.
        made: its program, or why there is none.
        done: what running it gave; None where there is none.
        sandbox: name and version of what ran it.
        limits: that it ran under.
        keep: values of `DOUBTS` that become flags.
    """
    if isinstance(made, NotMade):
        return _reject(record, made.reason, made.detail, record.rationale)
    assert done is not None
    if done.answer is None:
        return _reject(record, _BY_STATUS[done.status], done.error, made.program)
    if not is_right(record, done.answer):
        detail = f"the program gives {done.answer[:80]}, the answer is {record.answer}"
        return _reject(record, RejectReason.WRONG_ANSWER, detail, made.program)
    doubts = _doubts(record, made)
    for reason, detail in doubts.items():
        if reason.value not in keep:
            return _reject(record, reason, detail, made.program)
    return record.model_copy(
        update={
            "flags": tuple(sorted({*set(record.flags) - _DOUBTS, *(r.value for r in doubts)})),
            "program": made.program,
            "program_from": made.made_of,
            "program_status": done.status.value,
            "program_output": done.output,
            "program_sandbox": sandbox,
            "program_limits": canonical_json(limits.model_dump()),
        }
    )


def _doubts(record: Record, made: Made) -> dict[RejectReason, str]:
    found = {}
    if made.made_of != "structure" and (
        nowhere := grounding(record.question, made.program).from_nowhere
    ):
        shown = ", ".join(str(float(v)) if v.denominator > 1 else str(v) for v in nowhere)
        found[RejectReason.UNGROUNDED] = f"{shown} stands neither in the question nor is it common"
    if made.ambiguous:
        found[RejectReason.AMBIGUOUS_LINK] = f"{', '.join(made.ambiguous)} may be the question's or a step's result"  # fmt: skip
    for reason in made.flagged:
        found.setdefault(reason, "an earlier run kept the program with this doubt")
    return found


def _reject(record: Record, reason: RejectReason, detail: str, evidence: str) -> Reject:
    disposition = Disposition.DROP
    if reason in _FAILED:
        disposition = Disposition.FAILED
    elif reason in _AGAIN:
        disposition = Disposition.REGENERATE
    return Reject(
        row_id=record.row_id,
        stage="programs",
        disposition=disposition,
        reason=reason,
        detail=storable(detail),
        evidence=storable(evidence)[:2000],
        problem_id=record.problem_id,
        split=record.split,
    )
