"""Rows being generated together: what all of them share, whatever keeps their keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lorid_train.engines.base import GenRequest
from lorid_train.engines.ways import CACHES, arguments_of, new_cache

if TYPE_CHECKING:
    import torch

    from lorid_train.engines.per_row_lora import RowAdapters


@dataclass(slots=True)
class Row:
    """One request on its way."""

    request: GenRequest
    n_prompt: int
    uniforms: list[float]
    """The row's random numbers, one per token (max_new_tokens,)."""
    tokens: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    """None while the row is being generated."""
    n_tokens: int = 0
    most: int = 0
    """Tokens that it may have: as many as were asked for, or as the model's context has room for."""

    def __post_init__(self) -> None:
        self.most = self.most or self.request.sampling.max_new_tokens

    @property
    def live(self) -> bool:
        """Whether the row has not ended."""
        return self.finish_reason is None

    def add(self, token: int, stop_ids: list[int]) -> None:
        """Take the next token; a stop token ends the row and is counted, but not kept."""
        self.n_tokens += 1
        if token in stop_ids:
            self.finish_reason = "stop"
            return
        self.tokens.append(token)
        if self.n_tokens == self.most:
            self.finish_reason = "length"


@dataclass(slots=True)
class Reader:
    """A model with what chooses its adapters; reads tokens, returns the next token's logits."""

    model: Any
    chosen: RowAdapters | None
    """None: all rows of a batch have the same adapter, which PEFT switches."""
    _takes: frozenset[str] = frozenset()
    """Names of what the model's forward pass takes."""
    _active: Any = ()

    def __post_init__(self) -> None:
        self._takes = arguments_of(self.model)
        if (head := self.model.get_output_embeddings()) is not None:
            head.register_forward_pre_hook(_in_one_piece)

    def choose(self, adapters: Sequence[str | None], n_tokens: int) -> None:
        """Let the next forward pass of `n_tokens` tokens a row use these adapters, (B,).

        Raises:
            ValueError: several at once, where only one at a time can be.
        """
        if self.chosen is not None:
            self.chosen.set(adapters, n_tokens, self.device)
            return
        several = set(adapters)
        if len(several) != 1:
            msg = f"one adapter at a time, not {sorted(map(str, several))}"
            raise ValueError(msg)
        [name] = several
        if self._active != name and hasattr(self.model, "peft_config"):
            switch_to(self.model, name)
            self._active = name

    def __call__(
        self, adapters: list[str | None], ids: torch.Tensor, mask: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        """Logits (B, V), float32.

        Args:
            adapters: of each row, (B,); None is the bare base model.
            ids: the tokens to be read, (B, n).
            mask: what of the cache and of `ids` belongs to the row, (B, T); T ≥ n.
            cache: takes the keys and values of `ids`.
        """
        self.choose(adapters, ids.shape[1])
        given = {CACHES[0] if CACHES[0] in self._takes else CACHES[1]: cache}
        # Mamba's mask is that of what is read; later it has nothing to hide.
        if CACHES[0] in self._takes or mask.shape[1] == ids.shape[1]:
            given["attention_mask"] = mask
        if "position_ids" in self._takes:
            given["position_ids"] = (mask.cumsum(dim=-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if "logits_to_keep" in self._takes:
            given["logits_to_keep"] = 1
        out = self.model(input_ids=ids, use_cache=True, **given)
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        device: torch.device = next(self.model.parameters()).device
        return device


def _in_one_piece(_: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """States of the last tokens side by side: cut out of all tokens, each would meet the head alone."""
    return (given[0].contiguous(), *given[1:])


def switch_to(model: Any, name: str | None) -> None:
    """Let PEFT use one adapter for whatever comes next; None is the bare base model."""
    if name is None:
        model.base_model.disable_adapter_layers()
        return
    model.base_model.enable_adapter_layers()
    model.set_adapter(name)


def padded(prompts: list[list[int]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts padded on the left, (B, T), and their mask; padding is masked, so its id is free."""
    import torch

    width = max(map(len, prompts))
    ids = [[0] * (width - len(p)) + p for p in prompts]
    mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


@dataclass(slots=True)
class StaticBatch:
    """Rows that start together, for models whose state is more than keys and values.

    No row can join (`room` is 0 until all have ended); rows that have ended are dropped once half
    the batch has.
    """

    read: Reader
    rows: list[Row] = field(default_factory=list)
    _mask: Any = None
    _cache: Any = None

    def room(self, size: int) -> int:
        """How many rows may join a batch of at most `size`."""
        return 0 if any(r.live for r in self.rows) else size

    def join(self, rows: list[Row], prompts: list[list[int]]) -> torch.Tensor:
        """Read the prompts of new rows; the logits of their first tokens (b, V)."""
        ids, self._mask = padded(prompts, self.read.device)
        self.rows, self._cache = rows, new_cache(self.read.model)
        return self.read([r.request.adapter for r in rows], ids, self._mask, self._cache)

    def step(self) -> torch.Tensor:
        """Read each row's last token; the logits of the next ones, (B, V)."""
        import torch

        keep = [i for i, r in enumerate(self.rows) if r.live]
        if 2 * len(keep) <= len(self.rows):
            index = torch.tensor(keep, device=self._mask.device)
            self._mask = self._mask[index]
            self._cache.reorder_cache(index)  # what all kinds of memory know
            self.rows = [self.rows[i] for i in keep]
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self.rows), 1)], dim=-1)
        ids = last_tokens(self.rows, self._mask.device)
        return self.read([r.request.adapter for r in self.rows], ids, self._mask, self._cache)


def last_tokens(rows: list[Row], device: torch.device) -> torch.Tensor:
    """The newest token of each row, (B, 1); a row that has ended may be given any."""
    import torch

    return torch.tensor([[r.tokens[-1] if r.tokens else 0] for r in rows], device=device)
