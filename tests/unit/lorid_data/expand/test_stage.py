"""Variants get the knowledge of their original, and only where they ask the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.cli.app import main
from lorid_data.errors import ConfigError, InputError
from lorid_data.expand.stage import ExpandOptions, expand, joint_licence
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Manifest, Record, Reject, problem_id, row_ids
from lorid_data.sources.variants import load_variants, split_response
from lorid_data.texts.backward import asks_backward

CLIPS = "Natalia sold 48 clips in April, and half as many in May. How many in all?"
RULES = ["Divide by two to find half.", "Add the parts to find the total."]
SOLVED = "In May 48 / 2 = 24.\nIn all 48 + 24 = 72 clips."


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def metamath(
    query: str, kind: str, response: str = f"{SOLVED}\n#### 72\nThe answer is: 72", **more: Any
) -> dict[str, Any]:
    return {"query": query, "type": kind, "response": response, "original_question": CLIPS, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = write(
        tmp_path / "gsm.jsonl",
        {"question": CLIPS, "rationale": SOLVED, "answer": "72", "knowledge": RULES, "split": "train", "licence": "MIT",
         "subject": "clips", "level": "1"},
    )  # fmt: skip
    import_table(table, tmp_path / "in")
    return tmp_path / "in"


def run(folder: Path, *rows: dict[str, Any]) -> tuple[list[Record], list[Reject], Manifest]:
    """The kept variants, the rejects and the manifest."""
    table = write(folder.parent / "v.jsonl", *rows)
    out = folder.parent / "out"
    manifest = expand(folder, out, ExpandOptions(variants=str(table)))
    kept, rejects = read_records(out), read_rows(out / REJECTS, Reject)
    assert kept[: len(read_records(folder))] == read_records(folder)
    assert manifest.n_in == len(read_records(folder)) + len(rows) == len(kept) + len(rejects)
    assert len({r.row_id for r in (*kept, *rejects)}) == manifest.n_in
    return kept[len(read_records(folder)) :], rejects, manifest


def test_a_variant_gets_the_knowledge_of_its_original(folder: Path) -> None:
    [row], rejects, manifest = run(
        folder, metamath("How many clips in both months?", "GSM_Rephrased")
    )
    [original] = read_records(folder)
    assert rejects == []
    assert row.knowledge == tuple(RULES)
    assert row.provenance == original.provenance
    assert (row.rationale, row.answer) == (SOLVED, "72")
    assert (row.original_id, row.problem_id) == (original.problem_id, problem_id(row.question))
    assert (row.source, row.split, row.level, row.subject) == (
        "v/GSM_Rephrased",
        "train",
        "1",
        "clips",
    )
    assert manifest.figures["n_variants_with_knowledge"] == 1
    assert manifest.figures["n_by_source"] == {"v/GSM_Rephrased": 1}


@pytest.mark.parametrize(
    "row",
    [
        metamath("x clips. The total is 72. What is the value of unknown variable x?", "GSM_SV", "The answer is: 48"),
        metamath("X clips. If we know the answer to the above question is 72, what is X?", "", "The answer is: 48"),
        metamath("Some other wording", "MATH_FOBAR"),
    ],
)  # fmt: skip
def test_a_backward_question_gets_no_knowledge(folder: Path, row: dict[str, Any]) -> None:
    [kept], rejects, manifest = run(folder, row)
    assert rejects == []
    assert kept.knowledge == ()
    assert kept.flags == ("backward_question",)
    assert kept.provenance.teacher == "none"
    assert manifest.figures["n_backward_without_knowledge"] == 1


def test_a_variant_with_another_answer_is_set_apart(folder: Path) -> None:
    kept, [reject], _ = run(
        folder,
        metamath("How many clips in both months?", "GSM_Rephrased", "The answer is: 71"),
        metamath("How many clips?", "GSM_Rephrased", r"The answer is: \frac{144}{2}"),
        metamath("How many clips, say?", "GSM_Rephrased", "nothing is stated"),
    )
    assert [r.answer for r in kept] == [r"\frac{144}{2}", ""]
    assert (reject.reason, reject.disposition) == ("variant_asks_else", "regenerate")
    assert reject.detail == "its answer is 71, that of its original 72"


def test_originals_are_found_by_text_without_case_and_white_space(folder: Path) -> None:
    spaced = metamath("How many?", "GSM_AnsAug") | {
        "original_question": CLIPS.upper().replace(" ", "  ")
    }
    unknown = metamath("How many?", "GSM_AnsAug") | {"original_question": "Another one?"}
    kept, [reject], _ = run(folder, spaced, unknown)
    assert [r.original_id for r in kept] == [problem_id(CLIPS)]
    assert (reject.reason, reject.evidence) == ("original_unknown", "Another one?")


def test_any_table_that_names_its_originals(folder: Path) -> None:
    rows = [
        {"question": "How many?", "answer": "72", "original_id": problem_id(CLIPS)},
        {"question": " ", "answer": "72", "original_id": problem_id(CLIPS)},
        {"question": "How many?", "answer": "72", "original_id": None},
    ]
    [kept], rejects, _ = run(folder, *rows)
    assert (kept.source, kept.knowledge) == ("v", tuple(RULES))
    assert kept.licence == "unknown"
    assert [r.reason.value for r in rejects] == ["question_empty", "original_unknown"]


def test_variants_alike_in_everything_have_ids_of_their_own(folder: Path) -> None:
    row = metamath("How many?", "GSM_AnsAug")
    kept, _, _ = run(folder, row, row)
    assert len({r.row_id for r in kept}) == 2


def test_run_again_it_does_nothing_and_other_variants_are_refused(folder: Path) -> None:
    _, _, manifest = run(folder, metamath("How many?", "GSM_AnsAug"))
    table, out = folder.parent / "v.jsonl", folder.parent / "out"
    assert expand(folder, out, ExpandOptions(variants=str(table))) == manifest
    write(table, metamath("How many now?", "GSM_AnsAug"))
    with pytest.raises(ConfigError, match="with: not the same"):
        expand(folder, out, ExpandOptions(variants=str(table)))


def test_metamath_laid_out_like_the_hub(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = folder.parent / "MetaMathQA"
    copy.mkdir()
    rows = [metamath("How many?", "GSM_AnsAug"), metamath("What is unknown variable X?", "GSM_SV")]
    (copy / "MetaMathQA-395K.json").write_text(json.dumps(rows), encoding="utf-8")
    argv = ["expand", str(folder), "--with", "metamath", "--source-path", str(copy)]
    assert main([*argv, "--out", str(folder.parent / "out")]) == 0
    assert "expand: 3 rows in, 3 kept, 0 rejected" in capsys.readouterr().out
    records = read_records(folder.parent / "out")
    assert [r.source for r in records[1:]] == ["metamath/GSM_AnsAug", "metamath/GSM_SV"]
    assert [len(r.knowledge) for r in records] == [2, 2, 0]
    assert {r.licence for r in records} == {"MIT"}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("so 72\n#### 72\nThe answer is: 72", ("so 72", "72")),
        ("so $x = 5$. The answer is: 5", ("so $x = 5$.", "5")),
        ("so 1/2.\nThe answer is: \\frac{1}{2}\n", ("so 1/2.", r"\frac{1}{2}")),
        ("The answer is: 5 so far. The answer is: 6", ("The answer is: 5 so far.", "6")),
        ("The answer is 5, and then more\nlines", ("The answer is 5, and then more\nlines", "")),
        ("", ("", "")),
    ],
)
def test_responses(response: str, expected: tuple[str, str]) -> None:
    assert split_response(response) == expected


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": "q", "answer": "1"}, "no column 'original_question' or 'original_id'"),
        ({"question": "q", "answer": "1", "original_question": 5}, "original_question is 5"),
        ({"query": "q", "original_question": "o"}, "missing column 'rationale'"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    tmp_path: Path, row: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        load_variants(str(write(tmp_path / "v.jsonl", row)))


def test_wrong_names_write_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder.parent / "out"
    argv = ["expand", str(folder), "--out", str(out), "--with"]
    assert main([*argv, "metamat"]) == 2
    assert "unknown source of variants 'metamat'" in capsys.readouterr().err
    assert main([*argv, "a/b", "--source-path", "x"]) == 2
    assert "is for metamath" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("variant", "original", "expected"),
    [("MIT", "MIT", "MIT"), ("MIT", "MIT (contested)", "MIT (contested)"), ("unknown", "MIT", "unknown"),
     ("CC-BY-4.0", "MIT", "MIT AND CC-BY-4.0")],
)  # fmt: skip
def test_the_licence_of_a_variant(variant: str, original: str, expected: str) -> None:
    assert joint_licence(variant, original) == expected


def test_the_official_samples_ask_backwards_in_31_rows(real_data: Path) -> None:
    for name, n in (("math", 31), ("gsm8k", 0)):
        lines = (
            (real_data / f"LoRID-Math/{name}-sample/train.jsonl").read_text("utf-8").splitlines()
        )
        assert sum(asks_backward(json.loads(line)["question"]) for line in lines) == n


def test_a_response_that_cannot_be_the_rationale_says_which_column_is_missing(
    tmp_path: Path,
) -> None:
    row = {"question": "a", "query": "b", "response": "It is 3.", "original_question": "c"}
    with pytest.raises(InputError, match="missing column 'rationale'"):
        load_variants(str(write(tmp_path / "v.jsonl", row)))


def test_variants_of_many_batches_stand_where_their_table_has_them(
    tmp_path: Path, folder: Path
) -> None:
    """Some are alike but for their number; some name their original by its id, others by its text alone."""
    rows = [metamath(f"{CLIPS} ({i % 700})", "GSM_Rephrased", original_question=CLIPS.upper() if i % 2 else CLIPS) for i in range(1500)]  # fmt: skip
    kept, rejects, manifest = run(folder, *rows)
    assert not rejects
    assert [r.question for r in kept] == [f"{CLIPS} ({i % 700})" for i in range(1500)]
    assert [r.row_id for r in kept] == list(row_ids(kept)), "by occurrence, whatever the batch"
    assert {r.knowledge for r in kept} == {tuple(RULES)}
    assert manifest.figures["n_originals_with_variants"] == 1


def test_of_rows_with_one_question_the_first_gives_the_knowledge(tmp_path: Path) -> None:
    row = {"question": CLIPS, "rationale": SOLVED, "answer": "72", "knowledge": RULES}
    table = write(tmp_path / "two.jsonl", row, {**row, "knowledge": ["Another rule."]})
    import_table(table, tmp_path / "in")
    [variant], _, _ = run(tmp_path / "in", metamath(f"So: {CLIPS}", "GSM_Rephrased"))
    assert variant.knowledge == tuple(RULES)
