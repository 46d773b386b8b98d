"""A folder's rows as what `dedup` holds of them: texts are read in batches, and let go of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lorid_data.dedup.signatures import (
    OF_ALL,
    OF_SHARED,
    Rationales,
    Signatures,
    Solutions,
    joined,
    joined_rationales,
    joined_solutions,
    rationales_of,
    signatures_of,
    solutions_of,
)
from lorid_data.folders.batches import iter_tables
from lorid_data.folders.chosen import AT_ONCE, frame_of, iter_chosen
from lorid_data.texts.word_hashes import I64


def read_signatures(folder: Path, advance: Callable[[int], None]) -> Signatures:
    """What is held of each row of a finished dataset folder, as the rows stand there.

    Raises:
        InputError: the folder has no manifest, its rows have changed since, an id stands twice in
            it, or a column lacks values.
    """
    import polars as pl

    parts = []
    for table in iter_tables(folder, at_once=AT_ONCE):
        parts.append(signatures_of(frame_of(table.select(list(OF_ALL)))))
        advance(len(table))
    if not parts:
        text = pl.String()
        nothing = dict.fromkeys(OF_ALL, text) | {"knowledge": pl.List(text)}
        parts = [signatures_of(pl.DataFrame(schema=nothing))]
    return joined(parts)


def read_solutions(folder: Path, rows: I64, places: I64) -> Solutions:
    """The digests of some rows.

    Args:
        folder: the dataset folder.
        rows: which rows, by rank, ascending.
        places: where each of them stands in the folder.
    """
    order = np.argsort(places)
    parts, done = [], 0
    for frame in iter_chosen(folder, OF_SHARED, places[order]):
        some = rows[order[done : done + len(frame)]]
        parts.append(solutions_of(frame, some))
        done += len(frame)
    return joined_solutions(parts, np.argsort(order))


def read_rationales(folder: Path, places: I64) -> Rationales:
    """What is compared of the rationales of the rows at some places, in the order of `places`."""
    order = np.argsort(places)
    parts = [
        rationales_of(frame["rationale"])
        for frame in iter_chosen(folder, ["rationale"], places[order])
    ]
    return joined_rationales(parts, np.argsort(order))
