"""The records of a dataset folder: read whole or a few at a time, and written with their rejects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lorid_data.folders.batches import BATCH, DatasetWriter, iter_batches
from lorid_data.folders.stage import Stage
from lorid_data.schema import Manifest, Record, Reject


def read_records(folder: Path) -> list[Record]:
    """The records of a finished dataset folder.

    Raises:
        InputError: the folder has no manifest (unfinished, or not a dataset folder), or an id
            stands twice in it.
    """
    return list(iter_records(folder))


def iter_records(folder: Path, *, at_once: int = BATCH) -> Iterator[Record]:
    """The records of a finished dataset folder, a few at a time: memory does not grow with them.

    Raises:
        InputError: as `read_records`.
    """
    for batch in iter_batches(folder, at_once=at_once):
        yield from batch


def write_dataset(
    stage: Stage, records: Iterable[Record], rejects: Iterable[Reject], *, n_in: int
) -> Manifest:
    """Close a dataset stage: both tables and the README, then the manifest.

    Raises:
        StageError: kept + rejected is not `n_in`, the rows that the stage was given.
    """
    with DatasetWriter(stage) as writer:
        writer.keep(records)
        writer.reject(rejects)
        return writer.finish(n_in=n_in)
