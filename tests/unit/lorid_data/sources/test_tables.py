"""Table files: what is read, and what is refused with its line."""

import csv
import gzip
import json
from pathlib import Path

import datasets
import polars as pl
import pyarrow as pa
import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import InputError
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.folders.tables import first_bad_line, read_table
from lorid_data.schema import Reject
from lorid_data.sources import registry


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
@pytest.mark.parametrize("orient", ["columns", "index", "split", "list", "one row"])
def test_one_object_of_whole_columns_is_no_row(tmp_path: Path, name: str, orient: str) -> None:
    columns = {"question": ["a?", "b?"], "answer": ["6", None]}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    by_number = {c: {str(i): v for i, v in enumerate(some)} for c, some in columns.items()}
    body = {
        "columns": by_number,
        "index": {str(i): row for i, row in enumerate(rows)},
        "split": {"columns": list(columns), "index": [0, 1], "data": [list(r.values()) for r in rows]},
        "list": columns,
        "one row": {c: {"0": some[0]} for c, some in columns.items()},
    }[orient]  # fmt: skip
    path = tmp_path / name
    path.write_text(json.dumps(body))
    with pytest.raises(InputError, match=r"holds a whole table \(.*orient='records', lines=True"):
        read_table(path)


def test_one_row_that_holds_lists_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    turn = [{"role": "user", "content": "q"}]
    for row in ({"prompt": turn, "completion": turn}, {"messages": []}, {"question": "q", "knowledge": ["a"]}, {"output": ["rule"]}, {"question": {}, "answer": {}}):  # fmt: skip
        path.write_text(json.dumps(row))
        assert [dict(r) for r in read_table(path).rows] == [row]


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


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_separator_of_a_csv_is_found(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'question{sign}answer\n"1{sign} 2, and; so"{sign}3\n')
    assert read_table(path).rows == [{"question": f"1{sign} 2, and; so", "answer": "3"}]
    path.write_text(f"question{sign}answer\na{sign}b{sign}c\n")
    with pytest.raises(InputError, match=r"t\.csv:2: 3 cells, where the header has 2"):
        read_table(path)


def test_a_large_cell_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"question,answer\n{'x' * 300_000},1\n")
    before = csv.field_size_limit()
    assert len(read_table(path).rows[0]["question"]) == 300_000
    assert csv.field_size_limit() == before


def test_json_lists_and_packed_lines_are_read(tmp_path: Path) -> None:
    rows = [{"question": "a\u2028b", "answer": "1"}, {"question": "c", "answer": "2"}]
    (tmp_path / "t.json").write_text(json.dumps(rows, ensure_ascii=False))
    (tmp_path / "l.json").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows))
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress((tmp_path / "l.json").read_bytes()))
    for name in ("t.json", "l.json", "t.jsonl.gz"):
        assert read_table(tmp_path / name).rows == rows
    (tmp_path / "bad.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "bad.jsonl.gz")


def test_bad_rows_are_rejects_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"question": "a", "answer": "1"}\n{"question": ["b"], "answer": "1"}\nno json\n[1]\n{"question": "c", "answer": "2"}\n')  # fmt: skip
    with pytest.raises(InputError, match="--skip-bad-rows"):
        import_table(path, tmp_path / "no")
    manifest = import_table(path, tmp_path / "out", skip_bad_rows=True)
    assert (manifest.n_in, manifest.n_kept, manifest.n_rejected) == (5, 2, {"row_unreadable": 3})
    details = sorted(r.detail for r in read_rows(tmp_path / "out" / "rejects.parquet", Reject))
    assert [d.partition(": ")[0].rpartition("/")[2] for d in details] == ["t.jsonl:2", "t.jsonl:3", "t.jsonl:4"]  # fmt: skip


ROWS = [{"question": "a\nb", "answer": "1"}, {"question": "c", "answer": "2"}]


def packed(data: bytes, kind: str) -> bytes:
    if kind == "gz":
        return gzip.compress(data)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_packed_text_is_read_and_its_bad_line_is_that_of_the_text(
    tmp_path: Path, kind: str
) -> None:
    lines = "\n".join(json.dumps(r) for r in ROWS).encode()
    texts = {
        "t.jsonl": lines,
        "t.json": json.dumps(ROWS).encode(),
        "t.tsv": b'question\tanswer\n"a\nb"\t1\nc\t2\n',
    }
    for name, data in texts.items():
        (tmp_path / f"{name}.{kind}").write_bytes(packed(data, kind))
        assert read_table(tmp_path / f"{name}.{kind}").rows == ROWS
    bad = tmp_path / f"bad.jsonl.{kind}"
    bad.write_bytes(packed(lines + b'\n{"question": "\xff"}', kind))
    with pytest.raises(InputError, match=":3: byte 0xff is not UTF-8"):
        read_table(bad)
    whole = packed(lines, kind)
    bad.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        read_table(bad)
    bad.write_bytes(b"not packed at all")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(bad)


