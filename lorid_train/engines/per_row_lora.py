"""LoRA layers in which every row of a batch has its own adapter, at about the cost of one.

One adapter after another over its own part of the batch is three times the small operations in
every layer, and on a small model these are most of the time. Here the adapters of a layer stand side
by side as one whose rank is the sum of theirs, and a mask lets each row through its own part. Where
ranks and layers are so large that on a CPU the products that the mask throws away cost more than
small operations do, each adapter is given its own rows after all. Merged, each row meets the weights
its adapter was merged into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lorid_train.engines.row_tokens import can_choose_rows, choose_rows

if TYPE_CHECKING:
    import torch


_MASKED = 100_000
"""Products a token that a layer on a CPU may throw away. Measured with three adapters and 64 rows: at
74,000 (rank 32, 576 to 576) both ways take as long, at 135,000 (to 1,536) rows apart take 3/4."""


class RowAdapters:
    """The adapter of each row of the next forward pass, seen by all layers of a model."""

    def __init__(self) -> None:
        self.names: tuple[str | None, ...] = ()
        self._n_tokens = 1
        self._rows: dict[int, dict[str | None, torch.Tensor]] = {}
        self._masks: dict[Any, torch.Tensor] = {}

    def set(self, names: Sequence[str | None], n_tokens: int, device: torch.device) -> None:
        """Choose per row, (B,), for a pass of `n_tokens` tokens a row; None is the bare base model."""
        self._n_tokens = n_tokens
        if tuple(names) == self.names:
            return
        self.names, self._masks, self._rows = tuple(names), {}, {}
        self._device = device

    @property
    def only(self) -> tuple[str | None] | None:
        """The adapter, where all rows have the same one."""
        return (self.names[0],) if len(set(self.names)) == 1 else None

    def rows(self, like: torch.Tensor) -> Mapping[str | None, torch.Tensor]:
        """The indices of each adapter's rows in the first dimension of a layer's input."""
        return self._rows_repeated(self._repeats(like))

    def _rows_repeated(self, n: int) -> Mapping[str | None, torch.Tensor]:
        import torch

        if n not in self._rows:
            of_each = [name for name in self.names for _ in range(n)]
            self._rows[n] = {
                name: torch.tensor(
                    [i for i, o in enumerate(of_each) if o == name], device=self._device
                )
                for name in dict.fromkeys(self.names)
            }
        return self._rows[n]

    def rows_of_batch(self, like: torch.Tensor) -> Mapping[str | None, torch.Tensor]:
        """The same where the first dimension is that of the batch: of tokens, (B, T), or of states, (B, T, H).

        Raises:
            UnknownRowsError: it is not.
        """
        if like.shape[0] != len(self.names):
            raise UnknownRowsError(
                f"{len(self.names)} rows came to an embedding as {tuple(like.shape)}"
            )
        return self._rows_repeated(1)

    def mask(self, owners: tuple[str, ...], like: torch.Tensor) -> torch.Tensor:
        """One where a column belongs to the row's adapter, else zero: (B, 1, …, R), or (B · T, R)."""
        n = self._repeats(like)
        key = (owners, like.dtype, n, like.dim())
        if key not in self._masks:
            rows = [[float(o == name) for o in owners] for name in self.names for _ in range(n)]
            between = [1] * (like.dim() - 2)
            self._masks[key] = like.new_tensor(rows).view(len(rows), *between, len(owners))
        return self._masks[key]

    def _repeats(self, like: torch.Tensor) -> int:
        """How often each row stands in the first dimension of a layer's input: (B, T, …) or (B · T, …).

        Raises:
            UnknownRowsError: it is neither; an expert that sees some tokens of some rows, for one.
        """
        n, shape = self._n_tokens, tuple(like.shape)
        if like.dim() > 2 and shape[0] == len(self.names):
            return 1
        if like.dim() == 2 and shape[0] == len(self.names) * n:
            return n
        raise UnknownRowsError(f"{len(self.names)} rows of {n} tokens came to a layer as {shape}")


