"""`dedup DIR --out DIR`: exact and near duplicates go, variants of one question are capped.

    records → what is held of each row (`signatures`)
            → exact duplicates
            → pairs of near duplicates, the slow part (`pairs.parquet`)
            → which of them go at a threshold
            → variants of one original beyond the cap
            → records again, batch by batch: what stays, and what goes with its evidence

Nothing may merge two different problems. A question stays as alike to its original with other
numbers in it as its paraphrases are, so no threshold on text can tell them apart; what else a pair
must share stands in `duplicates.py`. Rows are compared within their split only: what a training
split shares with a test split is `decontaminate`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from lorid_data.commandline.progress import Progress
from lorid_data.dedup.apart import found_apart, read_outline
from lorid_data.dedup.duplicates import (
    FLOOR,
    VERSION,
    Exact,
    Pairs,
    columns_of_pairs,
    find_exact,
    find_pairs,
)
from lorid_data.dedup.reading import read_rationales, read_signatures, read_solutions
from lorid_data.dedup.removals import (
    Removals,
    exact_removals,
    joined_removals,
    near_removals,
    over_cap,
)
from lorid_data.dedup.signatures import Signatures, by_rank, shared_rows
from lorid_data.dedup.writing import write_rows_apart
from lorid_data.folders.batches import DatasetWriter, n_records
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import write_frame
from lorid_data.folders.stage import open_stage
from lorid_data.schema import FrozenModel, Manifest
from lorid_data.texts.arrays import threads
from lorid_data.workers.pool import is_elsewhere

if TYPE_CHECKING:
    from lorid_data.folders.stage import Stage
    from lorid_data.texts.word_hashes import I64

PAIRS = "pairs.parquet"


class DedupOptions(FrozenModel):
    """Options of `dedup`. All may change when the folder is written again: its pairs stay."""

    threshold: float = Field(default=0.5, ge=FLOOR, le=1.0)
    """How alike question and rationale each must be (Jaccard similarity of their word pairs)."""
    max_variants: int = Field(default=32, ge=1)
    """Most rows that one original question keeps."""


def dedup(
    folder: Path, out: Path, options: DedupOptions | None = None, *, n_workers: int | None = None
) -> Manifest:
    """Write the rows of a dataset folder that are no duplicates, and the others with the evidence.

    Args:
        folder: a finished dataset folder.
        out: the folder to write.
        options: what is a duplicate.
        n_workers: threads that compare texts, all cores by default; the folder is the same
            whatever their number.

    Raises:
        ConfigError: `folder` is no finished dataset folder, or `out` belongs to something else.
        LockedError: another process works on `out`.
    """
    options = options or DedupOptions()
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    with open_stage(
        out,
        "dedup",
        identity={"parent_identity_sha256": parent.identity_sha256, "method": VERSION},
        settings={"parent_sha256": sha256, **options.model_dump()},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        with threads(n_workers):
            return _write(stage, folder, options)


def _write(stage: Stage, folder: Path, options: DedupOptions) -> Manifest:
    n_rows = n_records(folder)
    # Each row is read once to be known, and once to be written.
    with Progress("dedup", 2 * n_rows) as progress:
        if is_elsewhere():
            outlined, places = read_outline(folder, progress.advance)
            rows = outlined.rows
            exact, pairs = found_apart(folder, outlined, places)
            _store_pairs(stage.out / PAIRS, rows, pairs, sha256_file(folder / RECORDS))
        else:
            rows = read_signatures(folder, progress.advance)
            places = by_rank(rows)
            if not rows.has_knowledge.all():
                rows = rows.of(places)
            exact, pairs = _found(stage.out / PAIRS, folder, rows, places)
        removals = _removals(rows, exact, pairs, options)
        stage.figures = {
            "n_originals": len(np.unique(rows.originals)),
            "n_pairs_compared": pairs.n_compared,
            "n_pairs": len(pairs.a),
            **{f"n_{reason}": n for reason, n in sorted(removals.n_by_reason().items())},
            "n_with_differing_answers": len(exact.conflicts),
        }
        row_ids = rows.row_ids
        del rows
        with DatasetWriter(stage) as writer:
            differing = places[exact.conflicts]
            write_rows_apart(
                writer, folder, (row_ids, places, removals), differing, progress.advance
            )
            return writer.finish(n_in=n_rows)


def _found(path: Path, folder: Path, rows: Signatures, places: I64) -> tuple[Exact, Pairs]:
    """The exact duplicates, and the pairs: those of an earlier run over the same records, or found now."""
    shared = shared_rows(rows)
    solutions = read_solutions(folder, shared, places[shared])
    exact = find_exact(rows, solutions)
    records_sha256 = sha256_file(folder / RECORDS)
    pairs = _stored_pairs(path, rows, records_sha256)
    if pairs is None:
        rest = np.setdiff1d(np.arange(len(rows)), exact.rows, assume_unique=True)
        pairs = find_pairs(
            rows, solutions, rest, lambda some: read_rationales(folder, places[some])
        )
    _store_pairs(path, rows, pairs, records_sha256)
    return exact, pairs


def _removals(rows: Signatures, exact: Exact, pairs: Pairs, options: DedupOptions) -> Removals:
    parts = [exact_removals(exact), near_removals(pairs, options.threshold)]
    gone = np.concatenate([part.rows for part in parts])
    return joined_removals([*parts, over_cap(rows, gone, options.max_variants)])


# --- pairs.parquet --------------------------------------------------------------------------------


def _store_pairs(path: Path, rows: Signatures, pairs: Pairs, records_sha256: str) -> None:
    import polars as pl

    about = {"records_sha256": records_sha256, "n_compared": str(pairs.n_compared)}
    columns: dict[str, Any] = columns_of_pairs(rows.row_ids, pairs)
    write_frame(path, pl.DataFrame(columns), about)


def _stored_pairs(path: Path, rows: Signatures, records_sha256: str) -> Pairs | None:
    """The pairs of an earlier run over the same records, or None."""
    import polars as pl

    if not path.is_file():
        return None
    about = pl.read_parquet_metadata(path)
    if about.get("records_sha256") != records_sha256:
        return None
    ranks = rows.row_ids.alias("row_id").to_frame().with_row_index("rank")
    table = pl.read_parquet(path, glob=False)
    a, b = (
        table.select(row_id=column).join(ranks, on="row_id", how="left", maintain_order="left")
        for column in ("of_row_id", "row_id")
    )
    return Pairs(
        a["rank"].to_numpy().astype(np.int64),
        b["rank"].to_numpy().astype(np.int64),
        table["similarity"].to_numpy(),
        table["rationale_similarity"].to_numpy(),
        int(about["n_compared"]),
    )
