"""Rows of one type as parquet, in both directions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from lorid_data.errors import InputError, StageError
from lorid_data.folders.files import atomic_path
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


def write_rows(path: Path, kind: type[FrozenModel], rows: Iterable[FrozenModel]) -> None:
    """Write rows of one type as zstd parquet, atomically, in the type's column order."""
    import polars as pl

    schema = frame_schema(kind)
    dumped = [r.model_dump(mode="json") for r in rows]
    columns = {name: [d[name] for d in dumped] for name in schema}
    write_frame(path, pl.DataFrame(columns, schema=schema))


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
            msg = f"{path}: cannot be written whole ({e}); most likely the disk is full: make room and run the same command again"
            raise StageError(msg) from e


def read_frame(path: Path) -> pl.DataFrame:
    """A parquet file as a polars frame.

    Raises:
        InputError: it does not exist, is not parquet, or belongs to a finished folder and is not
            what its manifest says.
    """
    import polars as pl

    if not path.is_file():
        msg = f"{path}: no such file; name a folder that a stage of lorid-data has finished"
        raise InputError(msg)
    verify_file(path)
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as e:
        msg = f"{path}: not a readable parquet file ({e})"
        raise InputError(msg) from e


def with_added(frame: pl.DataFrame, kind: type[FrozenModel]) -> pl.DataFrame:
    """A frame of an earlier release with the columns that its rows have since been given, empty."""
    import polars as pl

    added = [n for n in ADDED_LATER if n in kind.__annotations__ and n not in frame.columns]
    schema = frame_schema(kind)
    return frame.with_columns(
        pl.lit(None if "None" in str(kind.__annotations__[n]) else [], dtype=schema[n]).alias(n)
        for n in added
    )


def read_rows(path: Path, kind: type[_R], only: Collection[str] | None = None) -> list[_R]:
    """The rows of a parquet file, checked against the row type.

    Args:
        path: the file.
        kind: the type of its rows.
        only: read the rows with these row ids; all by default.

    Raises:
        InputError: the file cannot be read, or its columns are not those of `kind`.
    """
    frame = with_added(read_frame(path), kind)
    missing = [name for name in kind.__annotations__ if name not in frame.columns]
    if missing:
        msg = f"{path}: missing columns {missing}; this is no file of {kind.__name__} rows"
        raise InputError(msg)
    if only is not None:
        import polars as pl

        frame = frame.filter(pl.col("row_id").is_in(list(only)))
    try:
        return [kind.model_validate(row) for row in frame.iter_rows(named=True)]
    except ValidationError as e:
        msg = f"{path}: {e.errors()[0]['loc']}: {e.errors()[0]['msg']}"
        raise InputError(msg) from e
