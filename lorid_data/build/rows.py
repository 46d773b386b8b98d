"""What becomes of a problem and of what a teacher said of it: a record or a reject; pure."""

from __future__ import annotations

from dataclasses import dataclass

from lorid_data.errors import TeacherError
from lorid_data.schema import (
    Disposition,
    Problem,
    Provenance,
    Record,
    Reject,
    RejectReason,
    TeacherReply,
    storable,
)
from lorid_data.teachers.base import NoRules, Unasked, read_reply

Response = TeacherReply | TeacherError | Unasked
"""What became of a problem's request."""
_DISPOSITIONS = {
    RejectReason.TEACHER_FAILED: Disposition.FAILED,
    RejectReason.SCRIPT_EXHAUSTED: Disposition.FAILED,
    RejectReason.REPLY_NOT_JSON: Disposition.REGENERATE,
    RejectReason.REPLY_WRONG_SHAPE: Disposition.REGENERATE,
    RejectReason.REPLY_TRUNCATED: Disposition.REGENERATE,
    RejectReason.VOTE_LOST: Disposition.REGENERATE,
    RejectReason.KNOWLEDGE_FORMAT: Disposition.REGENERATE,
}


def to_row(
    problem: Problem, row_id: str, answer: Response, *, stage: str = "build"
) -> Record | Reject:
    """A record with the teacher's knowledge, or a reject with the reason."""
    reject = _rejecter(problem, row_id, stage)
    if not problem.question.strip():
        return reject(RejectReason.QUESTION_EMPTY, "the question is empty", problem.question)
    match answer:
        case Unasked(kind="none"):
            return _record(problem, row_id, (), Provenance(teacher="none"))
        case Unasked():
            if not problem.knowledge:
                return reject(RejectReason.NO_KNOWLEDGE_IN_SOURCE, "", "")
            return _record(problem, row_id, problem.knowledge, Provenance(teacher="source"))
        case TeacherError():
            return reject(RejectReason(answer.reason), str(answer), "")
        case _:
            rules = read_reply(answer)
            if isinstance(rules, NoRules):
                return reject(rules.reason, rules.detail, answer.text)
            return _record(problem, row_id, rules, provenance_of(answer))


def provenance_of(reply: TeacherReply) -> Provenance:
    """Where knowledge taken from a reply comes from."""
    shared = Provenance.model_fields.keys() & TeacherReply.model_fields.keys()
    return Provenance(**{f: getattr(reply, f) for f in shared})


@dataclass(frozen=True, slots=True)
class _rejecter:  # noqa: N801  (used as a function that remembers the row)
    problem: Problem
    row_id: str
    stage: str

    def __call__(self, reason: RejectReason, detail: str, evidence: str) -> Reject:
        return Reject(
            row_id=self.row_id,
            stage=self.stage,
            disposition=_DISPOSITIONS.get(reason, Disposition.DROP),
            reason=reason,
            detail=storable(detail),
            evidence=storable(evidence[:2000]),
            problem_id=self.problem.problem_id,
            split=self.problem.split,
        )


def _record(
    problem: Problem, row_id: str, knowledge: tuple[str, ...], provenance: Provenance
) -> Record:
    fields = problem.model_dump(exclude={"knowledge"})
    return Record(row_id=row_id, knowledge=knowledge, provenance=provenance, **fields)
