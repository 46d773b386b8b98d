"""The bytes and the text of a table file that may be packed; a file that multiplies itself is no table."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError

PACKED = (".gz", ".zst")
"""How a text file may be packed, beside its own name: `rows.jsonl.zst`."""
_MOST_UNPACKED, _MOST_TIMES = 64 * 2**20, 100
"""Bytes that any packed table may become, and how many times its size a larger one may."""


def unpacked(path: Path) -> str:
    """The name of a file without what says how it is packed."""
    return next((path.name.removesuffix(p) for p in PACKED if path.name.endswith(p)), path.name)


def most_unpacked(path: Path) -> int:
    """How many bytes a packed file may become: a file that multiplies itself by more is no table."""
    return max(_MOST_UNPACKED, _MOST_TIMES * path.stat().st_size)


def too_large(most: int) -> str:
    """What is said of a file that becomes larger than that."""
    return f"unpacked, it is larger than {most:,} bytes, {_MOST_TIMES} times what it is packed"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a file that cannot be read raises into an `InputError`."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as e:
        raise InputError(f"{path}: cannot be read ({getattr(e, 'strerror', None) or e})") from e


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader[Any]]:
    """The bytes of a text file, unpacked as they are read.

    Raises:
        InputError: while reading, where it becomes larger than `most_unpacked`.
    """
    if not path.name.endswith(PACKED):
        with path.open("rb") as file:
            yield file
        return
    with _unpacking(path) as packed, io.BufferedReader(_Counted(path, packed), 1 << 20) as file:
        yield file


@contextmanager
def opened_text(path: Path, newline: str) -> Iterator[io.TextIOWrapper]:
    """The text of a file in UTF-8; `newline` says what ends its lines, as in `open`.

    Raises:
        InputError: while reading: bad UTF-8, with its line; or as `opened`.
    """
    try:
        with opened(path) as file:
            yield io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline)
    except UnicodeDecodeError as e:
        refuse_bad_text(path)
        raise InputError(f"{path}: {e}; save the file as UTF-8") from e


def refuse_bad_text(path: Path) -> None:
    """Raise an `InputError` with the line of the first byte that is not UTF-8, if there is one."""
    if bad := first_bad_line(path):
        raise InputError(f"{path}:{bad[0]}: {bad[1]}; save the file as UTF-8")


def first_bad_line(path: Path) -> tuple[int, str] | None:
    """Line (from 1) and reason of the first byte of a file that is not UTF-8, or None."""
    with opened(path) as file:
        for n, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as e:
                return n, f"byte 0x{line[e.start]:02x} is not UTF-8"
    return None


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


class _Counted(io.RawIOBase):
    """What comes out of a packed file, as long as it is no more than such a file may hold."""

    def __init__(self, path: Path, packed: Any) -> None:
        self._path, self._packed = path, packed
        self._most, self._n = most_unpacked(path), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._packed.read(len(buffer))
        buffer[: len(piece)] = piece
        self._n += len(piece)
        if self._n > self._most:
            raise InputError(f"{self._path}: {too_large(self._most)}; unpack it if that is meant, and name the file")  # fmt: skip
        return len(piece)
