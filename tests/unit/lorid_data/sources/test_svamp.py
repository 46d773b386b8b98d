"""SVAMP as its authors publish it (one JSON file) and as the Hub has it (two splits)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from lorid_data.errors import ConfigError, InputError
from lorid_data.hub import ids
from lorid_data.sources import svamp
from lorid_data.sources.registry import load


def row(n: int, **changes: object) -> dict[str, object]:
    plain = {
        "ID": f"chal-{n}", "Body": f"Ada had {n} pears and ate 2 of them", "Question": "How many are left?",
        "Equation": f"( {n}.0 - 2.0 )", "Answer": float(n - 2), "Type": "Subtraction",
    }  # fmt: skip
    return {**plain, **changes}


def authors(tmp_path: Path, *rows: dict[str, object]) -> Path:
    path = tmp_path / "SVAMP.json"
    path.write_text(json.dumps(list(rows)), encoding="utf-8")
    return path


def test_body_and_question_are_the_question_and_the_type_is_the_subject(tmp_path: Path) -> None:
    file = authors(tmp_path, row(9), row(5, Answer=2.5, Type="Common-Divison"))
    loaded = load("svamp", split="test", source_path=str(file))
    first, second = loaded.problems
    assert first.question == "Ada had 9 pears and ate 2 of them How many are left?"
    assert (first.answer, first.rationale, first.subject) == ("7", "", "Subtraction")
    assert (first.source, first.split, first.licence) == ("svamp", "test", "MIT")
    assert (second.answer, second.subject) == ("2.5", "Common-Division")
    assert first.original_id == first.problem_id
    # a folder that holds the file is as good
    assert load("svamp", split="test", source_path=str(tmp_path)).problems == loaded.problems


def test_the_authors_file_has_no_training_rows(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"all of it is for tests; name --split test"):
        load("svamp", source_path=str(authors(tmp_path, row(9))))
    with pytest.raises(ConfigError, match="no split 'dev'"):
        load("svamp", split="dev")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Question": 4}, "question is 4"),
        ({"Body": None}, "question"),
        ({"Answer": [1]}, "answer is"),
    ],
)
def test_a_row_that_is_no_text_is_named(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    file = authors(tmp_path, row(3), row(4, **changes))
    if changes == {"Body": None}:  # an empty question: its row is rejected when it is built
        assert load("svamp", split="test", source_path=str(file)).problems[1].question == ""
        return
    with pytest.raises(InputError, match=f"row 1: {says}"):
        load("svamp", split="test", source_path=str(file))


def test_another_table_is_refused_with_every_column_that_is_missing(tmp_path: Path) -> None:
    file = authors(tmp_path, {"Body": "b", "Answer": 1})
    with pytest.raises(InputError) as e:
        load("svamp", split="test", source_path=str(file))
    assert [p.partition(": ")[2].partition(";")[0] for p in e.value.problems] == [
        "missing column 'Question'",
        "missing column 'Type'",
    ]
    with pytest.raises(ConfigError, match="no such file or folder"):
        load("svamp", split="test", source_path=str(tmp_path / "absent.json"))


def test_a_copy_laid_out_like_the_hubs_has_its_two_splits(tmp_path: Path) -> None:
    for split, numbers in (("train", (3, 4)), ("test", (5,))):
        lines = [json.dumps(row(n, Answer=f"{n - 2}", question_concat="ignored")) for n in numbers]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    train, _ = svamp.load("train", source_path=str(tmp_path))
    test, _ = svamp.load("test", source_path=str(tmp_path))
    assert [p.answer for p in train] == ["1", "2"]
    assert [(p.answer, p.split) for p in test] == [("3", "test")]
    assert ids.is_hub_id(svamp.REPO.id)
    assert len(svamp.REPO.revision or "") == 40


def test_the_thousand_problems_of_its_authors(real_data: Path) -> None:
    path = real_data / "arkilpatel/SVAMP/SVAMP.json"
    loaded = load("svamp", split="test", source_path=str(path))
    assert len({p.problem_id for p in loaded.problems}) == 1000
    assert not loaded.warnings
    assert Counter(p.subject for p in loaded.problems) == {
        "Subtraction": 531, "Addition": 195, "Common-Division": 166, "Multiplication": 108,
    }  # fmt: skip
    assert all(p.answer.lstrip("-").isdigit() and not p.rationale for p in loaded.problems)
