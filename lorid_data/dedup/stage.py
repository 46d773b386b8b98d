"""`dedup DIR --out DIR`: exact and near duplicates go, variants of one question are capped.

    records → exact duplicates
            → pairs of near duplicates, the slow part (`pairs.parquet`)
            → which of them go at a threshold
            → variants of one original beyond the cap

Nothing may merge two different problems. A question stays as alike to its original with other
numbers in it as its paraphrases are, so no threshold on text can tell them apart; what else a pair
must share stands in `duplicates.py`. Rows are compared within their split only: what a training
split shares with a test split is `decontaminate`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from lorid_data.dedup.duplicates import (
    FLOOR,
    VERSION,
    Pairs,
    columns_of_pairs,
    find_exact,
    find_pairs,
)
from lorid_data.folders.files import sha256_file
from lorid_data.folders.frames import read_record_frame, write_dataset_frames
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import write_frame
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Disposition, FrozenModel, Manifest, RejectReason
from lorid_data.texts.shingles import shingles_of

if TYPE_CHECKING:
    import polars as pl

    from lorid_data.folders.stage import Stage
    from lorid_data.texts.word_hashes import I64

PAIRS = "pairs.parquet"


class DedupOptions(FrozenModel):
    """Options of `dedup`. All may change when the folder is written again: its pairs stay."""

    threshold: float = Field(default=0.5, ge=FLOOR, le=1.0)
    """How alike question and rationale each must be (Jaccard similarity of their word pairs)."""
    max_variants: int = Field(default=32, ge=1)
    """Most rows that one original question keeps."""


class Removal(NamedTuple):
    """A row that goes, and the one that stays in its place; both by their rank."""

    row: int
    of: int
    """The row that stays; of a variant too many, the first one of its original."""
    reason: RejectReason
    question: float = 1.0
    """How alike the two questions are."""
    rationale: float = 1.0

    @property
    def detail(self) -> str:
        """How close, for people."""
        match self.reason:
            case RejectReason.DUPLICATE_NEAR:
                return (
                    f"question {self.question:.2f} and rationale {self.rationale:.2f} alike, "
                    "same numbers and answer"
                )
            case RejectReason.DUPLICATE_EXACT:
                return "equal but for case and white space"
            case _:
                return "a variant beyond the cap"


def dedup(folder: Path, out: Path, options: DedupOptions | None = None) -> Manifest:
    """Write the rows of a dataset folder that are no duplicates, and the others with the evidence.

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
        frame = read_record_frame(folder)
        return _write(stage, frame, sha256_file(folder / RECORDS), options)


def _write(
    stage: Stage, frame: pl.DataFrame, records_sha256: str, options: DedupOptions
) -> Manifest:
    ranked = by_rank(frame)
    shingles = shingles_of(ranked["question"])
    exact = find_exact(ranked, shingles)
    pairs = _stored_pairs(stage.out / PAIRS, ranked, records_sha256)
    if pairs is None:
        rest = np.setdiff1d(np.arange(len(ranked)), exact.rows, assume_unique=True)
        pairs = find_pairs(ranked, shingles, rest)
    _store_pairs(stage.out / PAIRS, ranked, pairs, records_sha256)
    removals = [
        Removal(row, of, RejectReason.DUPLICATE_EXACT)
        for row, of in zip(exact.rows.tolist(), exact.of.tolist(), strict=True)
    ]
    removals += near_removals(pairs, options.threshold)
    removals += over_cap(ranked, {r.row for r in removals}, options.max_variants)
    stage.figures = _figures(ranked, pairs, removals) | {
        "n_with_differing_answers": len(exact.conflicts)
    }
    kept = kept_rows(ranked, removals, exact.conflicts.tolist())
    return write_dataset_frames(stage, kept, reject_columns(ranked, removals), n_in=len(frame))


# --- pure ---------------------------------------------------------------------------------------


