"""Which rows are the same problem with the same solution: pure functions of a frame of records.

Two different questions are the same problem only if they agree in their numbers, in order, in no
group of telling words is one exchanged for another (`two` for `three`, `odd` for `even`), and their
answers are equal; how alike their words are says only how likely it is. Rows of one original are
wanted variants, and never paired; nor are rows of one question with several rationales.

Frames are in order of priority: of two duplicates the earlier row stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lorid_data.answers.same import same_answer
from lorid_data.dedup.minhash import candidate_pairs, jaccard, n_equal, ranges
from lorid_data.texts.arrays import first_equal
from lorid_data.texts.folding import fold, fold_all
from lorid_data.texts.shingles import TELLING_GROUPS, Shingles, shingles_of
from lorid_data.texts.word_hashes import I64, U64, mix

if TYPE_CHECKING:
    import polars as pl


VERSION = 3
"""Bump when other pairs are found: a folder then belongs to another configuration."""
FLOOR = 0.3
"""The lowest similarity of a pair that is kept as evidence."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Rows equal in question, rationale and answer but for case and white space.

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


def find_exact(frame: pl.DataFrame, shingles: Shingles) -> Exact:
    """The exact duplicates among records.

    Args:
        frame: split, question, rationale and answer, in order of priority.
        shingles: of the questions.
    """
    import polars as pl

    keys = mix(shingles.sums ^ mix(_codes(frame["split"])))
    shared = np.flatnonzero(n_equal(keys) > 1)
    texts = frame[shared].select("split", "question", "rationale", "answer")
    of = first_equal(texts)  # most are equal as they stand, and need no folding
    single = np.flatnonzero(of == np.arange(len(of)))
    folded = texts[single].with_columns(pl.col("answer").str.strip_chars())
    folded = folded.with_columns(_folded(folded["question"]), _folded(folded["rationale"]))
    of[single] = single[first_equal(folded)]
    left = np.flatnonzero(of[single] == single)
    leaders, conflicts = _across_answers(folded[left])
    of[single[left]] = single[left[leaders]]
    while (further := of[of] != of).any():
        of[further] = of[of[further]]
    goes = of != np.arange(len(of))
    return Exact(shared[goes], shared[of[goes]], shared[single[left[conflicts]]])


def _folded(texts: pl.Series) -> pl.Series:
    """The folded texts; one that stands several times is folded once."""
    first = first_equal(texts.to_frame())
    is_first = first == np.arange(len(texts))
    return fold_all(texts.filter(is_first))[(np.cumsum(is_first) - 1)[first]]


def _across_answers(texts: pl.DataFrame) -> tuple[I64, I64]:
    """Of rows distinct in folded texts and answer, those of one solution with several answers.

    Returns:
        For each row the first one of its solution with an equal answer; and the rows of solutions
        whose answers differ, ascending.
    """
    import polars as pl

    leaders, conflicts = np.arange(len(texts)), list[int]()
    solution = ["split", "question", "rationale"]
    several = texts.select(*solution, "answer").with_row_index("place")
    several = several.filter(pl.len().over(solution) > 1)
    known: dict[tuple[str, str, str], list[tuple[int, str]]] = {}
    for place, *key, answer in several.iter_rows():
        group = known.setdefault(tuple(key), [])
        leader = next((p for p, other in group if same_answer(other, answer)), None)
        if leader is None:
            group.append((place, answer))
        else:
            leaders[place] = leader
    for group in known.values():
        if len(group) > 1:
            conflicts += [place for place, _ in group]
    return leaders, np.array(sorted(conflicts), np.int64)


def find_pairs(frame: pl.DataFrame, shingles: Shingles, rows: I64) -> Pairs:
    """The pairs of near duplicates among some rows, at every similarity from `FLOOR` on.

    Args:
        frame: split, original_id, question, rationale and answer, in order of priority.
        shingles: of the questions.
        rows: the rows to pair, ascending.
    """
    a, b = candidate_pairs(shingles, rows, _codes(frame["split"]))
    originals = _codes(frame["original_id"])
    keep = originals[a] != originals[b]
    a, b = a[keep], b[keep]
    keep = ~(_telling_differs(shingles, a, b) | _other_solution(frame, shingles, a, b))
    a, b = a[keep], b[keep]
    keep = _has_evidence(frame["answer"], shingles, a, b)
    a, b = a[keep], b[keep]
    question = jaccard(shingles, a, b)
    n_compared = len(a)
    keep = question >= FLOOR
    a, b, question = a[keep], b[keep], question[keep]
    keep = _answers_agree(frame["answer"], a, b)
    a, b, question = a[keep], b[keep], question[keep]
    return Pairs(a, b, question, _rationale_similarity(frame["rationale"], a, b), n_compared)


def _codes(column: pl.Series) -> U64:
    """A hash of each value of a column; only whether two are equal is used."""
    return column.hash().to_numpy()


def _other_solution(
    frame: pl.DataFrame, shingles: Shingles, a: I64, b: I64
) -> npt.NDArray[np.bool_]:
    """Whether two rows have the same question (as `fold` reads it) with different rationales."""
    found = np.zeros(len(a), np.bool_)
    at = np.flatnonzero(shingles.sums[a] == shingles.sums[b])
    rationales, questions = frame["rationale"], frame["question"]
    at = at[(rationales[a[at]] != rationales[b[at]]).to_numpy()]
    texts = zip(questions[a[at]].to_list(), questions[b[at]].to_list(), strict=True)
    found[at] = [fold(x) == fold(y) for x, y in texts]
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
    n_numbers += answers.str.contains("[0-9]").to_numpy()
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


def _rationale_similarity(rationales: pl.Series, a: I64, b: I64) -> npt.NDArray[np.float32]:
    found = np.ones(len(a), np.float32)
    unequal = np.flatnonzero((rationales[a] != rationales[b]).to_numpy())
    rows, places = np.unique(np.concatenate([a[unequal], b[unequal]]), return_inverse=True)
    shingles = shingles_of(rationales[rows])
    found[unequal] = jaccard(shingles, places[: len(unequal)], places[len(unequal) :])
    return found


def columns_of_pairs(frame: pl.DataFrame, pairs: Pairs) -> dict[str, Any]:
    """The pairs as columns of a table, rows named by their ids."""
    ids = frame["row_id"]
    return {
        "row_id": ids[pairs.b],
        "of_row_id": ids[pairs.a],
        "similarity": pairs.question,
        "rationale_similarity": pairs.rationale,
    }
