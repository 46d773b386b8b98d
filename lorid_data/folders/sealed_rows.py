"""A sealed JSON file with one large member, read and written row by row.

The bytes are those of `json.dumps(sealed(body), indent=1, ensure_ascii=False)`, and the seal is that
of `seals`: whoever has the memory may read it whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from lorid_data.folders.files import atomic_path
from lorid_data.folders.scratch import scratch
from lorid_data.folders.seals import SEAL, unsealed
from lorid_data.schema import canonical_json
from lorid_data.texts import strict_json

Rows = Callable[[], Iterator[tuple[str, Any]]]
"""Gives the rows from the beginning, each time it is called."""


def write_sealed_rows(
    path: Path, body: Mapping[str, Any], name: str, rows: Iterable[tuple[str, Any]]
) -> None:
    """Write the file, atomically.

    Args:
        path: the file.
        body: all members in their order; `name` among them, whose value is not looked at.
        name: the large member, an object.
        rows: its members, in their order.

    Raises:
        ValueError: a key stands twice in `rows`.
    """
    with (
        atomic_path(path) as tmp,
        closing(_Seal()) as seal,
        tmp.open("w", encoding="utf-8", newline="\n") as f,
    ):
        f.write("{\n")
        for key, value in body.items():
            f.write(f" {_indented(key)}: ")
            if key != name:
                f.write(_indented(value, 1))
            else:
                n = 0
                for row_key, row in rows:
                    f.write("{\n" if n == 0 else ",\n")
                    f.write(f"  {_indented(row_key)}: {_indented(row, 2)}")
                    seal.add(row_key, row)
                    n += 1
                f.write("\n }" if n else "{}")
            f.write(",\n")
        f.write(f' "{SEAL}": "{seal.hexdigest(body, name)}"\n}}\n')


def _indented(value: Any, depth: int = 0) -> str:
    # A line break inside a text is written as \n: each one here is of the layout.
    return json.dumps(value, indent=1, ensure_ascii=False).replace("\n", "\n" + " " * depth)


def read_sealed_rows(path: Path, name: str) -> tuple[dict[str, Any], Rows]:
    """The members but `name` and the seal, once that fits; and the rows, which are read when asked for.

    A file in another layout than `write_sealed_rows` gives it is read whole.

    Raises:
        ValueError: as `unsealed`.
        OSError: it cannot be read.
    """
    try:
        head = _checked(path, name)
    except ValueError:  # of another layout, or damaged: then this says how
        body = unsealed(path.read_bytes())
        rows = body.pop(name, {})
        if not isinstance(rows, dict):
            raise ValueError(f"{name!r} is no object") from None
        return body, lambda: iter(rows.items())
    return head, lambda: _rows(path, name)


def _checked(path: Path, name: str) -> dict[str, Any]:
    """The head of a file whose layout is ours and whose seal fits; else a ValueError."""
    head: dict[str, Any] = {}
    has_rows = False
    with closing(_Seal()) as seal:
        for place, key, value in _members(path, name):
            if place == name:
                seal.add(key, value)
                has_rows = True
            elif key in head:
                raise ValueError(f"a key stands twice in one object: {key!r:.80}")
            else:
                head[key] = value
        if has_rows and name in head:
            raise ValueError(f"a key stands twice in one object: {name!r}")
        found = head.pop(SEAL, None)
        wanted = seal.hexdigest({**head, name: {}}, name)  # says too what stands twice
        if found is not None and found != wanted:
            raise ValueError("its content has changed since it was written")
    if head.pop(name, {}) != {}:
        raise ValueError("not of this layout")
    return head


def _rows(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    yield from ((key, value) for place, key, value in _members(path, name) if place == name)


def _members(path: Path, name: str) -> Iterator[tuple[str, str, Any]]:
    """(name of the object or "", key, value) of each member of the file and of each row, in their order."""
    begin, ends = f' "{name}": {{\n'.encode(), {b" }\n": True, b" },\n": False}
    with path.open("rb") as f:
        if next(f, b"") != b"{\n":
            raise ValueError("not of this layout")
        piece: list[bytes] = []
        is_after_last = is_read = has_rows = False
        for line in f:
            if not line.startswith(b' "') and line != b"}\n":
                piece.append(line)
                continue
            is_read = line == b"}\n"
            if piece:
                yield ("", *_member(piece, is_last=is_read))
            elif is_after_last != is_read:
                raise ValueError("not of this layout")
            piece, is_after_last = [line], False
            if is_read:
                break
            if line == begin:
                if has_rows:
                    raise ValueError(f"a key stands twice in one object: {name!r}")
                has_rows, piece = True, []
                is_after_last = ends[(yield from _of_rows(f, name, ends))]
        if not is_read or f.read(1):
            raise ValueError("not of this layout")


def _of_rows(
    f: Iterable[bytes], name: str, ends: Mapping[bytes, bool]
) -> Generator[tuple[str, str, Any], None, bytes]:
    """The rows, up to the line that ends them, which is given back."""
    piece: list[bytes] = []
    for line in f:
        if line in ends:
            if piece:
                yield (name, *_member(piece, is_last=True))
            return line
        if line.startswith(b'  "') and piece:
            yield (name, *_member(piece, is_last=False))
            piece = []
        piece.append(line)
    raise ValueError("not of this layout")


def _member(lines: list[bytes], *, is_last: bool) -> tuple[str, Any]:
    """One member of an object: its key and its value."""
    text = b"".join(lines)
    if text.endswith(b",\n") == is_last:
        raise ValueError("not of this layout")
    body = strict_json.parse(b"{" + text.removesuffix(b"\n").removesuffix(b",") + b"}")
    if len(body) != 1:
        raise ValueError("not of this layout")
    [(key, value)] = body.items()
    return key, value


class _Seal:
    """The seal of a body whose rows come one by one; its JSON has them in the order of their keys."""

    def __init__(self) -> None:
        self._db = scratch()
        self._db.execute("CREATE TABLE rows (key TEXT, text TEXT)")

    def add(self, key: str, value: Any) -> None:
        self._db.execute("INSERT INTO rows VALUES (?, ?)", (key, canonical_json(value)))

    def hexdigest(self, body: Mapping[str, Any], name: str) -> str:
        digest = hashlib.sha256(b"{")
        for i, key in enumerate(sorted(body)):
            digest.update(f"{',' * bool(i)}{canonical_json(key)}:".encode())
            if key == name:
                for text in self._sorted():
                    digest.update(text.encode())
            else:
                digest.update(canonical_json(body[key]).encode())
        digest.update(b"}")
        return digest.hexdigest()

    def _sorted(self) -> Iterator[str]:
        before: str | None = None
        for key, text in self._db.execute("SELECT key, text FROM rows ORDER BY key"):
            if key == before:
                raise ValueError(f"a key stands twice in one object: {key!r:.80}")
            yield f"{'{' if before is None else ','}{canonical_json(key)}:{text}"
            before = key
        yield "{}" if before is None else "}"

    def close(self) -> None:
        self._db.close()
