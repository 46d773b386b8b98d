"""What a forward pass keeps for the backward pass, counted without computing it.

The model runs once over a few tokens that are shapes only (PyTorch's fake tensors), under the
run's own precision; every tensor that autograd saves is counted once. So what adapters, norms and
experts of an architecture keep is what is counted, not what a formula thinks of them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from lorid_train.models.base_model import Base, load_config

if TYPE_CHECKING:
    import torch

_TOKENS = 128
"""So many at once; what is saved grows with them, attention scores aside."""


@cache
def saved_bytes_per_token(base: Base, lora: str, dtype: str, *, autocast: bool) -> float | None:
    """Bytes that the layers keep for each token of a micro-batch, the head left out.

    Args:
        base: the base model; its configuration alone is read.
        lora: fields of `peft.LoraConfig`, as JSON.
        dtype: of the frozen weights.
        autocast: whether matrix products are taken in bfloat16 whatever the weights are.

    Returns:
        None where the model cannot be run on shapes alone.
    """
    # Whatever an architecture does with its inputs may need their values; then there is no count.
    with suppress(Exception):
        return _count(base, lora, dtype, autocast=autocast) / _TOKENS
    return None


def _count(base: Base, lora: str, dtype: str, *, autocast: bool) -> int:
    import json

    import torch
    from peft import LoraConfig, get_peft_model
    from torch._subclasses.fake_tensor import FakeTensorMode
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        bare = AutoModelForCausalLM.from_config(
            load_config(base), dtype=getattr(torch, dtype), trust_remote_code=False
        )
        config = LoraConfig(
            task_type="CAUSAL_LM", **{**json.loads(lora), "init_lora_weights": False}
        )
        model = get_peft_model(bare, config, low_cpu_mem_usage=True).train()
    saved: dict[int, torch.UntypedStorage] = {}
    with FakeTensorMode(allow_non_fake_inputs=True):
        own = _made_fake(model)

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in own:
                saved[storage._cdata] = storage  # held, so that no other gets its address
            return tensor

        ids = torch.ones(1, _TOKENS, dtype=torch.long)
        with (
            torch.autocast("cpu", torch.bfloat16, enabled=autocast),
            torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t),
        ):
            body = model.get_base_model().base_model
            out = body(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
        del out
        return sum(s.nbytes() for s in saved.values())


def _made_fake(model: Any) -> set[int]:
    """Put shapes on the CPU in place of a model's tensors on `meta`; their storages.

    Adapters are float32, as they are trained.
    """
    import torch

    for module in model.modules():
        for name, p in module._parameters.items():
            if p is not None:
                dtype = torch.float32 if p.requires_grad else p.dtype
                fake = torch.empty(p.shape, dtype=dtype, device="cpu")
                module._parameters[name] = torch.nn.Parameter(fake, requires_grad=p.requires_grad)
        for name, b in module._buffers.items():
            if b is not None:
                module._buffers[name] = torch.empty(b.shape, dtype=b.dtype, device="cpu")
    tensors = [*model.parameters(), *model.buffers()]
    return {t.untyped_storage()._cdata for t in tensors}
