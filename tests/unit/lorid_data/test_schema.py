"""Identifiers and row types: ids depend on content alone, types refuse what they do not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lorid_data.schema import (
    Problem,
    RejectReason,
    canonical_json,
    make_problem,
    problem_id,
    row_ids,
    sha256_text,
)


def problem(question: str = "q", rationale: str = "r", **more: str) -> Problem:
    return make_problem(
        source="s", split="train", question=question, rationale=rationale, answer="1", **more
    )


def test_the_id_of_a_question_is_the_sha256_of_its_bytes() -> None:
    assert problem_id("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"
    assert problem_id("q") != problem_id("q ")


def test_rows_that_differ_in_rationale_have_different_ids_and_twins_too() -> None:
    ids = list(row_ids([problem(), problem(rationale="other"), problem(), problem()]))
    assert len(set(ids)) == 4


def test_a_row_id_does_not_depend_on_other_rows() -> None:
    alone = list(row_ids([problem("b")]))
    among = list(row_ids([problem("a"), problem("b"), problem("c")]))
    assert alone == among[1:2]


def test_ids_cannot_be_forged_by_moving_text_between_fields() -> None:
    one, two = problem("q", "ab"), problem("q", "b")
    two = two.model_copy(update={"source": "sa"})
    assert len(set(row_ids([one, two]))) == 2


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=5))
def test_canonical_json_does_not_depend_on_key_order(body: dict[str, object]) -> None:
    backwards = dict(reversed(list(body.items())))
    assert canonical_json(body) == canonical_json(backwards)


def test_canonical_json_refuses_nan() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json(float("nan"))


def test_rows_are_frozen_and_closed() -> None:
    p = problem()
    with pytest.raises(ValidationError):
        p.question = "other"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Problem.model_validate({**p.model_dump(), "notes": "x"})


def test_a_question_shows_neither_answer_nor_rationale() -> None:
    question = problem("q").as_question()
    assert (question.problem_id, question.text) == (problem_id("q"), "q")
    assert not hasattr(question, "answer")
    assert not hasattr(question, "rationale")


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_reason_has_a_sentence(reason: RejectReason) -> None:
    assert reason.sentence.endswith(".")


def test_sha256_text_is_of_utf8() -> None:
    assert sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
