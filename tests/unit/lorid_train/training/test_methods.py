"""Settings that would change nothing are refused: of another method than the run's, of roles that nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_train.config import TrainConfig
from lorid_train.training.early import early_problems


def _problems(**changes: Any) -> list[str]:
    body: dict[str, Any] = {"base": "student", "data": "data", "out": "run", "roles": ("ir",)}
    return early_problems(TrainConfig(**(body | changes)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"redi_alpha": 0.5}, "redi_alpha: has no meaning with method 'sft'"),
        ({"redi_alpha": 0.5, "method": "dpo"}, "redi_alpha: has no meaning with method 'dpo'"),
        ({"difficulty": [0.1, 0.9], "method": "dpo"}, "learns from pairs, which have no pass rate"),
        ({"per_role": {"ir": {"sft": {"max_steps": 1}}}, "method": "redi"}, "per_role.ir.sft: method 'redi'"),
    ],
)  # fmt: skip
def test_what_the_method_does_not_know_is_refused(changes: dict[str, Any], sentence: str) -> None:
    [problem] = _problems(**changes)
    assert sentence in problem


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": {"ir": "d", "zz": "d"}}, "data: unknown key 'zz'"),
        ({"init": {"ir": "d", "irr": "d"}}, "init: unknown key 'irr'; did you mean 'ir'?"),
        ({"validation": {"data": {"ir": "v", "zz": "v"}}}, "validation.data: unknown key 'zz'"),
        ({"difficulty": {"by": "zz"}}, "difficulty: by: unknown role 'zz'; there are ir, "),
    ],
)  # fmt: skip
def test_a_role_that_nobody_knows_is_refused_wherever_it_is_named(
    changes: dict[str, Any], sentence: str
) -> None:
    [problem] = _problems(**changes)
    assert sentence in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"ir": "d", "kg": "d"}},
        {},
        {"method": "redi", "redi_alpha": 0.5},
        {"difficulty": [0.1, 0.9]},
    ],
)
def test_what_it_knows_is_taken(changes: dict[str, Any]) -> None:
    assert _problems(**changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"validation": {"split": "test", "patience": 2}},
        {"validation": {"split": "test"}, "sft": {"load_best_model_at_end": True}},
    ],
)
def test_no_step_is_chosen_on_a_test_split(changes: dict[str, Any]) -> None:
    assert any("then test it no more" in p for p in _problems(**changes))


def test_a_test_split_may_be_measured_on() -> None:
    assert not any("then test it no more" in p for p in _problems(validation={"split": "test"}))
