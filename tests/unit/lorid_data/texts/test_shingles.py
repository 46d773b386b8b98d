"""Words, numbers and word pairs as hashes, against a slow reading of the same rules."""

import itertools
import random
import string

import numpy as np
import polars as pl
import pytest

from lorid_data.dedup.minhash import candidate_pairs, jaccard, ranges
from lorid_data.texts import shingles
from lorid_data.texts.arrays import first_equal
from lorid_data.texts.shingles import TELLING_WORDS, Shingles, shingles_of


def of(*texts: str) -> Shingles:
    return shingles_of(pl.Series("t", list(texts), dtype=pl.String))


def similarity(a: str, b: str) -> float:
    return float(jaccard(of(a, b), np.array([0]), np.array([1]))[0])


def words(text: str) -> set[tuple[str, str]]:
    parts = text.lower().split()
    return set(itertools.pairwise([*parts, ""]))


def test_the_similarity_is_that_of_sets_of_word_pairs() -> None:
    rng = random.Random(0)
    vocabulary = [
        "".join(rng.choices(string.ascii_letters, k=rng.randint(1, 30))) for _ in range(9)
    ]
    texts = [" ".join(rng.choices(vocabulary, k=rng.randint(1, 40))) for _ in range(60)]
    a, b = (np.array(side) for side in zip(*itertools.combinations(range(60), 2), strict=True))
    found = jaccard(of(*texts), a, b)
    for i, j, got in zip(a.tolist(), b.tolist(), found.tolist(), strict=True):
        one, two = words(texts[i]), words(texts[j])
        assert got == pytest.approx(len(one & two) / len(one | two), abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b"),
    [("Tom has  3\napples.", "tom HAS 3 apples"), ("1,200 pens", "1200 pens"), ("x (and y)", "x and y"),
     ("a", "a."), ("costs 3.50.", "costs 3.50")],
)  # fmt: skip
def test_what_does_not_count_leaves_no_trace(a: str, b: str) -> None:
    both = of(a, b)
    assert both.sums[0] == both.sums[1]
    assert both.numbers[0] == both.numbers[1]
    assert similarity(a, b) == 1


@pytest.mark.parametrize(
    ("a", "b"),
    [("3 pens", "4 pens"), ("3 and 5", "5 and 3"), ("3.5", "35"), ("3.5", "3, 5"), ("1,200", "1, 200"), ("1,20", "120"),
     ("arccos(-1)", "arccos 1"), ("5 pens", "5 pens 5"), ("0", ""), ("1,2000", "12000"), ("$-5$", "$5$")],
)  # fmt: skip
def test_other_numbers_are_told_apart(a: str, b: str) -> None:
    both = of(a, b)
    assert both.numbers[0] != both.numbers[1]


def test_a_difference_is_a_minus_and_no_negative_number() -> None:
    both = of("x-1", "x - 1", "10-1 = 9", "10 - 1 = 9")
    assert both.numbers[0] == both.numbers[1]
    assert both.numbers[2] == both.numbers[3]
    assert both.n_numbers.tolist() == [1, 1, 3, 3]


def test_a_text_reads_the_same_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["", "One 1,000.5 two", " ", "é1-2", "x" * 3000, "a,", "1", ",234", "5", "three"] * 30
    alone = [of(t) for t in texts]
    for size in (1, 64, 1 << 18):
        monkeypatch.setattr(shingles, "_PIECE_BYTES", size)
        together = of(*texts)
        assert together.sums.tolist() == [int(s.sums[0]) for s in alone]
        assert together.numbers.tolist() == [int(s.numbers[0]) for s in alone]
        assert together.sizes.tolist() == [int(s.sizes[0]) for s in alone]
        places = ranges(together.begins, together.sizes)
        assert together.values[places].tolist() == [v for s in alone for v in s.values.tolist()]
        told = together.telling[ranges(together.telling_begins, together.telling_sizes)]
        assert [TELLING_WORDS[c] for c in told] == ["one", "two", "three"] * 30
        assert together.n_spelled.tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 0, 1] * 30


def test_the_hashes_never_change() -> None:
    """Stored evidence names the similarity only, but another hash would find other candidates."""
    one = of("Tom has 3 apples and 1,000 pens.")
    assert (hex(one.sums[0]), hex(one.numbers[0])) == ("0x27d70d5236812b34", "0x98f265fb3cc24db9")


def test_a_text_that_stands_twice_is_kept_once() -> None:
    both = of("Tom has one pen", "x", "Tom has one pen", "Tom has one Pen")
    assert (len(both.values), len(both.telling)) == (9, 2)
    assert both.begins[0] == both.begins[2] != both.begins[3]
    assert both.sums[0] == both.sums[2] == both.sums[3]
    assert first_equal(pl.DataFrame({"a": ["x", "y", "x"], "b": ["z"] * 3})).tolist() == [0, 1, 0]


def test_rows_that_share_a_hash_only_are_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pl.DataFrame, "hash_rows", lambda self: pl.Series([7] * len(self), dtype=pl.UInt64)
    )
    assert first_equal(pl.DataFrame({"a": ["x", "y", "x", "z"]})).tolist() == [0, 1, 0, 3]


def test_no_texts_and_texts_without_words() -> None:
    assert len(of().sums) == 0
    empty = of("", " \n", "?!")
    assert (empty.sizes.tolist(), empty.begins.tolist()) == ([0, 0, 0], [0, 0, 0])
    a, b = candidate_pairs(empty, np.arange(3), np.zeros(3, np.uint64))
    assert len(a) == len(b) == 0
    assert similarity("", "") == 0


def test_candidates_agree_in_numbers_and_key() -> None:
    text = "Tom buys 3 apples and 4 pears at the market near the old town on a sunny day"
    other = text.replace("3", "5")
    texts = of(text, text, other, other, text + " soon")
    a, b = candidate_pairs(texts, np.arange(5), np.array([0, 0, 0, 0, 1], np.uint64))
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == [(0, 1), (2, 3)]


def test_a_large_group_gives_few_pairs() -> None:
    texts = of(*["the same question with 2 numbers and 3 words"] * 500)
    a, _ = candidate_pairs(texts, np.arange(500), np.zeros(500, np.uint64))
    assert a.tolist() == [0] * 499
