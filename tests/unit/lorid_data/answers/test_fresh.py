"""Cases of writers who had not read the code: what they want is in `docs/answers.md`.

They were read once (`docs/experiments.md` has the figures) before anything was corrected.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.answers import Answer, Verdict, equal, extract

pytestmark = pytest.mark.usefixtures("answers_prepared")


def _cases(name: str) -> list[dict[str, Any]]:
    path = Path(__file__).parents[3] / "golden" / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


PAIRS = _cases("answers_fresh_equality.jsonl")
TEXTS = _cases("answers_fresh_extraction.jsonl")
LANGUAGES = sorted({c["language"] for c in (*PAIRS, *TEXTS)})


@pytest.mark.parametrize("language", LANGUAGES)
def test_pairs_in_both_orders(language: str) -> None:
    """What must be equal is; what must not is told apart, or nothing is claimed."""
    wrong = [
        (a, b, str(found))
        for case in PAIRS
        if case["language"] == language
        for a, b in ((case["a"], case["b"]), (case["b"], case["a"]))
        if ((found := equal(a, b)) is Verdict.EQUAL) != (case["verdict"] == "equal")
    ]
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts(language: str) -> None:
    wrong = []
    for case in TEXTS:
        if case["language"] != language:
            continue
        found = extract(case["text"])
        value = found.value if isinstance(found, Answer) else None
        wanted = case["answer"]
        if value is None or wanted is None:
            is_right = value == wanted
        else:
            is_right = equal(value, wanted) is Verdict.EQUAL
        if not is_right:
            wrong.append((case["text"], value, wanted))
    assert not wrong


def test_a_third_of_the_cases_must_not_be_equal_or_hold_an_answer() -> None:
    apart = [c for c in PAIRS if c["verdict"] != "equal"]
    none = [c for c in TEXTS if c["answer"] is None]
    assert len(apart) + len(none) >= 300
    assert len(apart) * 3 >= len(PAIRS)
