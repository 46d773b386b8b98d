"""What is held of each row while duplicates are looked for: pure functions of a few columns.

    signatures_of   every row: numbers only, and its answer and id
    solutions_of    rows whose question has the words of another's: digests of question and rationale
    rationales_of   rows of a pair: the shingles of the rationale

Each reads a batch and knows nothing of others; `joined` and its like put batches together, in the
order of the rows. So texts pass by, and are never held; about 0.7 KB a row of 500 bytes of question is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lorid_data.dedup.minhash import n_equal
from lorid_data.texts.arrays import first_equal
from lorid_data.texts.digests import digests
from lorid_data.texts.folding import fold_all
from lorid_data.texts.shingles import Shingles, joined_shingles, shingles_of
from lorid_data.texts.word_hashes import I64, U64, mix

if TYPE_CHECKING:
    import polars as pl

OF_ALL = ("row_id", "problem_id", "original_id", "split", "question", "answer", "knowledge")
"""Columns that `signatures_of` reads."""
OF_SHARED = ("split", "question", "rationale")
"""Columns that `solutions_of` reads."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """What is held of n rows.

    Attributes:
        row_ids: n.
        answers: n.
        problems: a hash of each row's problem_id; only whether two are equal is used; n.
        originals: the same of its original_id; n.
        splits: the same of its split; n.
        has_knowledge: n.
        shingles: of the questions.
    """

    row_ids: pl.Series
    answers: pl.Series
    problems: U64
    originals: U64
    splits: U64
    has_knowledge: npt.NDArray[np.bool_]
    shingles: Shingles

    def __len__(self) -> int:
        return len(self.problems)

    def of(self, rows: I64) -> Signatures:
        """Those of some of the rows, by index."""
        return Signatures(
            self.row_ids[rows],
            self.answers[rows],
            self.problems[rows],
            self.originals[rows],
            self.splits[rows],
            self.has_knowledge[rows],
            self.shingles.of(rows),
        )


@dataclass(frozen=True, slots=True)
class Solutions:
    """Questions and rationales of some rows, by digests of 128 bits; (rows, 2) each.

    Attributes:
        rows: which rows, ascending.
        wholes: of split, question and rationale, without regard to case, white space and forms of characters.
        questions: of the question, the same way.
        rationales: of the rationale as it stands.
    """

    rows: I64
    wholes: U64
    questions: U64
    rationales: U64


@dataclass(frozen=True, slots=True)
class Rationales:
    """The rationales of some rows: their shingles, and digests of 128 bits of what stands there."""

    shingles: Shingles
    digests: U64


def signatures_of(frame: pl.DataFrame) -> Signatures:
    """What is held of each row of a batch with the columns `OF_ALL`."""
    return Signatures(
        frame["row_id"],
        frame["answer"],
        _codes(frame["problem_id"]),
        _codes(frame["original_id"]),
        _codes(frame["split"]),
        (frame["knowledge"].list.len() > 0).to_numpy(),
        shingles_of(frame["question"]),
    )


def joined(parts: Sequence[Signatures]) -> Signatures:
    """The rows of all parts, one after another; there is at least one part."""
    import polars as pl

    return Signatures(
        pl.concat([p.row_ids for p in parts]),
        pl.concat([p.answers for p in parts]),
        np.concatenate([p.problems for p in parts]),
        np.concatenate([p.originals for p in parts]),
        np.concatenate([p.splits for p in parts]),
        np.concatenate([p.has_knowledge for p in parts]),
        joined_shingles([p.shingles for p in parts]),
    )


def by_rank(rows: Signatures) -> I64:
    """The rows in the order in which they stay: those with knowledge first, else as they stand."""
    return np.argsort(~rows.has_knowledge, kind="stable")


def shared_rows(rows: Signatures) -> I64:
    """The rows whose question has the words of another's in their split, ascending: only these can be equal."""
    return np.flatnonzero(n_equal(mix(rows.shingles.sums ^ mix(rows.splits))) > 1)


def solutions_of(frame: pl.DataFrame, rows: I64) -> Solutions:
    """The digests of a batch with the columns `OF_SHARED`; `rows` says which rows these are."""
    questions, question = _distinct(frame["question"])
    rationales, rationale = _distinct(frame["rationale"])
    of_questions = digests(fold_all(questions))[question]
    of_rationales = digests(fold_all(rationales))[rationale]
    # Digests are random numbers, and stay so where one is spread over the other.
    wholes = mix(of_questions ^ mix(of_rationales ^ _codes(frame["split"])[:, np.newaxis]))
    return Solutions(rows, wholes, of_questions, digests(rationales)[rationale])


def joined_solutions(parts: Sequence[Solutions], order: I64 | None = None) -> Solutions:
    """The rows of all parts, one after another, or in another order of them."""
    none = np.zeros((0, 2), np.uint64)
    at = slice(None) if order is None else order
    return Solutions(
        np.concatenate([np.zeros(0, np.int64), *[p.rows for p in parts]])[at],
        np.concatenate([none, *[p.wholes for p in parts]])[at],
        np.concatenate([none, *[p.questions for p in parts]])[at],
        np.concatenate([none, *[p.rationales for p in parts]])[at],
    )


def rationales_of(texts: pl.Series) -> Rationales:
    """What is compared of some rationales."""
    return Rationales(shingles_of(texts), digests(texts))


def joined_rationales(parts: Sequence[Rationales], order: I64) -> Rationales:
    """The rationales of all parts (at least one), in another order of them."""
    return Rationales(
        joined_shingles([p.shingles for p in parts]).of(order),
        np.concatenate([p.digests for p in parts])[order],
    )


def _codes(column: pl.Series) -> U64:
    return column.hash().to_numpy()


def _distinct(texts: pl.Series) -> tuple[pl.Series, I64]:
    """The distinct texts, and which of them each is: what stands several times is worked on once."""
    first = first_equal(texts.to_frame())
    is_first = first == np.arange(len(texts))
    return texts.filter(is_first), (np.cumsum(is_first) - 1)[first]
