"""`choose DIR --out DIR`: of several replies about a row, the best by the audit, by a student, or by number.

`build` keeps the replies of several teachers, or several samples, side by side and takes the first
that can be used. Here the checks of the audit run on every one of them. Of two lists, that with
fewer findings of the worst severity is taken (drop before regenerate, quarantine, queue and
report), then that with fewer of the next; where they are equal, the earlier one. Where replies
voted, only those that agree with the reference answer are looked at. Nobody is asked anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lorid_data.asking.journal import JOURNAL, replies_in
from lorid_data.audit import checks as audit_checks
from lorid_data.build.beside import rows_beside
from lorid_data.build.by_student import VERSION as VERSION_OF_STUDENT
from lorid_data.build.candidates import TABLE, Candidate
from lorid_data.build.choices import (
    Choice,
    best_of,
    by_number,
    rationale_with,
    shown,
    with_choice,
    without,
)
from lorid_data.build.student_choice import ByStudent
from lorid_data.build.student_draws import Student, read_student
from lorid_data.checks import catalogue as row_checks
from lorid_data.commandline.progress import Progress
from lorid_data.errors import InputError
from lorid_data.folders.batches import DatasetWriter, n_records
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import row_file
from lorid_data.folders.row_ids import Occurrences
from lorid_data.folders.scratch import n_distinct
from lorid_data.folders.spool import Spool
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import FrozenModel, Manifest, Record
from lorid_data.texts.counting import count

VERSION = 1
"""Bump when the same findings lead to another choice."""
Choices = Callable[[], Iterator[Choice]]
"""The choice of each row, from the first on at every call."""


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
    judged = options.by == "student"
    with read_student(options.evaluations) if judged else nullcontext() as student:
        identity = {
            "parent_identity_sha256": parent.identity_sha256,
            "checks": {
                "choose_version": VERSION,
                "audit_version": audit_checks.VERSION,
                "row_version": row_checks.VERSION,
            },
            **_how(options, student),
        }
        # Another limit gives the parent other rows under the same identity: then choose again.
        settings = {"parent_sha256": sha256}
        with open_stage(out, "choose", identity=identity, settings=settings, parent_sha256=sha256) as stage:  # fmt: skip
            if stage.done is not None:
                return stage.done
            return _chosen(stage, folder, options, student)


def _chosen(
    stage: Stage, folder: Path, options: ChooseOptions, student: Student | None
) -> Manifest:
    """Choose for every row, and close the stage."""
    audited, is_rewritten = Spool(Choice), False
    by_student = None if student is None else ByStudent(student)
    with Progress("choose", n_records(folder)) as progress:
        for rows in rows_beside(folder):
            for record, candidates in rows:
                choice = best_of(record, candidates)
                if by_student is not None:
                    by_student.see(record, candidates, choice)
                elif options.by == "number":
                    choice = by_number(choice, candidates, options.number)
                audited.append(choice)
                is_rewritten |= any(c.rationale for c in candidates)
                progress.advance()
    choices: Choices = audited.__iter__
    if by_student is not None:
        stage.figures = by_student.settle()
        choices = partial(by_student.choices, audited)
    ids = _ids(folder, choices) if is_rewritten else None
    return _written(stage, folder, options, choices, ids)


def _ids(folder: Path, choices: Choices) -> Occurrences | None:
    """The ids that belong to the new texts, as another rationale is another row; None where no row has another."""
    ids, is_other = Occurrences(), False
    for rows in _with_choices(folder, choices):
        for r, candidates, choice in rows:
            rationale = rationale_with(r, choice.taken(candidates))
            is_other |= rationale != r.rationale
            ids.look([(r.source, r.split, r.original_id, r.problem_id, rationale)])
    return ids if is_other else None


def _written(
    stage: Stage,
    folder: Path,
    options: ChooseOptions,
    choices: Choices,
    ids: Occurrences | None,
) -> Manifest:
    """Write the rows and all replies about them, a batch at a time."""
    counted, n_in = _Counted(), 0
    journal = options.journal or folder / JOURNAL
    with DatasetWriter(stage) as writer:
        with row_file(stage.out / TABLE, Candidate) as table:
            for rows in _with_choices(folder, choices):
                replies = replies_in(journal, wanted := _asked_for(rows))
                if len(replies) < len(wanted):
                    raise _missing(folder, journal, choices)
                after = [with_choice(r, x.taken(of), replies) for r, of, x in rows]
                if ids is not None:
                    named = zip(after, ids.ids(after), strict=True)
                    after = [r.model_copy(update={"row_id": row_id}) for r, row_id in named]
                for (old, candidates, choice), new in zip(rows, after, strict=True):
                    table.add(shown(candidates, new.row_id, choice))
                    counted.see(old, new)
                    reject = without(old, candidates, options.number) if options.by == "number" else None  # fmt: skip
                    writer.keep([new]) if reject is None else writer.reject([reject])
                n_in += len(rows)
        stage.figures |= counted.figures()
        return writer.finish(n_in=n_in)


def _with_choices(
    folder: Path, choices: Choices
) -> Iterator[list[tuple[Record, list[Candidate], Choice]]]:
    """The rows in batches, each with the replies about it and what it takes of them."""
    found = choices()
    for rows in rows_beside(folder):
        yield [(r, of, choice) for (r, of), choice in zip(rows, found, strict=False)]


def _asked_for(rows: Iterable[tuple[Record, list[Candidate], Choice]]) -> set[str]:
    """The keys of the replies that are taken now and were not before."""
    taken = [choice.taken(candidates) for _, candidates, choice in rows]
    return {c.request_key for c in taken if c is not None and c.chosen == "no"}


def _missing(folder: Path, journal: Path, choices: Choices) -> InputError:
    """What is said where the journal lacks replies that are chosen, of all rows."""
    rows = partial(_with_choices, folder, choices)
    n_asked = n_distinct(k for some in rows() for k in _asked_for(some))
    n_held = n_distinct(k for some in rows() for k in replies_in(journal, _asked_for(some)))
    return InputError(
        f"{journal}: holds {n_held:,} of the {count(n_asked, 'reply', 'replies')} that are chosen; name the journal that {folder} was built with by --journal"
    )


def _how(options: ChooseOptions, student: Student | None) -> dict[str, Any]:
    """What of the options decides the choice; nothing where the audit does, as it always did."""
    if student is not None:
        more = {"evaluations_sha256": list(student.evaluations_sha256), "student_version": VERSION_OF_STUDENT}  # fmt: skip
        return {"by": "student", **more}
    return {"by": "number", "number": options.number} if options.by == "number" else {}


# --- pure ---------------------------------------------------------------------------------------


class _Counted:
    """How many rows have another list than before, and whose lists they have."""

    def __init__(self) -> None:
        self._n_other, self._teachers = 0, Counter[str]()

    def see(self, before: Record, after: Record) -> None:
        """Count a row."""
        p = after.provenance
        self._n_other += p != before.provenance
        self._teachers[f"{p.teacher}:{p.model_asked}, sample {p.sample}"] += 1

    def figures(self) -> dict[str, Any]:
        """The counts, as a manifest has them."""
        return {
            "n_other_reply": self._n_other,
            "n_rows_by_teacher": dict(sorted(self._teachers.items())),
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
