"""Any column names: as the user says, near names suggested, and no answer column passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.folders.tables import Table
from lorid_data.publish.rebuild import _build_options
from lorid_data.sources.columns import Reading, find_columns, parse_columns
from lorid_data.sources.table import problems_of

ROW = {"instruction": "How much is 2 + 3?", "input": "", "output": "2 + 3 = 5", "final_answer": "5"}
NAMED = ["question=instruction", "rationale=output", "answer=final_answer"]


def table(**row: object) -> Table:
    return Table("t", tuple(row), [row])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([ROW, {**ROW, "instruction": "And 1 + 1?", "output": "1 + 1 = 2", "final_answer": "2"}]))  # fmt: skip
    return path


def test_import_and_build_take_any_names(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["import"], ["build", "--teacher", "none"]):
        out = tmp_path / command[0]
        argv = [command[0], str(file), *command[1:], "--columns", *NAMED, "--out", str(out)]
        assert main(argv) == 0
        first = read_records(out)[0]
        assert (first.question, first.rationale, first.answer) == ("How much is 2 + 3?", "2 + 3 = 5", "5")  # fmt: skip
        assert (
            "columns ignored: input; name one with --columns knowledge=…" in capsys.readouterr().err
        )
    built = read_manifest(tmp_path / "build")
    assert built.settings["columns"] == NAMED
    assert _build_options(built.identity, built.settings)[-4:] == ["--columns", *NAMED]
    assert read_manifest(tmp_path / "import").settings["columns"] == NAMED


@pytest.mark.parametrize("as_mapping", [True, False])
def test_yaml_takes_them_as_a_mapping_or_as_a_list(
    tmp_path: Path, file: Path, *, as_mapping: bool
) -> None:
    named = dict(pair.split("=") for pair in NAMED) if as_mapping else NAMED
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"columns": named, "licence": "MIT"}))
    assert main(["import", str(file), "--config", str(config), "--out", str(tmp_path / "a")]) == 0
    config.write_text(
        json.dumps({"out": str(tmp_path / "run"), "build": {"source": str(file), "teacher": "none", "columns": named}})
    )  # fmt: skip
    assert main(["run", str(config)]) == 0
    assert {r.answer for r in read_records(tmp_path / "run/build")} == {"5", "2"}
    assert {r.answer for r in read_records(tmp_path / "a")} == {"5", "2"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["instruction"], "write WHAT=COLUMN"),
        (["question=a", "question=b"], "names 'question' twice"),
        (["question=a", "answer=a"], "the column 'a' twice"),
        (["qestion=a"], "unknown 'qestion'; did you mean 'question'?"),
        (["colour=a"], "unknown 'colour'; a table has question,"),
    ],
)
def test_wrong_names_are_refused(given: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as e:
        parse_columns(given)
    assert says in str(e.value)


def test_they_are_refused_where_they_cannot_work(tmp_path: Path, file: Path) -> None:
    out = tmp_path / "out"
    argv = ["--columns", "rationale=output", "--out", str(out)]
    assert main(["build", "arithmetic", "--teacher", "source", *argv]) == 2
    assert main(["import", str(file), "--rationale", "output", *argv]) == 2
    assert main(["import", str(file), "--columns", "question=instrction", "--out", str(out)]) == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("columns", "suggests"),
    [
        (("instruction", "output", "answer"), "--columns question=instruction (of"),
        (
            ("prompt", "completion", "label"),
            "--columns question=prompt rationale=completion answer=label (of",
        ),
        (("Question", "Answer"), "--columns question=Question answer=Answer (of"),
        (("quesion", "rationale"), "--columns question=quesion (of"),
    ],
)
def test_a_missing_question_names_what_is_near(columns: tuple[str, ...], suggests: str) -> None:
    with pytest.raises(InputError) as e:
        find_columns(Table("t", columns, []))
    assert f"did you mean {suggests}" in e.value.problems[0]
    assert "its columns are" in e.value.problems[0]


def test_missing_solutions_and_named_columns_name_what_is_near() -> None:
    with pytest.raises(
        InputError, match=r"--columns rationale=output answer=gold \(of build and import\)\?"
    ):
        find_columns(table(question="q", output="o", gold="1"))
    with pytest.raises(InputError, match=r"missing column 'outputs'; did you mean 'output'\?"):
        find_columns(table(question="q", output="o"), Reading({"rationale": "outputs"}))
    with pytest.raises(InputError) as e:
        find_columns(table(colour="red", size=3))
    assert not any("did you mean" in p for p in e.value.problems)


def test_an_ignored_column_that_is_nearly_known_is_told() -> None:
    rows = table(question="q", rationale="so", answer="1", knowlege="rule", colour="red")
    _, warnings = problems_of(rows, source="s", split="train")
    assert warnings == [
        "t: columns ignored: knowlege, colour; did you mean --columns knowledge=knowlege (of build and import)?"
    ]


@pytest.mark.parametrize("name", ["final_answer", "Answer", "gold", "finalAnswer", "expected-answer", "ground_truth", "correct"])  # fmt: skip
def test_an_answer_column_is_not_passed_over_while_rows_have_none(name: str) -> None:
    rows = [{"question": "q", "rationale": "It is 4, I think.", name: "4"}, {"question": "r", "rationale": "The answer is 5.", name: "5"}]  # fmt: skip
    found = Table("t", ("question", "rationale", name), rows)
    with pytest.raises(InputError) as e:
        problems_of(found, source="s", split="train")
    assert f"1 of 2 rows have no answer, while the column {name!r} is ignored" in str(e.value)
    assert f"--columns answer={name}" in str(e.value)
    named, _ = problems_of(found, source="s", split="train", read=Reading({"answer": name}))
    assert [p.answer for p in named] == ["4", "5"]
    meant, _ = problems_of(found, source="s", split="train", read=Reading({"answer": ""}))
    assert [p.answer for p in meant] == ["", "5"]


@pytest.mark.parametrize("name", ["answer_type", "is_correct", "label_id", "golden"])
def test_other_columns_may_be_ignored_where_rows_have_no_answer(name: str) -> None:
    problems, _ = problems_of(
        table(question="q", rationale="Who knows.", **{name: "x"}), source="s", split="train"
    )
    assert problems[0].answer == ""


def test_a_stage_that_keeps_nothing_is_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "none.jsonl"
    rows.write_text('{"question": "q", "answer": " "}\n')
    assert main(["import", str(rows), "--out", str(tmp_path / "three")]) == 0
    capsys.readouterr()
    assert main(["validate", str(tmp_path / "three"), "--out", str(tmp_path / "four")]) == 1
    said = capsys.readouterr()
    assert "1 row in, 0 kept" in said.out
    assert "error: validate kept no row: 1 of 1 were rejected as answer_missing" in said.err
    assert read_manifest(tmp_path / "four").n_kept == 0
    # the same in one file: what comes after it is not begun
    config = tmp_path / "c.yaml"
    config.write_text(
        json.dumps({"out": str(tmp_path / "run"), "build": {"source": str(rows), "teacher": "none"}, "validate": {}, "dedup": {}})
    )  # fmt: skip
    assert main(["run", str(config)]) == 1
    assert not (tmp_path / "run/dedup").exists()


def test_a_folder_laid_out_like_the_hubs_takes_them_too(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}.jsonl").write_text(json.dumps({**ROW, "instruction": f"{split}?"}))
    named = ["--columns", *NAMED]
    assert main(["import", str(folder), *named, "--out", str(tmp_path / "a")]) == 0
    argv = ["build", str(folder), "--teacher", "none", "--split", "test", *named]
    assert main([*argv, "--out", str(tmp_path / "b")]) == 0
    assert [(r.question, r.split) for r in read_records(tmp_path / "a")] == [("train?", "train"), ("test?", "test")]  # fmt: skip
    assert [(r.question, r.answer) for r in read_records(tmp_path / "b")] == [("test?", "5")]
