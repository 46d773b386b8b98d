"""Choosing the next token of each row from its own random numbers.

Each row consumes one uniform number per token, fixed by its seed alone, and inverts the
cumulative distribution with it. So a row's text does not depend on which rows share its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lorid_train.engines.base import Sampling

if TYPE_CHECKING:
    import torch


def uniforms(seeds: list[int], n_tokens: int) -> torch.Tensor:
    """Uniform numbers in [0, 1), float64, shape (B, n_tokens); row i depends on seeds[i] only."""
    import torch

    rows = [
        torch.rand(n_tokens, generator=torch.Generator().manual_seed(s), dtype=torch.float64)
        for s in seeds
    ]
    return torch.stack(rows)


def choose(logits: torch.Tensor, u: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Next token ids (B,) from logits (B, V) and one uniform number per row (B,).

    Temperature, then top-k, then top-p, as `transformers` orders them; temperature 0 is greedy.
    """
    import torch

    if sampling.temperature == 0:
        return logits.argmax(dim=-1)
    scores, ids = logits / sampling.temperature, None
    if sampling.top_k or sampling.top_p < 1:
        k = min(sampling.top_k or scores.shape[-1], scores.shape[-1])
        scores, ids = torch.topk(scores, k, dim=-1)  # descending
    probs = torch.softmax(scores, dim=-1)
    if sampling.top_p < 1:
        # A token stays while the mass before it is below top_p; the first one always stays.
        before = probs.cumsum(dim=-1, dtype=torch.float64) - probs
        probs = probs.masked_fill(before >= sampling.top_p, 0.0)
    cumulative = probs.cumsum(dim=-1, dtype=torch.float64)
    # u < 1 times the sum: rounding can reach the sum itself, then the last token is meant.
    target = u.to(cumulative).unsqueeze(-1) * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
    index = index.clamp(max=scores.shape[-1] - 1)
    return index if ids is None else ids.gather(-1, index.unsqueeze(-1)).squeeze(-1)
