"""`choose DIR --out DIR`: of several replies about a row, the best by the audit, by a student, or by number.

`build` keeps the replies of several teachers, or several samples, side by side and takes the first
that can be used. Here the checks of the audit run on every one of them. Of two lists, that with
fewer findings of the worst severity is taken (drop before regenerate, quarantine, queue and
report), then that with fewer of the next; where they are equal, the earlier one. Where replies
voted, only those that agree with the reference answer are looked at. Nobody is asked anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lorid_data.asking.journal import JOURNAL, replies_in
from lorid_data.audit import checks as audit_checks
from lorid_data.audit.result import Flag
from lorid_data.build.by_student import VERSION as VERSION_OF_STUDENT
from lorid_data.build.candidates import TABLE, Candidate
from lorid_data.build.rows import provenance_of
from lorid_data.build.student_choice import Choice, chosen_by_student
from lorid_data.build.student_draws import Student, read_student
from lorid_data.checks import catalogue as row_checks
from lorid_data.checks.finding import Severity
from lorid_data.commandline.progress import Progress
from lorid_data.errors import InputError
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import (
    Disposition,
    FrozenModel,
    Manifest,
    Record,
    Reject,
    RejectReason,
    TeacherReply,
    row_ids,
)
from lorid_data.texts.counting import count

VERSION = 1
"""Bump when the same findings lead to another choice."""
_SEVERITIES = tuple(Severity)
"""Worst first."""


class ChooseOptions(FrozenModel):
    """Options of `choose`."""

    journal: Path | None = None
    """The journal that the folder was built with; by default the folder's own."""
    by: Literal["audit", "student", "number"] = "audit"
    evaluations: tuple[Path, ...] = ()
    """Of a student: what DR answered with the lists."""
    number: int = Field(default=1, ge=1)
    """Of a choice by number: which reply of each row, from 1."""


def choose(folder: Path, out: Path, options: ChooseOptions | None = None) -> Manifest:
    """Write the rows of a build with the list of each that the audit finds least wrong with.

    `candidates.parquet` of the new folder says what was found in each reply, and which was taken.

    Args:
        folder: a folder that `build` has finished with several teachers or several samples.
        out: the folder to write.
        options: see `ChooseOptions`.

    Raises:
        ConfigError: `folder` is no such folder, a chosen reply is in no journal, an evaluation
            cannot be used, or `out` belongs to something else.
        LockedError: another process works on `out`.
    """
    options = options or ChooseOptions()
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    if parent.stage != "build" or "teachers" not in parent.identity:
        raise InputError(
            f"{folder}: has one reply a row; name a folder of `build` with several --teacher, or with --samples"
        )
    student = read_student(options.evaluations) if options.by == "student" else None
    with open_stage(
        out,
        "choose",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "checks": {
                "choose_version": VERSION,
                "audit_version": audit_checks.VERSION,
                "row_version": row_checks.VERSION,
            },
            **_how(options, student),
        },
        # Another limit gives the parent other rows under the same identity: then choose again.
        settings={"parent_sha256": sha256},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        return _chosen(stage, folder, options, student)


def _chosen(
    stage: Stage, folder: Path, options: ChooseOptions, student: Student | None
) -> Manifest:
    """Choose for every row, and close the stage."""
    records = read_records(folder)
    by_row: dict[str, list[Candidate]] = defaultdict(list)
    for c in read_rows(folder / TABLE, Candidate):
        by_row[c.row_id].append(c)
    choices = _choices(records, by_row)
    if student is not None:
        choices, stage.figures = chosen_by_student(records, by_row, choices, student)
    elif options.by == "number":
        choices = [
            _by_number(c, by_row[r.row_id], options.number)
            for r, c in zip(records, choices, strict=True)
        ]
    taken = {
        r.row_id: by_row[r.row_id][choice.chosen]
        for r, choice in zip(records, choices, strict=True)
        if choice.chosen is not None
    }
    replies = _replies(folder, options, taken)
    after = renamed(records, [with_choice(r, taken.get(r.row_id), replies) for r in records])
    pairs = zip(records, after, choices, strict=True)
    table = [c for old, new, x in pairs for c in shown(by_row[old.row_id], new.row_id, x)]
    write_rows(stage.out / TABLE, Candidate, table)
    stage.figures |= figures(records, after)
    rejects: list[Reject] = []
    if options.by == "number":
        after, rejects = _usable(records, after, by_row, options.number)
    return write_dataset(stage, after, rejects, n_in=len(records))


def _how(options: ChooseOptions, student: Student | None) -> dict[str, Any]:
    """What of the options decides the choice; nothing where the audit does, as it always did."""
    if student is not None:
        more = {"evaluations_sha256": list(student.evaluations_sha256), "student_version": VERSION_OF_STUDENT}  # fmt: skip
        return {"by": "student", **more}
    return {"by": "number", "number": options.number} if options.by == "number" else {}


