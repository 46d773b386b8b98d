"""Every command that reads or makes a dataset folder, on inputs at the edge: a clear error or a clean result."""

import json
import math
import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Reject

reseal = runpy.run_path(str(Path(__file__).parents[1] / "support" / "manifests.py"))["reseal"]
QUESTION = "Tom has 3 pens and buys 4 more. How many pens has he?"
HOSTILE = f'<script>alert(1)</script><img src=x onerror="alert(2)"> \x1b[31m {{{{7*7}}}} __import__("os") {QUESTION}'


def table_of(path: Path, *rows: dict[str, Any]) -> Path:
    full = [
        {
            "question": QUESTION,
            "rationale": "3 + 4 = 7",
            "answer": "7",
            "knowledge": ["Add."],
            **row,
        }
        for row in rows
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in full), encoding="utf-8")
    return path


def imported(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    table = table_of(tmp_path / "t.jsonl", *rows)
    assert main(["import", str(table), "--out", str(tmp_path / "in")]) == 0
    return tmp_path / "in"


def emptied(folder: Path) -> Path:
    """The folder as a stage that rejected every row leaves it."""
    pl.read_parquet(folder / RECORDS).clear().write_parquet(folder / RECORDS)
    reseal(folder)
    return folder


def commands(tmp_path: Path, folder: Path) -> dict[str, list[str]]:
    """Each stage that reads a dataset folder, on `folder`."""
    variants = tmp_path / "variants.jsonl"
    row = {"query": "How many?", "response": "The answer is: 7", "type": "GSM_Rephrased"}
    variants.write_text(json.dumps({**row, "original_question": QUESTION}) + "\n", encoding="utf-8")
    other = tmp_path / "test.jsonl"
    other.write_text(
        json.dumps({"question": "Why is 9 odd?", "answer": "1"}) + "\n", encoding="utf-8"
    )
    more = {
        "expand": ["--with", str(variants)],
        "validate": [],
        "dedup": [],
        "decontaminate": ["--against", str(other)],
    }
    return {
        name: [name, str(folder), "--out", str(tmp_path / name), *options]
        for name, options in more.items()
    }


STAGES = ("expand", "validate", "dedup", "decontaminate")


def balanced(tmp_path: Path, stage: str, folder: Path) -> tuple[list[str], list[str]]:
    """Run a stage; the questions that stay and the reasons of the rejects, none lost."""
    status = main(commands(tmp_path, folder)[stage])
    out = tmp_path / stage
    manifest, kept = read_manifest(out), read_records(out)
    assert status == (0 if kept else 1)
    rejects = read_rows(out / REJECTS, Reject)
    assert manifest.n_in == len(read_records(folder)) + (stage == "expand")
    assert (
        manifest.n_in
        == len(kept) + len(rejects)
        == manifest.n_kept + sum(manifest.n_rejected.values())
    )
    assert len({r.row_id for r in (*kept, *rejects)}) == manifest.n_in
    return [r.question for r in kept], [r.reason.value for r in rejects]


@pytest.mark.parametrize("stage", STAGES)
def test_an_empty_dataset(tmp_path: Path, stage: str) -> None:
    folder = emptied(imported(tmp_path, {}))
    kept, reasons = balanced(tmp_path, stage, folder)
    assert (kept, reasons) == ([], ["original_unknown"] if stage == "expand" else [])


@pytest.mark.parametrize("stage", STAGES)
def test_one_row(tmp_path: Path, stage: str) -> None:
    kept, reasons = balanced(tmp_path, stage, imported(tmp_path, {}))
    assert kept[0] == QUESTION
    assert reasons == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_row_of_a_megabyte(tmp_path: Path, stage: str) -> None:
    words = " ".join(f"word{i}" for i in range(60_000))
    rows = [{"question": f"{words} {QUESTION}"}, {"question": "x" * 1_000_000}, {"question": " " * 500_000 + QUESTION}, {}]  # fmt: skip
    kept, reasons = balanced(tmp_path, stage, imported(tmp_path, *rows))
    expected = {"dedup": ["duplicate_exact"]}.get(stage, [])
    assert reasons == expected
    assert max(map(len, kept)) >= 1_000_000


@pytest.mark.parametrize("stage", STAGES)
def test_markup_and_control_characters_are_text(tmp_path: Path, stage: str) -> None:
    kept, reasons = balanced(tmp_path, stage, imported(tmp_path, {"question": HOSTILE}, {}))
    assert (HOSTILE in kept) == (stage != "validate")
    assert reasons == (["question_not_text"] if stage == "validate" else [])


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("damage", "says"),
    [("twice", "is duplicated"), ("null", "question"), ("number", "question"), ("no column", "answer"),
     ("not parquet", "not a readable parquet file"), ("not UTF-8", "")],
)  # fmt: skip
def test_damaged_records_are_an_error_and_nothing_is_finished(
    tmp_path: Path, stage: str, damage: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = imported(tmp_path, {}, {"question": "Another one with 5?"})
    path = folder / RECORDS
    frame = pl.read_parquet(path)
    if damage == "twice":
        pl.concat([frame, frame]).write_parquet(path)
    elif damage == "null":
        frame.with_columns(question=pl.lit(None, dtype=pl.String)).write_parquet(path)
    elif damage == "number":
        frame.with_columns(question=pl.lit(math.nan)).write_parquet(path)
    elif damage == "no column":
        frame.drop("answer").write_parquet(path)
    elif damage == "not parquet":
        path.write_bytes(b"PAR1 and nothing of the kind")
    else:
        frame.with_columns(pl.col("question").cast(pl.Binary) + b"\xff\xfe").write_parquet(path)
    reseal(folder)
    assert main(commands(tmp_path, folder)[stage]) == 2
    err = capsys.readouterr().err
    assert "error:" in err
    assert says in err
    assert "Traceback" not in err
    assert not (tmp_path / stage / "manifest.json").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"question": "caf\xe9", "answer": "1"}\n', "byte 0xe9 is not UTF-8"),
        (b'{"question": NaN, "answer": "1"}\n{"question": "q", "answer": NaN}\n', ""),
        (b'{"question": "\\ud800", "answer": "1"}\n', "half a character"),
        (b"", "has no rows"),
    ],
)
def test_import_of_broken_text(
    tmp_path: Path, line: bytes, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.jsonl"
    table.write_bytes(line)
    status = main(["import", str(table), "--out", str(tmp_path / "in")])
    assert says in capsys.readouterr().err
    if says:
        assert status == 2
        assert not (tmp_path / "in").exists()
    else:
        assert read_manifest(tmp_path / "in").n_rejected == {"question_empty": 1}


def test_ids_that_stand_twice_in_a_table(tmp_path: Path) -> None:
    folder = imported(tmp_path, {"id": 1}, {"id": 1}, {"id": 1, "rationale": "4 + 3 = 7"})
    assert len({r.row_id for r in read_records(folder)}) == 3
    _, reasons = balanced(tmp_path, "dedup", folder)
    assert reasons == ["duplicate_exact"]
