"""What a rationale states must be the reference answer; only where it states none is the last line looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lorid_data.answers import Answer, Verdict, equal, extract
from lorid_data.checks.answers import answer_contradicted
from lorid_data.schema import Provenance, Record, RejectReason, make_problem


def record(rationale: str, answer: str) -> Record:
    problem = make_problem(
        source="t", split="train", question="q", rationale=rationale, answer=answer
    )
    return Record(row_id="0" * 64, provenance=Provenance(teacher="none"), **problem.model_dump())


@pytest.mark.parametrize(
    ("rationale", "answer"),
    [
        # In one line the reference number stands somewhere, and another one is stated.
        ("She had 6 + 48 - 18 = 36 brownies left over. The answer is 36.", "48"),
        ("6 * 9 + 2 * 9 = 72 + 18 = 90 songs. The answer is 90.", "72.0"),
        ("10 bottles for the first, 12 for the second.The answer is (D).", "C"),
        ("It takes 75 minutes. Answer: B", "(E)"),
        ("Half of 10 is 5, so there are 5.\n#### 5", "10"),
        ("Of 7 days, 3 are left. The final answer is **4**.", "7"),
        ("There are 12 + 8 = 20 of them.\nThe answer is twenty-one.", "20"),
    ],
)
def test_a_stated_answer_that_is_another_one_rejects(rationale: str, answer: str) -> None:
    found = answer_contradicted(record(rationale, answer))
    assert found is not None
    assert found.reason is RejectReason.ANSWER_CONTRADICTED
    assert "the rationale states" in found.detail


@pytest.mark.parametrize(
    ("rationale", "answer"),
    [
        ("The answer is 36.", "36.0"),
        ("So the answer is (C).", "C"),
        ("The answer is 12 apples.", "12"),
        ("The answer is $0.50.", "50"),  # cents and dollars
        ("The answer is 25%.", "0.25"),
        ("The third answer was 1800-400 = 1400. They add up to 1800+1400 = <<1800+1400=3200>>3200", "3200"),
        ("The answer is 15 gallons * 8 pints / gallon = <<15*8=120>>120 pints", "120"),
        ("He walks 3 miles.\nThat is 3 * 2 = 6 miles a day.", "6"),
        ("That makes 1 200 in all.", "1200"),
    ],
)  # fmt: skip
def test_a_right_rationale_stays(rationale: str, answer: str) -> None:
    assert answer_contradicted(record(rationale, answer)) is None


def test_without_a_stated_answer_the_last_line_counts() -> None:
    found = answer_contradicted(record("There are 48.\nHe keeps 12 of them.", "48"))
    assert found is not None
    assert "does not stand in the last line" in found.detail


def test_wrong_rationales_of_a_real_training_file_are_found(real_data: Path) -> None:
    """LLM-Adapters' early training file: rationales by a model, a quarter of them wrong."""
    path = real_data / "AGI-Edgerunners" / "LLM-Adapters" / "ft-training_set" / "math_data.json"
    if not path.is_file():
        pytest.skip(f"{path.name} of AGI-Edgerunners/LLM-Adapters is not in LORID_TEST_DATA")
    rows = json.loads(path.read_text(encoding="utf-8"))
    wrong = kept = right = lost = 0
    for row in rows:
        r = record(row["output"], str(row["answer"]))
        said = extract(r.rationale)
        if not isinstance(said, Answer):
            continue
        is_wrong = equal(said.value, r.answer) is Verdict.DIFFERENT
        found = answer_contradicted(r) is not None
        wrong, kept = wrong + is_wrong, kept + (is_wrong and not found)
        right, lost = right + (not is_wrong), lost + (not is_wrong and found)
    assert wrong > 700
    assert kept <= 0.01 * wrong
    assert right > 2400
    assert lost == 0