class UnknownRowsError(ValueError):
    """A layer's input does not say which row each part of it belongs to."""


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
    is_apart: bool
    """Whether each adapter computes its own rows in a batch of several."""

    @classmethod
    def of(cls, layer: Any, chosen: RowAdapters) -> StackedLora:
        """From PEFT's layer, whose own copies are dropped."""
        import torch

        names = list(layer.lora_A)
        with torch.no_grad():
            a = torch.cat([layer.lora_A[n].weight for n in names])
            b = torch.cat([layer.lora_B[n].weight * layer.scaling[n] for n in names], dim=1)
        if layer.get_base_layer().weight.dtype == torch.bfloat16 and not a.is_cuda:
            # PEFT keeps float32 beside a base of bfloat16. Of what is added, bfloat16 loses less
            # than it loses of the sum, and a CPU reads prompts through it twice as fast.
            a, b = a.bfloat16(), b.bfloat16()
        ranks = [layer.lora_A[n].weight.shape[0] for n in names]
        owners = tuple(n for n, r in zip(names, ranks, strict=True) for _ in range(r))
        own = zip(torch.split(a, ranks), torch.split(b, ranks, dim=1), strict=True)
        layer.lora_A.clear()
        layer.lora_B.clear()
        n_masked = (len(a) - len(a) / len(names)) * (a.shape[1] + len(b))
        is_apart = n_masked > _MASKED and not a.is_cuda
        parts = dict(zip(names, own, strict=True))
        return cls(layer.base_layer, a, b, owners, parts, chosen, is_apart)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, in) → (B, T, out)."""
        from torch.nn.functional import linear

        y: torch.Tensor = self.base(x)
        if self.chosen.only is not None:
            [name] = self.chosen.only
            if name not in self.parts:
                return y
            a, b = self.parts[name]
            return y + linear(linear(x.to(a.dtype), a), b).to(y.dtype)
        if self.is_apart:
            for name, rows in self.chosen.rows(x).items():
                if name in self.parts:
                    a, b = self.parts[name]
                    more = linear(linear(x.index_select(0, rows).to(a.dtype), a), b)
                    y.index_add_(0, rows, more.to(y.dtype))
            return y
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
        base_layer = layer.get_base_layer()
        is_turned = type(base_layer).__name__ == "Conv1D"  # GPT-2 keeps its weights as (in, out)

        def now() -> Weights:
            bias = base_layer.bias
            weight = base_layer.weight.detach()
            weight = weight.T.contiguous() if is_turned else weight.clone()
            return weight, None if bias is None else bias.detach().clone()

        base, weights = now(), {}
        untouched = base_layer.weight.detach().clone()
        for name in list(layer.lora_A):
            layer.merge(adapter_names=[name])
            weights[name] = now()
            layer.unmerge()
            base_layer.weight.data.copy_(untouched)  # taking away what was added leaves rounding
        return cls(base, weights, chosen)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, in) → (B, T, out)."""
        from torch.nn.functional import linear

        if self.chosen.only is not None:
            return linear(x, *self.weights.get(self.chosen.only[0], self.base))
        y = x.new_empty(*x.shape[:-1], self.base[0].shape[0])
        for name, rows in self.chosen.rows(x).items():
            y[rows] = linear(x[rows], *self.weights.get(name, self.base))
        return y


def choose_by_row(model: Any, *, merged: bool = False) -> RowAdapters | None:
    """Let each row choose its adapter in all LoRA layers of a model that PEFT made.

    Args:
        model: its layers are changed in place; PEFT's own ways to choose no longer work.
        merged: one whole weight per adapter and layer: more memory, fewer operations.

    Returns:
        What chooses; None where `can_choose` says no: there all rows of a batch must have the
        same adapter.
    """
    if not can_choose(model):
        return None
    chosen = RowAdapters()
    for layer in _adapted(model):
        if can_choose_rows(layer):
            layer.forward = choose_rows(layer, chosen)
            continue
        plain = not layer.lora_variant and not any(layer.lora_bias.values())
        kind = StackedLora if plain and not merged else Merged
        layer.forward = kind.of(layer, chosen)
    return chosen


def can_choose(model: Any) -> bool:
    """Whether a model has adapters, and has them on linear layers and as rows of embeddings only."""
    from peft.tuners.lora import Linear

    layers = _adapted(model)
    return bool(layers) and all(type(m) is Linear or can_choose_rows(m) for m in layers)


def _adapted(model: Any) -> list[Any]:
    """The modules that PEFT has put in a model; what a wrapper of embeddings holds belongs to it."""
    from peft.tuners.trainable_tokens import TrainableTokensLayer
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import AuxiliaryTrainingWrapper

    kinds = (BaseTunerLayer, AuxiliaryTrainingWrapper)
    return [
        m for m in model.modules()
        if isinstance(m, kinds) and not isinstance(m, TrainableTokensLayer)
    ]  # fmt: skip
