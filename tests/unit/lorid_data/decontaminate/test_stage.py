"""Test questions are found in other words, templates are told apart, and policies are followed."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.build.importing import import_table
from lorid_data.cli.app import main
from lorid_data.decontaminate.shown import MATCHES
from lorid_data.decontaminate.stage import DecontaminateOptions, decontaminate
from lorid_data.errors import ConfigError
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Manifest, Reject

TEST = (
    "Ann has 3 red pens and 5 blue pens in her school bag. She gives 2 of the pens to Ben. "
    "How many pens does she have left?"
)


def folder_of(path: Path, *rows: dict[str, Any]) -> Path:
    full = [{"answer": "6", "id": None, **row} for row in rows]
    pl.DataFrame(full, infer_schema_length=None).write_parquet(f"{path}.parquet")
    import_table(Path(f"{path}.parquet"), path)
    return path


def run(
    tmp_path: Path, *rows: dict[str, Any], test: tuple[str, str] = (TEST, "6"), **options: Any
) -> tuple[list[str], list[Reject], Manifest]:
    """The questions that stay, the rejects and the manifest."""
    folder = folder_of(tmp_path / "in", *rows)
    against = folder_of(tmp_path / "test", {"question": test[0], "answer": test[1]})
    out = tmp_path / "out"
    manifest = decontaminate(folder, out, DecontaminateOptions(against=(str(against),), **options))
    kept, rejects = read_records(out), read_rows(out / REJECTS, Reject)
    ids = [r.row_id for r in read_records(folder)]
    assert sorted([r.row_id for r in kept] + [r.row_id for r in rejects]) == sorted(ids)
    return [r.question for r in kept], rejects, manifest


def rule(tmp_path: Path, question: str, **more: Any) -> str:
    run(tmp_path, {"question": question, **more.pop("row", {})}, **more)
    matches = pl.read_parquet(tmp_path / "out" / MATCHES)
    return "" if matches.is_empty() else str(matches["rule"][0])


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (TEST, "same_question"),
        (TEST.upper().replace(" ", "\n"), "same_question"),
        (f"Solve this: {TEST} Think well.", "holds_question"),
        (TEST.replace("Ann", "Olga").replace("school bag", "bag"), "same_words"),
        (TEST.replace("3", "three").replace("2", "two"), "same_words"),
        (TEST.replace("3", "4"), "template"),
        (TEST.replace("red", "odd").replace("left", "then"), "same_words"),
        ("A train leaves at 3 and arrives at 5. How long does it take?", ""),
        ("Ann has 9 red pens and 7 blue hats in a box. How many pens does she have?", "similar"),
    ],
)
def test_rules(tmp_path: Path, question: str, expected: str) -> None:
    assert rule(tmp_path, question) == expected


def test_another_answer_or_an_exchanged_word_makes_a_template(tmp_path: Path) -> None:
    other = TEST.replace("Ann", "Olga")
    assert rule(tmp_path / "a", other, row={"answer": "7"}) == "template"
    assert rule(tmp_path / "b", other, row={"answer": r"\frac{12}{2}"}) == "same_words"
    assert rule(tmp_path / "c", other, row={"answer": "", "rationale": "?"}) == "same_words"
    less = TEST.replace("gives", "gives less than")
    more = TEST.replace("gives", "gives more than")
    assert rule(tmp_path / "d", less, test=(more, "6")) == "template"


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).mkdir()


def test_too_little_in_common_to_be_one_problem(tmp_path: Path) -> None:
    ways = "Determine the number of ways to arrange the letters of the word {}."
    assert (
        rule(
            tmp_path, ways.format("PROOF"), row={"answer": "60"}, test=(ways.format("CEASE"), "60")
        )
        == "template"
    )


def test_the_row_and_the_variants_of_its_original_go(tmp_path: Path) -> None:
    rows = [
        {"question": "How many pens are left with Ann?", "id": 1},
        {"question": TEST, "id": 1},
        {"question": "An unrelated question about 9 trains.", "id": 2},
    ]
    kept, rejects, manifest = run(tmp_path, *rows)
    assert kept == ["An unrelated question about 9 trains."]
    assert [r.reason.value for r in rejects] == ["contaminated_variant", "contaminated"]
    assert {r.disposition.value for r in rejects} == {"drop"}
    assert rejects[1].evidence == TEST
    assert rejects[1].detail.startswith(
        "same_question: 1.00 alike, numbers same, answers equal; test"
    )
    [found] = manifest.figures["against"]
    assert found["name"] == "test"
    assert found["n_pairs_compared"] == 3
    assert found["n_questions_by_rule"]["same_question"] == 1
    assert found["n_sharing_words"]["open_r1_8"] == {"questions": 1, "test_questions": 1}


def test_policies(tmp_path: Path) -> None:
    rows = [{"question": TEST}, {"question": TEST.replace("3", "4")}]
    kept, [_], _ = run(tmp_path, *rows)
    assert kept == [rows[1]["question"]]
    assert read_records(tmp_path / "out")[0].flags == ("test_template",)
    _, rejects, manifest = run(tmp_path, *rows, policy="quarantine", templates="drop")
    assert [r.disposition.value for r in rejects] == ["quarantine", "drop"]
    assert manifest.n_rejected == {"contaminated": 1, "test_template": 1}
    kept, rejects, _ = run(tmp_path, *rows, policy="report")
    assert (len(kept), rejects) == (2, [])
    assert [r.flags for r in read_records(tmp_path / "out")] == [
        ("contaminated",),
        ("test_template",),
    ]


def test_another_test_set_is_another_configuration(tmp_path: Path) -> None:
    run(tmp_path, {"question": TEST})
    other = folder_of(tmp_path / "other", {"question": "What else?"})
    with pytest.raises(ConfigError, match="against was"):
        decontaminate(
            tmp_path / "in", tmp_path / "out", DecontaminateOptions(against=(str(other),))
        )


def test_test_sets_of_every_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path / "in", {"question": TEST})
    table = tmp_path / "t.jsonl"
    table.write_text(json.dumps({"question": TEST, "answer": "6"}) + "\n", encoding="utf-8")
    argv = ["decontaminate", str(folder), "--out", str(tmp_path / "out")]
    assert main([*argv, "--against", str(table), "arithmetic"]) == 1  # nothing is left
    said = capsys.readouterr().out
    assert "same_question: 1.00 alike, numbers same, answers equal (t)" in said
    assert said.count(TEST[:100]) == 2
    assert "arithmetic: " in said
    assert "8 words as open-r1 1, 13 words as GPT-3 1" in said
    assert "1 row in, 0 kept, 1 rejected (1 contaminated)" in said


@pytest.mark.parametrize(
    ("against", "says"),
    [
        (["nothing-here"], "unknown source 'nothing-here'"),
        (["arithmetic", "arithmetic"], "twice"),
        (
            ["arithmetic", "--source-path", "x"],
            "1 time for 0 of the sources gsm8k, math, svamp, champ",
        ),
    ],
)
def test_wrong_test_sets_write_nothing(
    tmp_path: Path, against: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path / "in", {"question": TEST})
    argv = ["decontaminate", str(folder), "--out", str(tmp_path / "out"), "--against", *against]
    assert main(argv) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_terminal_is_not_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = f"\x1b[2J\x1b]0;x\x07{TEST}"
    folder = folder_of(tmp_path / "in", {"question": hostile})
    against = folder_of(tmp_path / "test", {"question": hostile})
    argv = ["decontaminate", str(folder), "--out", str(tmp_path / "out"), "--against", str(against)]
    assert main(argv) == 1  # nothing is left
    said = capsys.readouterr().out
    assert "same_question" in said
    assert "\x1b" not in said


@pytest.mark.slow
def test_gsm8k_train_against_test_is_exhaustive(tmp_path: Path, real_data: Path) -> None:
    gsm8k = str(real_data / "openai/gsm8k")
    build = [
        "build",
        "gsm8k",
        "--teacher",
        "none",
        "--source-path",
        gsm8k,
        "--out",
        str(tmp_path / "in"),
    ]
    assert main(build) == 0
    out = tmp_path / "out"
    argv = ["decontaminate", str(tmp_path / "in"), "--out", str(out), "--against", "gsm8k"]
    assert main([*argv, "--source-path", gsm8k]) == 0
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    [found] = manifest["figures"]["against"]
    assert found["n_pairs_compared"] == 7473 * 1319
    assert manifest["n_kept"] == 7473
    assert found["n_questions_by_rule"]["template"] == 13


def test_a_dataset_is_not_held_against_itself(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {"question": TEST})
    with pytest.raises(ConfigError, match="is the dataset itself"):
        decontaminate(folder, tmp_path / "out", DecontaminateOptions(against=(str(folder),)))
    assert not (tmp_path / "out").exists()
