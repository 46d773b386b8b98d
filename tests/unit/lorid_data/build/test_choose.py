"""The choice among several replies: what is worse, what counts first, what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorid_data.audit.result import Flag
from lorid_data.build.candidates import Candidate
from lorid_data.build.choices import badness, best_of, rationale_with, with_choice
from lorid_data.build.choose import choose
from lorid_data.errors import InputError
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_data.teachers.base import TeacherRequest, make_reply

GOOD = ("To share an amount equally, divide it by the number of shares.",)
LEAKS = ("The result of the division is 42.",)
LEAKS_TWICE = (*LEAKS, "Each of them gets 42 pens in the end.")
VAGUE = ("Read the problem carefully.",)


def record(rationale: str = "126 / 3 = 42 pens") -> Record:
    problem = make_problem(
        source="s",
        split="t",
        question="Berta shares 126 pens equally between 3 friends. How many pens does each get?",
        rationale=rationale,
        answer="42",
    )
    provenance = Provenance(teacher="openai", model_asked="m", sample=0, agreement=1.0, n_votes=2)
    fields = problem.model_dump(exclude={"knowledge"})
    (row_id,) = row_ids([problem])
    return Record(row_id=row_id, knowledge=VAGUE, provenance=provenance, **fields)


def candidate(
    knowledge: tuple[str, ...],
    *,
    sample: int = 0,
    reason: str = "",
    vote: str = "none",
    chosen: str = "no",
    rationale: str = "",
) -> Candidate:
    return Candidate(
        row_id="r",
        problem_id="p",
        teacher="openai",
        model_asked="m",
        sample=sample,
        request_key=f"key {sample}",
        reason=reason,
        knowledge=knowledge,
        rationale=rationale,
        answer="",
        reference="",
        vote=vote,
        agreement=None,
        chosen=chosen,
    )


def chosen(*candidates: Candidate) -> int | None:
    return best_of(record(), candidates).chosen


def test_fewer_findings_of_the_worst_severity_win_whatever_the_order() -> None:
    leak, good = candidate(LEAKS), candidate(GOOD)
    assert chosen(leak, good) == 1
    assert chosen(good, leak) == 0
    assert chosen(candidate(LEAKS_TWICE), leak) == 1, "two findings are worse than one"


def test_one_finding_to_drop_is_worse_than_many_for_a_person_to_look_at() -> None:
    flags = [Flag(check="copied_rationale") for _ in range(9)]
    assert badness(flags) < badness([Flag(check="answer_leak")])
    assert badness([Flag(check="shared_list")]) < badness([Flag(check="few_rules")])


def test_where_nothing_tells_them_apart_the_earlier_one_is_taken() -> None:
    assert chosen(candidate(GOOD), candidate(GOOD, sample=1)) == 0


def test_what_cannot_be_used_or_votes_otherwise_is_not_looked_at() -> None:
    broken = candidate((), reason="reply_not_json")
    other = candidate(GOOD, vote="differs")
    choice = best_of(record(), [broken, other, candidate(LEAKS, vote="agrees")])
    assert choice.chosen == 2
    assert choice.findings[:2] == ((), ())
    assert choice.findings[2][0].startswith("drop: answer_leak (rule 0): ")
    assert chosen(broken, other) is None


def test_the_record_takes_texts_and_provenance_and_keeps_what_the_row_voted() -> None:
    request = TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="server", model="n", messages=())  # fmt: skip
    reply = make_reply(request, "{}", cost_usd=0.5)
    before, taken = record(), candidate(GOOD, sample=1, rationale="126 over 3 is 42")
    after = with_choice(before, taken, {"key 1": reply})
    assert (after.knowledge, after.rationale) == (GOOD, "126 over 3 is 42")
    p = after.provenance
    assert (p.teacher, p.cost_usd, p.sample, p.agreement, p.n_votes) == ("server", 0.5, 1, 1.0, 2)
    assert with_choice(before, candidate(GOOD, chosen="yes"), {}) == before
    assert with_choice(before, None, {}) == before


def test_the_rationale_is_known_before_the_row_is_made() -> None:
    before = record()
    for taken in (
        None,
        candidate(GOOD),
        candidate(GOOD, rationale="126 over 3 is 42"),
        candidate(GOOD, rationale="126 over 3 is 42", chosen="yes"),
    ):
        request = TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="server", model="n", messages=())  # fmt: skip
        after = with_choice(before, taken, {"key 0": make_reply(request, "{}")})
        assert rationale_with(before, taken) == after.rationale


def test_a_folder_with_one_reply_a_row_is_refused(tmp_path: Path) -> None:
    from lorid_data.build.stage import BuildOptions, build

    build(BuildOptions(source="arithmetic", teacher="source", limit=3), tmp_path / "one")
    with pytest.raises(InputError, match="has one reply a row"):
        choose(tmp_path / "one", tmp_path / "out")
    assert not (tmp_path / "out").exists()
