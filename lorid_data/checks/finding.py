"""What a check says of a row: a reason, how severe it is, and the text that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lorid_data.schema import Record, RejectReason


class Severity(StrEnum):
    """What a finding does to its row."""

    DROP = "drop"
    REGENERATE = "regenerate"
    QUARANTINE = "quarantine"
    QUEUE = "queue"
    """Kept with a flag, for a person to look at."""
    FAILED = "failed"
    """A check could not be made on this row."""
    REPORT = "report"
    """Kept with a flag, counted only."""


REJECTING = frozenset({Severity.DROP, Severity.REGENERATE, Severity.QUARANTINE, Severity.FAILED})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in a record."""

    reason: RejectReason
    severity: Severity
    detail: str
    evidence: str = ""


def failed(check: str, error: Exception) -> Finding:
    """What is said of a row on which a check broke: the run goes on without the row."""
    detail = f"the check {check!r} ended in {type(error).__name__}: {str(error)[:200]}"
    return Finding(RejectReason.CHECK_FAILED, Severity.FAILED, detail)


Check = Callable[[Record], Finding | None]
