"""Runs of `rl` of a second: a random model's texts are read as answers, and even ones are paid for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lorid_train.reinforcement.settings import RlConfig

GRPO: dict[str, Any] = {
    "per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 6, "max_steps": 4,
    "save_steps": 2, "logging_steps": 1, "learning_rate": 1e-2, "gradient_accumulation_steps": 1,
}  # fmt: skip


def by_sum(text: str) -> str:
    """A number below 12 that a random text gives."""
    return str(sum(text.encode()) % 12)


def answer_by(patch: Callable[..., None]) -> None:
    """Let texts give answers by `by_sum`, and pay for even ones; `patch` is `monkeypatch.setattr`."""
    patch("lorid_train.reinforcement.rewards.answer_of", by_sum)
    patch(
        "lorid_train.reinforcement.rewards.for_gold",
        lambda _: lambda answer: float(answer is not None and int(answer) % 2 == 0),
    )


def config(init: Path, data: Path, out: Path, *, grpo: Any = None, **changes: Any) -> RlConfig:
    """Two questions of four answers each a step; `grpo` changes single fields."""
    body = {
        "init": str(init), "data": str(data), "out": str(out), "role": "dr", "threads": 1,
        "grpo": GRPO | (grpo or {}),
        "validation": {"split": "validation", "limit": 3, "max_new_tokens": 4},
    }  # fmt: skip
    return RlConfig(**(body | changes))
