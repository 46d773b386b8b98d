"""JSON Lines, JSON and CSV as tables, a batch of rows at a time.

A file is gone through once to learn its columns and its faults, and then as often as its rows are
wanted. One list of objects, in a file `.json`, is read whole: nothing in it says where a row ends.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError
from lorid_data.folders.table_packed import opened, opened_text, readable, refuse_bad_text, unpacked
from lorid_data.folders.table_rows import AT_ONCE, Heads, RowError, Table, TableStream, stream_of
from lorid_data.texts import strict_json
from lorid_data.texts.counting import count

_DELIMITERS = (",", ";", "\t", "|")
_MOST_CELL = 2**31 - 1
"""Characters of a cell that are read; Python's own limit of 131,072 is short for a solution."""
_OF_A_ROW = frozenset({"question", "problem", "instruction", "prompt", "query", "messages", "conversations"})  # fmt: skip
"""Keys of an object that is one row, whatever lists it holds."""
Bad = list[str] | None
"""Where a line that cannot be read is told, with its place; None refuses the file."""
Number = Callable[[str], Any]
Numbered = Iterator[tuple[int, Mapping[str, Any] | str]]
"""Lines that hold a row, each with its number; a text instead of the row says why it cannot be read."""


def json_stream(path: Path, bad: Bad, number: Number = Decimal) -> TableStream:
    """JSON Lines; or, in a file `.json`, one list of objects, or an object that holds one.

    A number with a point or an exponent is a `Decimal`, which keeps every digit, unless `number` makes
    something else of it.
    """

    def lines(path: Path) -> Numbered:
        return _json_lines(path, number)

    with readable(path):
        held = _read_whole(path, bad, number) if unpacked(path).endswith(".json") else None
        if held is not None:
            return stream_of(held)
        columns: dict[str, None] = {}
        heads, n_rows = Heads(), 0
        for _, row in _kept(path, lines(path), bad):
            columns.update(dict.fromkeys(row))
            heads.see([row])
            n_rows += 1
    names = tuple(columns)
    return TableStream(str(path), names, n_rows, _again(path, names, lines), heads.found)


def csv_stream(path: Path, bad: Bad) -> TableStream:
    """Cells between commas, semicolons, tabs or bars, below a line of names."""
    with readable(path):
        delimiter, header = _header(path)

        def lines(path: Path) -> Numbered:
            return _csv_lines(path, delimiter)

        heads, n_rows = Heads(), 0
        for _, row in _kept(path, lines(path), bad):
            heads.see([row])
            n_rows += 1
    return TableStream(str(path), header, n_rows, _again(path, header, lines), heads.found)


