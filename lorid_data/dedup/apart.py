"""Duplicates found group by group, where the work is done elsewhere: no machine sees all rows' texts.

    outline   every batch of rows → ids, and a hash of each question's numbers
    groups    rows → about as many groups as tasks; rows with the same numbers are in one
    compare   every group → its duplicates, by the same functions as on one machine

Rows that are compared at all agree in their numbers (`minhash.candidate_pairs`), and so do rows of
one solution: each group finds what the whole would have found in it, and nothing is between groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from lorid_data.dedup.duplicates import Exact, Pairs, find_exact, find_pairs
from lorid_data.dedup.signatures import (
    OF_ALL,
    OF_SHARED,
    Signatures,
    by_rank,
    rationales_of,
    shared_rows,
    signatures_of,
    solutions_of,
)
from lorid_data.folders.batches import iter_columns, iter_tables
from lorid_data.folders.chosen import AT_ONCE, frame_of
from lorid_data.texts.shingles import shingles_of
from lorid_data.texts.word_hashes import I64, U64
from lorid_data.workers.pool import in_processes

if TYPE_CHECKING:
    import polars as pl

GROUP_ROWS, MOST_GROUPS = 1 << 14, 512
"""Rows that a group has on average, and most groups: each is a file while they are filled."""
_COLUMNS = tuple(dict.fromkeys((*OF_ALL, *OF_SHARED)))
_RANK = "rank"


@dataclass(frozen=True, slots=True)
class Outline:
    """What is held of n rows on the machine that puts things together.

    Attributes:
        rows: as `Signatures`, without answers and shingles.
        numbers: a hash of each question's numbers in their order; n.
    """

    rows: Signatures
    numbers: U64


@dataclass(frozen=True, slots=True)
class Compared:
    """The duplicates among the rows of a group; rows are named by their ranks in the whole."""

    exact: Exact
    pairs: Pairs


def outline(table: Any) -> Outline:
    """What is held of each row of an Arrow table of records."""
    found = signatures_of(frame_of(table.select(list(OF_ALL))))
    return Outline(_bare(found), found.shingles.numbers)


def _bare(rows: Signatures) -> Signatures:
    """The same without what takes room."""
    return Signatures(
        rows.row_ids,
        rows.answers.clear(),
        rows.problems,
        rows.originals,
        rows.splits,
        rows.has_knowledge,
        shingles_of(rows.answers.clear()),
    )


def read_outline(folder: Path, advance: Callable[[int], None]) -> tuple[Outline, I64]:
    """The rows of a finished dataset folder by rank, and where each of them stands in it.

    Raises:
        InputError: as `reading.read_signatures`.
    """
    import polars as pl

    parts = []
    for part in in_processes(outline, iter_tables(folder), 1):
        parts.append(part)
        advance(len(part.rows))
    ids = pl.concat([pl.Series(dtype=pl.String), *[p.rows.row_ids for p in parts]])
    bare = [p.rows for p in parts]
    has_knowledge = _whole(bare, "has_knowledge", np.bool_)
    numbers = _whole(parts, "numbers", np.uint64)
    empty = pl.Series(dtype=pl.String)
    problems, originals, splits = (
        _whole(bare, name, np.uint64) for name in ("problems", "originals", "splits")
    )
    nothing = shingles_of(empty)
    rows = Signatures(ids, empty, problems, originals, splits, has_knowledge, nothing)
    at = by_rank(rows)
    ranked = Signatures(
        ids[at], empty, problems[at], originals[at], splits[at], has_knowledge[at], nothing
    )
    return Outline(ranked, numbers[at]), at


def compare(table: Any) -> Compared:
    """The duplicates among the rows of a group, which stand in the order of their ranks."""
    frame = frame_of(table)
    ranks = frame[_RANK].to_numpy().astype(np.int64)
    rows = signatures_of(frame.select(OF_ALL))
    shared = shared_rows(rows)
    solutions = solutions_of(frame[shared].select(OF_SHARED), shared)
    exact = find_exact(rows, solutions)
    rest = np.setdiff1d(np.arange(len(rows)), exact.rows, assume_unique=True)
    rationales = frame["rationale"]
    pairs = find_pairs(rows, solutions, rest, lambda some: rationales_of(rationales[some]))
    return Compared(
        Exact(ranks[exact.rows], ranks[exact.of], ranks[exact.conflicts]),
        Pairs(ranks[pairs.a], ranks[pairs.b], pairs.question, pairs.rationale, pairs.n_compared),
    )


def found_apart(folder: Path, outlined: Outline, places: I64) -> tuple[Exact, Pairs]:
    """The duplicates of a folder, as `find_exact` and `find_pairs` find them in the whole.

    Args:
        folder: the dataset folder.
        outlined: its rows by rank.
        places: where each of them stands in the folder.
    """
    n_groups = min(MOST_GROUPS, -(-len(places) // GROUP_ROWS))
    parts = list(in_processes(compare, _groups(folder, outlined, places, n_groups), 1))
    exact, pairs = [p.exact for p in parts], [p.pairs for p in parts]
    rows, of = (_whole(exact, name, np.int64) for name in ("rows", "of"))
    order = np.argsort(rows, kind="stable")
    a, b = (_whole(pairs, name, np.int64) for name in ("a", "b"))
    question, rationale = (_whole(pairs, name, np.float32) for name in ("question", "rationale"))
    at = np.lexsort((a, b))
    return (
        Exact(rows[order], of[order], np.sort(_whole(exact, "conflicts", np.int64))),
        Pairs(a[at], b[at], question[at], rationale[at], sum(p.n_compared for p in pairs)),
    )


def _whole(parts: Sequence[object], name: str, kind: Any) -> Any:
    """A column of all parts, one after another."""
    return np.concatenate([np.zeros(0, kind), *[getattr(part, name) for part in parts]])


def _groups(folder: Path, outlined: Outline, places: I64, n_groups: int) -> Iterator[Any]:
    """The rows of each group as an Arrow table in the order of their ranks: read once, put apart on disk."""
    import pyarrow as pa

    ranks = np.empty(len(places), np.int64)
    ranks[places] = np.arange(len(places))
    groups = (outlined.numbers[ranks] % np.uint64(max(1, n_groups))).astype(np.int64)
    with TemporaryDirectory(prefix="lorid-dedup-") as tmp:
        files: dict[int, Any] = {}
        done = 0
        for table in iter_columns(folder, list(_COLUMNS), at_once=AT_ONCE):
            here = slice(done, done + len(table))
            frame = frame_of(table).insert_column(0, _rank_column(ranks[here]))
            for group in np.unique(groups[here]).tolist():
                some = frame[np.flatnonzero(groups[here] == group)].to_arrow()
                if group not in files:
                    files[group] = pa.ipc.new_file(f"{tmp}/{group}", some.schema)
                files[group].write_table(some)
            done += len(table)
        for file in files.values():
            file.close()
        for group in sorted(files):
            with pa.ipc.open_file(f"{tmp}/{group}") as file:
                yield file.read_all().sort_by(_RANK)


def _rank_column(ranks: I64) -> pl.Series:
    import polars as pl

    return pl.Series(_RANK, ranks)
