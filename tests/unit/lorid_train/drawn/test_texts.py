"""A drawn text as the rationale and answer of a record."""

from __future__ import annotations

import pytest

from lorid_data.role_texts import solution
from lorid_train.drawn.texts import parted, rules_of, target


@pytest.mark.parametrize(
    "text",
    [
        "9 * 2 = 18.\n--> 18 END",
        "one\ntwo --> three\n--> 1,080 END",
        r"So it is $\boxed{\frac{1}{2}}$, as said.",
        "\n--> 7 END",
    ],
)
def test_a_text_as_it_is_taught_is_written_again_to_the_letter(text: str) -> None:
    found = parted(text)
    assert found is not None
    assert solution(*found) == text == target(text)


def test_another_ending_gets_the_one_that_is_taught() -> None:
    assert parted("It makes 18. The answer is 18.") == ("It makes 18. The answer is 18.", "18")
    assert target("It makes 18. The answer is 18.") == "It makes 18. The answer is 18.\n--> 18 END"


def test_a_text_without_an_answer_is_no_row() -> None:
    assert parted("I count on and on") is None
    assert target("") is None


def test_rules_are_lines() -> None:
    assert rules_of(" Add. \n\nTake away.\n") == ("Add.", "Take away.")
