"""The choice of every row by what a student makes of the lists, beside the audit's."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from lorid_data import answers
from lorid_data.answers import reference
from lorid_data.build.by_student import Given, Prior, graded_draws, share_of
from lorid_data.build.candidates import Candidate
from lorid_data.build.choices import Choice, usable
from lorid_data.build.student_draws import HOW, Student
from lorid_data.build.student_worth import compared
from lorid_data.build.tally import NONE, Tally
from lorid_data.errors import InputError
from lorid_data.schema import Record


class ByStudent:
    """Sees every row with the audit's choice, then chooses: of all rows it holds what `Tally` does, and 4 bytes.

    Of lists with which the student does equally well the audit's choice is taken, else the earlier
    one. A list without draws is what its teacher's lists are on average.
    """

    def __init__(self, student: Student) -> None:
        self._student, self._tally = student, Tally()
        self._of: list[Prior] = []
        self._picked = array("i")
        answers.prepare()  # the verifier's start must not use up the time of a first pair

    def see(self, record: Record, candidates: Sequence[Candidate], audited: Choice) -> None:
        """Take note of a row."""
        gold = reference(record.answer, record.accepted)
        drawn = (self._student.answers(record.problem_id, c.knowledge) for c in candidates)
        self._tally.add(
            [(c.teacher, c.model_asked) for c in candidates],
            usable(candidates),
            [graded_draws(draws, gold, answers.equal) for draws in drawn],
            audited=audited.chosen,
            original_id=record.original_id,
        )

    def settle(self) -> dict[str, Any]:
        """Choose, once all rows have been seen; the figures of how, and of what it is worth.

        Raises:
            InputError: the student was given none of these lists.
        """
        tally = self._tally
        if not tally.has_draws:
            raise InputError(f"none of these lists was given to the student of --from: {HOW}")
        self._of, self._picked = tally.priors(), tally.picked()
        found = compared(tally)
        of = {t: self._of[number] for t, number in tally.teachers.items()}
        return {
            "judges_sha256": list(self._student.judges_sha256),
            "trained_on": self._student.trained_on,
            "n_other_than_audit": sum(map(int.__ne__, self._picked, tally.audited)),
            "n_lists_without_draws": sum(
                given.is_usable and not given.n_draws for lists in tally.rows() for given in lists
            ),
            "by_teacher": {f"{t[0]}:{t[1]}": asdict(p) for t, p in sorted(of.items())},
            "against_audit": None if found is None else {**asdict(found), "said": found.sentence},
        }

    def choices(self, audited: Iterable[Choice]) -> Iterator[Choice]:
        """The choice of each row, given the audit's: with what the student made of each list."""
        for choice, picked, lists in zip(audited, self._picked, self._tally.rows(), strict=True):
            findings = zip(choice.findings, lists, strict=True)
            yield Choice(
                chosen=None if picked == NONE else picked,
                findings=tuple((*said, *_said(given, self._of)) for said, given in findings),
            )


def _said(given: Given, of: Sequence[Prior]) -> tuple[str, ...]:
    """What the student made of a list, in words."""
    if not given.n_draws:
        return ()
    return (
        f"student: right in {given.n_right} of {given.n_draws} draws, {share_of(given, of):.3f} drawn towards its "
        "teacher's mean",
    )
