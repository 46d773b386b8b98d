"""Tables of other people, a batch of rows at a time: the same rows, places and faults as all at once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.errors import InputError
from lorid_data.folders.table_rows import AT_ONCE, RowError
from lorid_data.folders.tables import open_table, open_tables, read_table
from lorid_data.sources.problems import Defaults, read_problems
from lorid_data.sources.registry import load

N = 2 * AT_ONCE + 7
ROWS: list[dict[str, Any]] = [{"question": f"What is {i}?", "answer": str(i), "note": "é" * (i % 5)} for i in range(N)]  # fmt: skip


def _jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps(r) + "\n" for r in ROWS))


def _gz(path: Path) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in ROWS).encode()))


def _zst(path: Path) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as f, pa.CompressedOutputStream(f, "zstd") as out:
        out.write("".join(json.dumps(r) + "\n" for r in ROWS).encode())


KINDS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": _jsonl, "a.jsonl.gz": _gz, "a.jsonl.zst": _zst, "lines.json": _jsonl,
    "a.json": lambda p: p.write_text(json.dumps(ROWS)),
    "a.csv": lambda p: pl.DataFrame(ROWS).write_csv(p),
    "a.tsv": lambda p: pl.DataFrame(ROWS).write_csv(p, separator="\t"),
    "a.parquet": lambda p: pl.DataFrame(ROWS).write_parquet(p, row_group_size=1500),
    "one.parquet": lambda p: pl.DataFrame(ROWS).write_parquet(p),
    "a.arrow": lambda p: pl.DataFrame(ROWS).write_ipc(p),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_read_in_batches_and_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name](path)
    stream = open_table(path)
    assert (stream.columns, stream.n_rows) == (("question", "answer", "note"), N)
    batches = list(stream.batches(["answer"]))
    assert [{"answer": r["answer"]} for b in batches for r in b.rows] == [{"answer": r["answer"]} for r in ROWS]  # fmt: skip
    if name != "a.json":  # one list is held whole
        assert max(len(b.rows) for b in batches) <= AT_ONCE < N
    assert read_table(path).rows == ROWS
    place = batches[-1].place(len(batches[-1].rows) - 1)
    line = {"a.csv": N + 1, "a.tsv": N + 1}.get(name, N)
    is_lines = "json" in name.replace("a.json", "x") or name.startswith("a.jsonl") or "sv" in name
    assert place == (f"{path}:{line}" if is_lines else f"{path}, row {N - 1}")


def test_columns_of_later_rows_and_files_are_known_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "q", "answer": "1"}\n{"question": "r", "program": "answer = 1"}\n')  # fmt: skip
    (tmp_path / "b.jsonl").write_text('{"other": 1, "question": "s"}\n')
    stream = open_tables([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert stream.columns == ("question", "answer", "program", "other")
    assert stream.heads == {"program": "answer = 1"}
    rows = [r for b in stream.batches(["other", "answer"]) for r in b.rows]
    assert rows == [{"other": None, "answer": "1"}, {"other": None, "answer": None}, {"other": 1, "answer": None}]  # fmt: skip


def test_faults_are_known_before_a_row_is_given_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(r) for r in ROWS]
    lines[N - 2] = "{oops"
    path.write_text("\n".join(lines))
    with pytest.raises(RowError, match=rf"a.jsonl:{N - 1}: not valid JSON"):
        open_table(path)
    bad: list[str] = []
    stream = open_table(path, bad)
    assert len(bad) == 1
    assert stream.n_rows == N - 1
    list(stream.batches(["answer"]))
    assert len(bad) == 1  # told once, however often the rows are read
    path.write_bytes("\n".join(lines).encode() + b"\n\xff")
    with pytest.raises(InputError, match=rf"a.jsonl:{N + 1}: byte 0xff is not UTF-8"):
        open_table(path)


def test_the_row_whose_id_is_wrong_is_named_behind_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"id": f"n{i}", "original_id": f"n{i}", "question": f"q{i}", "answer": "1"} for i in range(N)]  # fmt: skip
    rows[3]["question"] = 5  # type: ignore[assignment]
    rows[N - 1]["original_id"] = "nobody"
    path.write_text("\n".join(map(json.dumps, rows)))
    from lorid_data.sources.columns import Reading

    with pytest.raises(InputError, match=rf"a.jsonl:{N}: original_id 'nobody' is neither"):
        read_problems(open_table(path), Defaults("a", "train"), Reading({}, []))


def test_a_source_is_a_sequence_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    _jsonl(path)
    loaded = load(str(path))
    assert len(loaded.problems) == N == loaded.n_available
    assert [p.answer for p in loaded.problems] == [r["answer"] for r in ROWS]
    assert loaded.problems[N - 1].answer == str(N - 1)
    some = load(str(path), limit=5)
    assert [p.answer for p in some.problems] == list("01234")
    assert (some.problems[-1].answer, some.content_sha256) == ("4", loaded.content_sha256)
