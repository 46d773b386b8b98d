"""Results of programs on disk: run once, found again, and never trusted where they are damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lorid_data.errors import ConfigError, LoridError
from lorid_data.execution.executed import Limits, Status, key_of
from lorid_data.execution.kept import Kept
from lorid_data.execution.opened import STORE, opened
from lorid_data.execution.sandbox import Sandbox

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")
PROGRAMS = ["answer = 1 + 1", "answer = (", "answer = 1 / 0", "print('x')\nanswer = 0.1 + 0.2"]


def kept(path: Path, limits: Limits | None = None) -> Kept:
    return Kept(path, Sandbox(limits))


def test_a_second_run_runs_nothing(tmp_path: Path) -> None:
    with kept(tmp_path / STORE) as first:
        results = list(first.run_all([*PROGRAMS, PROGRAMS[0]]))
        assert (first.n_run, first.n_kept) == (4, 0)
    with kept(tmp_path / STORE) as second:
        assert list(second.run_all(PROGRAMS)) == results[:4]
        assert [second.run(p) for p in PROGRAMS] == results[:4]
        assert (second.n_run, second.n_kept) == (0, 8)
        assert second._sandbox._pool is None


def test_other_limits_are_other_results(tmp_path: Path) -> None:
    for limits in (Limits(), Limits(output_bytes=1)):
        with kept(tmp_path / STORE, limits) as it:
            done = it.run("print('xyz')\nanswer = 1")
            assert it.n_run == 1
    assert done.status is Status.LIMIT


@pytest.mark.parametrize("name", Limits.model_fields)
def test_every_limit_is_a_part_of_the_key(name: str) -> None:
    limits = Limits()
    other = limits.model_copy(update={name: getattr(limits, name) + 1})
    keys = {key_of("p", "s 1", limits), key_of("p", "s 1", other)}
    assert len(keys | {key_of("q", "s 1", limits), key_of("p", "s 2", limits)}) == 4


def test_a_damaged_result_is_run_again(tmp_path: Path) -> None:
    with kept(tmp_path / STORE) as it:
        it.run("answer = 5")
    with sqlite3.connect(tmp_path / STORE) as db:
        db.execute("UPDATE results SET answer = '6'")
    db.close()
    with kept(tmp_path / STORE) as it:
        assert it.run("answer = 5").answer == "5"
        assert it.n_run == 1
    with kept(tmp_path / STORE) as it:
        it.run("answer = 5")
        assert it.n_run == 0


@pytest.mark.parametrize("kind", ["text", "other program", "other version"])
def test_another_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / STORE
    if kind == "text":
        path.write_text("no database at all, but long enough to be read as one " * 20)
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE t (x)")
            if kind == "other version":
                db.execute(f"PRAGMA application_id = {0x4C6F4578}")
                db.execute("PRAGMA user_version = 99")
        db.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="results of programs"), opened(path):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("cell", "value"), [("answer", "x'ff00'"), ("ms", "'x'"), ("status", "'nonsense'")]
)
def test_a_cell_of_another_kind_is_damage_too(tmp_path: Path, cell: str, value: str) -> None:
    with kept(tmp_path / STORE) as it:
        it.run("answer = 5")
    with sqlite3.connect(tmp_path / STORE) as db:
        db.execute(f"UPDATE results SET {cell} = {value}")
    db.close()
    with kept(tmp_path / STORE) as it:
        assert it.run("answer = 5").answer == "5"


@pytest.mark.parametrize("kind", ["damaged page", "folder", "other columns"])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path, kind: str) -> None:
    path = tmp_path / STORE
    with kept(path) as it:
        it.run("answer = 5")
    if kind == "damaged page":
        data = bytearray(path.read_bytes())
        data[4096:4296] = b"\xff" * 200
        path.write_bytes(data)
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        with sqlite3.connect(path) as db:
            db.executescript("DROP TABLE results; CREATE TABLE results (key)")
        db.close()
    with pytest.raises(LoridError, match=r"results of programs.*remove it") as e, kept(path) as it:
        it.run("answer = 5")
    assert str(path) in str(e.value)


def test_half_a_character_is_no_text_and_stops_nothing(tmp_path: Path) -> None:
    with kept(tmp_path / STORE) as it:
        found = list(it.run_all(["answer = '\ud800'", "answer = 5"]))
    assert [r.status for r in found] == [Status.UNPARSABLE, Status.OK]


KILLED = """
import os, signal, sys
from pathlib import Path
from lorid_data.execution.opened import opened
with opened(Path(sys.argv[1]), workers=1) as it:
    for i in range(1000):
        it.run(f"answer = {i}")
        print(i, flush=True)
"""


def test_what_was_given_back_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / STORE
    argv = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 20:
                os.kill(process.pid, signal.SIGKILL)
                break
    with kept(path) as it:
        assert [it.run(f"answer = {i}").answer for i in range(21)] == [str(i) for i in range(21)]
        assert it.n_run == 0
