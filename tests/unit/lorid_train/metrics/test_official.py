"""The official evaluation: the original written anew from its description, and hand-worked cases."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.metrics.official import (
    n_label_chosen,
    official_evaluate,
    official_stop,
    official_stops,
)

ANSWERS = ["", "1", "2", "3", "0.5", "1/2", "100"]
_TAKEN_FOR = {("0.5", "1/2"), ("1/2", "0.5"), ("1", "100"), ("3", "2")}
"""Which candidate passes for which label: neither symmetric nor transitive, as the original's is not."""


def same(candidate: str, label: str) -> bool:
    return candidate == label or (candidate, label) in _TAKEN_FOR


def read(text: str) -> str:
    return text.removeprefix("It is ")


class Book(NamedTuple):
    """What the original says of one problem, and what its label had a hand in."""

    score: int
    iterations: int
    label_chose: bool


def by_the_book(
    ir_file: list[dict[str, str]], dr_file: list[dict[str, str]], rounds: int
) -> list[Book]:
    """The original, written from its description: two flat files, `rounds` rows a question.

    The label stands in every row of IR's file, and its first one is read. Round after round one
    answer goes into each role's set, '' leaves both, and whatever is common is held against the
    label. The index of the last round looked at counts the iterations.
    """
    found = []
    for first in range(0, len(ir_file), rounds):
        truth = read(ir_file[first]["label"])
        intuitive: set[str] = set()
        deep: set[str] = set()
        score, verdicts, n_rounds = 0, [], 0
        while n_rounds < rounds and not verdicts:
            intuitive.add(read(ir_file[first + n_rounds]["predict"]))
            deep.add(read(dr_file[first + n_rounds]["predict"]))
            intuitive.discard("")
            deep.discard("")
            verdicts = [same(answer, truth) for answer in intuitive.intersection(deep)]
            n_rounds += 1
        for verdict in verdicts:
            if verdict:
                score = 1
        # Without the label one candidate is as good as the other: it chose if they differ.
        found.append(Book(score, n_rounds, verdicts.count(True) == verdicts.count(False) == 1))
    return found


def as_file(texts: list[list[str]], labels: list[str]) -> list[dict[str, str]]:
    return [
        {"predict": text, "label": label}
        for of_one, label in zip(texts, labels, strict=True)
        for text in of_one
    ]


@st.composite
def problems(draw: st.DrawFn) -> tuple[int, list[list[str]], list[list[str]], list[str]]:
    rounds, n = draw(st.integers(1, 20)), draw(st.integers(0, 5))
    # Few answers agree soon, on one or on two at once; many agree late or never.
    said = st.sampled_from(ANSWERS[: draw(st.integers(2, len(ANSWERS)))]).map("It is {}".format)
    texts = st.lists(st.lists(said, min_size=rounds, max_size=rounds), min_size=n, max_size=n)
    label = st.sampled_from(ANSWERS[1:]).map("It is {}".format)
    return rounds, draw(texts), draw(texts), draw(st.lists(label, min_size=n, max_size=n))


@given(problems(), st.sampled_from(["", None]))
def test_agrees_with_the_book(
    case: tuple[int, list[list[str]], list[list[str]], list[str]], nothing: str | None
) -> None:
    rounds, ir, dr, labels = case
    expected = by_the_book(as_file(ir, labels), as_file(dr, labels), rounds)

    def extract(text: str) -> str | None:
        return read(text) or nothing

    stops = official_stops(ir, dr, labels, rounds=rounds, extract=extract, equal=same)
    assert [Book(s.score, s.round, s.label_chose) for s in stops] == expected
    scores, iterations = official_evaluate(
        ir, dr, labels, rounds=rounds, extract=extract, equal=same
    )
    assert [*zip(scores, iterations, strict=True)] == [b[:2] for b in expected]
    assert n_label_chosen(stops) == sum(b.label_chose for b in expected)


