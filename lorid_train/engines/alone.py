"""One row after another, through the model's own `generate`: right wherever `generate` is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Choose = Callable[["torch.Tensor"], int]
"""The next token, from its logits (V,), float32."""


def write(
    model: Any, prompt: Sequence[int], choose: Choose, *, stop_ids: Sequence[int], n: int
) -> list[int]:
    """At most `n` tokens after a prompt, up to and with the first stop token.

    Nothing but `choose` decides: what the model's own generation settings would change in the
    logits (penalties for repetition, forced tokens) is left out.
    """
    import torch
    from transformers import GenerationConfig, LogitsProcessorList

    _forget_longer_rows(model)
    ids = torch.tensor([list(prompt)], device=next(model.parameters()).device)
    plain = GenerationConfig(
        max_new_tokens=n, do_sample=False, eos_token_id=list(stop_ids) or None,
        pad_token_id=stop_ids[0] if stop_ids else 0,
    )  # fmt: skip
    with torch.inference_mode(), _settings(model, plain):
        made = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=plain,
            logits_processor=LogitsProcessorList([_only()(choose)]),
        )  # fmt: skip
    return [int(t) for t in made[0, ids.shape[1] :].tolist()]


def _forget_longer_rows(model: Any) -> None:
    """Put dynamic rotary embeddings back: they keep turning as for the longest row so far."""
    for module in model.modules():
        if "dynamic" not in str(getattr(module, "rope_type", "")):
            continue
        for name in [n for n in vars(module) if n.endswith("max_seq_len_cached")]:
            setattr(module, name, module.original_max_seq_len)
        for name, buffer in list(module.named_buffers(recurse=False)):
            first = getattr(module, f"{name.removesuffix('inv_freq')}original_inv_freq", None)
            if name.endswith("inv_freq") and first is not None:
                module.register_buffer(name, first.to(buffer.device), persistent=False)


@contextmanager
def _settings(model: Any, plain: Any) -> Iterator[None]:
    """A model without generation settings of its own: `generate` fills in what it is not given."""
    from transformers import GenerationConfig

    base = model.get_base_model() if hasattr(model, "peft_config") else model
    own = base.generation_config
    base.generation_config = GenerationConfig(
        eos_token_id=plain.eos_token_id, pad_token_id=plain.pad_token_id
    )
    if base is not model:
        model.generation_config = base.generation_config
    try:
        yield
    finally:
        base.generation_config = own
        if base is not model:
            model.generation_config = own


@cache
def _only() -> Any:
    """The class, made on first use: its parent takes seconds to import."""
    from transformers import LogitsProcessor

    class Only(LogitsProcessor):  # type: ignore[misc]
        """Leaves nothing but the chosen token."""

        def __init__(self, choose: Choose) -> None:
            self._choose = choose

        def __call__(self, input_ids: Any, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
            token = self._choose(scores[0].float())
            left = scores.new_full(scores.shape, -float("inf"))
            left[0, token] = 0.0
            return left

    return Only