def by_rank(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order in which they stay: those with knowledge first; `place` is where each stood."""
    import polars as pl

    placed = frame.with_row_index("place")
    without = frame["knowledge"].list.len() == 0
    return placed.sort(pl.lit(without), maintain_order=True) if without.any() else placed


def near_removals(pairs: Pairs, threshold: float) -> list[Removal]:
    """The rows that go at a threshold: each for the most alike of the earlier rows that stay."""
    at = deciding_pairs(pairs, threshold)
    columns = (pairs.b, pairs.a, pairs.question, pairs.rationale)
    rows, of, question, rationale = (column[at].tolist() for column in columns)
    return list(map(Removal, rows, of, repeat(RejectReason.DUPLICATE_NEAR), question, rationale))


def deciding_pairs(pairs: Pairs, threshold: float) -> I64:
    """The pairs, by index, for which their later row goes; no row stands in two.

    A row goes only for a row that it was itself compared with, so that no chain of small steps
    joins what is far apart.
    """
    closeness = np.minimum(pairs.question, pairs.rationale)
    chosen = np.flatnonzero(closeness >= np.float32(threshold))
    # The bits of a positive float, read as a number, are in its order. One stable sort of pairs
    # that are sorted by b and a already puts those of each b in the order in which they decide.
    key = (pairs.b[chosen] << 32) - closeness[chosen].view(np.int32)
    order = chosen[np.argsort(key, kind="stable")]
    goes, deciding = bytearray(len(pairs.b) and int(pairs.b[-1]) + 1), list[int]()
    pairs_in_order = (column[order].tolist() for column in (pairs.a, pairs.b))
    for i, a, b in zip(order.tolist(), *pairs_in_order, strict=True):
        if not (goes[b] or goes[a]):
            goes[b] = 1
            deciding.append(i)
    return np.array(deciding, np.int64)


def over_cap(ranked: pl.DataFrame, gone: Collection[int], max_variants: int) -> list[Removal]:
    """The rows beyond the cap of their original; each question gives a row before any gives a second."""
    import polars as pl

    taken = np.ones(len(ranked), np.bool_)
    taken[list(gone)] = False
    group, question = ["split", "original_id"], ["split", "original_id", "problem_id"]
    rows = ranked.select(*question).with_row_index("row").filter(pl.Series(taken))
    rows = rows.with_columns(turn=pl.int_range(pl.len()).over(question))
    rows = rows.sort("turn", "row").with_columns(
        n=pl.int_range(pl.len()).over(group), first=pl.col("row").first().over(group)
    )
    over = rows.filter(pl.col("n") >= max_variants).sort("row")
    return [
        Removal(row, of, RejectReason.TOO_MANY_VARIANTS)
        for row, of in over.select("row", "first").iter_rows()
    ]


def kept_rows(
    ranked: pl.DataFrame, removals: Sequence[Removal], conflicts: Collection[int]
) -> pl.DataFrame:
    """The rows that stay, where they stood, and a flag on those whose answers differ."""
    import polars as pl

    stays, differs = np.ones(len(ranked), np.bool_), np.zeros(len(ranked), np.bool_)
    stays[[r.row for r in removals]] = False
    differs[list(conflicts)] = True
    flag = pl.lit([RejectReason.DUPLICATE_ANSWERS_DIFFER.value])
    flagged = pl.concat_list("flags", flag).list.unique().list.sort()
    return (
        ranked.with_columns(
            flags=pl.when(pl.Series(differs)).then(flagged).otherwise(pl.col("flags"))
        )
        .filter(pl.Series(stays))
        .sort("place")
        .drop("place")
    )


def reject_columns(ranked: pl.DataFrame, removals: Sequence[Removal]) -> dict[str, Any]:
    """The removals as columns of rejects; the evidence is the question of the row that stays."""
    order = sorted(removals, key=lambda r: r.row)
    rows = ranked[[r.row for r in order]]
    others = ranked[[r.of for r in order]]
    return {
        "row_id": rows["row_id"],
        "stage": ["dedup"] * len(order),
        "disposition": [Disposition.DROP.value] * len(order),
        "reason": [r.reason.value for r in order],
        "detail": [
            f"{r.detail}; stays: {row_id}"
            for r, row_id in zip(order, others["row_id"].to_list(), strict=True)
        ],
        "evidence": others["question"],
        "problem_id": rows["problem_id"],
        "split": rows["split"],
    }


def _figures(ranked: pl.DataFrame, pairs: Pairs, removals: Sequence[Removal]) -> dict[str, Any]:
    by_reason = Counter(r.reason.value for r in removals)
    return {
        "n_originals": ranked["original_id"].n_unique(),
        "n_pairs_compared": pairs.n_compared,
        "n_pairs": len(pairs.a),
        **{f"n_{reason}": n for reason, n in sorted(by_reason.items())},
    }


# --- pairs.parquet --------------------------------------------------------------------------------


def _store_pairs(path: Path, ranked: pl.DataFrame, pairs: Pairs, records_sha256: str) -> None:
    import polars as pl

    about = {"records_sha256": records_sha256, "n_compared": str(pairs.n_compared)}
    write_frame(path, pl.DataFrame(columns_of_pairs(ranked, pairs)), about)


def _stored_pairs(path: Path, ranked: pl.DataFrame, records_sha256: str) -> Pairs | None:
    """The pairs of an earlier run over the same records, or None."""
    import polars as pl

    if not path.is_file():
        return None
    about = pl.read_parquet_metadata(path)
    if about.get("records_sha256") != records_sha256:
        return None
    ranks = ranked.select("row_id").with_row_index("rank")
    table = pl.read_parquet(path)
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
