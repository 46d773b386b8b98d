"""Rows of one type as parquet, in both directions; no file is held as one whole to be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from lorid_data.errors import InputError, StageError
from lorid_data.folders.files import atomic_path
from lorid_data.folders.paths import no_file
from lorid_data.folders.verified import verify_file
from lorid_data.pass_rates import PassRate
from lorid_data.schema import ADDED_LATER, FrozenModel

if TYPE_CHECKING:
    import polars as pl

_R = TypeVar("_R", bound=FrozenModel)


def frame_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """The polars schema of a row type; struct for provenance, lists of strings for lists."""
    import polars as pl

    text, number, real = pl.String(), pl.Int64(), pl.Float64()
    by_annotation: dict[str, Any] = {
        "int": number,
        "int | None": number,
        "float": real,
        "float | None": real,
        "bool": pl.Boolean(),
        "bool | None": pl.Boolean(),
        "tuple[str, ...]": pl.List(text),
    }

    def column(annotation: str) -> Any:
        if annotation == "Provenance":
            from lorid_data.schema import Provenance

            return pl.Struct(frame_schema(Provenance))
        if annotation == "tuple[PassRate, ...] | None":
            return pl.List(pl.Struct(frame_schema(PassRate)))
        return by_annotation.get(annotation, text)

    return {name: column(str(a)) for name, a in kind.__annotations__.items()}


@cache
def arrow_schema(kind: type[BaseModel]) -> Any:
    """The Arrow schema that a file of these rows is read with: `frame_schema` in types that every reader knows."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    empty = pl.DataFrame(schema=frame_schema(kind)).to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.BufferOutputStream() as file:
        pq.write_table(empty, file)  # parquet has a name of its own for the values of a list
        return pq.read_schema(pa.BufferReader(file.getvalue())).remove_metadata()


def table_of(kind: type[BaseModel], rows: Iterable[BaseModel]) -> Any:
    """Rows of one type as an Arrow table, in the type's column order."""
    import pyarrow as pa

    dumped = [r.model_dump(mode="json") for r in rows]
    return pa.Table.from_pylist(dumped, schema=arrow_schema(kind))


ROW_GROUP = 4096
"""Rows of a row group: what a writer holds, and a reader has to unpack at once."""
_AT_ONCE = 512


class RowFile:
    """A parquet file that is being written: row groups of `ROW_GROUP` rows, whatever comes in at once.

    The same rows give the same bytes, as objects or as tables, one by one or all together.
    """

    def __init__(self, path: Path, kind: type[FrozenModel], name: Path | None = None) -> None:
        """Begin the file.

        Args:
            path: where it is written for now.
            kind: the type of its rows.
            name: what it will be called, for messages; by default `path`.

        Raises:
            OSError: it cannot be made.
        """
        import pyarrow.parquet as pq

        self._kind, self._schema, self._name = kind, arrow_schema(kind), name or path
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._objects: list[FrozenModel] = []
        self._waiting: list[Any] = []
        self._n_waiting = 0
        self.n_rows = 0
        """Rows of the file, once it is closed."""

    def add(self, rows: Iterable[FrozenModel] | Any) -> None:
        """Add rows: objects of the type, or an Arrow table with its columns.

        Raises:
            StageError: it could not be written.
        """
        import pyarrow as pa

        if isinstance(rows, pa.Table):
            self._take_objects()
            self._take(rows.select(self._schema.names).cast(self._schema))
            return
        for row in rows:
            self._objects.append(row)
            if len(self._objects) == _AT_ONCE:
                self._take_objects()

    def _take_objects(self) -> None:
        if self._objects:
            self._take(table_of(self._kind, self._objects))
            self._objects = []

    def _take(self, table: Any) -> None:
        self.n_rows += len(table)
        while len(table):
            part = table.slice(0, ROW_GROUP - self._n_waiting)
            table = table.slice(len(part))
            self._waiting.append(part)
            self._n_waiting += len(part)
            if self._n_waiting == ROW_GROUP:
                self._write()

    def _write(self) -> None:
        import pyarrow as pa

        # One chunk: where pieces end would decide where the pages of the file do.
        whole = pa.concat_tables([self._schema.empty_table(), *self._waiting]).combine_chunks()
        self._waiting, self._n_waiting = [], 0
        with writing(self._name):
            self._file.write_table(whole, row_group_size=ROW_GROUP)

    def close(self) -> None:
        """Write what is left and the file's index. A file without rows has one row group of none.

        Raises:
            StageError: it could not be written.
        """
        self._take_objects()
        if self._n_waiting or not self.n_rows:
            self._write()
        with writing(self._name):
            self._file.close()

    def abandon(self) -> None:
        """Write no more: what is there is not wanted."""
        with suppress(Exception):  # its index is written where there is room, and nobody reads it
            self._file.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of a library's error in writing a file what most likely is the matter."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as e:
        if isinstance(e, OSError) and e.filename is not None:
            raise
        raise cannot_be_written(path, e) from e


