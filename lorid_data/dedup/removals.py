"""Which rows go, and why: pure functions of pairs and signatures, a few numbers a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lorid_data.dedup.duplicates import Exact, Pairs
from lorid_data.dedup.signatures import Signatures
from lorid_data.schema import RejectReason
from lorid_data.texts.word_hashes import I64

EXACT, NEAR, VARIANT = range(3)
REASONS = (
    RejectReason.DUPLICATE_EXACT,
    RejectReason.DUPLICATE_NEAR,
    RejectReason.TOO_MANY_VARIANTS,
)
"""By the numbers before."""
_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Removals:
    """Rows that go, each with the one that stays in its place; n each.

    Attributes:
        rows: those that go.
        of: those that stay; of a variant too many, the first row of its original.
        reasons: index into `REASONS`.
        question: how alike the two questions are, 0 to 1.
        rationale: how alike the two rationales are, 0 to 1.
    """

    rows: I64
    of: I64
    reasons: npt.NDArray[np.uint8]
    question: npt.NDArray[np.float32]
    rationale: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def of_some(self, at: I64) -> Removals:
        """Some of them, by index."""
        return Removals(*(getattr(self, f.name)[at] for f in fields(self)))

    def n_by_reason(self) -> dict[str, int]:
        """How many go for each reason that occurs."""
        n = np.bincount(self.reasons, minlength=len(REASONS)).tolist()
        return {reason.value: k for reason, k in zip(REASONS, n, strict=True) if k}

    def details(self, stays: Sequence[str]) -> list[str]:
        """How close each is, for people; `stays` names the row that stays for each."""
        columns = (self.reasons.tolist(), self.question.tolist(), self.rationale.tolist(), stays)
        return [
            f"{_detail(reason, question, rationale)}; stays: {row_id}"
            for reason, question, rationale, row_id in zip(*columns, strict=True)
        ]


def _detail(reason: int, question: float, rationale: float) -> str:
    if reason == NEAR:
        return (
            f"question {question:.2f} and rationale {rationale:.2f} alike, same numbers and answer"
        )
    same = "equal but for case, white space and forms of characters"
    return same if reason == EXACT else "a variant beyond the cap"


def joined_removals(parts: Sequence[Removals]) -> Removals:
    """Those of all parts (at least one), one after another."""
    return Removals(
        *(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Removals))
    )


def exact_removals(exact: Exact) -> Removals:
    """The exact duplicates."""
    return _alike(exact.rows, exact.of, EXACT)


def near_removals(pairs: Pairs, threshold: float) -> Removals:
    """The rows that go at a threshold: each for the most alike of the earlier rows that stay."""
    at = deciding_pairs(pairs, threshold)
    reasons = np.full(len(at), NEAR, np.uint8)
    return Removals(pairs.b[at], pairs.a[at], reasons, pairs.question[at], pairs.rationale[at])


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
    for begin in range(0, len(order), _AT_ONCE):
        some = order[begin : begin + _AT_ONCE]
        columns = (column.tolist() for column in (some, pairs.a[some], pairs.b[some]))
        for i, a, b in zip(*columns, strict=True):
            if not (goes[b] or goes[a]):
                goes[b] = 1
                deciding.append(i)
    return np.array(deciding, np.int64)


def over_cap(rows: Signatures, gone: I64, max_variants: int) -> Removals:
    """The rows beyond the cap of their original; each question gives a row before any gives a second."""
    import polars as pl

    taken = np.ones(len(rows), np.bool_)
    taken[gone] = False
    group, question = ["split", "original"], ["split", "original", "problem"]
    codes = {"split": rows.splits, "original": rows.originals, "problem": rows.problems}
    frame = pl.DataFrame(codes).with_row_index("row").filter(pl.Series(taken))
    # Where no original has more rows than the cap, there is nothing to put in order.
    frame = frame.filter(pl.len().over(group) > max_variants)
    frame = frame.with_columns(turn=pl.int_range(pl.len()).over(question))
    frame = frame.sort("turn", "row").with_columns(
        n=pl.int_range(pl.len()).over(group), first=pl.col("row").first().over(group)
    )
    over = frame.filter(pl.col("n") >= max_variants).sort("row")
    beyond, first = (over[name].to_numpy().astype(np.int64) for name in ("row", "first"))
    return _alike(beyond, first, VARIANT)


def _alike(rows: I64, of: I64, reason: int) -> Removals:
    reasons, ones = np.full(len(rows), reason, np.uint8), np.ones(len(rows), np.float32)
    return Removals(rows, of, reasons, ones, ones)
