"""A role that writes programs, where none is run: its text is no answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.schema import Provenance, Record, problem_id
from lorid_train import roles
from lorid_train.reinforcement.prepared import prepare
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.training.greedy_eval import make_greedy_eval

RECORD = Record(
    row_id="r", problem_id=problem_id("How many?"), original_id=problem_id("How many?"), source="s", split="train",
    question="How many?", rationale="", answer="7", program="answer = 7", provenance=Provenance(teacher="none"),
)  # fmt: skip


def test_greedy_programs_are_compared_with_those_of_the_rows() -> None:
    fmt: Any = SimpleNamespace(prompt_ids=lambda *_: [1])
    exam = make_greedy_eval(roles.role("cg"), [RECORD], fmt, None, 1)
    assert exam.share_right(["answer = 7\n"]) == 1.0
    assert exam.share_right(["The answer is: 7"]) == 0.0


def test_it_is_not_paid_for_what_its_text_states() -> None:
    with pytest.raises(ConfigError, match="role 'cg' answers by a program"):
        prepare(RlConfig(init="run", role="cg", out="rl", blind=True))
