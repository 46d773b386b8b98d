"""Parquet and Arrow files as tables, a batch of rows at a time: what is repeated is measured before it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import InputError
from lorid_data.folders.table_packed import most_unpacked, too_large
from lorid_data.folders.table_plain import PlainCells
from lorid_data.folders.table_rows import AT_ONCE, Table, TableStream, heads_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def parquet_stream(path: Path) -> TableStream:
    """A parquet file; its index alone is read now, and the first cells of a few columns."""
    with _refused(path, "parquet"), _parquet(path) as file:
        _refuse_bomb(path, file.metadata)
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
        columns = _names(path, schema)

    def batches(wanted: Sequence[str]) -> Iterator[Table]:
        with _refused(path, "parquet"), _parquet(path) as file:
            yield from _tables(path, schema, file.iter_batches(AT_ONCE, columns=list(wanted)))

    return TableStream(str(path), columns, n_rows, batches, heads_of(columns, batches))


def arrow_stream(path: Path) -> TableStream:
    """Arrow's file format, which Feather 2 is as well, or the stream that `datasets` writes."""
    with _refused(path, "Arrow"), _arrow(path) as (schema, found):
        columns, n_rows, n_bytes = _names(path, schema), 0, 0
        for batch in found:  # unpacked one after another
            n_rows += batch.num_rows
            n_bytes += batch.nbytes
            if n_bytes > (most := most_unpacked(path)):
                raise InputError(f"{path}: {too_large(most)}; write it as JSON Lines if that is meant")  # fmt: skip

    def batches(wanted: Sequence[str]) -> Iterator[Table]:
        with _refused(path, "Arrow"), _arrow(path) as (_, found):
            some = (
                b.slice(i, AT_ONCE).select(list(wanted))
                for b in found
                for i in range(0, b.num_rows, AT_ONCE)
            )
            yield from _tables(path, schema, some)

    return TableStream(str(path), columns, n_rows, batches, heads_of(columns, batches))


@contextmanager
def _refused(path: Path, kind: str) -> Iterator[None]:
    import polars as pl
    import pyarrow as pa

    what = (pa.ArrowException, OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
    try:
        yield
    except what as e:
        raise InputError(f"{path}: not a readable {kind} file ({e})") from e


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """The file, with its texts as numbers of a dictionary: one that is repeated is held once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, memory_map=True) as plain:
        kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
        texts = [f.name for f in plain.schema_arrow if any(is_kind(f.type) for is_kind in kinds)]
    with pq.ParquetFile(path, memory_map=True, read_dictionary=texts) as file:
        yield file


@contextmanager
def _arrow(path: Path) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        try:
            reader = pa.ipc.open_file(file)
            yield reader.schema, (reader.get_batch(i) for i in range(reader.num_record_batches))
        except pa.ArrowInvalid:
            file.seek(0)
            stream = pa.ipc.open_stream(file)
            yield stream.schema, iter(stream)


def _names(path: Path, schema: pa.Schema) -> tuple[str, ...]:
    names = tuple(schema.names)
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: the column {twice!r} stands twice in it")
    return names


def _tables(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[Table]:
    """Batches as rows of Python, if all so far are no more than such a file may hold."""
    import polars as pl
    import pyarrow as pa

    most, n_bytes, first = most_unpacked(path), 0, 0
    columns, plain = tuple(schema.names), PlainCells(schema)
    for batch in batches:
        n_bytes += sum(map(_n_repeated, batch.columns))
        _refuse_more(path, n_bytes, most)
        whole = pa.table([_decoded(c) for c in batch.columns], names=batch.schema.names)
        frame = pl.DataFrame(pl.from_arrow(whole))
        n_bytes += _n_bytes(frame)
        rows = frame.rows(named=True)
        plain.read(rows)
        _refuse_more(path, n_bytes + plain.n_chars, most)
        yield Table(str(path), columns, rows, first=first)
        first += batch.num_rows


def _refuse_more(path: Path, n: int, most: int) -> None:
    if n > most:
        msg = f"{path}: {too_large(most)} ({n:,}): a few values that are repeated; write it as JSON Lines if that is meant"
        raise InputError(msg)


def _n_repeated(column: pa.Array) -> int:
    """What the texts of a column take beyond its dictionary, once each stands for itself."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return 0
    if not (pa.types.is_large_string(kind := column.type.value_type) or pa.types.is_string(kind) or pa.types.is_binary(kind)):  # fmt: skip
        return 0
    sizes = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(sizes).as_py() or 0)


def _decoded(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _n_bytes(frame: Any) -> int:
    """What the cells of a frame take once each is a value of its own: equal texts share their bytes."""
    import polars as pl

    n = int(frame.estimated_size())
    for name, kind in frame.schema.items():
        column = frame[name]
        if kind == pl.List(pl.String):
            column, kind = column.explode(), pl.String()
        if kind == pl.String:
            n += int(column.str.len_bytes().sum() or 0)
        elif kind == pl.Binary:
            n += int(column.bin.size().sum() or 0)
    return n


def _refuse_bomb(path: Path, index: pq.FileMetaData) -> None:
    """What the file's own index says of its size, before a page is unpacked."""
    groups = [index.row_group(i) for i in range(index.num_row_groups)]
    most = most_unpacked(path)
    # A row of a table takes a byte at the very least.
    if max(index.num_rows, sum(g.total_byte_size for g in groups)) > most:
        raise InputError(f"{path}: {too_large(most)}; write it as JSON Lines if that is meant")
