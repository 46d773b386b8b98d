"""Which step of a run is kept, and when reward and accuracy part. Pure: read from the trainer's log.

The log travels with each checkpoint, so a resumed run decides as an uninterrupted one does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PARTED = 2
"""So many measurements in succession, with more reward and less accuracy than at the best one."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Accuracy on the validation questions at one step.

    Attributes:
        step: after how many steps; 0 is the start.
        accuracy: share of right greedy answers, 0 to 1.
        reward: mean reward of the steps since the measurement before; None at the start.
    """

    step: int
    accuracy: float
    reward: float | None


def measured(log: Sequence[Mapping[str, Any]]) -> list[Measured]:
    """The measurements of a trainer's log, in order."""
    found, rewards = [], list[float]()
    for entry in log:
        if entry.get("reward") is not None:
            rewards.append(float(entry["reward"]))
        if "eval_accuracy" in entry:
            mean = sum(rewards) / len(rewards) if rewards else None
            found.append(Measured(int(entry["step"]), float(entry["eval_accuracy"]), mean))
            rewards = []
    return found


def best(found: Sequence[Measured]) -> Measured | None:
    """The measurement with the highest accuracy, the earliest of equals."""
    return max(found, key=lambda m: (m.accuracy, -m.step), default=None)


def parted(found: Sequence[Measured], n: int = PARTED) -> str | None:
    """Why to stop: the last `n` measurements all have less accuracy and more reward than the best before them."""
    before, last = found[: len(found) - n], found[len(found) - n :]
    top = best(before)
    if top is None or len(last) < n:
        return None
    # The start has no reward of its own: the first steps' stands for it.
    first = next((m.reward for m in found if m.reward is not None), None)
    paid = first if top.reward is None else top.reward
    if paid is None or any(m.reward is None for m in last):
        return None
    if all(m.accuracy < top.accuracy and (m.reward or 0.0) > paid for m in last):
        now = last[-1]
        return (
            f"the reward rose from {paid:.3f} to {now.reward:.3f} while accuracy fell from {top.accuracy:.1%} "
            f"(step {top.step}) to {now.accuracy:.1%} (step {now.step})"
        )
    return None
