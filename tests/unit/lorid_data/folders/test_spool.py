"""Rows kept aside on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from lorid_data.folders.spool import Spool
from lorid_data.schema import Problem, make_problem


def problem(i: int) -> Problem:
    return make_problem(
        source="s", split="train", question=f"Q\n{i} é?", rationale="x" * (i % 50), answer=str(i),
        knowledge=["a\u2028b"] * (i % 3), program="answer = 1" if i % 2 else None,
    )  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, 511, 512, 513, 1500])
def test_rows_come_back_as_they_were_as_often_as_one_likes(n: int) -> None:
    rows = [problem(i) for i in range(n)]
    spool = Spool(Problem, rows)
    assert len(spool) == n
    assert list(spool) == rows == list(spool)
    assert [r for b in spool.batches(100) for r in b] == rows
    for i in {0, n // 2, n - 1} if n else ():
        assert spool[i] == rows[i]
        assert spool[i - n] == rows[i]
    assert spool[n // 3 : n // 2] == rows[n // 3 : n // 2]
    with pytest.raises(IndexError):
        spool[n]


def test_two_passes_at_once_do_not_disturb_one_another() -> None:
    rows = [problem(i) for i in range(1200)]
    spool = Spool(Problem, rows)
    assert [a for a, _ in zip(spool, spool, strict=True)] == rows


def test_nothing_is_left_and_no_file_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = len(list(Path("/proc/self/fd").iterdir()))
    spool = Spool(Problem, map(problem, range(2000)))
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before + 1
    del spool
    assert len(list(Path("/proc/self/fd").iterdir())) == before
