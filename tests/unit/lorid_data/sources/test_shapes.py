"""Sets that people train on, by a few made-up rows of their shape, and rows of chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import InputError
from lorid_data.folders.records import read_records
from lorid_data.folders.tables import Table
from lorid_data.schema import Problem, problem_id
from lorid_data.sources.columns import Reading
from lorid_data.sources.shapes import SHAPES
from lorid_data.sources.table import problems_of


def read(*rows: dict[str, Any], where: str = "rows.jsonl", **options: Any) -> list[Problem]:
    table = Table(where, tuple(rows[0]), rows)
    return problems_of(table, source="s", split="train", **options)[0]


def test_metamathqa_answers_and_originals() -> None:
    gsm, math = read(
        {"type": "GSM_Rephrased", "query": "What do 2 pens at 3 cost?", "original_question": "How much are 2 pens?",
         "response": "2 * 3 = 6.\n#### 6\nThe answer is: 6"},
        {"type": "MATH_AnsAug", "query": "Halve 1.", "original_question": "Halve 1.",
         "response": "It is $\\frac12$. The answer is: $\\frac{1}{2}$"},
    )  # fmt: skip
    assert (gsm.question, gsm.rationale, gsm.answer) == ("What do 2 pens at 3 cost?", "2 * 3 = 6.", "6")  # fmt: skip
    assert gsm.original_id == problem_id("How much are 2 pens?") != gsm.problem_id
    assert (gsm.subject, math.original_id) == ("GSM_Rephrased", math.problem_id)
    assert math.answer == "$\\frac{1}{2}$"


def test_openmathinstruct_2() -> None:
    [p] = read(
        {"problem": "What is 7 * 8?", "generated_solution": "It is \\boxed{56}.", "expected_answer": "56",
         "problem_source": "augmented_gsm8k"}
    )  # fmt: skip
    assert (p.question, p.rationale, p.answer) == ("What is 7 * 8?", "It is \\boxed{56}.", "56")
    assert p.subject == "augmented_gsm8k"


def test_openr1_math_takes_the_reference_solution() -> None:
    [p] = read(
        {"problem": "Solve x + 1 = 3.", "solution": "x = 3 - 1 = 2", "answer": "2", "problem_type": "Algebra",
         "question_type": "math-word-problem", "source": "olympiads", "uuid": "u", "is_reasoning_complete": [True],
         "generations": ["<think>long</think> \\boxed{2}"], "correctness_math_verify": [True], "messages": []}
    )  # fmt: skip
    assert (p.rationale, p.answer, p.subject) == ("x = 3 - 1 = 2", "2", "Algebra")


def test_deepmath_103k() -> None:
    [p] = read(
        {"question": "Limit of 1/n?", "final_answer": "0", "difficulty": 4.5, "topic": "Calculus",
         "r1_solution_1": "It falls below any bound: \\boxed{0}", "r1_solution_2": "b", "r1_solution_3": "c"}
    )  # fmt: skip
    assert (p.rationale, p.answer) == ("It falls below any bound: \\boxed{0}", "0")
    assert (p.level, p.subject) == ("4.5", "Calculus")


def test_numinamath_cot_keeps_its_solution_and_not_its_messages() -> None:
    turns = [{"role": "user", "content": "Other."}, {"role": "assistant", "content": "Else."}]
    [p] = read(
        {"source": "cn_k12", "problem": "What is $2^3$?", "solution": "It is $\\boxed{8}$.", "messages": turns}
    )  # fmt: skip
    assert (p.question, p.rationale, p.answer, p.subject) == (
        "What is $2^3$?",
        "It is $\\boxed{8}$.",
        "8",
        "cn_k12",
    )


def test_orca_math_is_known_by_its_name() -> None:
    row = {"question": "Ada had 5 pears and ate 2. How many are left?", "answer": "She has 5 - 2 = 3.\nThe answer is 3."}  # fmt: skip
    [p] = read(row, where="microsoft/orca-math-word-problems-200k (default, train)")
    assert (p.rationale, p.answer) == (row["answer"], "3")
    [p] = read(row, where="mine.jsonl")
    assert (p.rationale, p.answer) == ("", row["answer"])


def test_gsm8k_socratic_needs_nothing() -> None:
    answer = "How many are red? ** There are 2 * 3 = <<2*3=6>>6 red ones.\nHow many in all? ** 6 + 1 = <<6+1=7>>7.\n#### 7"  # fmt: skip
    [p] = read({"question": "How many in all?", "answer": answer})
    assert (p.rationale, p.answer) == (answer.removesuffix("\n#### 7"), "7")


USER, ASSISTANT = "What is 3 + 4?", "3 + 4 = 7\n#### 7"


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": USER}, {"role": "assistant", "content": ASSISTANT}]},
        {"messages": [{"role": "system", "content": "Think."}, {"role": "user", "content": USER}, {"role": "assistant", "content": ASSISTANT}], "subject": "sums"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": USER}]}, {"role": "assistant", "content": [{"type": "text", "text": ASSISTANT}]}]},
        {"conversations": [{"from": "human", "value": USER}, {"from": "gpt", "value": ASSISTANT}]},
        {"conversations": [{"from": "system", "value": "x"}, {"from": "human", "value": USER}, {"from": "gpt", "value": ASSISTANT}], "id": "7"},
        {"messages": [{"role": "user", "content": USER}, {"role": "assistant", "content": "3 + 4 = 7"}], "answer": "7"},
    ],
)  # fmt: skip
def test_rows_of_chat(row: dict[str, Any]) -> None:
    [p] = read(row)
    assert (p.question, p.rationale, p.answer) == (USER, "3 + 4 = 7", "7")
    assert p.subject == row.get("subject")


THOUGHT = "Let me add 3 and 4, that is 7. Or 8?"


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "The answer is 7.", "reasoning_content": THOUGHT},
        {"content": "The answer is 7.", "thinking": THOUGHT, "reasoning_content": None},
        {"content": "The answer is 7.", "reasoning": THOUGHT, "thinking": ""},
        {"content": [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": "The answer is 7."}]},
        {"content": [{"type": "reasoning", "text": THOUGHT}, {"type": "text", "text": "The answer is 7."}]},
    ],
)  # fmt: skip
def test_the_reasoning_of_a_turn_is_the_first_part_of_the_rationale(turn: dict[str, Any]) -> None:
    turns = [{"role": "user", "content": USER, "reasoning_content": "x"}, {"role": "assistant", **turn}]  # fmt: skip
    [p] = read({"messages": turns})
    assert (p.question, p.rationale, p.answer) == (USER, f"{THOUGHT}\n\nThe answer is 7.", "7")


def test_a_turn_may_have_only_reasoning_or_none_that_is_text() -> None:
    user = {"role": "user", "content": USER}
    [p] = read({"messages": [user, {"role": "assistant", "content": None, "reasoning": "It is \\boxed{7}."}]})  # fmt: skip
    assert (p.rationale, p.answer) == ("It is \\boxed{7}.", "7")
    [p] = read({"messages": [user, {"role": "assistant", "content": ASSISTANT, "reasoning": ""}]})
    assert p.rationale == "3 + 4 = 7"
    with pytest.raises(InputError, match="the reasoning of a turn is 7, where text is expected"):
        read({"messages": [user, {"role": "assistant", "content": ASSISTANT, "reasoning": 7}]})


def turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


WHOLE = [turn("user", USER), turn("assistant", ASSISTANT)]
BAD = [turn("assistant", "3 + 4 = 8\n#### 8")]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": USER, "completion": ASSISTANT},
        {"prompt": WHOLE[:1], "completion": WHOLE[1:]},
        {"prompt": [turn("system", "Think."), *WHOLE[:1]], "completion": ASSISTANT},
        {"prompt": USER, "completion": WHOLE[1:]},
        {"prompt": USER, "chosen": ASSISTANT, "rejected": "8"},
        {"prompt": WHOLE[:1], "chosen": WHOLE[1:], "rejected": BAD},
        {"prompt": USER, "chosen": WHOLE, "rejected": [*WHOLE[:1], *BAD]},
        {"chosen": WHOLE, "rejected": [*WHOLE[:1], *BAD]},
    ],
)  # fmt: skip
def test_rows_of_trl(row: dict[str, Any]) -> None:
    [p] = read(row)
    assert (p.question, p.rationale, p.answer) == (USER, "3 + 4 = 7", "7")


def test_rows_of_trl_are_read_where_their_columns_are_named_and_not_with_a_label() -> None:
    row = {"prompt": WHOLE[:1], "completion": WHOLE[1:]}
    [p] = read(row, read=Reading({"question": "prompt", "rationale": "completion"}))
    assert (p.question, p.answer) == (USER, "7")
    for other in ("label", "row_id"):
        with pytest.raises(InputError, match="missing column 'question'"):
            read({**row, other: "1"})
    with pytest.raises(InputError, match=r"row 0: its turns are by user, user, assistant;"):
        read({"prompt": WHOLE[:1] * 2, "completion": WHOLE[1:]})
    [p] = read({"prompt": "q?", "completion": None, "answer": "1"})
    assert (p.question, p.rationale, p.answer) == ("q?", "", "1")


def test_alpaca_and_dolly_ask_in_two_columns() -> None:
    alpaca = [{"instruction": "Solve.", "input": about, "output": ASSISTANT} for about in (USER, "", None, float("nan"))]  # fmt: skip
    rows = read(*alpaca)
    assert [r.question for r in rows] == [f"Solve.\n\n{USER}", "Solve.", "Solve.", "Solve."]
    assert {(r.rationale, r.answer) for r in rows} == {("3 + 4 = 7", "7")}
    [p] = read({"instruction": "", "input": USER, "output": ASSISTANT, "answer": "7"})
    assert (p.question, p.answer) == (USER, "7")
    [p] = read({"instruction": "Solve.", "context": USER, "response": ASSISTANT, "category": "sums"})  # fmt: skip
    assert (p.question, p.rationale, p.subject) == (f"Solve.\n\n{USER}", "3 + 4 = 7", "sums")
    with pytest.raises(InputError, match="row 0: what its instruction is about is 7,"):
        read({"instruction": "Solve.", "input": 7, "output": "o"})


def test_alpaca_gives_way_to_what_the_user_says() -> None:
    row = {"instruction": "Solve.", "input": USER, "response": ASSISTANT, "output": "o"}
    [p] = read(row, read=Reading({"rationale": "response"}))
    assert (p.question, p.rationale) == (f"Solve.\n\n{USER}", "3 + 4 = 7")
    [p] = read(row, read=Reading({"knowledge": "input"}))
    assert (p.question, p.knowledge) == ("Solve.", (USER,))
    table = Table("t", tuple(row), [row])
    alone = Reading({"question": "instruction", "rationale": "response"})
    [p], said = problems_of(table, source="s", split="train", read=alone)
    assert p.question == "Solve."
    assert "t: the question is 'instruction' alone, as --columns says, without what 'input' holds" in said[-1]  # fmt: skip


def test_no_suggestion_loses_half_of_a_question() -> None:
    with pytest.raises(InputError) as e:
        read({"Instruction": "Solve.", "Input": USER, "Output": ASSISTANT})
    assert "question=" not in str(e.value)
    assert "in two columns, 'Instruction' and 'Input': call them instruction and input" in str(e.value)  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ([{"role": "user", "content": "a"}], "its turns are by user;"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * 2, "by user, assistant, user, assistant"),
        ([{"role": "assistant", "content": "b"}, {"role": "user", "content": "a"}], "by assistant, user"),
        ([{"role": "user", "content": None}, {"role": "assistant", "content": "b"}], "a turn says None"),
        ([{"role": "user", "content": [{"type": "image"}]}, {"role": "assistant", "content": "b"}], "a turn says"),
        ([], "by nobody"),
        ("a text", "where a list of turns is expected"),
        (None, "its turns are None"),
    ],
)  # fmt: skip
def test_other_conversations_are_named_with_their_row(turns: object, says: str) -> None:
    good = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "#### 1"}]
    rows = [{"messages": good}, {"messages": turns}]
    with pytest.raises(InputError) as e:
        read(*rows)
    assert says in str(e.value)
    assert "row 1" in str(e.value)
    bad: list[str] = []
    assert len(read(*rows, read=Reading(bad=bad))) == 1
    assert len(bad) == 1


def test_a_shape_gives_way_to_what_the_user_says() -> None:
    row = {
        "query": "q?",
        "response": "r The answer is: 1",
        "original_question": "q?",
        "type": "GSM_SV",
    }
    [p] = read(row, read=Reading({"question": "original_question", "rationale": "query"}))
    assert (p.question, p.rationale) == ("q?", "q?")
    [p] = read(row, read=Reading({"subject": "original_question"}))
    assert (p.answer, p.subject) == ("1", "q?")


def test_files_of_such_a_set_are_imported_by_their_columns(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": USER}, {"from": "gpt", "value": ASSISTANT}]
    path = tmp_path / "chat.jsonl"
    path.write_text("\n".join(json.dumps({"conversations": turns}) for _ in range(2)))
    assert import_table(path, tmp_path / "out").n_kept == 2
    assert read_records(tmp_path / "out")[0].answer == "7"


def test_no_shape_hides_another() -> None:
    for i, shape in enumerate(SHAPES):
        earlier = [s for s in SHAPES[:i] if s.needs <= shape.needs and s.called in shape.called]
        assert not earlier, f"{shape.name} is never reached: {earlier}"
