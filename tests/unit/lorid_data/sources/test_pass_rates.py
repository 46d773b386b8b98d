"""Pass rates that a table carries: those of this project are kept, what others call difficulty is not taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import InputError
from lorid_data.folders.records import read_records

RATE = {
    "role": "ir", "judge_sha256": "a" * 64, "adapters_sha256": ["b" * 64], "n_draws": 4, "n_right": 1,
    "pass_rate": 0.25, "ci_low": 0.05, "ci_high": 0.7, "agreement": 0.5,
}  # fmt: skip


def imported(tmp_path: Path, *cells: Any, **options: Any) -> list[Any]:
    table = tmp_path / "t.jsonl"
    rows = [{"question": f"Q{i}?", "answer": str(i), "difficulty": c} for i, c in enumerate(cells)]
    table.write_text("\n".join(json.dumps(r) for r in rows))
    import_table(table, tmp_path / "out", **options)
    return [r.difficulty for r in read_records(tmp_path / "out")]


def test_they_come_through_a_table(tmp_path: Path) -> None:
    first, second = imported(tmp_path, None, [RATE])
    assert first is None
    assert second[0].model_dump(mode="json") == RATE


@pytest.mark.parametrize("cell", [5.0, "hard", ["algebra"]])
def test_what_others_call_difficulty_is_passed_over(
    tmp_path: Path, cell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, cell, cell) == [None, None]
    assert "columns ignored: difficulty" in capsys.readouterr().err


def test_a_column_that_is_named_must_hold_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pass rates of lorid-data difficulty"):
        imported(tmp_path, 5.0, columns={"difficulty": "difficulty"})


def test_a_broken_one_is_an_error_and_can_be_left_out(tmp_path: Path) -> None:
    broken = [{**RATE, "n_right": -1}]
    with pytest.raises(InputError, match="--columns difficulty="):
        imported(tmp_path, [RATE], broken)
    assert imported(tmp_path, [RATE], broken, columns={"difficulty": ""}) == [None, None]
