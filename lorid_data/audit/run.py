"""`audit DIR`: the checks on every row of a folder → `audit.json` and `audit.html` beside the rows.

The folder's records stay as they are; both files name the records that they saw by their sha256.
With the same records and options nothing is done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from lorid_data.audit import acceptance
from lorid_data.audit.checks import VERSION, examine, frequent_rules, rule_counts
from lorid_data.audit.gates import gates, rates, thresholds
from lorid_data.audit.page import write_page
from lorid_data.audit.result import AUDIT_HTML, AUDIT_JSON, SCHEMA, Audit, read_audit
from lorid_data.errors import InputError
from lorid_data.progress import say
from lorid_data.sampling import draw_by_original
from lorid_data.schema import Record, Row, canonical_json, sha256_text
from lorid_data.store import RECORDS, locked, read_records, sha256_file, write_text

_MOST_FREQUENT = 20


class AuditOptions(Row):
    """Options of `audit`."""

    gates: dict[str, float | None] = Field(default_factory=dict)
    """Highest fraction of original questions that a check may flag; null takes a gate away."""
    gate_on: str = Field(default="fraction", pattern="^(fraction|upper)$")
    """What a gate compares: the fraction seen, or the upper end of its interval."""
    sample: int = Field(default=100, ge=1)
    """Original questions to draw for people to read."""
    seed: int = Field(default=0, ge=0)


def audit(folder: Path, options: AuditOptions) -> Audit:
    """Audit a finished dataset folder; writes `audit.json` and `audit.html` into it.

    Raises:
        ConfigError: an unknown gate; the folder is no finished dataset folder.
        LockedError: another process works on the folder.
    """
    limits = thresholds(options.gates)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name a dataset folder")
    with locked(folder):
        records = read_records(folder)
        seen = sha256_file(folder / RECORDS)
        identity = _identity(seen, options)
        done = _done(folder)
        if (
            done is not None
            and done.identity_sha256 == identity
            and (folder / AUDIT_HTML).is_file()
        ):
            return done
        result = build_audit(
            records, options, limits, records_sha256=seen, identity_sha256=identity
        )
        # The page first: the file by which a finished audit is recognised is written last.
        write_page(folder / AUDIT_HTML, folder.resolve().name, result, records)
        write_text(folder / AUDIT_JSON, result.to_json())
    return result


def build_audit(
    records: Sequence[Record],
    options: AuditOptions,
    limits: dict[str, float],
    *,
    records_sha256: str,
    identity_sha256: str,
) -> Audit:
    """The audit of some records; pure."""
    found = examine(records)
    measured = rates(records, found)
    return Audit(
        records_sha256=records_sha256,
        identity_sha256=identity_sha256,
        options=options.model_dump(mode="json"),
        n_rows=len(records),
        n_questions=len({r.original_id for r in records}),
        n_rules=sum(len(r.knowledge) for r in records),
        gates=gates(measured, limits, upper=options.gate_on == "upper"),
        rates=measured,
        figures=figures(records),
        sample=tuple(
            draw_by_original(
                ((r.row_id, r.original_id) for r in records), options.sample, options.seed
            )
        ),
        rows=found,
    )


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """Distributions over original questions: rules per list, frequent rules, the acceptance plan."""
    first = {r.original_id: r for r in reversed(records)}
    lengths = Counter(len(r.knowledge) for r in first.values())
    counts = rule_counts(records)
    often = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "n_rules_per_list": {str(n): lengths[n] for n in sorted(lengths)},
        "n_distinct_rules": len(counts),
        "n_frequent_rules": len(frequent_rules(records)),
        "most_frequent_rules": [
            {"rule": rule, "n_questions": n} for rule, n in often[:_MOST_FREQUENT] if n > 1
        ],
        "claims": acceptance.claims(len(first)),
    }


def unmet(result: Audit) -> list[str]:
    """The message of each gate that is not met."""
    return [g.message for g in result.gates if not g.met]


def summary(result: Audit, folder: Path) -> str:
    """What the audit found, in a few lines."""
    flagged = [r for r in result.rates if r.n_flagged]
    lines = [
        f"audit: {result.n_rows:,} rows of {result.n_questions:,} original questions, {result.n_rules:,} rules; "
        f"{len(result.rows):,} rows with findings → {folder / AUDIT_HTML}"
    ]
    lines += [
        f"  {r.check}: {r.n_flagged:,} of {r.n:,} original questions, {r.fraction:.2%} ({r.ci_low:.2%} to {r.ci_high:.2%}); "
        f"{r.n_rows_flagged:,} rows"
        + (f", {r.n_rules_flagged:,} rules" if r.n_rules_flagged else "")
        for r in flagged
    ]
    n_met = sum(g.met for g in result.gates)
    return "\n".join([*lines, f"  gates: {n_met} of {len(result.gates)} met"])


def _identity(records_sha256: str, options: AuditOptions) -> str:
    body = {
        "records": records_sha256,
        "options": options.model_dump(mode="json"),
        "checks": VERSION,
        "schema": SCHEMA,
    }
    return sha256_text(canonical_json(body))


def _done(folder: Path) -> Audit | None:
    try:
        return read_audit(folder)
    except InputError as e:
        say(f"warning: {e}; it is replaced")
        return None
