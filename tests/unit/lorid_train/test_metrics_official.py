"""The official evaluation: hand-worked cases, and the original's lines written out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.metrics import n_label_chosen, official_evaluate, official_stop, official_stops

LETTERS = st.sampled_from(["", "1", "2", "3", "0.5", "1/2"])


def same(a: str, b: str) -> bool:
    return {"0.5": "1/2"}.get(a, a) == {"0.5": "1/2"}.get(b, b)


def by_the_book(ir: list[str], dr: list[str], label: str) -> tuple[int, int]:
    """Cumulative sets, '' dropped, any common answer counts, last round without one."""
    for j in range(len(ir)):
        common = ({*ir[: j + 1]} & {*dr[: j + 1]}) - {""}
        if common:
            return int(any(same(c, label) for c in common)), j + 1
    return 0, len(ir)


@st.composite
def problems(draw: st.DrawFn) -> tuple[int, list[list[str]], list[list[str]], list[str]]:
    rounds, n = draw(st.integers(1, 6)), draw(st.integers(0, 5))
    texts = st.lists(st.lists(LETTERS, min_size=rounds, max_size=rounds), min_size=n, max_size=n)
    labels = st.lists(st.sampled_from(["1", "2", "1/2"]), min_size=n, max_size=n)
    return rounds, draw(texts), draw(texts), draw(labels)


@given(problems())
def test_agrees_with_the_book(
    case: tuple[int, list[list[str]], list[list[str]], list[str]],
) -> None:
    rounds, ir, dr, labels = case
    scores, iterations = official_evaluate(ir, dr, labels, rounds=rounds, extract=str, equal=same)
    expected = [by_the_book(i, d, label) for i, d, label in zip(ir, dr, labels, strict=True)]
    assert list(zip(scores, iterations, strict=True)) == expected


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
