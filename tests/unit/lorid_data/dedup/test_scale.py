"""Memory that does not hold texts, the same bytes however rows are read, and reruns after a kill."""

import itertools
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lorid_data.dedup import reading
from lorid_data.dedup.duplicates import find_exact, find_pairs
from lorid_data.dedup.signatures import (
    Rationales,
    joined,
    joined_rationales,
    joined_solutions,
    rationales_of,
    shared_rows,
    signatures_of,
    solutions_of,
)
from lorid_data.dedup.stage import dedup
from lorid_data.errors import InputError
from lorid_data.folders import chosen
from lorid_data.folders.parquet import write_frame

SUPPORT = Path(__file__).parents[3] / "support"
many = runpy.run_path(str(SUPPORT / "many_rows.py"))
reseal = runpy.run_path(str(SUPPORT / "manifests.py"))["reseal"]
folder_of_many: Callable[..., Path] = many["folder_of_many"]
peak_mib: Callable[[list[str]], float] = many["peak_mib"]
TABLES = ("records.parquet", "rejects.parquet", "pairs.parquet", "manifest.json")


def written(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in TABLES]


def test_texts_are_not_held(tmp_path: Path) -> None:
    few, more = (
        peak_mib(["dedup", str(folder_of_many(tmp_path / f"{n}", n, rationale_bytes=10_000)), "--out", str(tmp_path / f"out{n}")])
        for n in (5_000, 20_000)
    )  # fmt: skip
    # 15,000 rows more of 10 KB each are 150 MiB in any form, and more in two; of the most a row group is held, twice.
    assert more - few < 130


def test_the_same_bytes_with_any_number_of_workers_and_any_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of_many(tmp_path / "in", 3000)
    found = []
    for workers, at_once in ((1, 8192), (2, 700), (4, 90)):
        for module in (reading, chosen):
            monkeypatch.setattr(module, "AT_ONCE", at_once)
        manifest = dedup(folder, tmp_path / f"out{workers}", n_workers=workers)
        found.append(written(tmp_path / f"out{workers}"))
    assert manifest.n_rejected["duplicate_exact"] > 400
    assert manifest.n_rejected["duplicate_near"] > 200
    assert found[0] == found[1] == found[2]


def test_batches_put_together_are_the_whole(tmp_path: Path) -> None:
    frame = pl.read_parquet(folder_of_many(tmp_path / "in", 800) / "records.parquet")
    cuts = [0, 1, 300, 300, 800]
    parts = [frame[a:b] for a, b in itertools.pairwise(cuts)]
    whole, rows = signatures_of(frame), joined([signatures_of(part) for part in parts])
    shared = shared_rows(rows)
    assert shared.tolist() == shared_rows(whole).tolist()
    solutions = solutions_of(frame[shared], shared)
    halves = [solutions_of(frame[some], some) for some in (shared[200:], shared[:200])]
    order = np.argsort(np.concatenate([half.rows for half in halves]))

    def in_parts(some: np.ndarray) -> Rationales:
        read = [rationales_of(frame["rationale"][part]) for part in (some[5:], some[:5])]
        return joined_rationales(read, np.roll(np.arange(len(some)), 5))

    exact = find_exact(whole, solutions)
    other = find_exact(rows, joined_solutions(halves, order))
    assert exact.rows.tolist() == other.rows.tolist()
    rest = np.setdiff1d(np.arange(800), exact.rows)
    pairs = find_pairs(whole, solutions, rest, lambda some: rationales_of(frame["rationale"][some]))
    again = find_pairs(rows, solutions, rest, in_parts)
    assert len(pairs.a) > 50
    for name in ("a", "b", "question", "rationale"):
        assert getattr(pairs, name).tolist() == getattr(again, name).tolist()


def test_killed_and_run_again_it_is_as_if_nothing_had_been(tmp_path: Path) -> None:
    folder, out = folder_of_many(tmp_path / "in", 4000), tmp_path / "out"
    dedup(folder, tmp_path / "calm")
    argv = [sys.executable, "-m", "lorid_data", "dedup", str(folder), "--out", str(out)]
    for wanted in ("config.yaml", "pairs.parquet"):
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not (out / wanted).exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    dedup(folder, out)
    assert written(out) == written(tmp_path / "calm")
    assert not [p.name for p in out.iterdir() if p.name.endswith(".tmp")]


def test_a_row_without_a_question_is_an_error(tmp_path: Path) -> None:
    folder = folder_of_many(tmp_path / "in", 30)
    path = folder / "records.parquet"
    frame = pl.read_parquet(path)
    holes = pl.when(pl.int_range(30) == 17).then(None).otherwise(pl.col("question"))
    write_frame(path, frame.with_columns(question=holes))
    reseal(folder)
    with pytest.raises(InputError, match=r"a row is no record \(question: "):
        dedup(folder, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [".lock", "config.yaml"]


def test_records_that_changed_are_not_read(tmp_path: Path) -> None:
    folder = folder_of_many(tmp_path / "in", 30)
    data = bytearray((folder / "records.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "records.parquet").write_bytes(data)
    with pytest.raises(InputError, match="has changed"):
        dedup(folder, tmp_path / "out")


def test_an_empty_folder_has_no_duplicates(tmp_path: Path) -> None:
    manifest = dedup(folder_of_many(tmp_path / "in", 0), tmp_path / "out")
    assert (manifest.n_in, manifest.n_kept) == (0, 0)
