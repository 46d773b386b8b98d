"""What the automatic checks say of a folder's rows: the `flags` column, and `audit.json` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lorid_data.errors import InputError
from lorid_data.folders.seals import unsealed
from lorid_data.schema import Record

AUDIT = "audit.json"
OF_SOURCE = frozenset({"holds_concepts", "holds_hints"})
"""What a source says of a row: no finding of a check."""


class Flag(NamedTuple):
    """One finding of a check."""

    check: str
    rule_index: int | None = None
    """Which rule of the row (from 0); None where it is about the list or the row."""
    evidence: str = ""


def audit_flags(folder: Path, records_sha256: str) -> dict[str, tuple[Flag, ...]] | None:
    """What `audit` found, by row_id; None where it has not been run on these records.

    Raises:
        InputError: `audit.json` cannot be read.
    """
    path = folder / AUDIT
    if not path.is_file():
        return None
    try:
        body = unsealed(path.read_bytes())
        if body["records_sha256"] != records_sha256:
            return None
        return {
            row_id: tuple(
                Flag(str(f["check"]), f.get("rule_index"), str(f.get("evidence", "")))
                for f in found
            )
            for row_id, found in body["rows"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        msg = (
            f"{path}: not written by lorid-data audit ({e!r}); run lorid-data audit {folder} again"
        )
        raise InputError(msg) from e


def flags_of(record: Record, audited: Mapping[str, tuple[Flag, ...]] | None) -> tuple[Flag, ...]:
    """All flags of a row: those of its column first, then the audit's."""
    found = (audited or {}).get(record.row_id, ())
    named = {f.check for f in found}
    return (*(Flag(name) for name in record.flags if name not in named), *found)
