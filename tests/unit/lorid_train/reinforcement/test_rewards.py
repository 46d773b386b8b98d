"""Rewards, what a group of answers looks like, and when reward and accuracy part: worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_data.answers import reference
from lorid_data.errors import StageError
from lorid_train.reinforcement import rewards, stopping


def text(answer: str | None) -> str:
    return "I do not know." if answer is None else f"So it is.\n--> {answer} END"


def test_what_is_paid_for() -> None:
    gold = rewards.for_gold("12")
    assert [gold(a) for a in ("12", "12.0", "13", None)] == [1, 1, 0, 0]
    several = rewards.for_gold(reference("252", ("C(10, 5)",)))
    assert [several(a) for a in ("252", "C(10, 5)", "25")] == [1, 1, 0]
    label = rewards.for_label("1/2")
    assert [label(a) for a in ("0.5", "2", None)] == [1, 0, 0]
    partner = rewards.for_partner(["4", "4", "5", None])
    assert [partner(a) for a in ("4", "5", "6", None)] == [0.5, 0.25, 0, 0]


def test_an_answer_that_cannot_be_read_is_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    from lorid_train.metrics.rows import Verdict

    monkeypatch.setattr(rewards, "score", lambda *_: Verdict.UNGRADABLE)
    assert rewards.for_gold("12")("what?") is None


def test_what_a_group_looks_like() -> None:
    """Question 0: right, twice the same wrong answer, one other; question 1: none, and one alone."""
    texts = [text(a) for a in ("4", "5", "5.0", "7", None, "9")]
    seen = rewards.looks([0, 0, 0, 0, 1, 1], texts, [1, 0, 0, 0, 0, 0])
    assert seen.distinct == (3 + 1) / 2
    assert seen.shared_wrong == 2 / 6
    assert seen.without_answer == 1 / 6


def test_right_answers_that_are_shared_are_no_shared_mistake() -> None:
    assert rewards.looks([0, 0], [text("4"), text("4")], [1, 1]).shared_wrong == 0


def test_the_trainer_gets_rewards_in_order_and_a_log() -> None:
    logged: dict[str, float] = {}
    reward = rewards.Reward({3: rewards.for_label("4"), 7: rewards.for_label("5")})
    paid = reward(
        completions=[text("4"), text("4")], key=[3, 7], log_metric=logged.__setitem__, prompts=["a"]
    )
    assert paid == [1, 0]
    assert logged.keys() == {"answers/distinct", "answers/shared_wrong", "answers/none"}


def log(*entries: tuple[float, float]) -> list[dict[str, Any]]:
    """A start with accuracy 0.7, then (mean reward, accuracy) every ten steps."""
    made: list[dict[str, Any]] = [{"step": 0, "eval_accuracy": 0.7}]
    for i, (reward, accuracy) in enumerate(entries, 1):
        made += [
            {"step": 10 * i - 5, "reward": reward - 0.1},
            {"step": 10 * i, "reward": reward + 0.1},
        ]
        made.append({"step": 10 * i, "eval_accuracy": accuracy})
    return made


def test_measurements_carry_the_mean_reward_since_the_one_before() -> None:
    found = stopping.measured(log((0.5, 0.8), (0.6, 0.75)))
    assert [(m.step, m.accuracy) for m in found] == [(0, 0.7), (10, 0.8), (20, 0.75)]
    assert found[0].reward is None
    assert [m.reward for m in found[1:]] == pytest.approx([0.5, 0.6])


def test_the_best_is_the_earliest_of_equals_and_may_be_the_start() -> None:
    def kept(*entries: tuple[float, float]) -> int:
        best = stopping.best(stopping.measured(log(*entries)))
        assert best is not None
        return best.step

    assert kept((0.5, 0.8), (0.6, 0.8)) == 10
    assert kept((0.5, 0.7), (0.6, 0.6)) == 0
    assert stopping.best([]) is None


@pytest.mark.parametrize(
    ("entries", "stops"),
    [
        (((0.5, 0.8), (0.6, 0.75), (0.7, 0.7)), True),  # more is paid for less, twice
        (((0.5, 0.8), (0.6, 0.75)), False),  # once may be chance
        (((0.5, 0.8), (0.6, 0.75), (0.7, 0.8)), False),  # it came back
        (((0.5, 0.8), (0.45, 0.75), (0.4, 0.7)), False),  # both fall: that is no parting
        (((0.5, 0.65), (0.6, 0.6), (0.7, 0.6)), True),  # never better than the start
        (((0.5, 0.8), (0.6, 0.85), (0.7, 0.9)), False),
    ],
)
def test_training_stops_where_reward_and_accuracy_part(
    entries: tuple[tuple[float, float], ...], *, stops: bool
) -> None:
    why = stopping.parted(stopping.measured(log(*entries)))
    assert (why is not None) == stops
    if entries == ((0.5, 0.8), (0.6, 0.75), (0.7, 0.7)):
        assert why == (
            "the reward rose from 0.500 to 0.700 while accuracy fell from 80.0% (step 10) to 70.0% (step 30)"
        )


def test_gradients_are_held_against_rewards() -> None:
    import torch

    from lorid_train.reinforcement.trainer import reaches_adapter, refuse_no_number

    model = torch.nn.Linear(2, 1)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    assert not reaches_adapter(torch.zeros(4), model)
    with pytest.raises(StageError, match="every gradient of the adapter is zero"):
        reaches_adapter(torch.tensor([1.0, -1.0]), model)
    model.bias.grad = torch.ones(1)
    assert reaches_adapter(torch.tensor([1.0, -1.0]), model)
    with pytest.raises(StageError, match="not a number at step 3"):
        refuse_no_number(torch.tensor(float("nan")), 3)
