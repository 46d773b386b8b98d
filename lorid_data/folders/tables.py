"""Any parquet, Arrow, JSON, JSON Lines or CSV file as rows of columns; says where each row stands.

Text is taken as it is. A file that cannot be read as UTF-8 is refused with its line.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError
from lorid_data.texts import strict_json
from lorid_data.texts.counting import count

_FORMATS = {
    ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow",
    ".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv", ".tsv": "csv",
}  # fmt: skip
_PACKED = (".gz", ".zst")
"""How a text file may be packed, beside its own name: `rows.jsonl.zst`."""
SUFFIXES = (
    *_FORMATS,
    *(f"{s}{p}" for s in (".jsonl", ".json", ".csv", ".tsv") for p in _PACKED),
)
_DELIMITERS = (",", ";", "\t", "|")
_MOST_CELL = 2**31 - 1
"""Characters of a cell that are read; Python's own limit of 131,072 is short for a solution."""
_OF_A_ROW = frozenset({"question", "problem", "instruction", "prompt", "query", "messages", "conversations"})  # fmt: skip
"""Keys of an object that is one row, whatever lists it holds."""
_MOST_UNPACKED, _MOST_TIMES = 64 * 2**20, 100
"""Bytes that any packed table may become, and how many times its size a larger one may."""
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
        parts: the tables that this one is made of, one behind the other, where it is of several files.
    """

    where: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[int] | None = None
    parts: Sequence[Table] = ()

    def place(self, i: int) -> str:
        """Where row `i` (from 0) stands, for messages."""
        for part in self.parts:
            if i < len(part.rows):
                return part.place(i)
            i -= len(part.rows)
        return f"{self.where}:{self.lines[i]}" if self.lines else f"{self.where}, row {i}"


def joined(tables: Sequence[Table], where: str | None = None) -> Table:
    """Several files as one table, in their order: rows of one id may stand in several."""
    if len(tables) == 1:
        return tables[0]
    columns = tuple(dict.fromkeys(c for t in tables for c in t.columns))
    rows = [{c: r.get(c) for c in columns} for t in tables for r in t.rows]
    return Table(where or tables[0].where, columns, rows, parts=tables)


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


def unpacked(path: Path) -> str:
    """The name of a file without what says how it is packed."""
    return next((path.name.removesuffix(p) for p in _PACKED if path.name.endswith(p)), path.name)


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
        elif kind == "arrow":
            table = _read_arrow(path)
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
    return _bad_line(path.read_bytes())


def _bad_line(data: bytes) -> tuple[int, str] | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        return data.count(b"\n", 0, e.start) + 1, f"byte 0x{data[e.start]:02x} is not UTF-8"
    return None


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as e:
        line, reason = _bad_line(data) or (0, str(e))
        raise InputError(f"{path}:{line}: {reason}; save the file as UTF-8") from e


def _bytes(path: Path) -> bytes:
    if not path.name.endswith(_PACKED):
        return path.read_bytes()
    most = most_unpacked(path)
    pieces, n_bytes = [], 0
    with _unpacking(path) as file:
        while piece := file.read(1 << 20):
            pieces.append(bytes(piece))
            n_bytes += len(piece)
            if n_bytes > most:
                raise InputError(f"{path}: {_too_large(most)}; unpack it if that is meant, and name the file")  # fmt: skip
    return b"".join(pieces)


@contextmanager
def _unpacking(path: Path) -> Iterator[Any]:
    """A packed file as it is unpacked."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            yield file
        return
    import pyarrow as pa

    with pa.OSFile(str(path)) as packed, pa.CompressedInputStream(packed, "zstd") as stream:
        yield stream


def most_unpacked(path: Path) -> int:
    """How many bytes a packed file may become: a file that multiplies itself by more is no table."""
    return max(_MOST_UNPACKED, _MOST_TIMES * path.stat().st_size)


def _too_large(most: int) -> str:
    return f"unpacked, it is larger than {most:,} bytes, {_MOST_TIMES} times what it is packed"


def _refused(message: str, bad: list[str] | None) -> None:
    """A row that cannot be read: told where it is wanted, else the end of the file's reading."""
    if bad is None:
        raise RowError(message)
    bad.append(message)


