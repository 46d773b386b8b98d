"""Any parquet, JSON, JSON Lines or CSV file as rows of columns; says where each row stands.

Text is taken as it is. A file that cannot be read as UTF-8 is refused with its line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError
from lorid_data.texts.counting import count

SUFFIXES = (
    ".parquet",
    ".jsonl",
    ".ndjson",
    ".json",
    ".csv",
    ".tsv",
    ".jsonl.gz",
    ".json.gz",
    ".csv.gz",
)
_FORMATS = {".parquet": "parquet", ".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv", ".tsv": "csv"}  # fmt: skip
_DELIMITERS = (",", ";", "\t", "|")
_MOST_CELL = 2**31 - 1
"""Characters of a cell that are read; Python's own limit of 131,072 is short for a solution."""
_BOM = b"\xef\xbb\xbf"


class RowError(InputError):
    """A row that cannot be read, in a table that can."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by column name.

    Attributes:
        where: what messages call the table: a file, or a Hub id with configuration and split.
        columns: all column names, in the order of the file.
        rows: the rows; a column that a row lacks is None.
        lines: the line of each row in its file (from 1), where it has lines.
    """

    where: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[int] | None = None

    def place(self, i: int) -> str:
        """Where row `i` (from 0) stands, for messages."""
        return f"{self.where}:{self.lines[i]}" if self.lines else f"{self.where}, row {i}"


def format_of(path: Path) -> str | None:
    """parquet, json or csv, by the name of a file that may be packed with gzip; None for another."""
    name = path.name.removesuffix(".gz")
    found = _FORMATS.get(Path(name).suffix)
    return None if found == "parquet" and name != path.name else found


def read_table(path: Path, bad: list[str] | None = None) -> Table:
    """Read a table file.

    Args:
        path: the file.
        bad: where a line that cannot be read is told, with its place; by default it refuses the file.

    Raises:
        InputError: no such file, an unknown kind, bad UTF-8 (with its line), a broken line, or no rows.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a table ({', '.join(SUFFIXES)})")
    try:
        kind = format_of(path)
        if kind == "parquet":
            table = _read_parquet(path)
        elif kind == "json":
            table = _read_json(path, _bytes(path), bad)
        elif kind == "csv":
            table = _read_csv(path, _bytes(path), bad)
        else:
            raise InputError(
                f"{path}: unknown kind of table {path.suffix!r}; use {', '.join(SUFFIXES)}"
            )
    except (OSError, EOFError, zlib.error) as e:
        raise InputError(f"{path}: cannot be read ({getattr(e, 'strerror', None) or e})") from e
    if not table.rows:
        raise InputError(f"{path}: has no rows; an empty source is refused")
    return table


def first_bad_line(path: Path) -> tuple[int, str] | None:
    """Line (from 1) and reason of the first byte of a file that is not UTF-8, or None."""
    data = path.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        return data.count(b"\n", 0, e.start) + 1, f"byte 0x{data[e.start]:02x} is not UTF-8"
    return None


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as e:
        line, reason = first_bad_line(path) or (0, str(e))
        raise InputError(f"{path}:{line}: {reason}; save the file as UTF-8") from e


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _refused(message: str, bad: list[str] | None) -> None:
    """A row that cannot be read: told where it is wanted, else the end of the file's reading."""
    if bad is None:
        raise RowError(message)
    bad.append(message)


def _read_json(path: Path, data: bytes, bad: list[str] | None) -> Table:
    """JSON Lines; or, in a file `.json`, one list of objects."""
    text = _decode(path, data)
    is_list = path.name.removesuffix(".gz").endswith(".json") and text.lstrip().startswith("[")
    if not is_list:
        return _read_jsonl(path, text, bad)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise InputError(f"{path}: not valid JSON ({e})") from e
    rows: list[Mapping[str, Any]] = []
    for i, row in enumerate(body):
        if isinstance(row, dict):
            rows.append(row)
        else:
            _refused(f"{path}, row {i}: a {type(row).__name__}, where an object is expected", bad)
    return _of_rows(path, rows, None)


def _read_jsonl(path: Path, text: str, bad: list[str] | None) -> Table:
    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    for n, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as e:
            _refused(f"{path}:{n}: not valid JSON ({e}); one object a line is expected", bad)
            continue
        if not isinstance(row, dict):
            _refused(f"{path}:{n}: a {type(row).__name__}, where an object is expected", bad)
            continue
        rows.append(row)
        lines.append(n)
    return _of_rows(path, rows, lines)


def _of_rows(path: Path, rows: list[Mapping[str, Any]], lines: list[int] | None) -> Table:
    columns = tuple(dict.fromkeys(c for row in rows for c in row))
    return Table(str(path), columns, [{c: r.get(c) for c in columns} for r in rows], lines)


def _read_csv(path: Path, data: bytes, bad: list[str] | None) -> Table:
    text = _decode(path, data)
    delimiter = _delimiter(text)
    before = csv.field_size_limit(_MOST_CELL)
    try:
        return _csv_rows(path, text, delimiter, bad)
    finally:
        csv.field_size_limit(before)


def _delimiter(text: str) -> str:
    """What separates the cells: of four signs the one by which the first line has most; a comma first."""

    def n_cells(sign: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True), []))  # fmt: skip
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=n_cells)


def _csv_rows(path: Path, text: str, delimiter: str, bad: list[str] | None) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    try:
        header = tuple(next(reader, ()))
        if len(set(header)) != len(header):
            raise InputError(f"{path}:1: a column name stands twice in {list(header)}")
        start = reader.line_num
        for cells in reader:
            if cells and len(cells) != len(header):
                _refused(
                    f"{path}:{start + 1}: {count(len(cells), 'cell')}, where the header has {len(header)}; quote cells that hold "
                    f"{'commas' if delimiter == ',' else f'the separator {delimiter!r}'}",
                    bad,
                )
            elif cells:
                rows.append(dict(zip(header, cells, strict=True)))
                lines.append(start + 1)
            start = reader.line_num
    except csv.Error as e:
        raise InputError(f"{path}:{reader.line_num}: not valid CSV ({e})") from e
    return Table(str(path), header, rows, lines)


def _read_parquet(path: Path) -> Table:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as e:
        raise InputError(f"{path}: not a readable parquet file ({e})") from e
    return Table(str(path), tuple(frame.columns), frame.rows(named=True))
