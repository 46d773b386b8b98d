"""Choosing tokens: the distribution is right, and a row depends on its seed alone."""

from __future__ import annotations

import torch

from lorid_train.engines.base import Sampling
from lorid_train.engines.sampling import choose, uniforms


def test_greedy_takes_the_largest() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert choose(logits, torch.zeros(2), Sampling(0.0)).tolist() == [1, 0]


def test_uniforms_depend_on_the_rows_seed_only() -> None:
    both, one = uniforms([5, 7], 10), uniforms([7], 10)
    assert torch.equal(both[1], one[0])
    assert not torch.equal(both[0], both[1])


def frequencies(sampling: Sampling, logits: torch.Tensor, n: int = 40_000) -> torch.Tensor:
    u = torch.rand(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ids = choose(logits.expand(n, -1), u, sampling)
    return torch.bincount(ids, minlength=logits.shape[-1]) / n


def test_frequencies_follow_the_tempered_softmax() -> None:
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0, 0.5])
    got = frequencies(Sampling(0.7), logits)
    assert torch.allclose(got, torch.softmax(logits / 0.7, -1), atol=0.01)


def test_top_k_keeps_the_k_most_likely() -> None:
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0, 0.5])
    want = torch.softmax(logits, -1) * torch.tensor([1.0, 0, 0, 1, 0])
    assert torch.allclose(frequencies(Sampling(1.0, top_k=2), logits), want / want.sum(), atol=0.01)


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    probs = torch.tensor([0.1, 0.5, 0.25, 0.15])
    # .5 + .25 = .75 reaches .7; the token that crosses p stays
    want = torch.tensor([0.0, 0.5, 0.25, 0.0]) / 0.75
    assert torch.allclose(frequencies(Sampling(1.0, top_p=0.7), probs.log()), want, atol=0.01)


def test_top_p_always_keeps_the_first() -> None:
    logits = torch.tensor([5.0, 0.0, 0.0])
    assert frequencies(Sampling(1.0, top_p=0.01), logits)[0] == 1


def test_the_last_sliver_of_probability_is_never_a_masked_token() -> None:
    logits = torch.tensor([[0.0, 0.0, -1e9]])
    u = torch.tensor([1.0 - 2**-53], dtype=torch.float64)
    assert choose(logits, u, Sampling(1.0)).item() == 1
    assert choose(logits, u, Sampling(1.0, top_k=2)).item() in (0, 1)
