"""What the automatic checks say of a folder's rows: the `flags` column, and `audit.json` beside it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lorid_data.errors import InputError
from lorid_data.folders.sealed_rows import Rows, read_sealed_rows
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


def iter_audit_flags(
    folder: Path, records_sha256: str
) -> Iterator[tuple[str, tuple[Flag, ...]]] | None:
    """What `audit` found, row by row with its row_id; None where it has not been run on these records.

    Raises:
        InputError: `audit.json` cannot be read.
    """
    path = folder / AUDIT
    if not path.is_file():
        return None
    with _readable(folder):
        head, rows = read_sealed_rows(path, "rows")
        return _flags(folder, rows) if head["records_sha256"] == records_sha256 else None


def audit_flags(
    folder: Path, records_sha256: str, only: Container[str]
) -> dict[str, tuple[Flag, ...]] | None:
    """As `iter_audit_flags`, of some rows, by row_id."""
    found = iter_audit_flags(folder, records_sha256)
    return None if found is None else {row_id: f for row_id, f in found if row_id in only}


def _flags(folder: Path, rows: Rows) -> Iterator[tuple[str, tuple[Flag, ...]]]:
    with _readable(folder):
        for row_id, found in rows():
            yield (
                row_id,
                tuple(
                    Flag(str(f["check"]), f.get("rule_index"), str(f.get("evidence", "")))
                    for f in found
                ),
            )


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        msg = f"{folder / AUDIT}: not written by lorid-data audit ({e!r}); run lorid-data audit {folder} again"
        raise InputError(msg) from e


def flags_of(record: Record, audited: Mapping[str, tuple[Flag, ...]] | None) -> tuple[Flag, ...]:
    """All flags of a row: those of its column first, then the audit's."""
    found = (audited or {}).get(record.row_id, ())
    named = {f.check for f in found}
    return (*(Flag(name) for name in record.flags if name not in named), *found)
