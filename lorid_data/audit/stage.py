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

from lorid_data.asking.journal import JOURNAL
from lorid_data.audit import acceptance
from lorid_data.audit.checks import (
    VERSION,
    examine,
    frequent_rules,
    n_with_findings,
    rule_counts,
    spellings,
)
from lorid_data.audit.gates import gates, rates, thresholds
from lorid_data.audit.judge import Judged, JudgeOptions, judge, open_judge
from lorid_data.audit.page import write_page
from lorid_data.audit.result import AUDIT_HTML, AUDIT_JSON, SCHEMA, Audit, JudgeRate, read_audit
from lorid_data.audit.rubric import prompt_hashes
from lorid_data.checks import catalogue as row_checks
from lorid_data.commandline.progress import say
from lorid_data.errors import InputError
from lorid_data.folders.files import locked, sha256_file, write_text
from lorid_data.folders.names import RECORDS
from lorid_data.folders.records import read_records
from lorid_data.sampling import draw_by_original
from lorid_data.schema import FrozenModel, Record, canonical_json, sha256_text
from lorid_data.teachers.base import Teacher
from lorid_data.texts.counting import count

_MOST_FREQUENT = 20


class AuditOptions(FrozenModel):
    """Options of `audit`."""

    gates: dict[str, float | None] = Field(default_factory=dict)
    """Highest fraction of original questions that a check may flag; null takes a gate away."""
    gate_on: str = Field(default="fraction", pattern="^(fraction|upper)$")
    """What a gate compares: the fraction seen, or the upper end of its interval."""
    sample: int = Field(default=100, ge=1)
    """Original questions to draw for people to read."""
    seed: int = Field(default=0, ge=0)
    judge: JudgeOptions | None = None
    """A model that judges a sample too."""


def audit(folder: Path, options: AuditOptions) -> Audit:
    """Audit a finished dataset folder; writes `audit.json` and `audit.html` into it.

    Raises:
        ConfigError: an unknown gate; a judge that cannot be asked; the folder is no finished
            dataset folder.
        LockedError: another process works on the folder.
    """
    limits, teacher = check_options(options)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name a dataset folder")
    with locked(folder):
        records = read_records(folder)
        seen = sha256_file(folder / RECORDS)
        identity = _identity(seen, options, teacher)
        done = _done(folder)
        if (
            done is not None
            and done.identity_sha256 == identity
            and (done.judge is None or not done.judge.n_failed)
            and (folder / AUDIT_HTML).is_file()
        ):
            return done
        result = build_audit(
            records, options, limits, records_sha256=seen, identity_sha256=identity
        )
        if options.judge is not None and teacher is not None:
            path = folder / JOURNAL
            judged = judge(records, options.judge, teacher, journal=path, seed=options.seed)
            result = with_judge(result, judged)
        # The page first: the file by which a finished audit is recognised is written last.
        write_page(folder / AUDIT_HTML, folder.resolve().name, result, records)
        write_text(folder / AUDIT_JSON, result.to_json())
    return result


def check_options(options: AuditOptions) -> tuple[dict[str, float], Teacher | None]:
    """The thresholds and the judge that these options name.

    Raises:
        ConfigError: an unknown gate, or a judge that cannot be asked.
    """
    limits = thresholds(options.gates)
    return limits, open_judge(options.judge) if options.judge is not None else None


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
        options=options.model_dump(mode="json", exclude={"judge"}),
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


def with_judge(result: Audit, judged: Judged) -> Audit:
    """The audit with what a judge said added to it."""
    rows = dict(result.rows)
    for row_id, flags in judged.flags.items():
        rows[row_id] = (*rows.get(row_id, ()), *flags)
    return result.model_copy(update={"rows": rows, "judge": judged.result})


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """Distributions over original questions: rules per list, frequent rules, the acceptance plan."""
    first = {r.original_id: r for r in reversed(records)}
    lengths = Counter(len(r.knowledge) for r in first.values())
    counts = rule_counts(records)
    written = spellings(records)
    often = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "n_rules_per_list": {str(n): lengths[n] for n in sorted(lengths)},
        "n_distinct_rules": len(counts),
        "n_frequent_rules": len(frequent_rules(records)),
        "most_frequent_rules": [
            {"rule": written[rule], "n_questions": n} for rule, n in often[:_MOST_FREQUENT] if n > 1
        ],
        "claims": acceptance.claims(len(first)),
    }


def problems(result: Audit) -> list[str]:
    """Why the audit does not pass: each gate that is not met, and requests to a judge that failed."""
    said = [f"gate not met: {g.check}: {g.message}" for g in result.gates if g.met is False]
    n_failed = result.judge.n_failed if result.judge is not None else 0
    if n_failed:
        said.append(
            f"{count(n_failed, 'request')} to the judge failed; the same command asks them again"
        )
    return said


def summary(result: Audit, folder: Path) -> str:
    """What the audit found, in a few lines."""
    flagged = [r for r in result.rates if r.n_flagged]
    lines = [
        f"audit: {count(result.n_rows, 'row')} of {result.n_questions:,} original questions, {count(result.n_rules, 'rule')}; "
        f"{count(n_with_findings(result), 'row')} with findings → {folder / AUDIT_HTML}"
    ]
    lines += [
        f"  {r.check}: {r.n_flagged:,} of {r.n:,} original questions, {r.fraction:.2%} ({r.ci_low:.2%} to {r.ci_high:.2%}); "
        + count(r.n_rows_flagged, "row")
        + (f", {count(r.n_rules_flagged, 'rule')}" if r.n_rules_flagged else "")
        for r in flagged
    ]
    if result.judge is not None:
        lines += [_judged(r) for r in result.judge.rates]
    n_met = sum(g.met is True for g in result.gates)
    unapplied = [g.check for g in result.gates if g.met is None]
    n = len(result.gates) - len(unapplied)
    said = f"; not applied: {', '.join(unapplied)}" if unapplied else ""
    return "\n".join([*lines, f"  gates: {n_met} of {n} met{said}"])


def _judged(rate: JudgeRate) -> str:
    corrected = "the judge's errors are not known well enough to correct it"
    if rate.corrected is not None:
        corrected = f"corrected {rate.corrected:.2%} ({rate.corrected_low:.2%} to {rate.corrected_high:.2%})"
    return (
        f"  {rate.criterion}: {rate.n_flagged:,} of {rate.n:,}, {rate.fraction:.2%}; {corrected}; "
        f"saw {rate.n_planted_found} of {rate.n_planted} planted, passed {rate.n_controls_passed} of {rate.n_controls} good"
    )


def _identity(records_sha256: str, options: AuditOptions, teacher: Teacher | None) -> str:
    """What decides the result: how a judge is asked does not."""
    body: dict[str, Any] = {
        "records": records_sha256,
        "options": options.model_dump(mode="json", exclude={"judge"}),
        "checks": [VERSION, row_checks.VERSION],
        "schema": SCHEMA,
    }
    if options.judge is not None and teacher is not None:
        body["judge"] = {
            "teacher": teacher.kind,
            "model": teacher.model,
            "endpoint": getattr(teacher, "endpoint", None),
            "prompts": prompt_hashes(),
            "sample": options.judge.sample,
            "planted": options.judge.planted,
        }
    return sha256_text(canonical_json(body))


def _done(folder: Path) -> Audit | None:
    try:
        return read_audit(folder)
    except InputError as e:
        say(f"warning: {e}; it is replaced")
        return None
