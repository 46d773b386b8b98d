"""Batches and results as bytes that another machine reads: JSON beside Arrow, and no pickle.

A file holds items, one after another: the length of the item's JSON (8 bytes, little-endian), the
JSON, and for each table or array in it a length and its bytes (Arrow's stream format). The last
item is `{"end": n, "sha256": …}` of all before it, so that a file that was cut or changed is known.

What may be in an item: JSON's own values, bytes, tuples, sets, Counters, Arrow tables, NumPy
arrays, polars' series, and the classes in `works.CLASSES`. Reading makes these and nothing else,
whatever the file says.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

from lorid_data.errors import InputError
from lorid_data.texts import strict_json

_LENGTH = 8
_MOST_BYTES = 1 << 36
Blobs = list[bytes]


def encoded(items: Iterable[Any], name_of: Callable[[type], str]) -> Iterator[bytes]:
    """Items as the pieces of a file.

    Args:
        items: what is to be written.
        name_of: the name of a class that may be written; raises for another.

    Raises:
        TypeError: something is of a type that has no form here.
    """
    digest, n = hashlib.sha256(), 0
    for item in items:
        blobs: Blobs = []
        body = json.dumps(_plain(item, blobs, name_of), separators=(",", ":")).encode()
        piece = _framed({"item": len(blobs)}, [body, *blobs])
        digest.update(piece)
        n += 1
        yield piece
    yield _framed({"end": n, "sha256": digest.hexdigest()}, [])


def decoded(file: Any, class_of: Callable[[str], type], where: str) -> Iterator[Any]:
    """The items of a file, one after another.

    Args:
        file: opened for reading bytes.
        class_of: the class of a name; raises ValueError for one that may not be read.
        where: its name, for messages.

    Raises:
        InputError: it is cut off, has changed, or was not written by `encoded`.
    """
    digest, n = hashlib.sha256(), 0
    try:
        while True:
            head, piece = _json(file)
            if "end" in head:
                if head != {"end": n, "sha256": digest.hexdigest()}:
                    raise ValueError("its content is not what was written")
                return
            body, *blobs = [_blob(file) for _ in range(1 + int(head["item"]))]
            for part in (piece, *(len(b).to_bytes(_LENGTH, "little") + b for b in (body, *blobs))):
                digest.update(part)
            n += 1
            yield _value(strict_json.parse(body), blobs, class_of)
    except (ValueError, KeyError, TypeError, IndexError, EOFError) as e:
        msg = f"{where}: not what a task of this command wrote ({e}); delete the folder it lies in and run the same command again"
        raise InputError(msg) from e


def _framed(head: Mapping[str, Any], parts: Iterable[bytes]) -> bytes:
    first = json.dumps(head).encode()
    return b"".join(len(p).to_bytes(_LENGTH, "little") + p for p in (first, *parts))


def _json(file: Any) -> tuple[dict[str, Any], bytes]:
    text = _blob(file)
    head = strict_json.parse(text)
    if not isinstance(head, dict):
        raise ValueError("no head")
    return head, len(text).to_bytes(_LENGTH, "little") + text


def _blob(file: Any) -> bytes:
    size = int.from_bytes(_exactly(file, _LENGTH), "little")
    if size > _MOST_BYTES:
        raise ValueError("a part of more than 64 GiB")
    return _exactly(file, size)


def _exactly(file: Any, size: int) -> bytes:
    found = file.read(size)
    if len(found) != size:
        raise EOFError("it ends too soon")
    return bytes(found)


# --- values ---------------------------------------------------------------------------------------


def _plain(value: Any, blobs: Blobs, name_of: Callable[[type], str]) -> Any:
    """A value in JSON; each object of it says in its one key what it is."""
    if value is None or type(value) in (bool, int, float, str):
        return value

    def inner(parts: Iterable[Any]) -> list[Any]:
        return [_plain(part, blobs, name_of) for part in parts]

    if isinstance(value, BaseModel):
        return {"model": [name_of(type(value)), value.model_dump(mode="json")]}
    if isinstance(value, Enum):
        return {"enum": [name_of(type(value)), value.value]}
    members = _members(value)
    if members is not None:
        return {"class": [name_of(type(value)), inner(members)]}
    if isinstance(value, list):
        return inner(value)
    if isinstance(value, Mapping):
        kind = "counter" if isinstance(value, Counter) else "dict"
        return {kind: [inner(pair) for pair in value.items()]}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    kind = type(value).__name__
    if kind in ("tuple", "set", "frozenset"):
        return {kind: inner(value if kind == "tuple" else sorted(value))}
    return {_kind_of_blob(value): _put(value, blobs)}


def _members(value: Any) -> list[Any] | None:
    """What a dataclass or a named tuple is made of, in order; None for anything else."""
    if dataclasses.is_dataclass(value):
        return [getattr(value, f.name) for f in dataclasses.fields(value)]
    return list(value) if isinstance(value, tuple) and hasattr(value, "_fields") else None


def _kind_of_blob(value: Any) -> str:
    import numpy as np
    import pyarrow as pa

    if isinstance(value, pa.Table):
        return "table"
    if isinstance(value, np.ndarray):
        return "array"
    if type(value).__module__.startswith("polars") and type(value).__name__ == "Series":
        return "series"
    raise TypeError(f"{type(value).__name__} has no form that another machine reads")


def _put(value: Any, blobs: Blobs) -> int:
    """Put a table, array or series among the blobs; its place there."""
    import io

    import numpy as np
    import pyarrow as pa

    sink = io.BytesIO()
    if isinstance(value, np.ndarray):
        np.save(sink, value, allow_pickle=False)
    else:
        table = value if isinstance(value, pa.Table) else pa.table({"": value.to_arrow()})
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table.combine_chunks())
    blobs.append(sink.getvalue())
    return len(blobs) - 1


def _value(plain: Any, blobs: Blobs, class_of: Callable[[str], type]) -> Any:
    if isinstance(plain, list):
        return [_value(part, blobs, class_of) for part in plain]
    if not isinstance(plain, dict):
        return plain
    [(kind, about)] = plain.items()
    if kind in ("table", "array", "series"):
        return _taken(kind, blobs[int(about)])
    if kind == "bytes":
        return base64.b64decode(about, validate=True)
    if kind in _MADE:
        return _MADE[kind](_value(about, blobs, class_of))
    name, inside = about
    made = class_of(str(name))
    if kind == "model":
        return made.model_validate(inside)  # type: ignore[attr-defined]
    if kind == "enum":
        return made(inside)
    if kind != "class":
        raise ValueError(f"an unknown kind {kind!r}")
    return made(*_value(inside, blobs, class_of))


_MADE: Mapping[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "counter": lambda pairs: Counter(dict(pairs)),
}


def _taken(kind: str, blob: bytes) -> Any:
    import io

    import numpy as np
    import pyarrow as pa

    if kind == "array":
        return np.load(io.BytesIO(blob), allow_pickle=False)
    try:
        with pa.ipc.open_stream(blob) as reader:
            table = reader.read_all()
    except pa.ArrowException as e:
        raise ValueError(str(e)) from e
    if kind == "table":
        return table
    import polars as pl

    return pl.from_arrow(table.column(0))
