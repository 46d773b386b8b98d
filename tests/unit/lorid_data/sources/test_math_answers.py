"""The answers of MATH: boxes that are one list, and questions that ask for one of two."""

import pytest

from lorid_data.folders.tables import Table
from lorid_data.sources import math


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Enter all the solutions, separated by commas.", "(10, 0), (0,0)"),
        ("Enter only one of the foci, not both.", "(0,0)"),
    ],
)
def test_two_boxes(question: str, answer: str) -> None:
    solution = r"The foci are $\boxed{(10, 0)}$ and $\boxed{(0,0)}.$"
    row = {"problem": question, "level": "Level 1", "type": "Algebra", "solution": solution}
    tables = [Table("here", tuple(row), [row]) for _ in math.SUBJECTS]
    problems, _ = math._problems(tables, "train")
    assert {p.answer for p in problems} == {answer}
