"""Folders: atomic writes, locks, the balance, what is resumed and what is refused."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.errors import ConfigError, InputError, LockedError, StageError
from lorid_data.folders.files import atomic_path, locked, sha256_file, write_text
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Disposition, Provenance, Record, Reject, RejectReason


def record(i: int, **more: Any) -> Record:
    return Record(
        row_id=f"row{i}", problem_id=f"p{i}", original_id=f"p{i}", source="s", split="train", question=" q\n",
        rationale="r", answer="1", provenance=Provenance(teacher="none", cost_usd=0.5, n_input_tokens=3), **more,
    )  # fmt: skip


def reject(i: int) -> Reject:
    return Reject(
        row_id=f"row{i}",
        stage="build",
        disposition=Disposition.DROP,
        reason=RejectReason.NOT_RECORDED,
    )


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [record(0), record(1, knowledge=("a", "é\u2028"), flags=("f",), level="Level 5")]
    write_rows(tmp_path / "r.parquet", Record, rows)
    assert read_rows(tmp_path / "r.parquet", Record) == rows


def test_the_columns_are_the_documented_ones(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.parquet", Record, [])
    frame = pl.read_parquet(tmp_path / "r.parquet")
    assert frame.columns == [
        "row_id", "problem_id", "original_id", "source", "split", "question", "rationale", "answer",
        "level", "subject", "licence", "knowledge", "flags", "accepted", "program", "program_from", "program_status",
        "program_output", "program_sandbox", "program_limits", "provenance",
    ]  # fmt: skip
    assert frame.schema["knowledge"] == pl.List(pl.String)
    assert isinstance(frame.schema["provenance"], pl.Struct)


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_rows(tmp_path / name, Record, [record(i) for i in range(1000)])
    assert sha256_file(tmp_path / "a") == sha256_file(tmp_path / "b")


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"question": ["q"]}).write_parquet(tmp_path / "r.parquet")
    with pytest.raises(InputError, match="missing columns"):
        read_rows(tmp_path / "r.parquet", Record)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    write_text(path, "old")

    def fail() -> None:
        with atomic_path(path) as tmp:
            tmp.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]


def test_who_reads_the_old_file_never_sees_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def stage(out: Path, limit: int = 1, **identity: Any) -> Any:
    return open_stage(out, "build", identity={"source": "s", **identity}, settings={"limit": limit})


def finish(out: Path, limit: int = 1) -> None:
    with stage(out, limit) as s:
        write_dataset(s, [record(0)], [reject(1)], n_in=2)


def test_rows_that_are_lost_are_an_error(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with stage(out) as s, pytest.raises(StageError, match="rows were lost"):
        write_dataset(s, [record(0)], [reject(1)], n_in=3)
    with pytest.raises(InputError, match="has not finished"):
        read_manifest(out)


def test_the_manifest_names_every_file_by_its_hash(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(out)
    manifest = read_manifest(out)
    assert (manifest.n_in, manifest.n_kept, manifest.n_rejected) == (2, 1, {"not_recorded": 1})
    assert set(manifest.files) == {"records.parquet", "rejects.parquet", "config.yaml", "README.md"}


def test_a_finished_folder_is_given_back_and_other_settings_open_it_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(out)
    with stage(out) as s:
        assert s.done == read_manifest(out)
    with stage(out, limit=2) as s:
        assert s.done is None
        assert not (out / "manifest.json").exists()


def other_identity(out: Path) -> Any:
    return stage(out, source="t")


def other_stage(out: Path) -> Any:
    return open_stage(out, "validate", identity={"source": "s"})


@pytest.mark.parametrize(("open_", "says"), [(other_identity, "source was 's', is 't'"), (other_stage, "stage 'build'")])  # fmt: skip
def test_a_folder_of_something_else_is_refused(tmp_path: Path, open_: Any, says: str) -> None:
    out = tmp_path / "out"
    finish(out)
    with pytest.raises(ConfigError) as e:
        open_(out).__enter__()
    assert says in str(e.value)
    assert read_manifest(out).n_in == 2


def test_a_folder_with_foreign_files_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        stage(tmp_path).__enter__()
    with pytest.raises(ConfigError, match="is no folder"):
        stage(tmp_path / "notes.txt").__enter__()


def test_a_folder_is_locked_against_other_processes(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from lorid_data.folders.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('got it')\n"
    )

    def other() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )

    with locked(tmp_path):
        assert "LockedError" in other().stderr
        with pytest.raises(LockedError, match="another process"), locked(tmp_path):
            pass
    assert other().stdout == "got it\n"


def test_a_folder_without_a_manifest_says_what_it_seems_to_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no command has made it$"):
        read_manifest(tmp_path)
    with open_stage(tmp_path / "done", "build", identity={}) as stage:
        stage.finish(n_in=0, n_kept=0, n_rejected={})
    with pytest.raises(InputError, match="name one of those in it: done"):
        read_manifest(tmp_path)
    with contextlib.suppress(ValueError), open_stage(tmp_path / "cut", "build", identity={}):
        raise ValueError
    with pytest.raises(InputError, match="has not finished; run that again"):
        read_manifest(tmp_path / "cut")


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_manifest(tmp_path / "absent")
    (tmp_path / "manifest.json").write_text(json.dumps({"stage": "build"}))
    with pytest.raises(InputError, match="not a manifest of this version"):
        read_manifest(tmp_path)
