"""The choice of every row by what a student makes of the lists, beside the audit's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lorid_data import answers
from lorid_data.answers import reference
from lorid_data.build.by_student import (
    Right,
    best_by_student,
    compared,
    graded_draws,
    priors,
    share_of,
)
from lorid_data.build.candidates import Candidate
from lorid_data.build.student_draws import HOW, Student
from lorid_data.commandline.progress import Progress
from lorid_data.errors import InputError
from lorid_data.schema import Record


@dataclass(frozen=True, slots=True)
class Choice:
    """What a row takes of the replies about it.

    Attributes:
        chosen: number of the reply; None where none can be used, and the record stays as it is.
        findings: for each reply, what the checks found; empty where it was not looked at.
    """

    chosen: int | None
    findings: tuple[tuple[str, ...], ...]


def chosen_by_student(
    records: Sequence[Record],
    by_row: Mapping[str, Sequence[Candidate]],
    audited: Sequence[Choice],
    student: Student,
) -> tuple[list[Choice], dict[str, Any]]:
    """The choices, and the figures of how they were made and what they are worth.

    Of lists with which the student does equally well the audit's choice is taken, else the earlier
    one. A list without draws is what its teacher's lists are on average.

    Raises:
        InputError: the student was given none of these lists.
    """
    rows = [by_row[r.row_id] for r in records]
    right = _right(records, rows, student)
    if not any(draws for of in right for draws in of.values()):
        raise InputError(f"none of these lists was given to the student of --from: {HOW}")
    usable = [_usable(candidates) for candidates in rows]

    def pick(draws: Sequence[Mapping[int, Right]]) -> list[int | None]:
        known = priors(rows, draws)
        return [
            best_by_student(c, use, of, known, first=choice.chosen)
            for c, use, of, choice in zip(rows, usable, draws, audited, strict=True)
        ]

    known = priors(rows, right)
    chosen = pick(right)
    found = compared(pick, right, [a.chosen for a in audited], [r.original_id for r in records])
    choices = [
        Choice(c, tuple((*said, *_said(cand, of.get(i), known)) for i, (said, cand) in enumerate(zip(a.findings, cands, strict=True))))
        for c, a, cands, of in zip(chosen, audited, rows, right, strict=True)
    ]  # fmt: skip
    figures = {
        "judges_sha256": list(student.judges_sha256),
        "trained_on": student.trained_on,
        "n_other_than_audit": sum(c != a.chosen for c, a in zip(chosen, audited, strict=True)),
        "n_lists_without_draws": sum(
            not of.get(i) for of, use in zip(right, usable, strict=True) for i in use
        ),
        "by_teacher": {f"{t[0]}:{t[1]}": asdict(p) for t, p in sorted(known.items())},
        "against_audit": None if found is None else {**asdict(found), "said": found.sentence},
    }
    return choices, figures


def _usable(candidates: Sequence[Candidate]) -> list[int]:
    """The replies that may be taken: those that the audit looks at."""
    return [i for i, c in enumerate(candidates) if not c.reason and c.vote != "differs"]


def _right(
    records: Sequence[Record], rows: Sequence[Sequence[Candidate]], student: Student
) -> list[dict[int, dict[int, bool]]]:
    """By row and number of the reply, which draws with it are right."""
    answers.prepare()  # the verifier's start must not use up the time of a first pair
    found = []
    with Progress("choose, by the student", len(records)) as progress:
        for r, candidates in zip(records, rows, strict=True):
            gold = reference(r.answer, r.accepted)
            of = {}
            for i, c in enumerate(candidates):
                drawn = student.answers.get((r.problem_id, c.knowledge), {})
                of[i] = graded_draws(drawn, gold, answers.equal)
            found.append(of)
            progress.advance()
    return found


def _said(candidate: Candidate, draws: Right | None, known: Mapping[Any, Any]) -> tuple[str, ...]:
    """What the student made of a list, in words."""
    if not draws:
        return ()
    n_right = sum(draws.values())
    return (
        f"student: right in {n_right} of {len(draws)} draws, {share_of(candidate, draws, known):.3f} drawn towards its "
        "teacher's mean",
    )
