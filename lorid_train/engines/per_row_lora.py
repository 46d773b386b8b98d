"""LoRA layers in which every row of a batch has its own adapter, at about the cost of one.

PEFT's `adapter_names` runs each adapter over its own part of the batch: three adapters are three
times the small operations in every layer, and on a small model these are most of the time. Here
the adapters of a layer stand side by side as one whose rank is the sum of theirs, and a mask lets
each row through its own part. Merged, each row meets the weights its adapter was merged into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class RowAdapters:
    """The adapter of each row of the next forward pass, seen by all layers of a model."""

    def __init__(self) -> None:
        self.names: tuple[str | None, ...] = ()
        self.rows: Mapping[str | None, torch.Tensor] = {}
        """The indices of each adapter's rows."""
        self._masks: dict[Any, torch.Tensor] = {}

    def set(self, names: Sequence[str | None], device: torch.device) -> None:
        """Choose per row, (B,); None is the bare base model."""
        import torch

        if tuple(names) == self.names:
            return
        self.names, self._masks = tuple(names), {}
        self.rows = {
            name: torch.tensor([i for i, n in enumerate(names) if n == name], device=device)
            for name in dict.fromkeys(names)
        }

    def mask(self, owners: tuple[str, ...], like: torch.Tensor) -> torch.Tensor:
        """(B, 1, R): one where a column belongs to the row's adapter, else zero."""
        key = (owners, like.dtype)
        if key not in self._masks:
            rows = [[float(o == name) for o in owners] for name in self.names]
            self._masks[key] = like.new_tensor(rows).unsqueeze(1)
        return self._masks[key]


@dataclass(frozen=True, slots=True, eq=False)
class StackedLora:
    """A linear layer with plain LoRA adapters: a is (R, in), b is (out, R) and scaled."""

    base: torch.nn.Module
    a: torch.Tensor
    b: torch.Tensor
    owners: tuple[str, ...]
    """The adapter that each of the R columns belongs to."""
    parts: Mapping[str | None, tuple[torch.Tensor, torch.Tensor]]
    """Each adapter's own rows of a and columns of b, for batches of one adapter."""
    chosen: RowAdapters

    @classmethod
    def of(cls, layer: Any, chosen: RowAdapters) -> StackedLora:
        """From PEFT's layer, whose own copies are dropped."""
        import torch

        names = list(layer.lora_A)
        with torch.no_grad():
            a = torch.cat([layer.lora_A[n].weight for n in names])
            b = torch.cat([layer.lora_B[n].weight * layer.scaling[n] for n in names], dim=1)
        ranks = [layer.lora_A[n].weight.shape[0] for n in names]
        owners = tuple(n for n, r in zip(names, ranks, strict=True) for _ in range(r))
        own = zip(torch.split(a, ranks), torch.split(b, ranks, dim=1), strict=True)
        layer.lora_A.clear()
        layer.lora_B.clear()
        return cls(layer.base_layer, a, b, owners, dict(zip(names, own, strict=True)), chosen)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, in) → (B, T, out)."""
        from torch.nn.functional import linear

        y: torch.Tensor = self.base(x)
        if len(self.chosen.rows) == 1:
            [name] = self.chosen.rows
            if name not in self.parts:
                return y
            a, b = self.parts[name]
            return y + linear(linear(x.to(a.dtype), a), b).to(y.dtype)
        h = linear(x.to(self.a.dtype), self.a)
        return y + linear(h * self.chosen.mask(self.owners, h), self.b).to(y.dtype)


Weights = tuple["torch.Tensor", "torch.Tensor | None"]
"""Weight (out, in) and bias (out,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """A linear layer with one whole weight per adapter; any kind of LoRA can be merged into it."""

    base: Weights
    weights: Mapping[str | None, Weights]
    chosen: RowAdapters

    @classmethod
    def of(cls, layer: Any, chosen: RowAdapters) -> Merged:
        """From PEFT's layer, merged and unmerged with each of its adapters in turn."""

        def now() -> Weights:
            bias = layer.base_layer.bias
            weight = layer.base_layer.weight.detach().clone()
            return weight, None if bias is None else bias.detach().clone()

        base, weights = now(), {}
        for name in list(layer.lora_A):
            layer.merge(adapter_names=[name])
            weights[name] = now()
            layer.unmerge()
        return cls(base, weights, chosen)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, in) → (B, T, out)."""
        from torch.nn.functional import linear

        y = x.new_empty(*x.shape[:-1], self.base[0].shape[0])
        for name, rows in self.chosen.rows.items():
            y[rows] = linear(x[rows], *self.weights.get(name, self.base))
        return y


def choose_by_row(model: Any, *, merged: bool = False) -> RowAdapters | None:
    """Let each row choose its adapter in all LoRA layers of a model that PEFT made.

    Args:
        model: its layers are changed in place; PEFT's own ways to choose no longer work.
        merged: one whole weight per adapter and layer: more memory, fewer operations.

    Returns:
        What chooses, or None where the model has no adapter, or one on something else than
        linear layers: PEFT's `adapter_names` must choose there.
    """
    from peft.tuners.lora import Linear
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import AuxiliaryTrainingWrapper

    special = (BaseTunerLayer, AuxiliaryTrainingWrapper)
    layers = [m for m in model.modules() if isinstance(m, special)]
    if not layers or not all(type(m) is Linear for m in layers):
        return None
    chosen = RowAdapters()
    for layer in layers:
        plain = not layer.lora_variant and not any(layer.lora_bias.values())
        kind = StackedLora if plain and not merged else Merged
        layer.forward = kind.of(layer, chosen)
    return chosen
