"""Cells of Arrow as they were meant: the names of ClassLabels, floats of few bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Value

from lorid_data.build.importing import import_table
from lorid_data.errors import InputError
from lorid_data.folders.records import read_records
from lorid_data.folders.tables import read_table
from lorid_data.hub import reading
from lorid_data.sources import registry

LETTERS = ClassLabel(names=["A", "B", "C"])
FEATURES = Features(
    {
        "question": Value("string"),
        "answer": LETTERS,
        "subject": ClassLabel(names=["algebra", "geometry"]),
        "accepted": datasets.List(LETTERS),
        "inner": {"letters": datasets.List(LETTERS), "n": Value("int64")},
    }
)
ROWS: dict[str, list[Any]] = {
    "question": ["q1", "q2", "q3"],
    "answer": [1, 2, 0],
    "subject": [0, 1, -1],
    "accepted": [[0, 2], [], None],
    "inner": [{"letters": [2], "n": 2}, {"letters": [], "n": 1}, None],
}


def saved(folder: Path, how: str) -> Path:
    data = datasets.Dataset.from_dict(ROWS, features=FEATURES)
    if how == "saved":
        data.save_to_disk(str(folder / how))
        return folder / how
    if how == "parquet":
        data.to_parquet(folder / "t.parquet")
    else:
        feather.write_feather(data.data.table, folder / "t.feather")
    return folder / f"t.{how}"


@pytest.mark.parametrize("how", ["parquet", "feather", "saved"])
def test_labels_are_read_by_their_names(tmp_path: Path, how: str) -> None:
    path = saved(tmp_path, how)
    import_table(path, tmp_path / "out")
    rows = read_records(tmp_path / "out")
    assert [(r.answer, r.subject, r.accepted) for r in rows] == [("B", "algebra", ("A", "C")), ("C", "geometry", ()), ("A", None, ())]  # fmt: skip
    if how != "saved":  # which `build` takes as a folder of the Hub
        assert [p.answer for p in registry.load(str(path)).problems] == ["B", "C", "A"]


def test_labels_inside_of_others_are_read_too(tmp_path: Path) -> None:
    rows = read_table(saved(tmp_path, "parquet")).rows
    assert [r["inner"] for r in rows] == [{"letters": ["C"], "n": 2}, {"letters": [], "n": 1}, None]


def test_labels_of_a_dataset_of_the_hub_are_read_by_their_names(tmp_path: Path) -> None:
    saved(tmp_path, "parquet")
    table = reading.load(reading.HubRef(str(tmp_path)), "default", "train")
    assert [r["answer"] for r in table.rows] == ["B", "C", "A"]
    assert [r["subject"] for r in table.rows] == ["algebra", "geometry", None]


def test_a_number_without_a_name_is_a_missing_cell(tmp_path: Path) -> None:
    table = datasets.Dataset.from_dict(ROWS, features=FEATURES).data.table
    beyond = table.set_column(2, table.schema.field("subject"), [pa.array([7, -3, None])])
    pq.write_table(beyond, tmp_path / "t.parquet")
    assert [r["subject"] for r in read_table(tmp_path / "t.parquet").rows] == [None, None, None]


@pytest.mark.parametrize(
    "said", [b"{", b"[]", b'{"info": {"features": []}}', b'{"info": {"features": {"answer": {"_type": "ClassLabel", "names": [1]}}}}', b"\xff"]
)  # fmt: skip
def test_integers_without_names_stay(tmp_path: Path, said: bytes) -> None:
    table = pa.table({"question": ["q"], "answer": [1]}).replace_schema_metadata({b"huggingface": said})  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").rows[0]["answer"] == 1


def test_a_long_name_in_every_row_is_no_table(tmp_path: Path) -> None:
    n = 2000
    long = Features({"question": Value("string"), "answer": ClassLabel(names=["x" * 100_000])})
    data = datasets.Dataset.from_dict({"question": ["q"] * n, "answer": [0] * n}, features=long)
    data.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="larger than"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("kind", "numbers", "meant"),
    [
        (np.float32, [0.1, 3.0, 16777216, -2.5e-7, 1.1], [0.1, 3.0, 16777216.0, -2.5e-7, 1.1]),
        (np.float16, [0.1, 65504, 2], [0.1, 65504.0, 2.0]),
        (np.float64, [0.1, 1 / 3], [0.1, 1 / 3]),
    ],
)
def test_a_float_of_few_bits_is_the_shortest_number_that_is_stored_like_it(
    tmp_path: Path, kind: Any, numbers: list[float], meant: list[float]
) -> None:
    column = pa.array(np.array(numbers, kind))
    pq.write_table(pa.table({"answer": column, "in": [[x] for x in column]}, schema=pa.schema({"answer": column.type, "in": pa.list_(column.type)})), tmp_path / "t.parquet")  # fmt: skip
    rows = read_table(tmp_path / "t.parquet").rows
    assert [r["answer"] for r in rows] == meant
    assert [r["in"] for r in rows] == [[x] for x in meant]


def test_nothing_and_no_number_stay_what_they_are_in_floats_of_few_bits(tmp_path: Path) -> None:
    pq.write_table(pa.table({"answer": pa.array([None, float("nan"), 0.5], pa.float32())}), tmp_path / "t.parquet")  # fmt: skip
    found = [r["answer"] for r in read_table(tmp_path / "t.parquet").rows]
    assert found[0] is None
    assert found[1] != found[1]
    assert found[2] == 0.5
