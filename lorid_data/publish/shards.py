"""Parquet in shards of a bounded size, written row by row, with a hash of the content.

The hash does not depend on how the rows are stored: whoever loads them can compute it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.schema import FrozenModel, canonical_json

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_SHARD_BYTES = 500_000_000
"""Largest shard, in bytes."""
_GROUP_BYTES = 16_000_000
"""A row group holds about so much, uncompressed: what a reader needs in memory at once."""
_BATCH_ROWS = 1000


class SplitFacts(FrozenModel):
    """What was written of one configuration and split."""

    n_rows: int
    content_sha256: str
    """Over the rows in order, each as canonical JSON and a line feed; see `hash_rows`."""
    n_bytes: int
    """Of the rows in memory (Arrow)."""
    download_bytes: int
    """Of the files."""
    n_files: int


def hash_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Number and content hash of rows, in their order.

    sha256 over `json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` and a
    line feed, in UTF-8, of each row.
    """
    digest = hashlib.sha256()
    n = 0
    for row in rows:
        digest.update(canonical_json(row).encode() + b"\n")
        n += 1
    return n, digest.hexdigest()


@dataclass(slots=True)
class ShardWriter:
    """The shards of one configuration and split; use `add`, then `close`.

    Attributes:
        folder: of the configuration; made with the first row.
        split: name of the split.
        schema: of the rows.
        max_bytes: largest shard.
    """

    folder: Path
    split: str
    schema: pa.Schema
    max_bytes: int = MAX_SHARD_BYTES
    _digest: Any = field(default_factory=hashlib.sha256)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _tables: list[pa.Table] = field(default_factory=list)
    _held_bytes: int = 0
    _n_rows: int = 0
    _n_bytes: int = 0
    _n_shards: int = 0
    _sink: pa.NativeFile | None = None
    _writer: pq.ParquetWriter | None = None
    _in_shard: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Write one row."""
        self._digest.update(canonical_json(row).encode() + b"\n")
        self._rows.append(row)
        self._n_rows += 1
        if len(self._rows) == _BATCH_ROWS:
            self._take()

    def close(self) -> SplitFacts:
        """Finish the last shard and give the files their names.

        Raises:
            ValueError: no row was added; such a split cannot be loaded.
        """
        if not self._n_rows:
            raise ValueError(f"{self.folder}: no rows in {self.split!r}")
        self._take()
        self._flush()
        self._end_shard()
        n_bytes = 0
        for i in range(self._n_shards):
            path = self._part(i)
            name = f"{self.split}-{i:05d}-of-{self._n_shards:05d}.parquet"
            n_bytes += path.stat().st_size
            path.replace(self.folder / name)
        return SplitFacts(
            n_rows=self._n_rows,
            content_sha256=self._digest.hexdigest(),
            n_bytes=self._n_bytes,
            download_bytes=n_bytes,
            n_files=self._n_shards,
        )

    def _take(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        table = pa.Table.from_pylist(self._rows, schema=self.schema)
        self._rows = []
        self._tables.append(table)
        self._held_bytes += table.nbytes
        self._n_bytes += table.nbytes
        if self._held_bytes >= min(_GROUP_BYTES, self.max_bytes // 4):
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._tables:
            table = pa.concat_tables(self._tables).combine_chunks()
            self._tables, self._held_bytes = [], 0
            self._write(table)

    def _write(self, table: pa.Table) -> None:
        """Write one row group, in parts where it is too large, in a new shard where this is full."""
        import pyarrow.parquet as pq

        if table.nbytes > self.max_bytes // 2 and table.num_rows > 1:
            half = table.num_rows // 2
            self._write(table.slice(0, half))
            self._write(table.slice(half))
            return
        # Uncompressed bytes bound the compressed ones; the footer has its own share.
        margin = self.max_bytes // 20 + 16_384
        used = self._sink.tell() if self._in_shard and self._sink is not None else 0
        if used and used + table.nbytes + margin > self.max_bytes:
            self._end_shard()
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            import pyarrow as pa

            self._sink = pa.OSFile(str(self._part(self._n_shards)), "wb")
            self._writer = pq.ParquetWriter(
                self._sink,
                self.schema,
                compression="zstd",
                write_page_index=True,
                use_content_defined_chunking=True,  # an edit then changes few chunks of a file
            )
            self._n_shards += 1
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._in_shard += table.num_rows

    def _end_shard(self) -> None:
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
        self._writer = self._sink = None
        self._in_shard = 0

    def _part(self, i: int) -> Path:
        return self.folder / f".{self.split}-{i:05d}.part"
