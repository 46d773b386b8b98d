"""What each role reads and writes."""

from __future__ import annotations

import pytest

from lorid_data import answers
from lorid_data.errors import ConfigError
from lorid_data.schema import Provenance, Record, RejectReason
from lorid_train import formats, roles
from lorid_train.training import tokens


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


def test_ks_states_the_knowledge_and_then_solves() -> None:
    ks = roles.role("ks")
    assert ks.content("Q") == (
        "Please output knowledge needed to solve the MATH question, then answer it step by step.\n"
        "Question: Q\n\nKnowledge: "
    )
    assert ks.target(record()) == "Halve it.\nAdd it.\n48 / 2 = 24.\n--> 24 END"
    found = answers.extract(ks.target(record()))
    assert isinstance(found, answers.Answer)
    assert found.value == "24"


def test_ird_is_asked_as_ir_and_trained_on_definitions_too() -> None:
    ird = roles.role("ird")
    assert ird.content("Q") == roles.role("ir").content("Q")
    made, rejects = roles.examples(ird, [record()])
    [own], [other] = (roles.examples(roles.role(r), [record()])[0] for r in ("ir", "kg"))
    assert [(e.content, e.target) for e in made] == [
        (own.content, own.target),
        (other.content, other.target),
    ]
    assert [e.part for e in made] == ["ird", "kg"]
    assert rejects == []


def test_both_examples_of_a_record_are_told_apart_where_they_are_rejected() -> None:
    ird = roles.role("ird")
    rows = [record(knowledge=()), record(row_id="r2", answer="")]
    made, rejects = roles.examples(ird, rows)
    assert [(e.row_id, e.part) for e in made] == [("r", "ird"), ("r2", "kg")]
    assert [(r.row_id, r.stage, r.reason) for r in rejects] == [
        ("r", "sft:ird:kg", RejectReason.KNOWLEDGE_EMPTY),
        ("r2", "sft:ird", RejectReason.ANSWER_MISSING),
    ]


@pytest.mark.parametrize("name", roles.ROLES)
@pytest.mark.parametrize("max_tokens", [30, 1000])
def test_every_example_is_a_row_or_a_reject(name: str, max_tokens: int) -> None:
    role, counts = roles.role(name), tokens.RoleCounts()
    rows = [record(), record(row_id="r2", knowledge=()), record(row_id="r3", answer="")]
    made = list(
        tokens.tokenise(role, rows, formats.load("plain"), Words(), max_tokens=max_tokens, counts=counts)
    )  # fmt: skip
    assert counts.n_in == len(rows) * (1 + len(role.also)) == len(made) + len(counts.rejects)
    assert [m.row_id.encode() for m in made] == counts.row_ids
    names = [m.row_id for m in made] + [f"{r.row_id} {r.stage}" for r in counts.rejects]
    assert len(set(names)) == len(names)


class Words:
    """A tokenizer: one id per word."""

    eos_token_id, bos_token_id, chat_template = 0, None, None

    def encode(self, text: str, **_: object) -> list[int]:
        return [1 + len(word) for word in text.split()]

    def decode(self, token_ids: list[int]) -> str:
        return "<end>" if token_ids == [0] else "?"


def test_a_role_that_is_also_trained_on_another_s_names_a_known_one() -> None:
    assert all(set(r.also) <= set(roles.ROLES) for r in roles.ROLES.values())
    assert roles.SELF_STANDING == ("ir", "ks", "ird", "cg")
