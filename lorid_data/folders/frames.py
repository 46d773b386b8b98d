"""Dataset folders as columns, for stages that work on all rows at once: no object per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import InputError
from lorid_data.folders.batches import DatasetWriter, duplicated
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import frame_schema, read_frame, with_added
from lorid_data.folders.stage import Stage
from lorid_data.schema import Manifest, Record, Reject

if TYPE_CHECKING:
    import polars as pl


def read_record_frame(folder: Path) -> pl.DataFrame:
    """The records of a finished dataset folder as a frame, for stages that work on whole columns.

    Raises:
        InputError: the folder has no manifest, or the columns are not those of `Record`.
    """
    read_manifest(folder)
    frame, schema = with_added(read_frame(folder / RECORDS), Record), frame_schema(Record)
    wrong = [name for name, kind in schema.items() if frame.schema.get(name) != kind]
    if wrong:
        msg = f"{folder / RECORDS}: columns {wrong} are missing or of another type; this is not a file of records"
        raise InputError(msg)
    needed = [n for n, a in Record.__annotations__.items() if "None" not in str(a)]
    empty = [n for n in needed if n != "provenance" and frame[n].null_count()]
    if empty:
        msg = f"{folder / RECORDS}: columns {empty} hold rows without a value"
        raise InputError(msg)
    twice = frame["row_id"].filter(frame["row_id"].is_duplicated())
    if len(twice):
        raise InputError(duplicated(folder, twice[0]))
    return frame.select(*schema)


def write_dataset_frames(
    stage: Stage, records: pl.DataFrame, rejects: Mapping[str, Sequence[Any]], *, n_in: int
) -> Manifest:
    """Close a dataset stage whose rows are columns: both tables and the README, then the manifest.

    Args:
        stage: the open stage.
        records: the kept rows, with the columns of `Record`.
        rejects: the columns of `Reject`; evidence is cut to 2,000 characters.
        n_in: the rows that the stage was given.

    Raises:
        StageError: kept + rejected is not `n_in`.
    """
    import polars as pl

    rejected = pl.DataFrame(dict(rejects), schema=frame_schema(Reject))
    rejected = rejected.with_columns(pl.col("evidence").str.slice(0, 2000))
    with DatasetWriter(stage) as writer:
        writer.keep(records.to_arrow(compat_level=pl.CompatLevel.oldest()))
        writer.reject(rejected.to_arrow(compat_level=pl.CompatLevel.oldest()))
        return writer.finish(n_in=n_in)
