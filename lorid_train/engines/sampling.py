"""Choosing the next token of each row from its own random numbers.

Each row consumes one uniform number per token, fixed by its seed alone, and inverts the
cumulative distribution with it. So a row's text does not depend on which rows share its batch.

What is chosen is defined by `choose_exactly`, which sorts a whole vocabulary for top-p. Over tens
of thousands of tokens that takes as long as the model, so `choose` first looks among the likeliest:
rows whose mass is not reached there, and those in which a boundary lies so near that the order of a
sum or of equal logits could decide, are left to `choose_exactly`. Both choose the same tokens, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lorid_train.engines.base import Sampling

if TYPE_CHECKING:
    import torch

_LIKELIEST = 256
"""Tokens among which top-p is looked for first."""
_SMALL = 4096
"""Vocabularies up to this size are sorted at once."""
_ULP = 2.0**-24
"""Half the distance of float32 numbers next to each other, as a part of them."""


def uniforms(seeds: list[int], n_tokens: int) -> torch.Tensor:
    """Uniform numbers in [0, 1), float64, shape (B, n_tokens); row i depends on seeds[i] only."""
    import torch

    rows = [
        torch.rand(n_tokens, generator=torch.Generator().manual_seed(s), dtype=torch.float64)
        for s in seeds
    ]
    return torch.stack(rows)


def choose(logits: torch.Tensor, u: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Next token ids (B,) from logits (B, V), float32, and one uniform number per row (B,).

    Temperature, then top-k, then top-p, as `transformers` orders them; temperature 0 is greedy.
    """
    n_tokens = logits.shape[-1]
    is_nucleus = sampling.temperature > 0 and sampling.top_p < 1
    if not is_nucleus or 0 < sampling.top_k < n_tokens or n_tokens <= _SMALL or logits.is_cuda:
        return choose_exactly(logits, u, sampling)
    tokens, sure = _of_the_likeliest(logits / sampling.temperature, u, sampling.top_p)
    if not bool(sure.all()):
        rows = (~sure).nonzero().squeeze(-1)
        tokens[rows] = choose_exactly(logits[rows], u[rows], sampling)
    return tokens


def choose_exactly(logits: torch.Tensor, u: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """What `choose` chooses, with all tokens that top-k leaves sorted: the whole vocabulary for top-p alone."""
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


def _of_the_likeliest(
    scores: torch.Tensor, u: torch.Tensor, top_p: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens under top-p (B,), and in which rows they are beyond doubt (B,).

    Only the likeliest tokens are sorted. All probabilities are those of the sorted vocabulary
    times one number near 1, the error of its sum: it moves the end of what is kept, and nothing
    else, as what is drawn is a part of what is kept. So whatever that end is, the token must be one.
    """
    import torch

    best, ids = torch.topk(scores, _LIKELIEST, dim=-1)
    probs = torch.softmax(scores, dim=-1).gather(-1, ids)
    cumulative = probs.cumsum(dim=-1, dtype=torch.float64)
    before = cumulative - probs
    error = _ULP * scores.shape[-1]  # of a sum of float32, were it taken one by one
    ends = [
        (before < bound).sum(dim=-1, keepdim=True).clamp(min=1)
        for bound in (top_p * (1 - 2 * error), top_p * (1 + 2 * error))
    ]
    numbers = u.to(cumulative).unsqueeze(-1)
    # Each probability and each difference of two sums has an error of its own, of an ULP or two.
    first, last = (
        torch.searchsorted(
            cumulative, numbers * cumulative.gather(-1, end - 1) * (1 + sign * 16 * _ULP), right=True
        )
        for end, sign in zip(ends, (-1, 1), strict=True)
    )  # fmt: skip
    index = first.clamp(max=_LIKELIEST - 1)
    here = best.gather(-1, index)
    next_ = best.gather(-1, (index + 1).clamp(max=_LIKELIEST - 1))
    previous = best.gather(-1, (index - 1).clamp(min=0))
    is_alone = (here != next_) & ((here != previous) | (index == 0))
    # Nothing is known of what comes after the last one.
    sure = (first == last) & (ends[1] < _LIKELIEST) & is_alone & ~cumulative[:, -1:].isnan()
    return ids.gather(-1, index).squeeze(-1), sure.squeeze(-1)