def _read_json(path: Path, data: bytes, bad: list[str] | None) -> Table:
    """JSON Lines; or, in a file `.json`, one list of objects, or an object that holds one."""
    text = _decode(path, data)
    start = text.lstrip()[:1] if unpacked(path).endswith(".json") else ""
    body: Any = None
    if start in ("[", "{"):
        try:
            body = strict_json.parse(text)
        except (ValueError, RecursionError) as e:
            if start == "[":
                raise InputError(f"{path}: not valid JSON ({e})") from e
    name, found = ("", body) if isinstance(body, list) else _held(path, body)
    if found is None:
        return _read_jsonl(path, text, bad)
    rows: list[Mapping[str, Any]] = []
    for i, row in enumerate(found):
        if isinstance(row, dict):
            rows.append(row)
        else:
            _refused(
                f"{path}{name}, row {i}: a {type(row).__name__}, where an object is expected", bad
            )
    return _of_rows(path, rows, None)


def _held(path: Path, body: object) -> tuple[str, list[Any] | None]:
    """The one list of objects that an object holds, with its name; none where it is a row itself."""
    if not isinstance(body, dict) or _OF_A_ROW & {str(k).lower() for k in body}:
        return "", None
    lists = {k: v for k, v in body.items() if isinstance(v, list) and v and all(isinstance(x, dict) for x in v)}  # fmt: skip
    if len(lists) > 1:
        raise InputError(
            f"{path}: holds several lists of rows ({', '.join(map(repr, lists))}); save each as a file of its own, "
            "named after its split where they are splits"
        )
    return next(((f" ({k!r})", v) for k, v in lists.items()), ("", None))


def _read_jsonl(path: Path, text: str, bad: list[str] | None) -> Table:
    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    for n, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = strict_json.parse(line)
        except ValueError as e:
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


def _n_bytes(frame: Any) -> int:
    """What the cells of a frame take once each is a value of its own: equal texts share their bytes."""
    import polars as pl

    n = int(frame.estimated_size())
    for name, kind in frame.schema.items():
        column = frame[name]
        if kind == pl.List(pl.String):
            column, kind = column.explode(), pl.String()
        elif kind in (pl.Categorical, pl.Enum):
            column, kind = column.cast(pl.String), pl.String()
        if kind == pl.String:
            n += int(column.str.len_bytes().sum() or 0)
        elif kind == pl.Binary:
            n += int(column.bin.size().sum() or 0)
    return n


def _refuse_bomb(path: Path) -> None:
    """What the file's own index says of its size, before a page is unpacked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        index = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: not a readable parquet file ({e})") from e
    groups = [index.row_group(i) for i in range(index.num_row_groups)]
    most = most_unpacked(path)
    # A row of a table takes a byte at the very least.
    if max(index.num_rows, sum(g.total_byte_size for g in groups)) > most:
        raise InputError(f"{path}: {_too_large(most)}; write it as JSON Lines if that is meant")


def _read_parquet(path: Path) -> Table:
    import polars as pl

    try:
        _refuse_bomb(path)
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as e:
        raise InputError(f"{path}: not a readable parquet file ({e})") from e
    return _of_frame(path, frame)


def _of_frame(path: Path, frame: Any) -> Table:
    if (n := _n_bytes(frame)) > (most := most_unpacked(path)):
        msg = f"{path}: {_too_large(most)} ({n:,}): a few values that are repeated; write it as JSON Lines if that is meant"
        raise InputError(msg)
    return Table(str(path), tuple(frame.columns), frame.rows(named=True))


def _read_arrow(path: Path) -> Table:
    """Arrow's file format, which Feather 2 is as well, or the stream that `datasets` writes."""
    import polars as pl
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as file:
            try:
                reader = pa.ipc.open_file(file)
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            except pa.ArrowInvalid:
                file.seek(0)
                reader = batches = pa.ipc.open_stream(file)
            kept, n_bytes = [], 0
            for batch in batches:  # unpacked one after another
                kept.append(batch)
                n_bytes += batch.nbytes
                if n_bytes > (most := most_unpacked(path)):
                    raise InputError(f"{path}: {_too_large(most)}; write it as JSON Lines if that is meant")  # fmt: skip
            return _of_frame(path, pl.from_arrow(pa.Table.from_batches(kept, reader.schema)))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as e:
        raise InputError(f"{path}: not a readable Arrow file ({e})") from e
