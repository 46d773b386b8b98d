"""Word overlap of questions with test questions, against slow readings and published counts."""

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.contamination.overlap import (
    ALIKE_FLOOR,
    as_gpt3,
    as_open_r1,
    coded,
    compare,
    contained,
    runs_of,
    sharing,
    starts_of,
    words,
)


def longest_common(a: list[str], b: list[str]) -> int:
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for j, y in enumerate(b):
            row.append(before[j] + 1 if x == y else max(before[j + 1], row[-1]))
    return row[-1]


def test_every_pair_is_compared_by_its_common_words_in_order() -> None:
    rng = random.Random(0)
    make = lambda: rng.choices(["one", "two", "three", "four", "five", "six"], k=rng.randint(0, 12))  # noqa: E731
    ours, theirs = [make() for _ in range(300)], [make() for _ in range(20)]
    ours[7] += ["unknown to the tests"] * 3
    found = {(p.row, p.test): p.fraction for p in compare(ours, coded(theirs))}
    for i, a in enumerate(ours):
        for j, b in enumerate(theirs):
            fraction = 2 * longest_common(a, b) / (len(a) + len(b)) if a and b else 0.0
            if fraction >= ALIKE_FLOOR:
                assert found.pop((i, j)) == pytest.approx(fraction, abs=1e-6)
    assert found == {}


def test_a_word_that_no_test_holds_matches_nothing() -> None:
    [pair] = compare([["new", "b"]], coded([["a", "b"]]))
    assert pair.fraction == 0.5


def test_more_words_than_one_plane_of_characters_holds() -> None:
    tests = [[f"w{i}" for i in range(k, k + 10)] for k in range(0, 70_000, 10)]
    [pair] = compare([tests[6000]], coded(tests))
    assert (pair.test, pair.fraction) == (6000, 1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Find 1,000.5 + x^2. Express your answer as a common fraction.", "find 1000.5 + x ^ 2"),
        ("What is it? [asy] draw((0,0)); [/asy]", "what is it"),
        ("[asy] draw((0,0)); [/asy]", "asy draw 0 0 / asy"),
        ("Tom's -3°", "tom s -3"),
        ("x-1 at (2,3) and -1,200.5", "x - 1 at 2 3 and -1200.5"),
        ("Enter the answers in order.", "enter the answers in order"),
        ("", ""),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert words(text) == expected.split()


def test_a_question_that_holds_another() -> None:
    test = ["how", "many", "pens", "does", "Ann", "have", "left", "at", "the", "end"]
    ours = [["so", *test, "now"], test, ["so", *test[:-1]], ["a"]]
    tests = [test, ["a"]]
    assert contained(ours, tests, starts_of(tests)) == [(0, 0)]
    assert contained(ours, [["a"]], starts_of([["a"]])) == []


def n_sharing(ours: list[str], theirs: list[str], n: int, split: Any) -> tuple[int, int]:
    n_texts, hit = sharing(ours, runs_of(theirs, n, split), n, split)
    return n_texts, len(hit)


def test_the_counts_of_gsm8k_are_the_known_ones(real_data: Path) -> None:
    """Counted before for open-r1's script and GPT-3's filter: 70 / 60 and 4 / 3."""
    folder = real_data / "openai/gsm8k/main"
    train, test = (
        pl.read_parquet(next(folder.glob(f"{split}-*.parquet")))["question"].to_list()
        for split in ("train", "test")
    )
    assert n_sharing(train, test, 8, as_open_r1) == (70, 60)
    assert n_sharing(train, test, 13, as_gpt3) == (4, 3)


def test_texts_shorter_than_the_run_share_none() -> None:
    assert n_sharing(["a b c"], ["a b c"], 4, as_open_r1) == (0, 0)
    assert n_sharing(["A b, c!"], ["a b c"], 3, as_open_r1) == (0, 0)
    assert n_sharing(["A b, c!"], ["a b c"], 3, as_gpt3) == (1, 1)