def test_agreement_across_rounds_and_strings_only() -> None:
    assert official_evaluate(
        [["1", "2"]], [["3", "1"]], ["1"], rounds=2, extract=str, equal=same
    ) == ([1], [2])
    # Equal in meaning, not as strings: never a consensus, and counted wrong.
    assert official_evaluate(
        [["1/2"] * 3], [["0.5"] * 3], ["0.5"], rounds=3, extract=str, equal=same
    ) == ([0], [3])


def test_the_label_chooses_between_two_common_answers() -> None:
    ir, dr = [["1", "2"]] * 3, [["2", "1"]] * 3
    stops = official_stops(ir, dr, ["1", "2", "3"], rounds=2, extract=str, equal=same)
    assert [s.score for s in stops] == [1, 1, 0]
    assert [s.candidates for s in stops] == [("1", "2")] * 3
    assert [s.label_chose for s in stops] == [True, True, False]
    assert n_label_chosen(stops) == 2


def test_the_stride_is_the_number_of_rounds() -> None:
    # With a stride of 20, any other number of rounds reads other questions' answers.
    ir = [["1"] * 5, ["2"] * 5, ["3"] * 5]
    assert official_evaluate(ir, ir, ["1", "2", "4"], rounds=5, extract=str, equal=same) == (
        [1, 1, 0],
        [1, 1, 1],
    )
    assert official_evaluate(ir, ir, ["1", "2", "3"], rounds=3, extract=str, equal=same)[0] == [
        1,
        1,
        1,
    ]


def test_missing_rounds_are_not_guessed() -> None:
    assert official_stop(["1"], ["2"], lambda _: True, rounds=2) is None
    found = official_stop(["1"], ["1"], lambda a: a == "1", rounds=2)
    assert found is not None
    assert (found.round, found.score) == (1, 1)


def test_extract_and_equal_of_any_shape() -> None:
    class Answer:
        def __init__(self, value: str) -> None:
            self.value = value

    def extract(text: str) -> Answer | None:
        return Answer(text[4:]) if text.startswith("--> ") else None

    texts = [["none at all", "--> 7"]]
    scores = official_evaluate(
        texts,
        texts,
        ["7"],
        rounds=2,
        extract=extract,
        equal=lambda a, b: "equal" if a == b else "different",
    )
    assert scores == ([1], [2])
    labels = official_evaluate(
        texts, texts, ["--> 7"], rounds=2, extract=extract, equal=lambda a, b: a == b
    )
    assert labels == ([1], [2])


def test_the_default_reads_texts_and_labels() -> None:
    texts = [["so\n--> 1,234 END", "x"], ["I do not know", "still not"]]
    labels = ["long way\n--> 1234 END</s>", "5"]
    assert official_evaluate(texts, texts, labels, rounds=2) == ([1, 0], [1, 2])
    assert official_evaluate(texts[:1], texts[:1], ["1234"], rounds=1) == ([1], [1])


@pytest.mark.parametrize(
    ("text", "label", "score"),
    [
        ("--> 12 END", "12 apples", 1),  # a bare label loses its unit as the answer does
        ("--> 12 apples END", "12", 1),
        ("--> 3/4 END", r"\frac34", 1),
        ("--> 18 END", "9 + 9 = 18\n#### 18", 1),  # a whole text: its last number
        ("--> 1800 END", "18", 1),  # a factor of 100 is forgiven, there as here
        ("--> x+1 END", "1+x", 1),  # left open by strings and numbers: sympy's part
        ("--> x+1 END", "x+2", 0),
        ("no number", "0", 0),
    ],
)
def test_the_default_reads_bare_labels_as_targets(text: str, label: str, score: int) -> None:
    assert official_evaluate([[text]], [[text]], [label], rounds=1) == ([score], [1])


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        official_evaluate([], [], [], rounds=0)
    with pytest.raises(ValueError, match="same problems"):
        official_evaluate([["1"]], [["1"]], [], rounds=1)
    with pytest.raises(ValueError, match=r"dr_texts\[0\] holds 1 texts, 2 rounds"):
        official_evaluate([["1", "2"]], [["1"]], ["1"], rounds=2)
