"""Embeddings of which adapters have rows of their own, chosen by the row of the batch.

PEFT's `trainable_token_indices` puts an adapter's own rows in the place of the base's. Here the
base's embedding is read for all rows of a batch, and those of an adapter are put over it where its
tokens stand; likewise the columns of the logits. Nothing of the base is copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Chosen(Protocol):
    """What says which adapter each row of a batch has: `per_row_lora.RowAdapters`."""

    def rows_of_batch(self, like: torch.Tensor) -> Mapping[str | None, torch.Tensor]:
        """The rows of each adapter, where the first dimension is that of the batch."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class OwnRows:
    """An adapter's own rows: their ids, (n,), their weights, (n, H), and each token's place among them."""

    ids: torch.Tensor
    weights: torch.Tensor
    places: torch.Tensor
    """(V,): the place of a token among the rows, −1 where the base's row holds."""


@dataclass(frozen=True, slots=True, eq=False)
class RowEmbedding:
    """The input side: tokens (B, T) → (B, T, H)."""

    base: torch.nn.Module
    own: Mapping[str | None, OwnRows]
    chosen: Chosen

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The embeddings of the tokens."""
        y: torch.Tensor = self.base(x)
        for name, rows in self.chosen.rows_of_batch(x).items():
            if (own := self.own.get(name)) is None:
                continue
            places = own.places[x[rows]]
            mine = own.weights[places.clamp(min=0)].to(y.dtype)
            # A new tensor: what the base gave may be needed as it is.
            y = y.index_copy(0, rows, mine.where((places >= 0).unsqueeze(-1), y[rows]))
        return y


@dataclass(frozen=True, slots=True, eq=False)
class RowHead:
    """The output side: states (B, T, H) → logits (B, T, V)."""

    base: torch.nn.Module
    own: Mapping[str | None, OwnRows]
    chosen: Chosen

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The logits of the next tokens."""
        y: torch.Tensor = self.base(x)
        for name, rows in self.chosen.rows_of_batch(x).items():
            if (own := self.own.get(name)) is None:
                continue
            mine = x[rows] @ own.weights.to(x.dtype).T
            y[rows[:, None], ..., own.ids] = mine.movedim(-1, 1).to(y.dtype)
        return y


def choose_rows(layer: Any, chosen: Chosen) -> RowEmbedding | RowHead:
    """What takes the place of PEFT's wrapper around an embedding or an output layer."""
    import torch

    base = layer.token_adapter.base_layer
    kind = RowEmbedding if isinstance(base, torch.nn.Embedding) else RowHead
    return kind(base, _own(layer.token_adapter, base.weight), chosen)


def can_choose_rows(layer: Any) -> bool:
    """Whether a wrapper of PEFT is one of token rows, on layers that do nothing else than look up or multiply."""
    import torch
    from peft.utils import TrainableTokensWrapper

    if type(layer) is not TrainableTokensWrapper:
        return False
    base = layer.token_adapter.base_layer
    if type(base) is torch.nn.Linear:
        return base.bias is None
    return type(base) is torch.nn.Embedding and base.max_norm is None


def _own(adapter: Any, weight: torch.Tensor) -> dict[str | None, OwnRows]:
    """Each adapter's rows; a tied output layer has those of the embedding."""
    import torch

    holder = adapter.tied_adapter or adapter
    found: dict[str | None, OwnRows] = {}
    for name, delta in holder.trainable_tokens_delta.items():
        ids = torch.tensor(holder.token_indices[name], device=weight.device)
        places = torch.full((weight.shape[0],), -1, device=weight.device)
        places[ids] = torch.arange(len(ids), device=weight.device)
        found[name] = OwnRows(ids, delta.detach().to(weight), places)
    return found
