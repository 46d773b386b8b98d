"""The rows of a dataset folder for a program: `lorid_data.load`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.frames import read_record_frame
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS

if TYPE_CHECKING:
    import polars as pl


@overload
def load(
    folder: str | Path, *, split: str | None = ..., kind: Literal["datasets"] = ...
) -> Any: ...
@overload
def load(
    folder: str | Path, *, split: str | None = ..., kind: Literal["polars"]
) -> pl.DataFrame: ...
def load(
    folder: str | Path,
    *,
    split: str | None = None,
    kind: Literal["datasets", "polars"] = "datasets",
) -> Any:
    """The rows of a finished dataset folder, compared with its manifest first.

    Args:
        folder: of a stage of `lorid-data`, or an evaluation folder (the rows that were evaluated).
        split: only the rows of this split.
        kind: what to make of them: a `datasets.Dataset`, or a `polars.DataFrame`.

    Returns:
        The rows, with the columns of `schema.Record` in their order.

    Raises:
        InputError: no finished folder, rows that have changed since, or none of that split.
        ConfigError: another kind.
    """
    if kind not in ("datasets", "polars"):
        raise ConfigError(f"kind {kind!r}: there are 'datasets' and 'polars'")
    where = Path(folder)
    read_manifest(where)
    frame = read_record_frame(where)
    if split is not None:
        found = sorted(set(frame["split"]))
        frame = frame.filter(frame["split"] == split)
        if not len(frame):
            raise InputError(f"{where / RECORDS}: no row of the split {split!r}; there are {found}")
    if kind == "polars":
        return frame
    from datasets import Dataset

    return Dataset.from_polars(frame)
