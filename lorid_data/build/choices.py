"""Of several replies about a row, the one that it takes, and what becomes of it by that; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lorid_data.audit import checks as audit_checks
from lorid_data.audit.result import Flag
from lorid_data.build.candidates import Candidate
from lorid_data.build.rows import provenance_of
from lorid_data.checks.finding import Severity
from lorid_data.schema import (
    Disposition,
    FrozenModel,
    Record,
    Reject,
    RejectReason,
    TeacherReply,
)

_SEVERITIES = tuple(Severity)
"""Worst first."""


class Choice(FrozenModel):
    """What a row takes of the replies about it."""

    chosen: int | None
    """Number of the reply; None where none can be used, and the record stays as it is."""
    findings: tuple[tuple[str, ...], ...]
    """For each reply, what the checks found; empty where it was not looked at."""

    def taken(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """The reply itself."""
        return None if self.chosen is None else candidates[self.chosen]


def usable(candidates: Sequence[Candidate]) -> list[int]:
    """The numbers of the replies that may be taken."""
    return [i for i, c in enumerate(candidates) if not c.reason and c.vote != "differs"]


def best_of(record: Record, candidates: Sequence[Candidate]) -> Choice:
    """The reply with which the checks find least wrong, and what they found in each."""
    looked_at = {
        i: audit_checks.found_in(_with_texts(record, candidates[i])) for i in usable(candidates)
    }
    chosen = min(looked_at, key=lambda i: (badness(looked_at[i]), i), default=None)
    findings = tuple(_said(looked_at.get(i, ())) for i in range(len(candidates)))
    return Choice(chosen=chosen, findings=findings)


def by_number(choice: Choice, candidates: Sequence[Candidate], number: int) -> Choice:
    """The reply of that number, where it can be used."""
    chosen = None if why_not(candidates, number) else number - 1
    return Choice(chosen=chosen, findings=choice.findings)


def why_not(candidates: Sequence[Candidate], number: int) -> str:
    """Why a row cannot take the reply of that number (from 1); empty where it can."""
    if number > len(candidates):
        return RejectReason.TEACHER_FAILED
    candidate = candidates[number - 1]
    return candidate.reason or (RejectReason.VOTE_LOST if candidate.vote == "differs" else "")


def without(record: Record, candidates: Sequence[Candidate], number: int) -> Reject | None:
    """A reject for a row that cannot take the reply of that number; None where it can."""
    if not (reason := why_not(candidates, number)):
        return None
    return Reject(
        row_id=record.row_id, stage="choose", disposition=Disposition.DROP, reason=RejectReason(reason),
        detail=f"reply {number} of {len(candidates)}", problem_id=record.problem_id, split=record.split,
    )  # fmt: skip


def badness(flags: Sequence[Flag]) -> tuple[int, ...]:
    """Findings of each severity, the worst first: what is smaller is better."""
    n = Counter(_severity(flag) for flag in flags)
    return tuple(n[severity] for severity in _SEVERITIES)


def _severity(flag: Flag) -> Severity:
    return audit_checks.BY_NAME[flag.check].severity


def _said(flags: Sequence[Flag]) -> tuple[str, ...]:
    """Findings in words, the worst first."""
    ordered = sorted(flags, key=lambda flag: _SEVERITIES.index(_severity(flag)))
    return tuple(
        f"{_severity(f).value}: {f.check}"
        + ("" if f.rule_index is None else f" (rule {f.rule_index})")
        + f": {f.evidence}"
        for f in ordered
    )


def _with_texts(record: Record, candidate: Candidate) -> Record:
    """The record as it would be with this reply."""
    more: dict[str, Any] = {"knowledge": candidate.knowledge}
    if candidate.rationale:
        more["rationale"] = candidate.rationale
    return record.model_copy(update=more)


def rationale_with(record: Record, taken: Candidate | None) -> str:
    """The rationale of a record with a reply; its own where that writes none, or is the one that it has."""
    return (
        record.rationale
        if taken is None or taken.chosen == "yes"
        else taken.rationale or record.rationale
    )


def with_choice(
    record: Record, taken: Candidate | None, replies: Mapping[str, TeacherReply]
) -> Record:
    """The record with the texts and the provenance of a reply; as it is where it has that already."""
    if taken is None or taken.chosen == "yes":
        return record
    was = record.provenance
    provenance = provenance_of(replies[taken.request_key]).model_copy(
        update={"sample": taken.sample, "agreement": was.agreement, "n_votes": was.n_votes}
    )
    return _with_texts(record, taken).model_copy(update={"provenance": provenance})


def shown(candidates: Sequence[Candidate], row_id: str, choice: Choice) -> list[Candidate]:
    """The replies about a row with what was found, and which is taken."""
    return [
        c.model_copy(
            update={
                "row_id": row_id,
                "findings": choice.findings[i],
                "chosen": "yes" if i == choice.chosen else "no",
            }
        )
        for i, c in enumerate(candidates)
    ]
