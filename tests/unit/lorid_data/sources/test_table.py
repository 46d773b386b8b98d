"""Columns of a table as problems: names, the split of solutions, knowledge, originals."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.tables import Table
from lorid_data.schema import problem_id
from lorid_data.sources.columns import Reading
from lorid_data.sources.registry import load_file
from lorid_data.sources.table import problems_of, split_solution


def table(*rows: Mapping[str, Any]) -> Table:
    columns = tuple(dict.fromkeys(c for r in rows for c in r))
    return Table("t", columns, [{c: r.get(c) for c in columns} for r in rows])


def no_answer(_: str) -> str:
    return ""


@pytest.mark.parametrize(
    ("rationale", "answer", "expected"),
    [
        (None, "a\nb\n#### 1,234", ("a\nb", "1,234")),
        (None, " a \n#### -5 ", (" a ", "-5 ")),
        (None, "#### 3", ("", "3")),
        (None, "see #### there\n#### 3", ("see #### there", "3")),
        (None, "a\n\n####  3", ("a\n", " 3")),
        (None, "3", ("", "3")),
        ("a\n#### 3", None, ("a", "3")),
        ("so it is 3", None, ("so it is 3", "found")),
        ("so it is 3 #### 4", "3", ("so it is 3 #### 4", "3")),
        (None, None, ("", "")),
    ],
)
def test_a_solution_is_split_at_its_separator_and_nothing_else_is_touched(
    rationale: str | None, answer: str | None, expected: tuple[str, str]
) -> None:
    assert split_solution(rationale, answer, lambda _: "found") == expected


def test_columns_go_by_either_name_and_extra_ones_are_named_in_a_warning() -> None:
    problems, warnings = problems_of(
        table(
            {
                "problem": "q",
                "solution": "r",
                "answer": "1",
                "type": "Algebra",
                "notes": "x",
                "licence": "MIT",
            }
        ),
        source="s",
        split="test",
    )
    p = problems[0]
    assert (p.question, p.rationale, p.answer, p.subject, p.licence, p.split) == (
        "q", "r", "1", "Algebra", "MIT", "test",
    )  # fmt: skip
    assert p.problem_id == problem_id("q") == p.original_id
    assert warnings == [
        "t: columns ignored: notes; name one with --columns knowledge=… level=… (of build and import) if it holds that"
    ]


def test_text_is_kept_byte_for_byte() -> None:
    text = " \t q\r\n\u00a0é\u2028 "
    problems, _ = problems_of(
        table({"question": text, "rationale": text, "answer": text}), source="s", split="train"
    )
    assert (problems[0].question, problems[0].rationale, problems[0].answer) == (text, text, text)


def test_all_missing_columns_are_named_with_those_there_are() -> None:
    with pytest.raises(InputError) as e:
        problems_of(table({"prompt": "q", "response": "r"}), source="s", split="train")
    assert len(e.value.problems) == 2
    assert "missing column 'question'" in e.value.problems[0]
    assert "its columns are prompt, response" in e.value.problems[1]


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        (None, ()),
        (["a", "b"], ("a", "b")),
        ("a\nb", ("a", "b")),
        ("a\n\n b\n", ("a", " b")),
        ("", ()),
        ([], ()),
    ],
)
def test_knowledge_is_a_list_or_one_rule_a_line(value: object, rules: tuple[str, ...]) -> None:
    problems, _ = problems_of(
        table({"question": "q", "answer": "1", "knowledge": value}), source="s", split="train"
    )
    assert problems[0].knowledge == rules


@pytest.mark.parametrize(
    "row",
    [
        {"question": 3, "answer": "1"},
        {"question": ["q"], "answer": "1"},
        {"question": "q", "answer": {"a": 1}},
        {"question": "q", "answer": True},
        {"question": "q", "answer": "1", "knowledge": [1]},
        {"question": "q", "answer": "1", "knowledge": [None]},
        {"question": "q", "answer": "1", "knowledge": {"a": "b"}},
        {"question": "q\ud800", "answer": "1"},
        {"question": "q", "answer": "1", "knowledge": ["\udc00"]},
        {"question": "q", "answer": "1", "knowledge": "\udc00"},
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_row(row: dict[str, object]) -> None:
    with pytest.raises(InputError, match="t, row 1"):
        problems_of(table({"question": "q", "answer": "1"}, row), source="s", split="train")


def test_numbers_as_answers_are_written_out() -> None:
    problems, _ = problems_of(table({"question": "q", "answer": 72}), source="s", split="train")
    assert problems[0].answer == "72"


def test_a_missing_text_of_pandas_is_missing() -> None:
    problems, _ = problems_of(
        table({"question": "q", "rationale": float("nan"), "answer": "1"}),
        source="s",
        split="train",
    )
    assert (problems[0].rationale, problems[0].answer) == ("", "1")


def test_an_original_is_named_by_the_id_column() -> None:
    problems, _ = problems_of(
        table(
            {"id": 1, "question": "q", "answer": "1", "original_id": None},
            {"id": 2, "question": "v", "answer": "1", "original_id": 1},
            {"id": 3, "question": "w", "answer": "1", "original_id": problem_id("elsewhere")},
        ),
        source="s",
        split="train",
    )
    assert [p.original_id for p in problems] == [
        problem_id("q"),
        problem_id("q"),
        problem_id("elsewhere"),
    ]


def test_a_duplicate_id_is_refused_where_others_refer_to_it() -> None:
    rows = [
        {"id": 1, "question": "q", "answer": "1", "original_id": None},
        {"id": 1, "question": "v", "answer": "1", "original_id": 1},
    ]
    with pytest.raises(InputError, match="t, row 1: id 1 stands twice"):
        problems_of(table(*rows), source="s", split="train")


def test_an_original_that_is_nowhere_is_refused() -> None:
    with pytest.raises(InputError, match="original_id 'x' is neither"):
        problems_of(
            table({"question": "q", "answer": "1", "original_id": "x"}), source="s", split="train"
        )


def test_rows_that_share_an_id_within_a_subject_are_variants_of_the_first() -> None:
    problems, warnings = problems_of(
        table(
            {"id": 0, "question": "q", "answer": "1", "type": "A"},
            {"id": 0, "question": "q again", "answer": "1", "type": "A"},
            {"id": 0, "question": "other", "answer": "1", "type": "B"},
        ),
        source="s",
        split="train",
    )
    assert [p.original_id for p in problems] == [
        problem_id("q"),
        problem_id("q"),
        problem_id("other"),
    ]
    assert warnings == [
        "t: 1 row with the id of an earlier row: taken as variants of that question"
    ]


def test_a_split_column_chooses_rows_for_build_and_stands_for_import(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("question,answer,split\na,1,train\nb,2,test\nc,3,\n", encoding="utf-8")
    chosen, _ = load_file(str(path), "test")
    assert [p.question for p in chosen] == ["b"]
    everything, _ = load_file(str(path), None, default_split="validation", licence="MIT")
    assert [(p.question, p.split, p.licence) for p in everything] == [
        ("a", "train", "MIT"), ("b", "test", "MIT"), ("c", "validation", "MIT"),
    ]  # fmt: skip
    assert everything[0].source == "mine"


@pytest.mark.parametrize(
    ("rationale", "answer", "expected"),
    [
        ("so 5\n#### 5", "", ("so 5", "5")),
        ("so 5\n#### 5", "  ", ("so 5", "5")),
        ("so 5\n#### 5", "5", ("so 5", "5")),
        ("so 5\n#### 6", "5", ("so 5\n#### 6", "5")),
        ("a solution", "why\n#### 5", ("a solution", "5")),
        ("", "why\n#### 5", ("why", "5")),
        ("", "5", ("", "5")),
        ("it is \\boxed{5}", "", ("it is \\boxed{5}", "found")),
        ("#### Step 1\nadd\n#### Step 2\nit is 5", None, ("#### Step 1\nadd\n#### Step 2\nit is 5", "found")),
        ("", "", ("", "")),
    ],
)  # fmt: skip
def test_the_mark_is_split_wherever_it_stands_and_an_empty_cell_is_none(
    rationale: str, answer: str | None, expected: tuple[str, str]
) -> None:
    assert split_solution(rationale, answer, lambda text: "found" if text else "") == expected


@pytest.mark.parametrize("blank", ["", "  ", None, float("nan")])
def test_an_empty_cell_is_no_id(blank: object) -> None:
    rows: list[dict[str, object]] = [
        {"id": blank, "question": f"q{i}", "answer": "1"} for i in range(5)
    ]
    rows += [
        {"id": "a", "question": "x", "answer": "1"},
        {"id": "a", "question": "y", "answer": "1"},
    ]
    table = Table("t", ("id", "question", "answer"), rows)
    problems, _ = problems_of(table, source="s", split="train")
    assert [p.original_id == p.problem_id for p in problems] == [*[True] * 6, False]
    named = Table("t", ("id", "original_id", "question", "answer"), [{**r, "original_id": blank} for r in rows[:6]])  # fmt: skip
    assert all(p.original_id == p.problem_id for p in problems_of(named, source="s", split="train")[0])  # fmt: skip


def test_answers_that_are_explanations_are_told_and_read_as_such() -> None:
    text = "There are five apples and each costs two dollars, so all of them cost 5*2 = 10. The answer is 10."
    rows = [{"question": f"q{i}", "answer": text} for i in range(3)]
    table = Table("t.csv", ("question", "answer"), rows)
    problems, [warning] = problems_of(table, source="s", split="train")
    assert "3 of 3 answers are sentences" in warning
    assert "--columns rationale=answer" in warning
    problems, warnings = problems_of(table, source="s", split="train", read=Reading({"rationale": "answer"}))  # fmt: skip
    assert not warnings
    assert (problems[0].rationale, problems[0].answer) == (text, "10")


def test_a_row_that_cannot_be_read_is_named_or_told() -> None:
    rows = [{"question": q, "answer": "1"} for q in ("a", ["b"], "c", True)]
    table = Table("t.jsonl", ("question", "answer"), rows, [1, 2, 3, 4])
    with pytest.raises(InputError, match=r"t\.jsonl:2: question is \['b'\]"):
        problems_of(table, source="s", split="train")
    bad: list[str] = []
    problems, _ = problems_of(table, source="s", split="train", read=Reading(bad=bad))
    assert [p.question for p in problems] == ["a", "c"]
    assert [b.partition(" ")[0] for b in bad] == ["t.jsonl:2:", "t.jsonl:4:"]


@pytest.mark.parametrize("licence", ["", " \t"])
def test_an_empty_licence_is_refused(tmp_path: Path, licence: str) -> None:
    (tmp_path / "t.jsonl").write_text('{"question": "q", "answer": "1"}')
    with pytest.raises(ConfigError, match="--licence is empty"):
        import_table(tmp_path / "t.jsonl", tmp_path / "out", licence=licence)
    assert not (tmp_path / "out").exists()
