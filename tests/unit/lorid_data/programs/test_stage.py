"""`programs`: each row's program is made, run and kept, or rejected with a reason; killed, it goes on."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lorid_data.build import import_table
from lorid_data.build.stage import BuildOptions, build
from lorid_data.cli.app import main
from lorid_data.errors import ConfigError
from lorid_data.execution import sandbox as sandbox_module
from lorid_data.execution.executed import Executed, Limits, Status
from lorid_data.execution.opened import STORE
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.programs.asked import unfenced
from lorid_data.programs.checked import checked
from lorid_data.programs.convert import Made
from lorid_data.programs.own import made_of
from lorid_data.programs.stage import ProgramOptions, programs
from lorid_data.publish.rows import rows_of
from lorid_data.schema import PROGRAM_COLUMNS, Record, Reject, RejectReason

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")

ROWS = [
    ("Clips to 48 friends, half as many in May?", "<<48/2=24>>24 <<48+24=72>>72\n#### 72"),
    ("4 boxes of 6 pens, 5 lost?", "4 boxes * 6 pens = 24. <<24-5=19>>19\n#### 19"),
    ("How many, if twice it is 8?", "So it is that.\n#### 4"),
    ("How many, if 3 of it is 8?", "<<x=5>>5\n#### 5"),
    ("How many are 2 and 3 and one?", "<<2*3=6>>6\n#### 7"),
    ("Boxes of pens, 5 lost?", "<<24-5=19>>19\n#### 19"),
    ("6 boxes of 2 pens and 12 pens for 3?", "<<6*2=12>>12 <<12+12=24>>24 <<24/3=8>>8\n#### 8"),
]
REASONS = ["no_steps", "unparsable", "wrong_answer", "ungrounded", "ambiguous_link"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = tmp_path / "rows.jsonl"
    table.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in ROWS))
    import_table(table, tmp_path / "in", licence="MIT")
    return tmp_path / "in"


def options(**more: object) -> ProgramOptions:
    return ProgramOptions.model_validate({"workers": 1, **more})


def test_every_row_gets_a_program_or_a_reason(folder: Path, tmp_path: Path) -> None:
    manifest = programs(folder, tmp_path / "out", options())
    assert (manifest.n_in, manifest.n_kept) == (7, 2)
    first, second = read_records(tmp_path / "out")
    assert first.program == "a = 48 / 2\nanswer = 48 + a"
    assert (first.program_from, first.program_status, first.program_output) == (
        "annotations",
        "ok",
        "",
    )
    assert (first.program_sandbox or "").startswith("pydantic-monty ")
    assert json.loads(first.program_limits or "")["seconds"] == 1.0
    assert (second.program, second.program_from) == ("a = 4 * 6\nanswer = a - 5", "equations")
    rejects = read_rows(tmp_path / "out" / REJECTS, Reject)
    assert [r.reason.value for r in rejects] == REASONS
    assert rejects[3].evidence == "answer = 24 - 5"
    assert "24" in rejects[3].detail


def test_doubts_can_be_flags(folder: Path, tmp_path: Path) -> None:
    manifest = programs(folder, tmp_path / "out", options(keep=["ungrounded", "ambiguous_link"]))
    assert manifest.n_kept == 4
    assert [r.flags for r in read_records(tmp_path / "out")] == [
        (), (), ("ungrounded",), ("ambiguous_link",),
    ]  # fmt: skip


def test_a_source_gives_programs_of_its_own(tmp_path: Path) -> None:
    build(BuildOptions(source="arithmetic", teacher="source", limit=60, scale=3), tmp_path / "in")
    manifest = programs(tmp_path / "in", tmp_path / "out", options())
    assert manifest.n_kept == 60
    assert manifest.figures["made_of"] == {"structure": 60}


def test_the_same_rows_are_the_same_bytes_and_nothing_runs_twice(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        programs(folder, tmp_path / name, options())
    for file in (RECORDS, REJECTS, "manifest.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    (tmp_path / "a" / "manifest.json").unlink()
    (tmp_path / "a" / RECORDS).unlink()

    def start(*_: object) -> None:
        raise AssertionError("a program was run again")

    monkeypatch.setattr(sandbox_module, "_start", start)
    programs(folder, tmp_path / "a", options())
    assert (tmp_path / "a" / RECORDS).read_bytes() == (tmp_path / "b" / RECORDS).read_bytes()


def test_killed_it_goes_on(tmp_path: Path) -> None:
    build(BuildOptions(source="arithmetic", teacher="source", limit=3000), tmp_path / "in")
    argv = [sys.executable, "-m", "lorid_data", "programs", str(tmp_path / "in"), "--workers", "1"]
    process = subprocess.Popen(
        [*argv, "--out", str(tmp_path / "killed")], stderr=subprocess.DEVNULL
    )
    store = tmp_path / "killed" / STORE
    deadline = time.monotonic() + 120
    while _n_stored(store) == 0 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = _n_stored(store)
    assert before
    programs(tmp_path / "in", tmp_path / "killed", options())
    programs(tmp_path / "in", tmp_path / "whole", options())
    for file in (RECORDS, REJECTS, "manifest.json"):
        assert (tmp_path / "killed" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert _n_stored(store) == _n_stored(tmp_path / "whole" / STORE)


def _n_stored(store: Path) -> int:
    try:
        db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            return int(db.execute("SELECT count(*) FROM results").fetchone()[0])
        finally:
            db.close()
    except sqlite3.Error:
        return 0


REPLIES = [
    {"program": "a = 48 / 2\nanswer = a + 48"},
    {"program": "```python\nanswer = 4 * 6 - 5\n```"},
    {"program": "answer = 8 / 0"},
    {"program": "while True: pass"},
    {"program": "answer = 2 +"},
    {"code": "answer = 19"},
]


def test_a_teacher_writes_the_programs(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text("".join(json.dumps({"text": json.dumps(r)}) + "\n" for r in REPLIES))
    chosen = options(teacher=f"scripted:{script}", seconds=0.2)
    manifest = programs(folder, tmp_path / "out", chosen)
    assert manifest.n_rejected == {
        "does_not_run": 1, "limit": 1, "reply_wrong_shape": 1, "script_exhausted": 1, "unparsable": 1,
    }  # fmt: skip
    first, second = read_records(tmp_path / "out")
    assert (first.program_from or "").startswith("teacher scripted:")
    assert second.program == "answer = 4 * 6 - 5"
    assert manifest.identity["prompt"]["id"] == "teacher/program.v1"


@pytest.mark.parametrize("teacher", ["none", "source", "recorded"])
def test_who_writes_no_programs_is_refused(folder: Path, tmp_path: Path, teacher: str) -> None:
    with pytest.raises(ConfigError, match="writes no programs"):
        programs(folder, tmp_path / "out", options(teacher=teacher))
    assert not (tmp_path / "out").exists()


def test_without_the_sandbox_nothing_is_written(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sandbox_module, "DISTRIBUTION", "no-such-distribution")
    assert main(["programs", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "pip install 'lorid[code]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_row_left_ends_with_status_1(tmp_path: Path) -> None:
    table = tmp_path / "rows.jsonl"
    table.write_text(json.dumps({"question": "How many?", "answer": "So many.\n#### 4"}) + "\n")
    import_table(table, tmp_path / "in", licence="MIT")
    assert main(["programs", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1


def test_cg_is_published_of_programs_that_ran(folder: Path, tmp_path: Path) -> None:
    programs(folder, tmp_path / "out", options())
    record = read_records(tmp_path / "out")[0].model_dump(mode="json")
    made = dict(rows_of(record))
    assert made["cg"]["completion"] == record["program"]
    assert record["question"] in made["cg"]["prompt"]
    assert not set(PROGRAM_COLUMNS) & made["default"].keys()
    assert "cg" not in dict(rows_of({**record, "program_status": None}))


def test_a_fence_is_no_part_of_a_program() -> None:
    assert unfenced("```python\nanswer = 1\n```\n") == "answer = 1"
    assert unfenced("\n  x = 1 \nanswer = x\n") == "  x = 1\nanswer = x"


def test_a_program_of_a_table_is_text_of_others_until_it_is_run(tmp_path: Path) -> None:
    rows = [
        {"question": "4 and 3 apples?", "answer": "7", "program": "answer = 4 + 3"},
        {"question": "Of 5 and 2 apples?", "answer": "7", "program": "answer = 999 - 992"},
        {"question": "2 and 3?", "rationale": "2+3=5", "answer": "5", "program": " "},
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    import_table(tmp_path / "t.jsonl", tmp_path / "in", licence="MIT")
    found = read_records(tmp_path / "in")
    assert [r.program for r in found] == ["answer = 4 + 3", "answer = 999 - 992", None]
    assert [r.program_from for r in found] == ["table", "table", None]
    assert {r.program_status for r in found} == {None}
    programs(tmp_path / "in", tmp_path / "out", ProgramOptions())
    assert [r.program_from for r in read_records(tmp_path / "out")] == ["table", "equations"]
    rejected = read_rows(tmp_path / "out" / REJECTS, Reject)
    assert [r.reason.value for r in rejected] == ["ungrounded"]


def test_a_column_program_that_holds_no_texts_is_passed_over(tmp_path: Path) -> None:
    row = {"question": "4 and 3?", "answer": "7", "program": ["add", 4, 3]}
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n")
    import_table(tmp_path / "t.jsonl", tmp_path / "in", licence="MIT")
    assert [r.program for r in read_records(tmp_path / "in")] == [None]


DOUBTS = ["ungrounded", "ambiguous_link"]


def test_a_run_on_its_own_output_keeps_or_rejects_the_doubts(folder: Path, tmp_path: Path) -> None:
    programs(folder, tmp_path / "kept", options(keep=DOUBTS))
    again = programs(tmp_path / "kept", tmp_path / "again", options(keep=DOUBTS))
    assert again.n_kept == 4
    assert read_records(tmp_path / "again") == read_records(tmp_path / "kept")
    # Without --keep the doubts are reasons again, in the words of a run on the rows themselves.
    strict = programs(tmp_path / "kept", tmp_path / "strict", options())
    programs(folder, tmp_path / "plain", options())
    assert strict.n_kept == 2
    found = read_rows(tmp_path / "strict" / REJECTS, Reject)
    plain = [r for r in read_rows(tmp_path / "plain" / REJECTS, Reject) if r.reason.value in DOUBTS]
    assert [(r.reason, r.detail, r.evidence) for r in found] == [(r.reason, r.detail, r.evidence) for r in plain]  # fmt: skip
    assert [r.reason.value for r in found] == DOUBTS


def test_a_doubt_that_cannot_be_found_again_is_taken_from_its_flag(folder: Path, tmp_path: Path) -> None:  # fmt: skip
    programs(folder, tmp_path / "kept", options(keep=DOUBTS))
    *_, record = read_records(tmp_path / "kept")
    assert record.flags == ("ambiguous_link",)
    other = record.model_copy(update={"rationale": "So it is 8."})
    made = made_of(other)
    assert isinstance(made, Made)
    assert made.ambiguous == ()
    assert made.flagged == (RejectReason.AMBIGUOUS_LINK,)
    done = Executed(Status.OK, record.answer, "", 1.0)
    row = checked(other, made, done, sandbox="s 1", limits=Limits(), keep=frozenset())
    assert isinstance(row, Reject)
    assert row.reason is RejectReason.AMBIGUOUS_LINK


def test_a_new_program_does_not_inherit_the_doubts_of_the_old_one(folder: Path, tmp_path: Path) -> None:  # fmt: skip
    programs(folder, tmp_path / "kept", options(keep=DOUBTS))
    *_, record = read_records(tmp_path / "kept")
    done = Executed(Status.OK, record.answer, "", 1.0)
    made = Made("answer = 6 * 2 + 12 - 3", "scripted")
    row = checked(record, made, done, sandbox="s 1", limits=Limits(), keep=frozenset())
    assert isinstance(row, Record)
    assert row.flags == ()
