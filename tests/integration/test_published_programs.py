"""Programs on their way out and back: publish, import by Hub id, programs, over a Hub on 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lorid_data.build import import_table
from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.names import RECORDS
from lorid_data.folders.records import read_records
from lorid_data.programs.stage import ProgramOptions, programs
from lorid_data.publish.stage import PublishOptions, publish
from lorid_data.schema import PROGRAM_COLUMNS, Record
from lorid_data.testing.fake_hub import FakeHub

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")

ROWS = [
    # of annotations; of a teacher's own (nothing of the solution gives it); of an ambiguous link; none
    ("Clips to 48 friends, half as many in May?", "<<48/2=24>>24 <<48+24=72>>72\n#### 72", None),
    ("How many, if twice it is 8?", "So it is that.\n#### 4", "answer = 8 / 2"),
    ("6 boxes of 2 pens and 12 pens for 3?", "<<6*2=12>>12 <<12+12=24>>24 <<24/3=8>>8\n#### 8", None),
    ("How many are 2 and 3 and one?", "<<2*3=6>>6\n#### 7", None),
]  # fmt: skip
DOUBTS = ("ungrounded", "ambiguous_link")


def options(*keep: str) -> ProgramOptions:
    return ProgramOptions.model_validate({"workers": 1, "keep": keep})


def table(path: Path) -> Path:
    rows = [
        {"question": q, "answer": a, "split": split} | ({"program": p} if p else {})
        for split in ("train", "test")
        for q, a, p in (ROWS if split == "train" else ROWS[:2])
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def command(hub: FakeHub, home: Path, *argv: object) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {**hub.environment, "HF_HOME": str(home)}
    line = [sys.executable, "-m", "lorid_data", *map(str, argv)]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def own(record: Record) -> tuple[object, ...]:
    """What a round trip keeps of a row: its texts and its program."""
    texts = (record.question, record.rationale, record.answer, record.split, record.flags)
    return (*texts, *(getattr(record, name) for name in PROGRAM_COLUMNS))


@pytest.mark.parametrize("keep", [DOUBTS, ()])
def test_what_was_kept_comes_back_from_the_hub(tmp_path: Path, keep: tuple[str, ...]) -> None:
    import_table(table(tmp_path / "rows.jsonl"), tmp_path / "mine", licence="MIT")
    programs(tmp_path / "mine", tmp_path / "kept", options(*keep))
    kept = read_records(tmp_path / "kept")
    assert len(kept) == (5 if keep else 4)
    with FakeHub() as hub:
        done = command(hub, tmp_path / "home", "publish", tmp_path / "kept", "me/sums", "--allow", "decontaminate", "audit", "validate")  # fmt: skip
        assert done.returncode == 0, done.stderr
        done = command(hub, tmp_path / "home", "import", "me/sums", "--out", tmp_path / "back")
        assert done.returncode == 0, done.stderr
    assert f"me/sums: {len(kept)} programs of the configuration 'cg' taken too, without what running them gave elsewhere; lorid-data programs runs them here" in done.stderr  # fmt: skip
    back = read_records(tmp_path / "back")
    assert [(r.question, r.split, r.program, r.program_from) for r in back] == [
        (r.question, r.split, r.program, r.program_from) for r in kept
    ]
    assert {r.program_from for r in back} == {"annotations", "table"}
    assert {r.program_status for r in back} == {None}, "nobody has run them here"
    again = programs(tmp_path / "back", tmp_path / "again", options(*keep))
    assert again.n_rejected == {}
    assert [own(r) for r in read_records(tmp_path / "again")] == [own(r) for r in kept]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published folder of rows of which every second one has a program."""
    build(BuildOptions(source="arithmetic", teacher="source", limit=30, scale=3), tmp_path / "in")
    programs(tmp_path / "in", tmp_path / "with", options())
    path = tmp_path / "with" / RECORDS
    frame = pl.read_parquet(path)
    assert frame["program"].null_count() == 0
    publish(tmp_path / "with", PublishOptions(repo_id="me/x", allow=("decontaminate", "audit", "validate")), dry_run=tmp_path / "copy")  # fmt: skip
    [file] = (tmp_path / "copy" / "cg").glob("*.parquet")
    rows = pl.read_parquet(file)
    rows.gather_every(2).write_parquet(file)
    return tmp_path / "copy"


def test_rows_without_a_program_stay_without_one(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_table(published, tmp_path / "back")
    records = read_records(tmp_path / "back")
    assert [r.program is not None for r in records] == [True, False] * 15
    source = {r.question: r.program for r in read_records(tmp_path / "with")}
    assert all(r.program in (None, source[r.question]) for r in records)
    assert {r.program_from for r in records} == {"structure", None}
    assert "15 programs of the configuration 'cg' taken too" in capsys.readouterr().err


def test_programs_of_no_row_are_said_and_left_out(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [file] = (published / "cg").glob("*.parquet")
    rows = pl.read_parquet(file)
    stranger = rows[:1].with_columns(row_id=pl.lit("f" * 64), completion=pl.lit("answer = 0"))
    pl.concat([rows[:3], stranger, rows[3:]]).write_parquet(file)
    import_table(published, tmp_path / "back")
    records = read_records(tmp_path / "back")
    assert sum(r.program is not None for r in records) == 3
    said = capsys.readouterr().err
    assert "3 programs of the configuration 'cg' taken too" in said
    assert "13 programs of the configuration 'cg' left out, as they belong to no row" in said


def test_a_copy_without_programs_is_read_as_ever(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (published / "cg").glob("*.parquet"):
        file.unlink()
    import_table(published, tmp_path / "back")
    assert all(r.program is None for r in read_records(tmp_path / "back"))
    assert "'cg'" not in capsys.readouterr().err


def test_a_dataset_folder_keeps_what_its_programs_were_made_of(tmp_path: Path) -> None:
    import_table(table(tmp_path / "rows.jsonl"), tmp_path / "mine", licence="MIT")
    programs(tmp_path / "mine", tmp_path / "kept", options())
    import_table(tmp_path / "kept", tmp_path / "back")
    assert [(r.program, r.program_from) for r in read_records(tmp_path / "back")] == [
        (r.program, r.program_from) for r in read_records(tmp_path / "kept")
    ]


def test_build_says_that_it_leaves_them_out(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(BuildOptions(source=str(published), teacher="source"), tmp_path / "built")
    said = capsys.readouterr().err
    assert (
        "the programs of its configuration 'cg' are left out; lorid-data import takes them" in said
    )
    assert all(r.program is None for r in read_records(tmp_path / "built"))
