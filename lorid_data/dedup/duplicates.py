"""Which rows are the same problem with the same solution: pure functions of what is held of the rows.

Two different questions are the same problem only if they agree in their numbers, in order, in no
group of telling words is one exchanged for another (`two` for `three`, `odd` for `even`), and their
answers are equal; how alike their words are says only how likely it is. Rows of one original are
wanted variants, and never paired; nor are rows of one question with several rationales.

Rows are in order of priority: of two duplicates the earlier one stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lorid_data.answers.same import same_answer
from lorid_data.dedup.minhash import candidate_pairs, jaccard, ranges
from lorid_data.dedup.signatures import Rationales, Signatures, Solutions
from lorid_data.texts.arrays import first_equal
from lorid_data.texts.characters import plain_all
from lorid_data.texts.digests import equal_digests
from lorid_data.texts.shingles import TELLING_GROUPS, Shingles
from lorid_data.texts.word_hashes import I64, U64

if TYPE_CHECKING:
    import polars as pl


VERSION = 4
"""Bump when other pairs are found: a folder then belongs to another configuration."""
FLOOR = 0.3
"""The lowest similarity of a pair that is kept as evidence."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Rows equal in question, rationale and answer but for case, white space and forms of characters.

    Attributes:
        rows: those that an earlier row equals, ascending.
        of: that earlier row of each.
        conflicts: rows whose question and rationale another row has with another answer.
    """

    rows: I64
    of: I64
    conflicts: I64


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of different questions that are the same problem, with their similarities.

    Attributes:
        a: the earlier row of each pair.
        b: the later one; the pairs are sorted by it.
        question: Jaccard similarity of the word pairs of the questions; `FLOOR` or more.
        rationale: the same of the rationales; 1 where they are equal.
        n_compared: candidates of which the similarity was computed.
    """

    a: I64
    b: I64
    question: npt.NDArray[np.float32]
    rationale: npt.NDArray[np.float32]
    n_compared: int


def find_exact(rows: Signatures, solutions: Solutions) -> Exact:
    """The exact duplicates among rows.

    Args:
        rows: all of them, in order of priority.
        solutions: of those that may be equal (`signatures.shared_rows`).
    """
    shared = solutions.rows
    answers = rows.answers[shared].str.strip_chars()
    of = first_equal(_columns(solutions.wholes).with_columns(answer=answers))
    single = np.flatnonzero(of == np.arange(len(of)))
    leaders, conflicts = _across_answers(solutions.wholes[single], answers[single])
    of[single] = single[leaders]
    while (further := of[of] != of).any():
        of[further] = of[of[further]]
    goes = of != np.arange(len(of))
    return Exact(shared[goes], shared[of[goes]], shared[single[conflicts]])


def _columns(wholes: U64) -> pl.DataFrame:
    """Digests as two columns of numbers."""
    import polars as pl

    return pl.DataFrame({"a": wholes[:, 0], "b": wholes[:, 1]})


def _across_answers(wholes: U64, answers: pl.Series) -> tuple[I64, I64]:
    """Of rows distinct in solution and answer, those of one solution with several answers.

    Returns:
        For each row the first one of its solution with an equal answer; and the rows of solutions
        whose answers differ, ascending.
    """
    import polars as pl

    leaders, conflicts = np.arange(len(wholes)), list[int]()
    texts = _columns(wholes)
    solution = texts.columns
    several = texts.with_columns(answer=answers).with_row_index("place")
    several = several.filter(pl.len().over(solution) > 1)
    known: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for place, *key, answer in several.iter_rows():
        group = known.setdefault((key[0], key[1]), [])
        leader = next((p for p, other in group if same_answer(other, answer)), None)
        if leader is None:
            group.append((place, answer))
        else:
            leaders[place] = leader
    for group in known.values():
        if len(group) > 1:
            conflicts += [place for place, _ in group]
    return leaders, np.array(sorted(conflicts), np.int64)


def find_pairs(
    rows: Signatures,
    solutions: Solutions,
    some: I64,
    rationales: Callable[[I64], Rationales],
) -> Pairs:
    """The pairs of near duplicates among some rows, at every similarity from `FLOOR` on.

    Args:
        rows: all of them, in order of priority.
        solutions: as `find_exact` takes them.
        some: the rows to pair, ascending.
        rationales: gives those of rows that it is told, ascending; asked once, for the rows of
            pairs whose questions are alike.
    """
    shingles = rows.shingles
    a, b = candidate_pairs(shingles, some, rows.splits)
    keep = rows.originals[a] != rows.originals[b]
    a, b = a[keep], b[keep]
    keep = ~(_telling_differs(shingles, a, b) | _other_solution(solutions, shingles, a, b))
    a, b = a[keep], b[keep]
    keep = _has_evidence(rows.answers, shingles, a, b)
    a, b = a[keep], b[keep]
    question = jaccard(shingles, a, b)
    n_compared = len(a)
    keep = question >= FLOOR
    a, b, question = a[keep], b[keep], question[keep]
    keep = _answers_agree(rows.answers, a, b)
    a, b, question = a[keep], b[keep], question[keep]
    return Pairs(a, b, question, _rationale_similarity(rationales, a, b), n_compared)


