"""`validate DIR --out DIR`: every check on every row; findings reject the row or flag it.

The checks are a room of their own, `checks`. A row is rejected for the first rejecting finding; all others of
its findings, and those that do not reject, become flags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data import answers
from lorid_data.checks import catalogue
from lorid_data.checks.finding import REJECTING, Check, Finding
from lorid_data.commandline.progress import Progress
from lorid_data.folders.batches import DatasetWriter, iter_tables, n_records, records_of
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import table_of
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import Disposition, Manifest, Record, Reject
from lorid_data.workers.pool import in_processes

EVIDENCE_CHARS = 2000


def validate(folder: Path, out: Path, *, n_workers: int = 1) -> Manifest:
    """Write the rows of a dataset folder that pass every check, and the rejects.

    Args:
        folder: a finished dataset folder.
        out: the folder to write.
        n_workers: processes that check rows; the folder is the same whatever their number.

    Raises:
        ConfigError: `folder` is no finished dataset folder, or `out` belongs to something else.
        LockedError: another process works on `out`.
    """
    parent = read_manifest(folder)
    sha256 = manifest_sha256(folder)
    with open_stage(
        out,
        "validate",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "checks": {c.__name__: catalogue.VERSION for c in catalogue.CHECKS},
        },
        # Another limit gives the parent other rows under the same identity: then check again.
        settings={"parent_sha256": sha256},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        return _validated(folder, stage, n_workers)


def _validated(folder: Path, stage: Stage, n_workers: int) -> Manifest:
    flags: Counter[str] = Counter()
    n_in = n_records(folder)
    with Progress("validate", n_in) as progress, DatasetWriter(stage) as writer:
        for checked in in_processes(check_table, iter_tables(folder), n_workers):
            writer.keep(checked.kept)
            writer.reject(checked.rejected)
            flags.update(checked.flags)
            n_kept, n_rejected = len(checked.kept), len(checked.rejected)
            progress.advance(n_kept + n_rejected, kept=n_kept, rejected=n_rejected)
        stage.figures = {"flags": dict(sorted(flags.items()))}
        return writer.finish(n_in=n_in)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a batch of rows: two Arrow tables, and how many of the kept have each flag."""

    kept: Any
    rejected: Any
    flags: Counter[str]


def check_table(table: Any) -> Checked:
    """Every check on every row of an Arrow table of records."""
    records = records_of(table)
    if any("\\" in r.answer for r in records):
        answers.prepare()  # formulas: the verifier's start must not use up a pair's time
    rows = [check_row(record) for record in records]
    kept = [row for row in rows if isinstance(row, Record)]
    rejected = [row for row in rows if isinstance(row, Reject)]
    flags = Counter(flag for record in kept for flag in record.flags)
    return Checked(table_of(Record, kept), table_of(Reject, rejected), flags)


def check_row(record: Record, run: Sequence[Check] = catalogue.CHECKS) -> Record | Reject:
    """The record with its flags, or a reject for its first rejecting finding."""
    findings = [f for check in run if (f := catalogue.look(check, record)) is not None]
    rejecting = [f for f in findings if f.severity in REJECTING]
    if rejecting:
        return _reject(record, rejecting[0])
    return record if not findings else record.model_copy(update={"flags": _flags(record, findings)})


def _flags(record: Record, findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(sorted({*record.flags, *(f.reason.value for f in findings)}))


def _reject(record: Record, finding: Finding) -> Reject:
    return Reject(
        row_id=record.row_id,
        stage="validate",
        disposition=Disposition(finding.severity.value),
        reason=finding.reason,
        detail=finding.detail,
        evidence=finding.evidence[:EVIDENCE_CHARS],
        problem_id=record.problem_id,
        split=record.split,
    )
