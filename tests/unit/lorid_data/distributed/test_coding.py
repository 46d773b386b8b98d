"""Batches and results as bytes: what goes in comes out, and nothing else is ever made of a file."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.audit.joined import Seen
from lorid_data.contamination.matches import Match, MatchKind, Questions
from lorid_data.contamination.test_set import TestSet
from lorid_data.distributed.coding import decoded, encoded
from lorid_data.distributed.jobs import Job
from lorid_data.distributed.works import class_of, name_of, work_of
from lorid_data.errors import InputError
from lorid_data.validate.stage import Checked


def written(items: list[Any]) -> bytes:
    return b"".join(encoded(items, name_of))


def read(data: bytes) -> list[Any]:
    return list(decoded(io.BytesIO(data), class_of, "there"))


def match() -> Match:
    return Match(
        problem_id="p",
        against="gsm8k",
        test_problem_id="q",
        rule=MatchKind.TEMPLATE,
        alike=0.7,
        numbers="same",
        answers="equal",
        question="a\x00\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        test_question="",
    )


VALUES: list[Any] = [
    None,
    [1, 2.5, "x", True, ["", {}]],
    {"a": (1, (2,)), "b": frozenset({3, 1}), "c": {2}},
    Counter({"x": 3}),
    b"\x00\xff",
    TestSet("t", "0" * 64, ("a",), ("Q?",), ("",)),
    Questions(["a"], ["b"], ["c"]),
    Seen("r", b"\x01", (b"\x02",), None, "4", 3, (("check", None, "why"), ("c", 0, "w"))),
    match(),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_what_goes_in_comes_out(value: Any) -> None:
    [found] = read(written([value]))
    assert found == value
    assert type(found) is type(value)


def test_tables_arrays_and_series_come_out() -> None:
    table = pa.table({"a": ["x", None], "b": [[1], []]})
    array = np.arange(6, dtype=np.uint64).reshape(2, 3)
    series = pl.Series(["a", None, "é"])
    checked = Checked(table, table.slice(0, 0), Counter(flag=2))
    found = read(written([checked, array, series]))
    assert found[0].kept.equals(table)
    assert found[0].rejected.schema == table.schema
    assert found[0].flags == Counter(flag=2)
    assert (found[1] == array).all()
    assert found[1].dtype == array.dtype
    assert found[2].equals(series)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=["Cs"])) | st.binary(), lambda v: st.lists(v) | st.dictionaries(st.text("ab"), v) | st.tuples(v, v)))  # fmt: skip
def test_any_value_comes_out(value: Any) -> None:
    assert read(written([value])) == [value]


@pytest.mark.parametrize("cut", [1, 9, 40, -1])
def test_a_file_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(InputError, match="not what a task of this command wrote"):
        read(written(VALUES)[:cut])


def test_a_file_that_was_changed_is_refused() -> None:
    data = written([["sound"]])
    with pytest.raises(InputError, match="not what was written"):
        read(data.replace(b"sound", b"wrong"))


def test_a_class_that_is_not_listed_is_not_made() -> None:
    body = b'{"class":["subprocess:Popen",[["true"]]]}'
    head = json.dumps({"item": 0}).encode()
    framed = b"".join(len(p).to_bytes(8, "little") + p for p in (head, body))
    with pytest.raises(InputError, match="nothing that may be done elsewhere"):
        read(framed)
    with pytest.raises(ValueError, match="nothing that may be done elsewhere"):
        work_of("os:system")


def test_a_pickled_array_is_not_read() -> None:
    sink = io.BytesIO()
    np.save(sink, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    parts = (json.dumps({"item": 1}).encode(), b'{"array":0}', sink.getvalue())
    with pytest.raises(InputError, match="allow_pickle"):
        read(b"".join(len(p).to_bytes(8, "little") + p for p in parts))


def test_what_has_no_form_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="has no form"):
        written([object()])
    with pytest.raises(TypeError, match=r"not listed in lorid_data/distributed/works\.py"):
        written([Job("there")])
