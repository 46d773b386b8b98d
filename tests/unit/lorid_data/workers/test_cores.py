"""How many processes are started where nobody says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lorid_data.workers.cores import usable_cores


@pytest.mark.parametrize(
    ("said", "n"), [("max 100000", 8), ("300000 100000", 3), ("50000 100000", 1), ("", 8), ("a b", 8)]
)  # fmt: skip
def test_as_many_as_may_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, n: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "cpu.max").write_text(said)
    assert usable_cores(tmp_path / "cpu.max") == n
    assert usable_cores(tmp_path / "none") == 8
