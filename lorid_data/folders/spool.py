"""Rows that are kept aside on disk, in order, until all of them have been seen.

The file has no name: whatever ends the program, it is gone. It lies where temporary files do
(`TMPDIR`), packed: about a third of the rows' texts.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar, overload

from lorid_data.schema import FrozenModel

_T = TypeVar("_T", bound=FrozenModel)
_ROWS, _BYTES = 512, 4 * 2**20
"""A block is written once it has so many rows, or so many bytes."""


class Spool(Sequence[_T], Generic[_T]):
    """Rows of one type: added, then read as a sequence, as often as one likes.

    What is held is one block, and 40 bytes for each block that is written.
    """

    def __init__(self, kind: type[_T], rows: Iterable[_T] = ()) -> None:
        self._kind = kind
        with tempfile.TemporaryFile(prefix="lorid-") as file:
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd)  # closed, and so gone, with this object
        self._blocks: list[tuple[int, int, int, int]] = []
        """Number of the first row, place in the file, bytes packed and bytes unpacked."""
        self._waiting: list[bytes] = []
        self._n_bytes, self._end, self._n_rows = 0, 0, 0
        self._last: tuple[int, list[_T]] | None = None
        self.extend(rows)

    def append(self, row: _T) -> None:
        """Add a row behind the others."""
        line = row.model_dump_json().encode()
        self._waiting.append(line)
        self._n_bytes += len(line)
        self._n_rows += 1
        if len(self._waiting) == _ROWS or self._n_bytes >= _BYTES:
            self._write()

    def extend(self, rows: Iterable[_T]) -> None:
        """Add rows behind the others."""
        for row in rows:
            self.append(row)

    def _write(self) -> None:
        import pyarrow as pa

        body = b"\n".join(self._waiting)
        packed = pa.compress(body, codec="zstd", asbytes=True)
        first = self._n_rows - len(self._waiting)
        at = 0
        while at < len(packed):
            at += os.pwrite(self._fd, packed[at:], self._end + at)
        self._blocks.append((first, self._end, len(packed), len(body)))
        self._end += len(packed)
        self._waiting, self._n_bytes = [], 0

    def __len__(self) -> int:
        return self._n_rows

    def __iter__(self) -> Iterator[_T]:
        for i in range(len(self._blocks)):
            yield from self._block(i)
        yield from self._unwritten()

    def batches(self, n: int = _ROWS) -> Iterator[list[_T]]:
        """The rows, so many at a time."""
        rows = iter(self)
        while some := list(islice(rows, n)):
            yield some

    @overload
    def __getitem__(self, i: int) -> _T: ...
    @overload
    def __getitem__(self, i: slice) -> list[_T]: ...
    def __getitem__(self, i: int | slice) -> _T | list[_T]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        at = i + len(self) if i < 0 else i
        if not 0 <= at < len(self):
            raise IndexError(i)
        n = self._block_of(at)
        if n == len(self._blocks):
            return self._unwritten()[at - (self._n_rows - len(self._waiting))]
        if self._last is None or self._last[0] != n:
            self._last = (n, self._block(n))
        return self._last[1][at - self._blocks[n][0]]

    def _block_of(self, row: int) -> int:
        from bisect import bisect_right

        if row >= self._n_rows - len(self._waiting):
            return len(self._blocks)
        return bisect_right(self._blocks, row, key=lambda b: b[0]) - 1

    def _block(self, i: int) -> list[_T]:
        import pyarrow as pa

        _, at, n_packed, n_bytes = self._blocks[i]
        packed = os.pread(self._fd, n_packed, at)
        body = pa.decompress(packed, decompressed_size=n_bytes, codec="zstd", asbytes=True)
        return [self._kind.model_validate_json(line) for line in body.split(b"\n")]

    def _unwritten(self) -> list[_T]:
        return [self._kind.model_validate_json(line) for line in self._waiting]
