"""Table files: what is read, and what is refused with its line."""

import json
from pathlib import Path

import polars as pl
import pytest

from lorid_data.errors import InputError
from lorid_data.folders.tables import first_bad_line, read_table


def test_jsonl_keeps_text_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"question": " a\\r\\n b "}\r\n\n{"question": "\xc3\xa9", "answer": "1"}\n')
    table = read_table(path)
    assert table.columns == ("question", "answer")
    assert [dict(r) for r in table.rows] == [
        {"question": " a\r\n b ", "answer": None},
        {"question": "é", "answer": "1"},
    ]
    assert table.place(1) == f"{path}:3"


def test_csv_keeps_line_breaks_in_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbfquestion,answer\n"a\nb, c",1\nd,"1,234"\n')
    table = read_table(path)
    assert [dict(r) for r in table.rows] == [
        {"question": "a\nb, c", "answer": "1"},
        {"question": "d", "answer": "1,234"},
    ]
    assert table.place(1) == f"{path}:4"


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"question": ["q"], "knowledge": [["r1", "r2"]]}).write_parquet(path)
    table = read_table(path)
    assert table.rows[0]["knowledge"] == ["r1", "r2"]
    assert table.place(0) == f"{path}, row 0"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("t.jsonl", b'{"question": "a"}\n{"question": "\xff"}\n', ":2: byte 0xff is not UTF-8"),
        ("t.csv", b"question,answer\na,1\nb,2\n\xe9,3\n", ":4: byte 0xe9 is not UTF-8"),
        ("t.jsonl", b'{"question": "a"}\n{"question": \n', ":2: not valid JSON"),
        ("t.jsonl", b"[1]\n", ":1: a list, where an object"),
        ("t.jsonl", b"", "has no rows"),
        ("t.csv", b"question,answer\n", "has no rows"),
        ("t.csv", b"question,question\na,b\n", ":1: a column name stands twice"),
        ("t.csv", b"question,answer\na,1\na,b,c\n", ":3: 3 cells, where the header has 2"),
        ("t.csv", b'question,answer\n"a,1\n', "not valid CSV"),
        ("t.parquet", b"no parquet", "not a readable parquet file"),
        ("t.xlsx", b"", "unknown kind of table '.xlsx'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as e:
        read_table(path)
    assert says in str(e.value)
    assert str(path) in str(e.value)


def test_an_empty_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"question": []}, schema={"question": pl.String}).write_parquet(path)
    with pytest.raises(InputError, match="has no rows"):
        read_table(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "absent.jsonl")


def test_deeply_nested_json_is_refused_not_crashed_on(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"question": ' + "[" * 100_000 + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=":1: not valid JSON"):
        read_table(path)


def test_first_bad_line_of_good_text_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"question": "é"}, ensure_ascii=False), encoding="utf-8")
    assert first_bad_line(path) is None
