"""What training left, held against what was there before the first step: the base as it was, the adapter not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lorid_data.errors import StageError
from lorid_train.models.weights import adapter_digest, base_digest, is_without_effect


@dataclass(frozen=True, slots=True)
class Before:
    """The weights before the first step, by hash.

    Attributes:
        base: of the base model; None where it is sharded while it trains, and cannot be compared.
        adapter: of what is trained.
    """

    base: str | None
    adapter: str


def before(model: Any, *, is_sharded: bool = False) -> Before:
    """What to hold the trained model against; taken before its first step, or before a checkpoint is loaded."""
    return Before(None if is_sharded else base_digest(model), adapter_digest(model))


def refuse_moved_base(model: Any, was: Before, where: str, hint: str = "") -> None:
    """Refuse a base model that is another after training.

    Raises:
        StageError: it is; the sentence begins with `where` and ends with `hint`.
    """
    if was.base is not None and base_digest(model) != was.base:
        raise StageError(f"{where}training changed the base model, which must stay frozen{hint}")


def refuse_unmoved(
    model: Any, was: Before, where: str, weights: Mapping[str, Any] | None = None
) -> None:
    """Refuse an adapter that training has left as it was.

    Args:
        model: PEFT's, after the last step.
        was: the same before the first.
        where: what the sentence begins with.
        weights: the adapter's, gathered, where the model's own are sharded.

    Raises:
        StageError: it is the same, or has no effect on any prompt.
    """
    if adapter_digest(model, weights) == was.adapter or is_without_effect(model, weights):
        msg = (
            f"{where}the adapter is what it was before the first step, so nothing was learnt; look at "
            "learning_rate, warmup_steps (the first of them has a rate of 0) and max_grad_norm"
        )
        raise StageError(msg)
