"""The records of a dataset folder: read whole or a few at a time, and written with their rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import read_frame, read_rows, write_rows
from lorid_data.folders.readme import write_readme
from lorid_data.folders.stage import Stage
from lorid_data.folders.verified import verify_file
from lorid_data.schema import Manifest, Record, Reject


def read_records(folder: Path) -> list[Record]:
    """The records of a finished dataset folder.

    Raises:
        InputError: the folder has no manifest (unfinished, or not a dataset folder), or an id
            stands twice in it.
    """
    read_manifest(folder)
    records = read_rows(folder / RECORDS, Record)
    refuse_duplicates(folder, [r.row_id for r in records])
    return records


def refuse_duplicates(folder: Path, row_ids: Sequence[str]) -> None:
    """Raise an `InputError` that names a row_id which stands twice."""
    if len(set(row_ids)) < len(row_ids):
        twice = next(i for i, n in Counter(row_ids).items() if n > 1)
        msg = f"{folder / RECORDS}: row_id {twice!r} is duplicated; row ids must be unique, since rejects and joins name rows by them"
        raise InputError(msg)


def iter_records(folder: Path, *, at_once: int = 512) -> Iterator[Record]:
    """The records of a finished dataset folder, a few at a time: memory does not grow with them.

    Raises:
        InputError: as `read_records`.
    """
    import pyarrow.parquet as pq

    read_manifest(folder)
    path = folder / RECORDS
    if not path.is_file():
        read_frame(path)  # says what is missing
    verify_file(path)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            for batch in file.iter_batches(batch_size=at_once):
                yield from (Record.model_validate(row) for row in batch.to_pylist())
    except (OSError, ValueError) as e:  # pyarrow's and pydantic's own errors are these
        msg = f"{path}: not a readable file of records ({e})"
        raise InputError(msg) from e


def write_dataset(
    stage: Stage, records: list[Record], rejects: list[Reject], *, n_in: int
) -> Manifest:
    """Close a dataset stage: both tables and the README, then the manifest.

    Raises:
        StageError: kept + rejected is not `n_in`, the rows that the stage was given.
    """
    write_rows(stage.out / RECORDS, Record, records)
    write_rows(stage.out / REJECTS, Reject, rejects)
    write_readme(stage.out, {r.split for r in records})
    by_reason: dict[str, int] = {}
    for r in rejects:
        by_reason[r.reason] = by_reason.get(r.reason, 0) + 1
    return stage.finish(n_in=n_in, n_kept=len(records), n_rejected=by_reason)
