"""Any parquet, Arrow, JSON, JSON Lines or CSV file as rows of columns; says where each row stands.

Text is taken as it is. A file that cannot be read as UTF-8 is refused with its line.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.paths import no_file
from lorid_data.folders.table_columnar import arrow_stream, parquet_stream
from lorid_data.folders.table_packed import PACKED, first_bad_line, readable, unpacked
from lorid_data.folders.table_rows import RowError, Table, TableStream, joined_streams
from lorid_data.folders.table_texts import Number, csv_stream, json_stream

__all__ = ["SUFFIXES", "RowError", "Table", "files_of", "first_bad_line", "format_of", "is_pattern", "joined", "open_table", "open_tables", "read_table", "unpacked"]  # fmt: skip

_FORMATS = {
    ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow",
    ".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv", ".tsv": "csv",
}  # fmt: skip
SUFFIXES = (
    *_FORMATS,
    *(f"{s}{p}" for s in (".jsonl", ".json", ".csv", ".tsv") for p in PACKED),
)


def is_pattern(text: str | Path) -> bool:
    """Whether a name stands for the files that it fits, like `part-*.jsonl`."""
    return any(sign in str(text) for sign in "*?[") and not Path(text).exists()


def files_of(text: str | Path) -> list[Path]:
    """The file of that name, or in order those that the pattern fits (`**` stands for folders).

    Raises:
        InputError: no file fits.
    """
    if not is_pattern(text):
        return [Path(text)]
    # `Path.glob` takes no absolute pattern.
    found = sorted(Path(p) for p in glob.glob(str(text), recursive=True) if Path(p).is_file())  # noqa: PTH207
    if not found:
        raise InputError(f"{text!r}: no file fits this pattern; it is looked up from {Path.cwd()}")
    return found


def format_of(path: Path) -> str | None:
    """parquet, arrow, json or csv, by the name of a file that may be packed; None for another."""
    name = unpacked(path)
    found = _FORMATS.get(Path(name).suffix)
    return None if name != path.name and found not in ("json", "csv") else found


def open_table(path: Path, bad: list[str] | None = None, number: Number = Decimal) -> TableStream:
    """A table file, of which a batch of rows is held at a time.

    Text files are gone through once here, so that what is wrong with them is known before a row is
    given out; of the others the index is read.

    Args:
        path: the file.
        bad: where a line that cannot be read is told, with its place; by default it refuses the file.
        number: what makes a value of a number of JSON with a point or an exponent; `Decimal` keeps
            every digit that was written.

    Raises:
        InputError: no such file, or no regular one; an unknown kind, bad UTF-8 (with its line), a broken line,
            whole columns instead of rows, or no rows; while rows are read, a file that turns out to be much larger than it looks.
    """
    if not path.is_file():
        raise InputError(f"{path}: {no_file(path)}; name a table ({', '.join(SUFFIXES)})")
    with readable(path):
        kind = format_of(path)
        if kind == "parquet":
            table = parquet_stream(path)
        elif kind == "arrow":
            table = arrow_stream(path)
        elif kind == "json":
            table = json_stream(path, bad, number)
        elif kind == "csv":
            table = csv_stream(path, bad)
        else:
            raise InputError(
                f"{path}: unknown kind of table {path.suffix!r}; use {', '.join(SUFFIXES)}"
            )
    if kind == "json" and table.n_rows == 1:
        _refuse_columns(table)
    if not table.n_rows:
        raise InputError(f"{path}: has no rows; an empty source is refused")
    return table


def _refuse_columns(table: TableStream) -> None:
    """One object that holds whole columns, or rows by their numbers, is no row.

    Raises:
        InputError: it says how such a file is written as rows.
    """
    [row] = next(iter(table.batches(table.columns))).rows
    cells = list(row.values())
    by_name = [tuple(c) for c in cells if isinstance(c, dict) and c]
    lists = [c for c in cells if isinstance(c, list) and c and not any(isinstance(x, (dict, list)) for x in c)]  # fmt: skip
    # One column alone may be a list of its own: a line of a script is {"output": [rule, …]}.
    are_columns = len(cells) > 1 and {len(by_name), len(lists)} == {0, len(cells)} and len(set(by_name or map(len, lists))) == 1  # fmt: skip
    if are_columns or row.keys() == {"columns", "index", "data"}:
        raise InputError(
            f"{table.where}: one object that holds a whole table ({', '.join(table.columns[:3])}…), where an object for each row is expected; "
            "pandas writes rows with to_json(path, orient='records', lines=True)"
        )


def open_tables(
    paths: Sequence[Path], bad: list[str] | None = None, where: str | None = None
) -> TableStream:
    """Several files as one table, in their order; see `open_table`."""
    return joined_streams([open_table(p, bad) for p in paths], where)


def read_table(path: Path, bad: list[str] | None = None, number: Number = Decimal) -> Table:
    """All rows of a table file at once; see `open_table`."""
    return open_table(path, bad, number).whole()


def joined(tables: Sequence[Table], where: str | None = None) -> Table:
    """Several files as one table, in their order: rows of one id may stand in several."""
    if len(tables) == 1:
        return tables[0]
    columns = tuple(dict.fromkeys(c for t in tables for c in t.columns))
    rows = [{c: r.get(c) for c in columns} for t in tables for r in t.rows]
    return Table(where or tables[0].where, columns, rows, parts=tables)