def _kept(path: Path, lines: Numbered, bad: Bad) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows that can be read; the others are told, or end the reading."""
    for n, row in lines:
        if not isinstance(row, str):
            yield n, row
        elif bad is None:
            refuse_bad_text(path)  # a file that is no text says that first
            raise RowError(row)
        else:
            bad.append(row)


def _again(
    path: Path, columns: tuple[str, ...], lines: Callable[[Path], Numbered]
) -> Callable[[Sequence[str]], Iterator[Table]]:
    """The rows of a file whose faults are known, from the first on at every call."""

    def batches(wanted: Sequence[str]) -> Iterator[Table]:
        rows: list[Mapping[str, Any]] = []
        numbers: list[int] = []
        with readable(path):
            for n, row in lines(path):
                if isinstance(row, str):
                    continue
                rows.append({c: row.get(c) for c in wanted})
                numbers.append(n)
                if len(rows) == AT_ONCE:
                    yield Table(str(path), columns, rows, numbers)
                    rows, numbers = [], []
        if rows:
            yield Table(str(path), columns, rows, numbers)

    return batches


def _json_lines(path: Path, number: Number) -> Numbered:
    with opened_text(path, "\n") as text:
        for n, line in enumerate(text, start=1):
            if not line.strip():
                continue
            try:
                row = strict_json.parse(line.removesuffix("\n"), number=number)
            except ValueError as e:
                yield n, f"{path}:{n}: not valid JSON ({e}); one object a line is expected"
                continue
            if isinstance(row, dict):
                yield n, row
            else:
                yield n, f"{path}:{n}: a {type(row).__name__}, where an object is expected"


def _read_whole(path: Path, bad: Bad, number: Number) -> Table | None:
    """The rows of one list, or of one object that holds a list; None where the file is JSON Lines."""
    if _first_sign(path) not in ("[", "{") or _is_lines(path):
        return None
    with opened(path) as file:
        data = file.read()
    text = _decoded(path, data)
    body: Any = None
    try:
        body = strict_json.parse(text, number=number)
    except (ValueError, RecursionError) as e:
        if text.lstrip()[:1] == "[":
            raise InputError(f"{path}: not valid JSON ({e})") from e
    name, found = ("", body) if isinstance(body, list) else _held(path, body)
    if found is None:
        return None
    rows: list[Mapping[str, Any]] = []
    for i, row in enumerate(found):
        if isinstance(row, dict):
            rows.append(row)
            continue
        said = f"{path}{name}, row {i}: a {type(row).__name__}, where an object is expected"
        if bad is None:
            raise RowError(said)
        bad.append(said)
    columns = tuple(dict.fromkeys(c for row in rows for c in row))
    return Table(str(path), columns, [{c: r.get(c) for c in columns} for r in rows])


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        refuse_bad_text(path)
        raise InputError(f"{path}: {e}; save the file as UTF-8") from e


def _first_sign(path: Path) -> str:
    with opened_text(path, "\n") as text:
        return next((line.lstrip()[:1] for line in text if line.strip()), "")


def _is_lines(path: Path) -> bool:
    """Whether the first line that is not blank is an object by itself, and not the last one."""
    with opened_text(path, "\n") as text:
        lines = (line for line in text if line.strip())
        try:
            first = strict_json.parse(next(lines, "").removesuffix("\n"), number=Decimal)
        except ValueError:
            return False
        return isinstance(first, dict) and next(lines, None) is not None


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


def _header(path: Path) -> tuple[str, tuple[str, ...]]:
    """What separates the cells, and the names of the columns.

    Of four signs it is the one by which the first line has most cells; a comma first.
    """

    def first(sign: str) -> tuple[str, ...]:
        with _reading_csv(path, sign) as reader:
            try:
                return tuple(next(reader, ()))
            except csv.Error:
                return ()

    delimiter = max(_DELIMITERS, key=lambda sign: len(first(sign)))
    header = first(delimiter)
    if len(set(header)) != len(header):
        refuse_bad_text(path)
        raise InputError(f"{path}:1: a column name stands twice in {list(header)}")
    return delimiter, header


@contextmanager
def _reading_csv(path: Path, delimiter: str) -> Iterator[Any]:
    before = csv.field_size_limit(_MOST_CELL)
    try:
        with opened_text(path, "") as text:
            yield csv.reader(text, delimiter=delimiter, strict=True)
    finally:
        csv.field_size_limit(before)


def _csv_lines(path: Path, delimiter: str) -> Numbered:
    sign = "commas" if delimiter == "," else f"the separator {delimiter!r}"
    with _reading_csv(path, delimiter) as reader:
        try:
            header = tuple(next(reader, ()))
            start = reader.line_num
            for cells in reader:
                n, start = start + 1, reader.line_num
                if cells and len(cells) != len(header):
                    yield (
                        n,
                        (
                            f"{path}:{n}: {count(len(cells), 'cell')}, where the header has {len(header)}; "
                            f"quote cells that hold {sign}"
                        ),
                    )
                elif cells:
                    yield n, dict(zip(header, cells, strict=True))
        except csv.Error as e:
            raise InputError(f"{path}:{reader.line_num}: not valid CSV ({e})") from e