def test_frames_of_zstd_behind_one_another_are_one_text(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.zst"
    path.write_bytes(b"".join(packed(json.dumps(r).encode() + b"\n", "zst") for r in ROWS))
    assert read_table(path).rows == ROWS


@pytest.mark.parametrize("how", ["file", "stream", "packed"])
def test_arrow_files_streams_and_feather_are_read(tmp_path: Path, how: str) -> None:
    rows = [{**r, "knowledge": ["x", "y"]} for r in ROWS]
    table = pa.Table.from_pylist(rows)
    path = tmp_path / ("t.feather" if how == "packed" else "t.arrow")
    options = pa.ipc.IpcWriteOptions(compression="zstd" if how == "packed" else None)
    make = pa.ipc.new_stream if how == "stream" else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, make(file, table.schema, options=options) as writer:
        writer.write_table(table)
    assert read_table(path).rows == rows
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="not a readable Arrow file"):
        read_table(path)


def test_an_object_that_holds_one_list_of_rows_is_that_list(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    for indent in (None, 2):
        path.write_text(json.dumps({"version": "1", "tags": ["x"], "data": ROWS}, indent=indent))
        table = read_table(path)
        assert table.rows == ROWS
        assert table.place(1) == f"{path}, row 1"
    path.write_text(json.dumps({"data": [*ROWS, 3]}))
    with pytest.raises(InputError):  # no list of rows, so it is a row without a question
        import_table(path, tmp_path / "out")
    path.write_text(json.dumps({"train": ROWS, "test": ROWS}))
    with pytest.raises(InputError, match=r"holds several lists of rows \('train', 'test'\)"):
        read_table(path)


def test_an_object_that_is_a_row_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    row = {"question": "q", "steps": [{"n": 1}], "answer": "1"}
    path.write_text(json.dumps(row))
    assert read_table(path).rows == [row]
    chat = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "It is #### 4"}]}  # fmt: skip
    path.write_text(json.dumps(chat))
    assert read_table(path).rows == [chat]


def test_shards_are_read_by_a_pattern_in_order_and_keep_their_places(tmp_path: Path) -> None:
    for n, suffix in ((2, "jsonl"), (1, "jsonl"), (3, "csv")):
        rows = [{"question": f"q{n}{x}", "answer": str(n)} for x in "ab"]
        text = "\n".join(json.dumps(r) for r in rows)
        if suffix == "csv":
            text = "question,answer\n" + "".join(f"{r['question']},{r['answer']}\n" for r in rows)
        (tmp_path / f"part-{n}.{suffix}").write_text(text)
    (tmp_path / "part-9.txt").write_text("no table")
    manifest = import_table(tmp_path / "part-[0-8].*", tmp_path / "out", licence="MIT")
    assert manifest.n_kept == 6
    records = read_records(tmp_path / "out")
    assert [r.question for r in records] == ["q1a", "q1b", "q2a", "q2b", "q3a", "q3b"]
    assert {(r.source, r.split, r.licence) for r in records} == {("part", "train", "MIT")}
    loaded = registry.load(f"{tmp_path}/part-*.jsonl", split="test")
    assert [p.question for p in loaded.problems] == ["q1a", "q1b", "q2a", "q2b"]
    (tmp_path / "part-2.jsonl").write_text('{"question": "q", "answer": "1"}\n\n{"question": 5}\n')
    with pytest.raises(InputError, match=r"part-2\.jsonl:3: question is 5"):
        registry.load(f"{tmp_path}/part-*.jsonl")
    with pytest.raises(InputError, match="no file fits this pattern"):
        registry.load(f"{tmp_path}/none-*.jsonl")


def test_a_folder_of_shards_is_one_split(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    for n in (1, 2):
        (folder / f"part-{n}.jsonl").write_text(json.dumps({"question": f"q{n}", "answer": "1"}))
    import_table(folder, tmp_path / "out")
    assert [r.question for r in read_records(tmp_path / "out")] == ["q1", "q2"]
    assert [p.question for p in registry.load(str(folder)).problems] == ["q1", "q2"]


def test_what_save_to_disk_writes_is_read(tmp_path: Path) -> None:
    datasets.Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "saved"))
    import_table(tmp_path / "saved", tmp_path / "out")
    assert [r.question for r in read_records(tmp_path / "out")] == ["a\nb", "c"]
