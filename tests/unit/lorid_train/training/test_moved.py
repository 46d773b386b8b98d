"""Weights after training held against those before it."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_data.errors import StageError
from lorid_train.training import moved

pytestmark = pytest.mark.filterwarnings("ignore")


def adapted() -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    model = torch.nn.Sequential(torch.nn.Linear(4, 4))
    return get_peft_model(model, LoraConfig(r=2, target_modules=["0"]))


def weights(model: Any, part: str) -> Any:
    return next(p for name, p in model.named_parameters() if part in name)


def test_an_adapter_that_was_trained_passes() -> None:
    model = adapted()
    was = moved.before(model)
    weights(model, "lora_B").data += 1.0
    moved.refuse_moved_base(model, was, "")
    moved.refuse_unmoved(model, was, "")


def test_what_only_decayed_was_not_trained() -> None:
    """A weight decay moves A; while B is 0 that is no effect on any text."""
    model = adapted()
    was = moved.before(model)
    with pytest.raises(StageError, match="role 'ir': the adapter is what it was"):
        moved.refuse_unmoved(model, was, "role 'ir': ")
    weights(model, "lora_A").data *= 0.9
    with pytest.raises(StageError, match="the adapter is what it was"):
        moved.refuse_unmoved(model, was, "")


def test_weights_that_were_gathered_are_looked_at_in_their_place() -> None:
    model = adapted()
    was = moved.before(model, is_sharded=True)
    gathered = {n: p.detach().clone() for n, p in model.named_parameters() if "lora" in n}
    with pytest.raises(StageError):
        moved.refuse_unmoved(model, was, "", gathered)
    moved.refuse_unmoved(model, was, "", {n: p + 1 for n, p in gathered.items()})
    moved.refuse_moved_base(model, was, "")  # sharded: not compared


def test_a_base_that_moved_is_refused() -> None:
    model = adapted()
    was = moved.before(model)
    weights(model, "base_layer.weight").data += 1.0
    with pytest.raises(StageError, match="changed the base model, which must stay frozen; x"):
        moved.refuse_moved_base(model, was, "", "; x")
