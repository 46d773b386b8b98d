"""Numbers in the cells of a table: all digits that were written, and whole numbers as ids."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import InputError
from lorid_data.folders.records import read_records
from lorid_data.folders.table_rows import Table, stream_of
from lorid_data.sources.cells import id_of, written
from lorid_data.sources.variants import variants_of
from lorid_data.teachers.scripted import ScriptedTeacher


def imported(path: Path, out: Path, **options: Any) -> list[Any]:
    import_table(path, out, **options)
    return list(read_records(out))


@pytest.mark.parametrize("how", ["t.jsonl", "t.json"])
@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("3", "3"),
        ("3.0", "3.0"),
        ("0.1", "0.1"),
        ("-0.25", "-0.25"),
        ("12345678901234567.5", "12345678901234567.5"),
        ("12345678901234567890123456789", "12345678901234567890123456789"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1e3", "1000"),
        ("1.5E-7", "0.00000015"),
        ("1e400", "1e400"),
        ("-2.5e-400", "-2.5e-400"),
        ("1e999999999999", "1e999999999999"),
    ],
)
def test_a_number_of_json_has_the_digits_that_were_written(
    tmp_path: Path, how: str, number: str, text: str
) -> None:
    row = f'{{"question": "q", "answer": {number}, "level": {number}}}'
    (tmp_path / how).write_text(f"[{row}]" if how == "t.json" else row)
    [found] = imported(tmp_path / how, tmp_path / "out")
    assert (found.answer, found.level) == (text, text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (3.0, "3.0"),
        (1e16, "10000000000000000"),
        (1.5e-7, "0.00000015"),
        (1e300, "1e300"),
        (5e-324, "5e-324"),
        (Decimal("1E+3"), "1000"),
        (7, "7"),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_a_number_is_written_plainly(number: float | Decimal, text: str | None) -> None:
    assert written(number) == text
    if text is not None:
        assert Decimal(text) == Decimal(str(number))


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("how", ["t.jsonl", "t.json", "t.parquet"])
def test_infinity_is_no_answer_and_not_a_number_is_a_missing_one(
    tmp_path: Path, how: str, sign: str
) -> None:
    rows = [{"question": "q", "rationale": "r", "answer": float(n)} for n in (f"{sign}inf", "nan")]
    if how == "t.parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / how)
    else:
        (tmp_path / how).write_text(json.dumps(rows) if how == "t.json" else "\n".join(map(json.dumps, rows)))  # fmt: skip
    with pytest.raises(InputError, match=f"answer is {sign}inf, where text or a finite number"):
        import_table(tmp_path / how, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    [row] = imported(tmp_path / how, tmp_path / "out", skip_bad_rows=True)
    assert row.answer == ""


def test_an_exponent_that_nothing_can_hold_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"question": "q", "answer": 1e99999999999999999999}')
    with pytest.raises(InputError, match=r"t\.jsonl:1: .*exponent"):
        import_table(tmp_path / "t.jsonl", tmp_path / "out")


def test_the_numbers_of_a_script_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"output": {"a": 1.5}, "latency_s": 0.5}')
    assert ScriptedTeacher(tmp_path / "s.jsonl").kind == "scripted"


# --- ids ------------------------------------------------------------------------------------------

ROWS = [
    {"question": "q1", "answer": "1", "id": 1, "original_id": None},
    {"question": "q2", "answer": "2", "id": 2, "original_id": 1.0},
]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), (Decimal("1.0"), "1"), (-0.0, "0"), (1.5, "1.5"), (1e17, "100000000000000000"), ("1.0", "1.0"), (" ", None), (float("nan"), None)],
)  # fmt: skip
def test_a_whole_number_is_one_id_however_it_is_stored(value: object, text: str | None) -> None:
    assert id_of(value) == text


def test_infinity_is_no_id() -> None:
    with pytest.raises(InputError, match="finite"):
        id_of(float("inf"))


def table(folder: Path, how: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / f"t.{how}"
    if how == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif how == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        lines = [",".join("" if v is None else str(v) for v in r.values()) for r in rows]
        path.write_text("\n".join([",".join(rows[0]), *lines]))
    return path


@pytest.mark.parametrize("how", ["parquet", "jsonl", "csv"])
def test_an_original_id_that_pandas_made_a_float_is_found(tmp_path: Path, how: str) -> None:
    first, second = imported(table(tmp_path, how, ROWS), tmp_path / "out")
    assert second.original_id == first.problem_id == first.original_id


@pytest.mark.parametrize("how", ["parquet", "jsonl", "csv"])
def test_an_id_that_pandas_made_a_float_is_found(tmp_path: Path, how: str) -> None:
    rows = [{"question": q, "answer": "1", "id": i, "original_id": o} for q, i, o in [("q1", 1.0, 1), ("q2", None, 1), ("q3", 3.0, 3)]]  # fmt: skip
    first, second, third = imported(table(tmp_path, how, rows), tmp_path / "out")
    assert second.original_id == first.problem_id
    assert third.original_id == third.problem_id


def test_texts_that_are_two_ids_stay_two(tmp_path: Path) -> None:
    rows = [("q1", "1", ""), ("q2", "1.0", ""), ("q3", "3", "1.0"), ("q4", "4", "1")]
    (tmp_path / "t.csv").write_text("\n".join(["question,id,original_id,answer", *(f"{q},{i},{o},5" for q, i, o in rows)]))  # fmt: skip
    one, two, three, four = imported(tmp_path / "t.csv", tmp_path / "out")
    assert (three.original_id, four.original_id) == (two.problem_id, one.problem_id)


def test_an_id_that_no_row_has_is_told_as_ever(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("question,id,original_id,answer\nq1,1,,5\nq2,2,1.0,5\nq3,3,7.0,5\n")  # fmt: skip
    with pytest.raises(InputError, match=r"t\.csv:4: original_id '7\.0' is neither"):
        import_table(tmp_path / "t.csv", tmp_path / "out")


def test_rows_that_share_a_number_as_id_are_variants(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"question": "a", "answer": 1, "id": 1}\n{"question": "b", "answer": 1, "id": 1.0}')  # fmt: skip
    first, second = imported(tmp_path / "t.jsonl", tmp_path / "out")
    assert second.original_id == first.problem_id


def test_no_number_is_a_missing_text_in_a_table_of_variants() -> None:
    nan = float("nan")
    rows = [{"question": "q", "answer": "1", "original_question": "o", "type": nan}, {"question": "r", "answer": "1", "original_question": nan, "type": "t"}]  # fmt: skip
    stream = stream_of(Table("t", tuple(rows[0]), rows))
    assert [(s.original, s.kind) for s in variants_of(stream, name="n")[1]] == [("o", ""), (None, "t")]  # fmt: skip