def _choices(records: Sequence[Record], by_row: Mapping[str, Sequence[Candidate]]) -> list[Choice]:
    choices = []
    with Progress("choose", len(records)) as progress:
        for record in records:
            choices.append(best_of(record, by_row[record.row_id]))
            progress.advance()
    return choices


def _replies(
    folder: Path, options: ChooseOptions, taken: Mapping[str, Candidate]
) -> dict[str, TeacherReply]:
    """The replies that are taken now and were not before, by key."""
    keys = {c.request_key for c in taken.values() if c.chosen == "no"}
    path = options.journal or folder / JOURNAL
    replies = replies_in(path, keys)
    if len(replies) < len(keys):
        raise InputError(
            f"{path}: holds {len(replies):,} of the {count(len(keys), 'reply', 'replies')} that are chosen; name the journal that {folder} was built with by --journal"
        )
    return replies


# --- pure ---------------------------------------------------------------------------------------


def best_of(record: Record, candidates: Sequence[Candidate]) -> Choice:
    """The reply with which the checks find least wrong, and what they found in each."""
    looked_at = {
        i: audit_checks.found_in(_with_texts(record, c))
        for i, c in enumerate(candidates)
        if not c.reason and c.vote != "differs"
    }
    chosen = min(looked_at, key=lambda i: (badness(looked_at[i]), i), default=None)
    findings = tuple(_said(looked_at.get(i, ())) for i in range(len(candidates)))
    return Choice(chosen, findings)


def _by_number(choice: Choice, candidates: Sequence[Candidate], number: int) -> Choice:
    """The reply of that number, where it can be used."""
    return Choice(None if why_not(candidates, number) else number - 1, choice.findings)


def why_not(candidates: Sequence[Candidate], number: int) -> str:
    """Why a row cannot take the reply of that number (from 1); empty where it can."""
    if number > len(candidates):
        return RejectReason.TEACHER_FAILED
    candidate = candidates[number - 1]
    return candidate.reason or (RejectReason.VOTE_LOST if candidate.vote == "differs" else "")


def _usable(
    before: Sequence[Record],
    after: Sequence[Record],
    by_row: Mapping[str, Sequence[Candidate]],
    number: int,
) -> tuple[list[Record], list[Reject]]:
    """The records whose reply of that number can be used, and rejects for the others."""
    kept, rejects = [], []
    for old, new in zip(before, after, strict=True):
        if not (reason := why_not(by_row[old.row_id], number)):
            kept.append(new)
            continue
        detail = f"reply {number} of {len(by_row[old.row_id])}"
        rejects.append(
            Reject(
                row_id=old.row_id, stage="choose", disposition=Disposition.DROP, reason=RejectReason(reason),
                detail=detail, problem_id=old.problem_id, split=old.split,
            )
        )  # fmt: skip
    return kept, rejects


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


def renamed(before: Sequence[Record], after: Sequence[Record]) -> list[Record]:
    """The records with ids that belong to their texts: another rationale is another row."""
    if all(a.rationale == b.rationale for a, b in zip(before, after, strict=True)):
        return list(after)
    pairs = zip(after, row_ids(after), strict=True)
    return [r.model_copy(update={"row_id": row_id}) for r, row_id in pairs]


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


def figures(before: Sequence[Record], after: Sequence[Record]) -> dict[str, Any]:
    """How many rows have another list than before, and whose lists they have."""
    pairs = zip(before, after, strict=True)
    teachers = Counter(
        f"{r.provenance.teacher}:{r.provenance.model_asked}, sample {r.provenance.sample}"
        for r in after
    )
    return {
        "n_other_reply": sum(a.provenance != b.provenance for a, b in pairs),
        "n_rows_by_teacher": dict(sorted(teachers.items())),
    }


def described(manifest: Manifest) -> list[str]:
    """What a student made of the lists, in lines for people; nothing where the audit chose."""
    f = manifest.figures
    if "by_teacher" not in f:
        return []
    lines = [
        f"{name}: right in {p['mean']:.1%} of {count(p['n_draws'], 'draw')} with {count(p['n_lists'], 'list')}; its mean "
        f"counts for {p['weight']:.1f} draws"
        for name, p in f["by_teacher"].items()
    ]
    lines.append(
        f"{count(f['n_other_than_audit'], 'row')} with another list than the audit's choice"
    )
    if f["n_lists_without_draws"]:
        lines.append(
            f"{count(f['n_lists_without_draws'], 'list')} without draws: taken to be what its teacher's are on average"
        )
    if f["trained_on"]:
        lines.append(
            f"the student was trained on questions that it judges ({f['trained_on']}): it may favour what it was taught"
        )
    against = f["against_audit"]
    lines.append(
        against["said"] if against
        else "whether that beats the audit's choice cannot be said: it takes two draws or more of each list"
    )  # fmt: skip
    return lines
