"""Memory that does not grow with the texts, the same bytes over processes, and reruns after a kill."""

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from lorid_data.contamination.looked import Tally, look
from lorid_data.contamination.matches import Questions, find_matches
from lorid_data.contamination.test_set import TestSet
from lorid_data.decontaminate.distinct import batches, first_ones
from lorid_data.decontaminate.shown import MATCHES, shown
from lorid_data.decontaminate.stage import DecontaminateOptions, decontaminate
from lorid_data.errors import InputError
from lorid_data.folders.parquet import write_frame

SUPPORT = Path(__file__).parents[3] / "support"
many = runpy.run_path(str(SUPPORT / "many_rows.py"))
reseal = runpy.run_path(str(SUPPORT / "manifests.py"))["reseal"]
folder_of_many: Callable[..., Path] = many["folder_of_many"]
peak_mib: Callable[[list[str]], float] = many["peak_mib"]
TABLES = ("records.parquet", "rejects.parquet", MATCHES, "manifest.json")


def against_of(path: Path, folder: Path, *, every: int) -> str:
    """A table of some of a folder's questions, with other numbers in every second, as a test set."""
    frame = pl.read_parquet(folder / "records.parquet").gather_every(every)
    digits = pl.col("question").str.replace_all("[0-9]", "7")
    second = pl.int_range(pl.len()) % 2 == 1
    frame = frame.select(question=pl.when(second).then(digits).otherwise("question"), answer="answer")  # fmt: skip
    frame.unique("question", maintain_order=True).write_parquet(path)
    return str(path)


def written(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in TABLES]


def test_texts_are_not_held(tmp_path: Path) -> None:
    folders = [
        folder_of_many(tmp_path / f"{n}", n, rationale_bytes=10_000) for n in (5_000, 20_000)
    ]
    against = against_of(tmp_path / "t.parquet", folders[0], every=900)
    few, more = (
        peak_mib(["decontaminate", str(f), "--out", f"{f}-out", "--against", against, "--workers", "1"])
        for f in folders
    )  # fmt: skip
    assert more - few < 130  # 15,000 rows more of 10 KB each are 150 MiB in any form


def test_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    folder = folder_of_many(tmp_path / "in", 2600)
    options = DecontaminateOptions(
        against=(against_of(tmp_path / "t.parquet", folder, every=50), against_of(tmp_path / "u.parquet", folder, every=111))
    )  # fmt: skip
    for workers in (1, 2, 4):
        decontaminate(folder, tmp_path / f"{workers}", options, n_workers=workers)
    first = written(tmp_path / "1")
    assert first == written(tmp_path / "2") == written(tmp_path / "4")
    reasons = pl.read_parquet(tmp_path / "1" / "rejects.parquet")["reason"].value_counts()
    assert dict(reasons.iter_rows())["contaminated"] > 30
    assert "test_template" in str(pl.read_parquet(tmp_path / "1" / "records.parquet")["flags"].to_list())  # fmt: skip


def test_batches_find_what_all_rows_at_once_do(tmp_path: Path) -> None:
    folder = folder_of_many(tmp_path / "in", 1500)
    table = pl.read_parquet(against_of(tmp_path / "t.parquet", folder, every=50))
    n = len(table)
    tests = TestSet("t", "", tuple(map(str, range(n))), tuple(table["question"]), tuple(table["answer"]))  # fmt: skip
    tally, found = Tally(tests), []
    for batch in batches(folder, first_ones(folder)):
        looked = look(tests, batch)
        tally.add(looked)
        found += looked.matches
    frame = pl.read_parquet(folder / "records.parquet").unique("problem_id", keep="first", maintain_order=True)  # fmt: skip
    columns = (frame[name].to_list() for name in ("problem_id", "question", "answer"))
    assert found == find_matches(Questions(*columns), tests)
    figures = tally.figures()
    assert figures["n_pairs_compared"] == n * len(frame)
    assert sum(figures["n_questions_by_rule"].values()) == len({m.problem_id for m in found})
    # Of 97 rules of knowledge each is looked at once, though rows share them.
    assert sum(len(b.rules) for b in batches(folder, first_ones(folder))) == 97


def test_killed_and_run_again_it_is_as_if_nothing_had_been(tmp_path: Path) -> None:
    folder, out = folder_of_many(tmp_path / "in", 2600), tmp_path / "out"
    against = against_of(tmp_path / "t.parquet", folder, every=50)
    options = DecontaminateOptions(against=(against,))
    decontaminate(folder, tmp_path / "calm", options)
    argv = [sys.executable, "-m", "lorid_data", "decontaminate", str(folder), "--out", str(out), "--against", against, "--workers", "2"]  # fmt: skip
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not list(out.glob(f".{MATCHES}.*")) and process.poll() is None and time.monotonic() < until:  # fmt: skip
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "manifest.json").exists()
    decontaminate(folder, out, options)
    assert written(out) == written(tmp_path / "calm")
    assert not [p.name for p in out.iterdir() if p.name.endswith(".tmp")]


def test_a_row_without_a_question_is_an_error(tmp_path: Path) -> None:
    folder = folder_of_many(tmp_path / "in", 30)
    options = DecontaminateOptions(against=(against_of(tmp_path / "t.parquet", folder, every=10),))
    holes = pl.when(pl.int_range(30) == 17).then(None).otherwise(pl.col("question"))
    path = folder / "records.parquet"
    write_frame(path, pl.read_parquet(path).with_columns(question=holes))
    reseal(folder)
    with pytest.raises(InputError, match=r"a row is no record \(question: "):
        decontaminate(folder, tmp_path / "out", options)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [".lock", "config.yaml"]


def test_matches_that_are_no_table_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / MATCHES).write_bytes(b"PAR1 but for the rest")
    with pytest.raises(InputError, match="not a readable file of matches"):
        shown(tmp_path)
