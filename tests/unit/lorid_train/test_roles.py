"""What each role reads and writes."""

from __future__ import annotations

import pytest

from lorid_data.errors import ConfigError
from lorid_data.schema import Provenance, Record, RejectReason
from lorid_train import roles


def record(**changes: object) -> Record:
    values: dict[str, object] = {
        "row_id": "r", "problem_id": "p", "original_id": "p", "source": "s", "split": "train",
        "question": "How many?", "rationale": "48 / 2 = 24.", "answer": "24",
        "knowledge": ("Halve it.", "Add it."), "provenance": Provenance(teacher="source"),
    }  # fmt: skip
    return Record.model_validate(values | changes)


def test_official_texts() -> None:
    assert roles.role("ir").content("Q") == "Please answer this MATH question step by step.\nQ"
    assert roles.role("kg").content("Q") == (
        "Please output knowledge needed to solve the MATH question step by step.\nQuestion: Q\n\nKnowledge: "
    )
    assert roles.role("dr").content("Q", "K") == (
        "Please reason step by step based on the given MATH question and knowledge, and output the final answer.\n"
        "Question: Q\n\nKnowledge: K\n\nRationale: "
    )


def test_targets() -> None:
    r = record()
    assert roles.role("ir").target(r) == "48 / 2 = 24.\n--> 24 END"
    assert roles.role("kg").target(r) == "Halve it.\nAdd it."
    assert roles.role("dr").target(r) == roles.role("ir").target(r)


def test_calculator_annotations_are_left_out() -> None:
    r = record(rationale="Half is 48/2 = <<48/2=24>>24 clips.")
    assert roles.solution(r) == "Half is 48/2 = 24 clips.\n--> 24 END"


def test_a_boxed_rationale_is_left_alone() -> None:
    r = record(rationale=r"So it is $\boxed{24}$.")
    assert roles.solution(r) == r"So it is $\boxed{24}$."


def test_dr_reads_the_teachers_rules_one_a_line() -> None:
    [example], rejects = roles.examples(roles.role("dr"), [record()])
    assert "Knowledge: Halve it.\nAdd it.\n\nRationale: " in example.content
    assert rejects == []


@pytest.mark.parametrize(("role", "n_made"), [("ir", 2), ("kg", 1), ("dr", 1)])
def test_rows_without_knowledge_are_rejected_where_it_is_needed(role: str, n_made: int) -> None:
    made, rejects = roles.examples(roles.role(role), [record(), record(row_id="r2", knowledge=())])
    assert len(made) == n_made
    assert [r.reason for r in rejects] == [RejectReason.KNOWLEDGE_EMPTY] * (2 - n_made)


def test_rows_without_answer_cannot_train_reasoners() -> None:
    for name, n_made in (("ir", 0), ("kg", 1), ("dr", 0)):
        made, rejects = roles.examples(roles.role(name), [record(answer="")])
        assert (len(made), len(rejects)) == (n_made, 1 - n_made)


def test_unknown_role() -> None:
    with pytest.raises(ConfigError, match="ir, kg, dr"):
        roles.role("xr")
