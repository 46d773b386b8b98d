"""`validate DIR --out DIR`: every check on every row; findings reject the row or flag it.

The checks are a room of their own, `checks`. A row is rejected for the first rejecting finding; all others of
its findings, and those that do not reject, become flags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from lorid_data import answers
from lorid_data.checks import catalogue
from lorid_data.checks.finding import REJECTING, Check, Finding
from lorid_data.commandline.progress import Progress
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Disposition, Manifest, Record, Reject

EVIDENCE_CHARS = 2000


def validate(folder: Path, out: Path) -> Manifest:
    """Write the rows of a dataset folder that pass every check, and the rejects.

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
        records = read_records(folder)
        if any("\\" in r.answer for r in records):
            answers.prepare()  # formulas: the verifier's start must not use up a pair's time
        kept: list[Record] = []
        rejects: list[Reject] = []
        with Progress("validate", len(records)) as progress:
            for record in records:
                row = check_row(record)
                (kept if isinstance(row, Record) else rejects).append(row)  # type: ignore[arg-type]
                progress.advance(kept=isinstance(row, Record), rejected=isinstance(row, Reject))
        flags = Counter(flag for record in kept for flag in record.flags)
        stage.figures = {"flags": dict(sorted(flags.items()))}
        return write_dataset(stage, kept, rejects, n_in=len(records))


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
