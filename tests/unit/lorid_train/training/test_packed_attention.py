"""Rows of a pack attended to one by one: the same numbers, gradients too, and no mask of all pairs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from lorid_train.training import packed_attention

pytestmark = pytest.mark.filterwarnings("ignore")
SHAPE = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 64, "max_position_embeddings": 128,
}  # fmt: skip
LENGTHS = [5, 17, 3, 24, 1]


def llama() -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SHAPE, attn_implementation="sdpa")).train()


def packs() -> dict[str, Any]:
    """Two packs, as TRL's collator hands them over."""
    rng = torch.Generator().manual_seed(1)
    rows = [torch.randint(1, 64, (n,), generator=rng).tolist() for n in LENGTHS]
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    examples = [
        {"input_ids": ids, "labels": ids, "seq_lengths": [len(r) for r in part]}
        for part in (rows[:2], rows[2:])
        for ids in ([token for row in part for token in row],)
    ]
    batch: dict[str, Any] = collate(examples)
    assert batch["input_ids"].shape == (1, sum(LENGTHS))
    return batch


def run(model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    model.zero_grad()
    out = model(**batch, use_cache=False)
    out.loss.backward()
    return out.logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters()}


def masks_seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Of every call of PyTorch's attention: how many queries, and whether it got a mask."""
    seen = []
    own = torch.nn.functional.scaled_dot_product_attention

    def watched(query: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        seen.append((query.shape[2], kwargs.get("attn_mask") is not None))
        return own(query, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    return seen


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_same_numbers_without_a_mask(
    checkpointing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, batch = llama(), packs()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    seen = masks_seen(monkeypatch)
    want, want_grads = run(model, batch)
    assert set(seen) == {(sum(LENGTHS), True)}, "as it was: all pairs, with a mask"
    seen.clear()
    assert packed_attention.use(model)
    got, got_grads = run(model, batch)
    assert {n for n, _ in seen} == set(LENGTHS)
    assert not any(masked for _, masked in seen)
    assert len(seen) == len(LENGTHS) * SHAPE["num_hidden_layers"] * (1 + checkpointing)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got_grads, want_grads, rtol=1e-4, atol=1e-6)


def test_what_is_not_packed_is_computed_as_before() -> None:
    model = llama().eval()
    ids = torch.randint(1, 64, (2, 9))
    mask = torch.tensor([[0] * 4 + [1] * 5, [1] * 9])
    with torch.no_grad():
        want = model(input_ids=ids, attention_mask=mask).logits
        written = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=6, do_sample=False, pad_token_id=0)  # fmt: skip
        assert packed_attention.use(model)
        assert torch.equal(model(input_ids=ids, attention_mask=mask).logits, want)
        again = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=6, do_sample=False, pad_token_id=0)  # fmt: skip
    assert torch.equal(again, written)


@pytest.mark.parametrize(("window", "is_masked"), [(8, True), (64, False)])
def test_a_window_shorter_than_a_row_keeps_its_mask(
    window: int, is_masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    config = MistralConfig(**SHAPE, sliding_window=window, attn_implementation="sdpa")
    model, batch = MistralForCausalLM(config).train(), packs()
    want, want_grads = run(model, batch)
    assert packed_attention.use(model)
    seen = masks_seen(monkeypatch)
    got, got_grads = run(model, batch)
    assert {masked for _, masked in seen} == {is_masked}
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got_grads, want_grads, rtol=1e-4, atol=1e-6)


def test_another_attention_is_left_alone() -> None:
    model = llama()
    model.set_attn_implementation("eager")
    assert not packed_attention.use(model)
    assert model.config._attn_implementation == "eager"
    packed = llama()
    assert packed_attention.use(packed)
    packed_attention.leave(packed)
    assert packed.config._attn_implementation == "sdpa"
