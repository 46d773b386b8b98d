"""What becomes of each row by what its question matches: pure functions of matches and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lorid_data.contamination.matches import CONTAMINATED, Match, MatchKind
from lorid_data.contamination.test_set import TestSet
from lorid_data.schema import Disposition, Reject, RejectReason

Policy = Literal["drop", "quarantine", "report"]
_ORDER = {rule: i for i, rule in enumerate(MatchKind)}
_EVIDENCE_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Evidence:
    """The strongest match of a question, without its own text.

    Attributes:
        rule: how it matches.
        detail: the same for people, with the test question's id.
        test_question: its text; the test set's own string.
    """

    rule: MatchKind
    detail: str
    test_question: str


class Strongest:
    """The strongest match of each question that is more than similar: of many questions few."""

    def __init__(self) -> None:
        self.by_problem: dict[str, Evidence] = {}

    def add(self, matches: Sequence[Match], tests: TestSet) -> None:
        """Take note of matches with a test set; of two as strong the one before counts."""
        texts: dict[str, str] = {}
        for m in matches:
            if m.rule is MatchKind.SIMILAR:
                continue
            known = self.by_problem.get(m.problem_id)
            if known is None or _ORDER[m.rule] < _ORDER[known.rule]:
                texts = texts or dict(zip(tests.ids, tests.questions, strict=True))
                self.by_problem[m.problem_id] = Evidence(
                    m.rule,
                    f"{m.rule.value}: {m.alike:.2f} alike, numbers {m.numbers}, answers "
                    f"{m.answers}; {m.against} question {m.test_problem_id}",
                    texts[m.test_problem_id],
                )

    def contaminated(self) -> list[str]:
        """The problem_ids of the questions that are in a test set."""
        return [p for p, found in self.by_problem.items() if found.rule in CONTAMINATED]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row's question is found to be."""

    reason: RejectReason
    evidence: Evidence


def verdict_of(
    problem_id: str,
    original_id: str,
    best: Mapping[str, Evidence],
    tainted: Mapping[str, Evidence],
) -> Verdict | None:
    """The verdict on a row, if there is one.

    Args:
        problem_id: of the row.
        original_id: of the row.
        best: the strongest match of each question.
        tainted: by original, the match of its first row that is in a test set. Rows of one
            original are one problem in several wordings: where one is in a test set, all are.
    """
    found = best.get(problem_id)
    if found is not None and found.rule in CONTAMINATED:
        return Verdict(RejectReason.CONTAMINATED, found)
    if original_id in tainted:
        return Verdict(RejectReason.CONTAMINATED_VARIANT, tainted[original_id])
    if found is not None and found.rule is MatchKind.TEMPLATE:
        return Verdict(RejectReason.TEST_TEMPLATE, found)
    return None


def parted(
    table: Any, verdicts: Mapping[int, Verdict], *, policy: Policy, templates: Policy
) -> tuple[Any, list[Reject]]:
    """The rows of a table that stay, flagged where the policy is to report, and the others as rejects.

    Args:
        table: an Arrow table of records.
        verdicts: by the row's place in the table.
        policy: for rows whose question is in a test set.
        templates: for rows that are only worded like one.
    """
    import pyarrow as pa

    flags: dict[int, str] = {}
    rejects: list[Reject] = []
    stays = [True] * len(table)
    for i, verdict in verdicts.items():
        asked = templates if verdict.reason is RejectReason.TEST_TEMPLATE else policy
        if asked == "report":
            flags[i] = verdict.reason.value
        else:
            stays[i] = False
            rejects.append(_reject(table, i, verdict, Disposition(asked)))
    if flags:
        at = table.column_names.index("flags")
        column = table["flags"].to_pylist()
        for i, flag in flags.items():
            column[i] = sorted({*column[i], flag})
        flagged = pa.chunked_array([column], type=table["flags"].type)
        table = table.set_column(at, "flags", flagged)
    return table.filter(pa.array(stays, pa.bool_())) if rejects else table, rejects


def _reject(table: Any, i: int, verdict: Verdict, disposition: Disposition) -> Reject:
    row_id, problem_id, split = (
        table[name][i].as_py() for name in ("row_id", "problem_id", "split")
    )
    return Reject(
        row_id=row_id,
        stage="decontaminate",
        disposition=disposition,
        reason=verdict.reason,
        detail=verdict.evidence.detail,
        evidence=verdict.evidence.test_question[:_EVIDENCE_CHARS],
        problem_id=problem_id,
        split=split,
    )
