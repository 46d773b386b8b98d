"""Rows being generated together: left-padded, with one key-value cache, joined and thinned out.

Shapes: ids (B, 1) are the tokens to be read next, mask (B, T) covers the cache and them. A row
that has ended is computed on until the batch is thinned out, which copies the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lorid_train.engines.base import GenRequest

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Row:
    """One request on its way."""

    request: GenRequest
    n_prompt: int
    uniforms: torch.Tensor
    """The row's random numbers, one per token (max_new_tokens,)."""
    tokens: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    """None while the row is being generated."""
    n_tokens: int = 0

    def add(self, token: int, stop_ids: list[int]) -> None:
        """Take the next token; a stop token ends the row and is counted, but not kept."""
        self.n_tokens += 1
        if token in stop_ids:
            self.finish_reason = "stop"
            return
        self.tokens.append(token)
        if self.n_tokens == self.request.sampling.max_new_tokens:
            self.finish_reason = "length"


@dataclass(slots=True)
class Batch:
    """Rows with their cache."""

    rows: list[Row]
    ids: torch.Tensor
    mask: torch.Tensor
    cache: Any = None

    @classmethod
    def of(cls, rows: list[Row], prompts: list[list[int]], device: torch.device) -> Batch:
        """Left-pad the prompts, (B, T); padding is masked, so its id does not matter."""
        import torch

        width = max(map(len, prompts))
        ids = [[0] * (width - len(p)) + p for p in prompts]
        mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
        return cls(rows, torch.tensor(ids, device=device), torch.tensor(mask, device=device))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_live(self) -> int:
        """Rows that have not ended."""
        return sum(r.finish_reason is None for r in self.rows)

    def forward(self, model: Any) -> torch.Tensor:
        """Read `ids` and return the logits of the next token, (B, V), float32."""
        import torch

        positions = (self.mask.cumsum(dim=-1) - 1).clamp(min=0)[:, -self.ids.shape[1] :]
        extra = {}
        if hasattr(model, "peft_config"):
            extra["adapter_names"] = [r.request.adapter or "__base__" for r in self.rows]
        out = model(
            input_ids=self.ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
            **extra,
        )
        self.cache = out.past_key_values
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self), 1)], dim=-1)
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits

    def advance(self, tokens: torch.Tensor, stop_ids: list[int]) -> list[Row]:
        """Give every live row its next token (B,); return the rows that this ends."""
        self.ids = tokens.unsqueeze(-1)
        live = [r for r in self.rows if r.finish_reason is None]
        for row, token in zip(self.rows, tokens.tolist(), strict=True):
            if row.finish_reason is None:
                row.add(token, stop_ids)
        return [r for r in live if r.finish_reason is not None]

    def thin_out(self) -> None:
        """Drop the rows that have ended, and the columns that only they needed."""
        import torch

        keep = [i for i, r in enumerate(self.rows) if r.finish_reason is None]
        if len(keep) == len(self.rows):
            return
        index = torch.tensor(keep, device=self.ids.device)
        self.rows = [self.rows[i] for i in keep]
        self.ids, self.mask = self.ids[index], self.mask[index]
        if keep:
            self.cache.batch_select_indices(index)
            if can_join(self):
                self._cut(int(self.mask.any(dim=0).int().argmax()))

    def _cut(self, n: int) -> None:
        """Drop the first n columns, which are padding in every row."""
        if n:
            self.mask = self.mask[:, n:]
            for layer in self.cache.layers:
                layer.keys, layer.values = layer.keys[..., n:, :], layer.values[..., n:, :]

    def join(self, other: Batch) -> None:
        """Take in the rows of another batch; the shorter cache is padded on the left."""
        import torch
        from torch.nn.functional import pad

        width = max(self.mask.shape[1], other.mask.shape[1])
        a, b = width - self.mask.shape[1], width - other.mask.shape[1]
        self.mask = torch.cat([pad(self.mask, (a, 0)), pad(other.mask, (b, 0))])
        for mine, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.keys = torch.cat([pad(mine.keys, (0, 0, a, 0)), pad(theirs.keys, (0, 0, b, 0))])
            mine.values = torch.cat(
                [pad(mine.values, (0, 0, a, 0)), pad(theirs.values, (0, 0, b, 0))]
            )
        self.ids = torch.cat([self.ids, other.ids])
        self.rows = self.rows + other.rows


def can_join(batch: Batch) -> bool:
    """Whether the cache is a plain one per layer, whose rows and columns can be put together."""
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in batch.cache.layers)
