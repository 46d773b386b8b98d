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
