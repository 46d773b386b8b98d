"""Any parquet, JSON Lines or CSV file as rows of columns; says where each row stands.

Text is taken as it is. A file that cannot be read as UTF-8 is refused with its line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError

SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".csv")
_BOM = b"\xef\xbb\xbf"


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


def read_table(path: Path) -> Table:
    """Read a table file.

    Raises:
        InputError: no such file, an unknown kind, bad UTF-8 (with its line), a broken line, or no rows.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a table ({', '.join(SUFFIXES)})")
    try:
        if path.suffix == ".parquet":
            table = _read_parquet(path)
        elif path.suffix in (".jsonl", ".ndjson"):
            table = _read_jsonl(path, path.read_bytes())
        elif path.suffix == ".csv":
            table = _read_csv(path, path.read_bytes())
        else:
            raise InputError(
                f"{path}: unknown kind of table {path.suffix!r}; use {', '.join(SUFFIXES)}"
            )
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror or e})") from e
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


def _read_jsonl(path: Path, data: bytes) -> Table:
    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    columns: dict[str, None] = {}
    for n, line in enumerate(_decode(path, data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as e:
            raise InputError(
                f"{path}:{n}: not valid JSON ({e}); one object a line is expected"
            ) from e
        if not isinstance(row, dict):
            raise InputError(f"{path}:{n}: a {type(row).__name__}, where an object is expected")
        rows.append(row)
        lines.append(n)
        columns |= dict.fromkeys(row)
    return Table(str(path), tuple(columns), [{c: r.get(c) for c in columns} for r in rows], lines)


def _read_csv(path: Path, data: bytes) -> Table:
    reader = csv.reader(io.StringIO(_decode(path, data), newline=""), strict=True)
    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    try:
        header = tuple(next(reader, ()))
        if len(set(header)) != len(header):
            raise InputError(f"{path}:1: a column name stands twice in {list(header)}")
        start = reader.line_num
        for cells in reader:
            if cells:
                if len(cells) != len(header):
                    raise InputError(
                        f"{path}:{start + 1}: {len(cells)} cells, where the header has {len(header)}; quote cells that hold commas"
                    )
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
