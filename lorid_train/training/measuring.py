"""Accuracy of greedy answers as all that a trainer measures: for losses that say nothing of answers."""

from __future__ import annotations

from typing import Any


def measured(trainer: Any) -> dict[str, float]:
    """Ask a trainer's `grade`, log what it says, and leave random numbers and mode as they were.

    Args:
        trainer: one of `transformers`' with `grade`: its model to the share of right answers, or None.
    """
    import torch

    if trainer.grade is None:
        return {}
    with torch.random.fork_rng():
        accuracy = {"eval_accuracy": float(trainer.grade(trainer.model))}
    was_training = trainer.model.training
    trainer.model.eval()  # by this TRL tells which metrics are meant
    trainer.log(dict(accuracy))
    trainer.model.train(was_training)
    handler = trainer.callback_handler
    trainer.control = handler.on_evaluate(trainer.args, trainer.state, trainer.control, accuracy)
    return accuracy
