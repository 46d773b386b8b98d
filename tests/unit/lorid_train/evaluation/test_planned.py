"""The plan of an evaluation: bounds that the draws keep."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_train.config import EvalConfig
from lorid_train.evaluation.planned import Bounds, bounds, lines


def config(**changes: Any) -> EvalConfig:
    return EvalConfig(**({"adapters": {}, "dataset": "d", "out": "o", "rounds": 5} | changes))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, Bounds(40, 40 + 30, 40 + 150, has_votes=True)),
        ({"votes": "none"}, Bounds(40, 70, 190, has_votes=False)),
        ({"schedule": "exhaustive", "votes": "none"}, Bounds(40, 190, 190, has_votes=False)),
        ({"greedy": ("ir",), "votes": "none", "seeds": 2}, Bounds(10, 10 + 60, 10 + 300, has_votes=False)),
        ({"greedy": ("ir", "kg", "kg-knowledge"), "loop": False, "votes": "none"}, Bounds(30, 30, 30, has_votes=False)),
        ({"greedy": (), "loop": False, "votes": "ir"}, Bounds(0, 50, 50, has_votes=False)),
        ({"greedy": (), "votes": "none", "samples": {"ir": 40, "ks": 2}}, Bounds(0, 400 + 20 + 20, 400 + 50 + 50 + 20, has_votes=False)),
        ({"greedy": (), "loop": False, "votes": "none", "samples": {"dr": 3}}, Bounds(0, 60, 60, has_votes=False)),
    ],
)  # fmt: skip
def test_bounds(changes: dict[str, Any], wanted: Bounds) -> None:
    assert bounds(config(**changes), 10, has_knowledge=True) == wanted


def test_kg_writes_what_is_shuffled_where_the_dataset_has_no_knowledge() -> None:
    asked = config(greedy=("shuffled-knowledge",), loop=False, votes="none", samples={"ir": 1})
    assert bounds(asked, 10, has_knowledge=True).n_greedy == 10
    assert bounds(asked, 10, has_knowledge=False).n_greedy == 20


def test_the_plan_says_what_the_loop_decides() -> None:
    said = "\n".join(lines(config(max_new_tokens=128), [], None, 3))
    assert "up to 5 rounds of IR, KG and DR" in said
    assert "votes that cost as many tokens as the loop" in said
    assert "3 are there already" in said
    # How many votes cost what the loop costs is not known: what is said to bound stops before them.
    assert "tokens are written before the votes" in said