def cannot_be_written(path: Path, error: Exception) -> StageError:
    """The sentence for a table that a library could not write: it says neither why nor where by itself."""
    msg = f"{path}: cannot be written whole ({error}); most likely the disk is full: make room and run the same command again"
    return StageError(msg)


def write_rows(path: Path, kind: type[FrozenModel], rows: Iterable[FrozenModel]) -> None:
    """Write rows of one type as zstd parquet, atomically, in the type's column order.

    Raises:
        StageError: it could not be written.
        OSError: the file cannot be made.
    """
    with row_file(path, kind) as file:
        file.add(rows)


@contextmanager
def row_file(path: Path, kind: type[FrozenModel]) -> Iterator[RowFile]:
    """As `write_rows`, for rows that come one after another: the file has its name once the block has ended without an error.

    Raises:
        StageError: it could not be written.
        OSError: the file cannot be made.
    """
    with atomic_path(path) as tmp:
        file = RowFile(tmp, kind, path)
        try:
            yield file
            file.close()
        except BaseException:
            file.abandon()
            raise


def write_frame(path: Path, frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> None:
    """Write a frame as zstd parquet, atomically.

    Raises:
        StageError: polars could not write it: it says neither why nor where by itself.
        OSError: the file cannot be made, or the disk is full.
    """
    import polars as pl

    with atomic_path(path) as tmp:
        try:
            frame.write_parquet(tmp, compression="zstd", metadata=metadata)
        except pl.exceptions.PolarsError as e:
            raise cannot_be_written(path, e) from e


def read_frame(path: Path) -> pl.DataFrame:
    """A parquet file as a polars frame.

    Raises:
        InputError: it does not exist, is not parquet, or belongs to a finished folder and is not
            what its manifest says.
    """
    import polars as pl

    if not path.is_file():
        msg = f"{path}: {no_file(path)}; name a folder that a stage of lorid-data has finished"
        raise InputError(msg)
    verify_file(path)
    try:
        return pl.read_parquet(path, glob=False)  # a name may hold [ or *
    except (pl.exceptions.PolarsError, OSError) as e:
        msg = f"{path}: not a readable parquet file ({e})"
        raise InputError(msg) from e


def parquet_columns(path: Path) -> list[str]:
    """Names of a parquet file's columns, from its schema alone; none where it is no such file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        return []


def with_added(frame: pl.DataFrame, kind: type[FrozenModel]) -> pl.DataFrame:
    """A frame of an earlier release with the columns that its rows have since been given, empty."""
    import polars as pl

    added = [n for n in ADDED_LATER if n in kind.__annotations__ and n not in frame.columns]
    schema = frame_schema(kind)
    return frame.with_columns(
        pl.lit(None if "None" in str(kind.__annotations__[n]) else [], dtype=schema[n]).alias(n)
        for n in added
    )


def read_rows(path: Path, kind: type[_R]) -> list[_R]:
    """The rows of a parquet file, checked against the row type.

    Args:
        path: the file.
        kind: the type of its rows.

    Raises:
        InputError: the file cannot be read, or its columns are not those of `kind`.
    """
    frame = with_added(read_frame(path), kind)
    missing = [name for name in kind.__annotations__ if name not in frame.columns]
    if missing:
        msg = f"{path}: missing columns {missing}; this is no file of {kind.__name__} rows"
        raise InputError(msg)
    try:
        return [kind.model_validate(row) for row in frame.iter_rows(named=True)]
    except ValidationError as e:
        msg = f"{path}: {e.errors()[0]['loc']}: {e.errors()[0]['msg']}"
        raise InputError(msg) from e
