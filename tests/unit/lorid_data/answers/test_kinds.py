"""The kinds of `docs/answers.md`: pairs and texts written from them before the code knew them.

`given` is what the code says where it does not say what is wanted: mostly `unparsed`, which claims nothing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.answers import Answer, NoAnswer, Verdict, Why, boxed, equal, extract

pytestmark = pytest.mark.usefixtures("answers_prepared")


def _cases(name: str) -> list[dict[str, Any]]:
    path = Path(__file__).parents[3] / "golden" / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


PAIRS = _cases("answers_kinds_equality.jsonl")


@pytest.mark.parametrize("kind", sorted({c["kind"] for c in PAIRS}))
def test_pairs_in_both_orders(kind: str) -> None:
    wrong = [
        (a, b, str(found), case["verdict"])
        for case in PAIRS
        if case["kind"] == kind
        for a, b in ((case["a"], case["b"]), (case["b"], case["a"]))
        if (found := equal(a, b)) != case.get("given", case["verdict"])
    ]
    assert not wrong


def test_none_that_must_differ_is_called_equal() -> None:
    """At least a third of the pairs must not be equal, and none is."""
    different = [c for c in PAIRS if c["verdict"] != "equal"]
    assert len(different) * 3 >= len(PAIRS)
    assert [c for c in different if c.get("given") == "equal"] == []


TEXTS = _cases("answers_kinds_extraction.jsonl")


@pytest.mark.parametrize("kind", sorted({c["kind"] for c in TEXTS}))
def test_texts(kind: str) -> None:
    wrong = []
    for case in TEXTS:
        found = extract(case["text"])
        value = found.value if isinstance(found, Answer) else None
        wanted = case["answer"]
        is_same = value == wanted or (
            value is not None and wanted is not None and equal(value, wanted) is Verdict.EQUAL
        )
        if case["kind"] == kind and not is_same:
            wrong.append((case["text"], value, wanted))
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        r"$\boxed{31}$. Final answer: 30",
        "#### 31\nHmm, that doesn't add up.",
        r"The answer is not $\boxed{31}$.",
        "The answer is 31. My mistake, I forgot one.",
    ],
)
def test_what_is_taken_back_says_so(text: str) -> None:
    assert extract(text) == NoAnswer(Why.WITHDRAWN)


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"$a=\boxed{ 7}$ or $a=\boxed{\frac12}$", r" 7, \frac12"),
        (r"$\boxed{p}$, $\boxed{q}$ and $\boxed{r}$", "p, q, r"),
        (r"$x=\boxed{2}$ and $y=\boxed{3}$", "x=2, y=3"),
        (r"$\boxed{0.5}$ or $\boxed{\frac12}$", r"\frac12"),
        (r"$\boxed{11}$ or $\boxed{11_7}$", "11_7"),
        (r"$\boxed{1}$ for now. Then $\boxed{2}$", "2"),
        (r"$\boxed{}$", ""),
        ("no box", None),
    ],
)
def test_boxes_that_are_one_answer(solution: str, answer: str | None) -> None:
    assert boxed(solution) == answer
