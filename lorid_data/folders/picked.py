"""Some rows of a parquet file, by their ids or their places, or all of them in passing: no more of it is held than these."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.parquet import read_frame
from lorid_data.folders.verified import verify_file
from lorid_data.schema import ADDED_LATER, FrozenModel

_R = TypeVar("_R", bound=FrozenModel)
_AT_ONCE = 512


def pick_rows(path: Path, kind: type[_R], row_ids: Collection[str]) -> list[_R]:
    """The rows with these ids, in the order of the file.

    Raises:
        InputError: the file cannot be read, or its columns are not those of `kind`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(list(row_ids), pa.string())
    return _rows(
        path,
        kind,
        (
            t.filter(pc.is_in(t["row_id"].cast(pa.string()), value_set=wanted))
            for t in tables(path, kind)
        ),
    )


def pick_places(path: Path, kind: type[_R], places: Collection[int]) -> list[_R]:
    """The rows at these places (from 0), in the order of the file.

    Raises:
        InputError: as `pick_rows`.
    """
    return _rows(path, kind, _at(path, kind, sorted(places)))


def _at(path: Path, kind: type[FrozenModel], places: list[int]) -> Iterator[Any]:
    begin = i = 0
    for table in tables(path, kind):
        here = []
        while i < len(places) and places[i] < begin + len(table):
            here.append(places[i] - begin)
            i += 1
        yield table.take(here)
        begin += len(table)


def iter_rows(path: Path, kind: type[_R]) -> Iterator[_R]:
    """All rows in their order, of which a few are held at a time.

    Raises:
        InputError: as `pick_rows`.
    """
    yield from _each(path, kind, tables(path, kind))


def _rows(path: Path, kind: type[_R], found: Iterator[Any]) -> list[_R]:
    return list(_each(path, kind, found))


def _each(path: Path, kind: type[_R], found: Iterator[Any]) -> Iterator[_R]:
    for table in found:
        try:
            rows = [kind.model_validate(row) for row in table.to_pylist()]
        except ValidationError as e:
            msg = f"{path}: {e.errors()[0]['loc']}: {e.errors()[0]['msg']}"
            raise InputError(msg) from e
        yield from rows


def n_rows(path: Path) -> int:
    """How many rows a parquet file has, by its own index.

    Raises:
        InputError: it cannot be read.
    """
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def tables(
    path: Path, kind: type[FrozenModel], columns: Collection[str] | None = None
) -> Iterator[Any]:
    """A parquet file as Arrow tables of a bounded size.

    Args:
        path: the file.
        kind: the type of its rows.
        columns: which ones; by default those of `kind`. Columns that an earlier release did not write are left out.

    Raises:
        InputError: it cannot be read, has changed since its manifest was written, or lacks a column.
    """
    import pyarrow as pa

    with _opened(path) as file:
        there = file.schema_arrow.names
        missing = [n for n in kind.__annotations__ if n not in there and n not in ADDED_LATER]
        if missing:
            msg = f"{path}: missing columns {missing}; this is no file of {kind.__name__} rows"
            raise InputError(msg)
        names = [n for n in columns or kind.__annotations__ if n in there]
        try:
            for batch in file.iter_batches(batch_size=_AT_ONCE, columns=names, use_threads=False):
                yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as e:
            raise InputError(f"{path}: not a readable parquet file ({e})") from e


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        read_frame(path)  # says what is missing
    verify_file(path)
    try:
        return pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: not a readable parquet file ({e})") from e
