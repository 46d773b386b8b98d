"""Cells of Arrow as they were meant: names where a column stores their numbers, and short floats as they are written.

`datasets` stores a ClassLabel as the number of its name, and the names beside the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lorid_data.texts import strict_json

if TYPE_CHECKING:
    import pyarrow as pa

_Reader = Callable[[Any], Any]
"""What is made of one cell that is not empty."""


class PlainCells:
    """How the cells of a table with this schema are read; columns that are plain cost nothing.

    Attributes:
        n_chars: characters of the names that were put in the place of numbers so far: a long name
            may be repeated by one byte a row.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.n_chars = 0
        features = _features(schema.metadata or {})
        found = ((f.name, self._reader(f.type, features.get(f.name))) for f in schema)
        self._readers = {name: reader for name, reader in found if reader is not None}

    def read(self, rows: Iterable[dict[str, Any]]) -> None:
        """Put what is meant in the place of what is stored, in these rows; a number without a name is None."""
        if not self._readers:
            return
        for row in rows:
            for name in row.keys() & self._readers.keys():
                if row[name] is not None:
                    row[name] = self._readers[name](row[name])

    def _reader(self, kind: pa.DataType, feature: Any) -> _Reader | None:
        import pyarrow as pa

        if pa.types.is_dictionary(kind):
            return self._reader(kind.value_type, feature)
        if pa.types.is_integer(kind) and (names := _names(feature)) is not None:
            return self._named(names)
        if pa.types.is_float16(kind) or pa.types.is_float32(kind):
            return _shortest(kind)
        if pa.types.is_struct(kind):
            inner = {f.name: self._reader(f.type, _part(feature, f.name)) for f in kind}
            return _of_fields({n: r for n, r in inner.items() if r is not None})
        if isinstance(kind, (pa.ListType, pa.LargeListType, pa.FixedSizeListType)):
            return _of_each(self._reader(kind.value_type, _element(feature)))
        return None

    def _named(self, names: Sequence[str]) -> _Reader:
        def read(value: int) -> str | None:
            if not 0 <= value < len(names):  # -1 is how `datasets` writes a missing one
                return None
            self.n_chars += len(names[value])
            return names[value]

        return read


def _features(metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    """What `datasets` says of the columns; nothing where another program wrote the file."""
    try:
        found = strict_json.parse(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(feature: Any) -> list[str] | None:
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return None
    names = feature.get("names")
    is_named = isinstance(names, list) and all(isinstance(n, str) for n in names)
    return names if is_named else None


def _element(feature: Any) -> Any:
    """What is said of the elements of a list."""
    if isinstance(feature, list):
        return feature[0] if feature else None
    return feature.get("feature") if isinstance(feature, dict) else None


def _part(feature: Any, name: str) -> Any:
    """What is said of a field of a struct; a `Sequence` of fields is stored as fields of lists."""
    if not isinstance(feature, dict):
        return None
    inner = feature.get("feature")
    if feature.get("_type") == "Sequence" and isinstance(inner, dict):
        return {"feature": inner.get(name)}
    return feature.get(name)


def _of_each(reader: _Reader | None) -> _Reader | None:
    if reader is None:
        return None
    return lambda value: [None if one is None else reader(one) for one in value]


def _of_fields(readers: Mapping[str, _Reader]) -> _Reader | None:
    if not readers:
        return None

    def read(value: Any) -> Any:
        known = {n: r(value[n]) for n, r in readers.items() if value.get(n) is not None}
        return {**value, **known}

    return read


def _shortest(kind: pa.DataType) -> _Reader:
    """The number of fewest digits that is stored as this one: 0.1 for 0.10000000149011612; whole ones stay."""
    import numpy as np

    narrow = np.dtype(kind.to_pandas_dtype()).type
    return lambda value: float(value if value.is_integer() else str(narrow(value)))
