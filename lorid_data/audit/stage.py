"""`audit DIR`: the checks on every row of a folder → `audit.json` and `audit.html` beside the rows.

The folder's records stay as they are; both files name the records that they saw by their sha256.
With the same records and options nothing is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import Field

from lorid_data.asking.journal import JOURNAL
from lorid_data.audit import acceptance
from lorid_data.audit.checks import VERSION, flags_of, order, same_rule, seen
from lorid_data.audit.gates import gates, rates, thresholds
from lorid_data.audit.joined import Joined, Seen
from lorid_data.audit.judge import Judged, JudgeOptions, judge, open_judge
from lorid_data.audit.page import write_page
from lorid_data.audit.page_rows import choose_rows
from lorid_data.audit.result import (
    AUDIT_HTML,
    MOST_HELD,
    SCHEMA,
    Audit,
    Counted,
    Flag,
    JudgeRate,
    read_audit,
    write_audit,
)
from lorid_data.audit.rubric import prompt_hashes
from lorid_data.checks import catalogue as row_checks
from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import InputError
from lorid_data.folders.batches import iter_columns, iter_tables, n_records, records_of
from lorid_data.folders.files import locked, sha256_file
from lorid_data.folders.names import RECORDS
from lorid_data.sampling import draw_by_original
from lorid_data.schema import FrozenModel, canonical_json, sha256_text
from lorid_data.teachers.base import Teacher
from lorid_data.texts.counting import count
from lorid_data.workers.pool import in_processes

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


def audit(folder: Path, options: AuditOptions, *, n_workers: int = 1) -> Audit:
    """Audit a finished dataset folder; writes `audit.json` and `audit.html` into it.

    Args:
        folder: a finished dataset folder.
        options: what is allowed, what is drawn, and who judges.
        n_workers: processes that check rows; both files are the same whatever their number.

    Returns:
        The audit; its rows only where they are no more than `result.MOST_HELD`.

    Raises:
        ConfigError: an unknown gate; a judge that cannot be asked; the folder is no finished
            dataset folder.
        LockedError: another process works on the folder.
    """
    limits, teacher = check_options(options)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name a dataset folder")
    with locked(folder):
        n_rows = n_records(folder)
        records_sha256 = sha256_file(folder / RECORDS)
        identity = _identity(records_sha256, options, teacher)
        done = _done(folder)
        if (
            done is not None
            and done.identity_sha256 == identity
            and (done.judge is None or not done.judge.n_failed)
            and (folder / AUDIT_HTML).is_file()
        ):
            return done
        with closing(Joined()) as joined:
            with Progress("audit", n_rows) as progress:
                for batch in in_processes(look, iter_tables(folder), n_workers):
                    joined.add(batch)
                    progress.advance(len(batch))
            counted = joined.settle(order)
            result = _result(folder, joined, counted, options, limits)
            result = result.model_copy(
                update={"records_sha256": records_sha256, "identity_sha256": identity}
            )
            judged = None
            if options.judge is not None and teacher is not None:
                path = folder / JOURNAL
                judged = judge(folder, options.judge, teacher, journal=path, seed=options.seed)
                result = result.model_copy(update={"judge": judged.result})
            return _written(folder, result, lambda: _rows(joined, judged))


def look(table: Any) -> list[Seen]:
    """The checks of rows on an Arrow table of records."""
    return [seen(record) for record in records_of(table)]


def _written(
    folder: Path, result: Audit, rows: Callable[[], Iterator[tuple[str, tuple[Flag, ...]]]]
) -> Audit:
    """The audit with its rows where they are few, once its page and its file are written."""
    result = result.with_rows(rows(), MOST_HELD)
    # The page first: the file by which a finished audit is recognised is written last.
    write_page(folder / AUDIT_HTML, folder, result, choose_rows(result, rows))
    write_audit(folder, result, rows())
    return result


def check_options(options: AuditOptions) -> tuple[dict[str, float], Teacher | None]:
    """The thresholds and the judge that these options name.

    Raises:
        ConfigError: an unknown gate, or a judge that cannot be asked.
    """
    limits = thresholds(options.gates)
    return limits, open_judge(options.judge) if options.judge is not None else None


def _result(
    folder: Path, joined: Joined, counted: Counted, options: AuditOptions, limits: dict[str, float]
) -> Audit:
    """The audit without its rows and its hashes."""
    measured = rates(counted)
    ids = (
        pair
        for table in iter_columns(folder, ["row_id", "original_id"])
        for pair in zip(table["row_id"].to_pylist(), table["original_id"].to_pylist(), strict=True)
    )
    return Audit(
        records_sha256="",
        identity_sha256="",
        options=options.model_dump(mode="json", exclude={"judge"}),
        n_rows=joined.n_rows,
        n_questions=counted.n_questions,
        n_rules=joined.n_rules,
        gates=gates(measured, limits, upper=options.gate_on == "upper"),
        rates=measured,
        figures=figures(joined, lambda: _lists(folder)),
        sample=tuple(draw_by_original(ids, options.sample, options.seed)),
    )


def _lists(folder: Path) -> Iterator[Sequence[str]]:
    """The rules of each row."""
    for table in iter_columns(folder, ["knowledge"]):
        yield from table["knowledge"].to_pylist()


def _rows(joined: Joined, judged: Judged | None) -> Iterator[tuple[str, tuple[Flag, ...]]]:
    """The findings of each row with any; what a judge found stands behind the others."""
    more = dict(judged.flags) if judged is not None else {}
    for row_id, found in joined.found():
        yield row_id, (*flags_of(found), *more.pop(row_id, ()))
    for row_id, flags in more.items():
        yield row_id, tuple(flags)


def figures(joined: Joined, lists: Callable[[], Iterable[Sequence[str]]]) -> dict[str, Any]:
    """Distributions over original questions: rules per list, frequent rules, the acceptance plan.

    Args:
        joined: the rows, settled.
        lists: gives the rules of each of them, in their order.
    """
    return {
        "n_rules_per_list": {str(n): m for n, m in joined.n_rules_per_list().items()},
        "n_distinct_rules": joined.n_distinct_rules(),
        "n_frequent_rules": joined.n_frequent_rules(),
        "most_frequent_rules": [
            {"rule": rule, "n_questions": n}
            for rule, n in joined.most_frequent(_MOST_FREQUENT, lists, same_rule)
        ],
        "claims": acceptance.claims(joined.n_questions),
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
        f"{count(result.n_with_findings, 'row')} with findings → {folder / AUDIT_HTML}"
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
        return read_audit(folder, most=MOST_HELD)
    except InputError as e:
        say(f"warning: {e}; it is replaced")
        return None
