"""A dataset folder as batches of rows: read a few at a time, and written as they come.

What is in memory is a batch, and what the writer waits with until a row group is full; of all rows
only 8 bytes each, while their ids are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.files import atomic_path
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import RowFile, arrow_schema, read_frame, table_of
from lorid_data.folders.readme import write_readme
from lorid_data.folders.row_ids import repeated
from lorid_data.folders.stage import Stage
from lorid_data.folders.verified import verify_file
from lorid_data.schema import ADDED_LATER, FrozenModel, Manifest, Record, Reject

BATCH = 512
"""Rows of a batch: enough for a process to be busy with, few enough to be held several times over."""

_NEEDED = frozenset(n for n, a in Record.__annotations__.items() if "None" not in str(a))
"""Columns in which every record has a value."""


def iter_batches(folder: Path, *, at_once: int = BATCH) -> Iterator[list[Record]]:
    """The records of a finished dataset folder, in batches of at most `at_once` rows.

    Raises:
        InputError: the folder has no manifest (unfinished, or not a dataset folder), its rows
            have changed since, an id stands twice in it, or a row is no record.
    """
    for table in iter_tables(folder, at_once=at_once):
        yield records_of(table, folder)


def iter_tables(folder: Path, *, at_once: int = BATCH) -> Iterator[Any]:
    """As `iter_batches`, each batch an Arrow table with the columns of `Record`: what processes hand on cheaply.

    That its rows are records is said by `records_of`, and only for a folder of an earlier release by this.
    """
    with _open(folder) as file:
        _refuse_repeated(folder, file)
        _refuse_columns(folder, file.schema_arrow.names)
        schema = arrow_schema(Record)
        for table in _tables(file, at_once, None):
            is_of_now = table.schema.equals(schema) and not _has_gaps(table)
            yield table if is_of_now else table_of(Record, records_of(table, folder))


def iter_columns(folder: Path, names: Sequence[str], *, at_once: int = BATCH) -> Iterator[Any]:
    """Some columns of a finished dataset folder as Arrow tables, for a pass that needs no more.

    Raises:
        InputError: the folder has no manifest, its rows have changed since, or a column is not
            there, of another type, or lacks a value that every record has.
    """
    with _open(folder) as file:
        _refuse_columns(folder, file.schema_arrow.names)
        wrong = [n for n in names if not _is_column(file.schema_arrow, n)]
        for table in () if wrong else _tables(file, at_once, list(names)):
            wrong = [n for n in names if n in _NEEDED and table[n].null_count]
            if wrong:
                break
            yield table
        if wrong:
            msg = f"{folder / RECORDS}: columns {wrong} are not there, of another type, or lack values"
            raise InputError(f"{msg}; this is no file of records")


def with_column(table: Any, name: str, values: Sequence[Any]) -> Any:
    """An Arrow table of records with other values in one of its columns, or with that column at its end."""
    import pyarrow as pa

    column = pa.array(values, arrow_schema(Record).field(name).type)
    at = table.schema.get_field_index(name)
    return table.append_column(name, column) if at < 0 else table.set_column(at, name, column)


def n_records(folder: Path) -> int:
    """How many rows a finished dataset folder has, by its file's own index."""
    with _open(folder) as file:
        return int(file.metadata.num_rows)


def records_of(table: Any, where: Path | str = "a table") -> list[Record]:
    """The rows of an Arrow table as records.

    Args:
        table: with the columns of `Record`.
        where: the folder, for the message.

    Raises:
        InputError: a row is no record.
    """
    try:
        return [Record.model_validate(row) for row in table.to_pylist()]
    except ValidationError as e:
        first = e.errors()[0]
        row = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: a row is no record ({row}: {first['msg']})") from e
    except ValueError as e:  # bytes that are no text
        raise InputError(f"{where}: a row is no record ({e})") from e


