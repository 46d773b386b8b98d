"""Options that a rule would pass over in silence are refused."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.config import EvalConfig
from lorid_train.evaluation.evaluate import stated
from lorid_train.interaction import rule_files


def _stated(**changes: Any) -> bool:
    config = EvalConfig(adapters={"ir": "run"}, dataset="data", out="eval", **changes)
    return stated(config, rule_files.default(), [], "here")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rule": "any_two", "abstain_below": 0.5}, "gives no probability by which an answer could be withheld"),
        ({"fallback": "cg", "abstain_below": 0.5}, "gives no probability by which an answer could be withheld"),
        ({"rule": "weighed", "fallback": "cg"}, "the rule 'weighed' never asks CG"),
    ],
)  # fmt: skip
def test_it_is_said_before_anything_is_drawn(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        _stated(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"abstain_below": 0.5}, {"rule": "any_two", "abstain_below": 0.0}, {"fallback": "cg"}],
)
def test_what_has_an_effect_or_changes_nothing_is_taken(changes: dict[str, Any]) -> None:
    assert _stated(**changes)
