"""Choosing tokens: the distribution is right, and a row depends on its seed alone."""

from __future__ import annotations

import pytest
import torch

from lorid_train.engines.base import Sampling
from lorid_train.engines.sampling import choose, choose_exactly, uniforms


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


N_TOKENS = 20_000
"""More than are sorted at once."""


def adversarial() -> dict[str, torch.Tensor]:
    """Rows of logits (B, V) on which a shorter way could choose otherwise than a sort."""
    g = torch.Generator().manual_seed(1)
    sharp = torch.randn(24, N_TOKENS, generator=g) * 8
    hot = torch.full((24, N_TOKENS), -float("inf"))
    hot[:, 7] = 0.0
    halves = torch.full((24, N_TOKENS), -30.0)
    halves[:, [5, 17_000]] = 3.0
    broken = sharp.clone()
    broken[3, 5], broken[4, 6], broken[5] = float("nan"), float("inf"), -float("inf")
    broken[6, :300] = float("nan")
    return {
        "sharp": sharp,
        "flat": torch.randn(24, N_TOKENS, generator=g) * 0.01,
        "all equal": torch.zeros(24, N_TOKENS),
        "ties": (sharp / 4).round(),
        "of bfloat16": sharp.bfloat16().float(),
        "pairs": sharp[:, : N_TOKENS // 2].repeat(1, 2),
        "mostly none": sharp.masked_fill(torch.rand(sharp.shape, generator=g) < 0.999, -float("inf")),
        "one token": hot,
        "two equal tokens": halves,
        "no numbers": broken,
    }  # fmt: skip


@pytest.mark.parametrize("name", list(adversarial()))
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(0.8, 0.9), Sampling(1.5, 0.999999), Sampling(1.0, 0.5), Sampling(1.0, 1e-9),
        Sampling(1e-30, 0.9), Sampling(1.0, 0.9, top_k=10**6), Sampling(1.0, 0.9, top_k=50),
        Sampling(1.0), Sampling(1.0, top_k=10**6), Sampling(0.0),
    ],
    ids=str,
)  # fmt: skip
def test_the_tokens_are_those_of_a_sorted_vocabulary(name: str, sampling: Sampling) -> None:
    logits = adversarial()[name]
    u = torch.rand(len(logits), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    u[0], u[1], u[2] = 0.0, 1.0 - 2**-53, 0.5
    assert torch.equal(choose(logits, u, sampling), choose_exactly(logits, u, sampling))


def test_numbers_beside_a_boundary_choose_what_the_sorted_sums_say() -> None:
    """Where one token ends and the next begins, to the last places of a float32."""
    logits = adversarial()["sharp"]
    sampling = Sampling(0.8, 0.9)
    best = torch.softmax(torch.sort(logits / 0.8, dim=-1, descending=True)[0], -1).double()
    kept = best * (best.cumsum(-1) - best < 0.9)
    edges = (kept.cumsum(-1) / kept.sum(-1, keepdim=True))[:, :4]  # (rows, edges)
    near = torch.arange(-4, 4, dtype=torch.float64) * 2**-27
    u = (edges.unsqueeze(-1) + near).clamp(0, 1 - 2**-53).flatten()
    rows = logits.repeat_interleave(edges.shape[1] * len(near), dim=0)
    want = choose_exactly(rows, u, sampling)
    assert len(set(want.tolist())) > len(logits)
    assert torch.equal(choose(rows, u, sampling), want)


def test_a_top_p_beside_a_sum_keeps_what_the_sorted_sums_keep() -> None:
    logits = adversarial()["sharp"][:1].expand(50, -1)
    best = torch.softmax(torch.sort(logits[0], descending=True)[0], -1)
    u = torch.linspace(0.9, 1 - 2**-40, 50, dtype=torch.float64)
    for ulps in range(-40, 40, 5):
        sampling = Sampling(1.0, float(best[:3].double().sum()) + ulps * 2**-24)
        assert torch.equal(choose(logits, u, sampling), choose_exactly(logits, u, sampling))


def test_a_sharp_row_is_chosen_without_a_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = adversarial()["sharp"]
    u = torch.rand(len(logits), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    sorted_rows: list[int] = []

    def counting(some: torch.Tensor, numbers: torch.Tensor, how: Sampling) -> torch.Tensor:
        sorted_rows.append(len(some))
        return choose_exactly(some, numbers, how)

    monkeypatch.setattr("lorid_train.engines.sampling.choose_exactly", counting)
    choose(logits, u, Sampling(0.8, 0.9))
    assert sum(sorted_rows) < len(logits) / 2