@contextmanager
def _open(folder: Path) -> Iterator[Any]:
    """The file of records of a finished folder, compared with its manifest; read in pieces, never mapped."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    read_manifest(folder)
    path = folder / RECORDS
    if not path.is_file():
        read_frame(path)  # says what is missing
    verify_file(path)
    try:
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: not a readable parquet file ({e})") from e


def _tables(file: Any, at_once: int, columns: list[str] | None) -> Iterator[Any]:
    import pyarrow as pa

    for batch in file.iter_batches(batch_size=at_once, columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch])


def _is_column(schema: Any, name: str) -> bool:
    at = schema.get_field_index(name)
    return at >= 0 and bool(schema.field(at).type == arrow_schema(Record).field(name).type)


def _has_gaps(table: Any) -> bool:
    """Whether a row lacks a value that every record has; which, its type says when it is made one."""
    return any(table[n].null_count for n in _NEEDED) or bool(
        table["provenance"].combine_chunks().field("teacher").null_count
    )


def _refuse_columns(folder: Path, names: Sequence[str]) -> None:
    needed = [n for n in Record.__annotations__ if n not in ADDED_LATER]
    missing = [n for n in needed if n not in names]
    if missing:
        msg = f"{folder / RECORDS}: missing columns {missing}; this is no file of {Record.__name__} rows"
        raise InputError(msg)


def _refuse_repeated(folder: Path, file: Any) -> None:
    """Raise an `InputError` that names a row_id which stands twice: by 8 bytes of each, then those alike in full."""
    import numpy as np
    import polars as pl

    def ids() -> Iterator[pl.Series]:
        for table in _tables(file, 1 << 14, ["row_id"]):
            yield pl.Series(pl.from_arrow(table["row_id"]))

    if "row_id" not in file.schema_arrow.names:
        return
    hashes = [some.hash().to_numpy() for some in ids()]
    alike = repeated(np.concatenate(hashes)) if hashes else set()
    if not alike:
        return
    n_of: Counter[str] = Counter()
    for some in ids():
        n_of.update(some.filter(some.hash().is_in(list(alike))).to_list())
    twice = [row_id for row_id, n in n_of.items() if n > 1]
    if twice:
        raise InputError(duplicated(folder, twice[0]))


def duplicated(folder: Path, row_id: str) -> str:
    """The sentence for a row_id that stands twice."""
    return f"{folder / RECORDS}: row_id {row_id!r} is duplicated; row ids must be unique, since rejects and joins name rows by them"


class DatasetWriter:
    """The two tables of a dataset stage, written as their rows come. Use as a context manager, and `finish` in it.

    Until then nothing has a name: left by an error or a kill, the folder is as it was.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._files = ExitStack()
        self._splits: set[str] = set()
        self._n_rejected: Counter[str] = Counter()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # The last that is entered is named first: rejects are, then records, then the manifest.
            self._kept = self._begun(stack, RECORDS, Record)
            self._rejected = self._begun(stack, REJECTS, Reject)
            self._files = stack.pop_all()
        self._is_finished = False
        return self

    def _begun(self, stack: ExitStack, name: str, kind: type[FrozenModel]) -> RowFile:
        path = self._stage.out / name
        return RowFile(stack.enter_context(atomic_path(path)), kind, path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_finished:
            self._kept.abandon()
            self._rejected.abandon()
            self._files.__exit__(kind or _Unfinished, error or _Unfinished(), trace)

    def keep(self, rows: Iterable[Record] | Any) -> None:
        """Add kept rows: records, or an Arrow table with their columns."""
        import pyarrow as pa

        if isinstance(rows, pa.Table):
            self._splits.update(rows["split"].unique().to_pylist())
        else:
            rows = self._noted(rows)
        self._kept.add(rows)

    def reject(self, rows: Iterable[Reject] | Any) -> None:
        """Add rejected rows: rejects, or an Arrow table with their columns."""
        import pyarrow as pa

        if isinstance(rows, pa.Table):
            for value in rows["reason"].value_counts().to_pylist():
                self._n_rejected[value["values"]] += value["counts"]
        else:
            rows = self._counted(rows)
        self._rejected.add(rows)

    def _noted(self, rows: Iterable[Record]) -> Iterator[Record]:
        for row in rows:
            self._splits.add(row.split)
            yield row

    def _counted(self, rows: Iterable[Reject]) -> Iterator[Reject]:
        for row in rows:
            self._n_rejected[row.reason] += 1
            yield row

    def finish(self, *, n_in: int) -> Manifest:
        """Give both tables their names, write the README, then the manifest with the stage's `figures`.

        Raises:
            StageError: kept + rejected is not `n_in`, the rows that the stage was given; or a file
                could not be written.
        """
        self._kept.close()
        self._rejected.close()
        self._is_finished = True
        self._files.close()
        write_readme(self._stage.out, self._splits, has_rejects=bool(self._rejected.n_rows))
        return self._stage.finish(n_in=n_in, n_kept=self._kept.n_rows, n_rejected=self._n_rejected)


class _Unfinished(Exception):  # noqa: N818  (never seen: it tells the temporary files to go)
    """A block that ended without `finish`."""