def _other_solution(
    solutions: Solutions, shingles: Shingles, a: I64, b: I64
) -> npt.NDArray[np.bool_]:
    """Whether two rows have the same question (as `fold` reads it) with different rationales."""
    found = np.zeros(len(a), np.bool_)
    at = np.flatnonzero(shingles.sums[a] == shingles.sums[b])
    # Rows of one split and the same words are all among the solutions.
    of_a, of_b = (np.searchsorted(solutions.rows, side[at]) for side in (a, b))
    found[at] = equal_digests(solutions.questions[of_a], solutions.questions[of_b])
    found[at] &= ~equal_digests(solutions.rationales[of_a], solutions.rationales[of_b])
    return found


def _telling_differs(shingles: Shingles, a: I64, b: I64) -> npt.NDArray[np.bool_]:
    """Whether in a group of telling words each of the two has one that the other lacks."""
    # Most pairs have the same telling words, which one sum per text shows.
    unequal = np.flatnonzero(shingles.telling_sums[a] != shingles.telling_sums[b])
    differs = np.zeros(len(a), np.bool_)
    if not len(unequal):
        return differs
    n_codes, n_groups = len(TELLING_GROUPS), int(TELLING_GROUPS[-1]) + 1
    sides = []
    for side in (a[unequal], b[unequal]):
        sizes = shingles.telling_sizes[side]
        pair = np.repeat(np.arange(len(side)), sizes)
        codes = shingles.telling[ranges(shingles.telling_begins[side], sizes)]
        sides.append(pair * n_codes + codes)
    words = np.concatenate(sides)
    order = np.argsort(words, kind="stable")
    signs = np.where(order < len(sides[0]), 1, -1)
    words = words[order]
    heads = np.flatnonzero(np.append(True, words[1:] != words[:-1]))
    more = np.add.reduceat(signs, heads)
    group = words[heads] // n_codes * n_groups + TELLING_GROUPS[words[heads] % n_codes]
    exchanged = np.intersect1d(group[more > 0], group[more < 0])
    differs[unequal[exchanged // n_groups]] = True
    return differs


def _has_evidence(answers: pl.Series, shingles: Shingles, a: I64, b: I64) -> npt.NDArray[np.bool_]:
    """Whether equal numbers and answers mean something: two numbers stand in them, or no word differs.

    The letters of NINE and of THAT can be arranged in 12 ways, and f(f(x)) and f(f(f(x))) are both
    odd: too little agrees there to say that two questions are one.
    """
    n_numbers = shingles.n_numbers + shingles.n_spelled
    n_numbers += plain_all(answers).str.contains("[0-9]").to_numpy()
    same_words = shingles.sums[a] == shingles.sums[b]
    same_words &= shingles.sizes[a] == shingles.sizes[b]
    found: npt.NDArray[np.bool_] = (np.minimum(n_numbers[a], n_numbers[b]) >= 2) | same_words
    return found


def _answers_agree(answers: pl.Series, a: I64, b: I64) -> npt.NDArray[np.bool_]:
    """Whether both rows have an answer, and equal ones."""
    stripped = answers.str.strip_chars()
    of_a, of_b = stripped[a], stripped[b]
    agree = ((of_a == of_b) & (of_a != "")).to_numpy().copy()
    unequal = np.flatnonzero((of_a != of_b).to_numpy())
    pairs = zip(of_a[unequal].to_list(), of_b[unequal].to_list(), strict=True)
    agree[unequal] = [bool(x and y) and same_answer(*sorted((x, y))) for x, y in pairs]
    return agree


def _rationale_similarity(
    rationales: Callable[[I64], Rationales], a: I64, b: I64
) -> npt.NDArray[np.float32]:
    found = np.ones(len(a), np.float32)
    if not len(a):
        return found
    rows, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    read = rationales(rows)
    of_a, of_b = places[: len(a)], places[len(a) :]
    unequal = np.flatnonzero(~equal_digests(read.digests[of_a], read.digests[of_b]))
    found[unequal] = jaccard(read.shingles, of_a[unequal], of_b[unequal])
    return found


def columns_of_pairs(row_ids: pl.Series, pairs: Pairs) -> dict[str, Any]:
    """The pairs as columns of a table, rows named by their ids."""
    return {
        "row_id": row_ids[pairs.b],
        "of_row_id": row_ids[pairs.a],
        "similarity": pairs.question,
        "rationale_similarity": pairs.rationale,
    }
