"""Rows being generated together: what all of them share, whatever keeps their keys and values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lorid_train.engines.base import GenRequest

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
        if self.n_tokens == self.request.sampling.max_new_tokens:
            self.finish_reason = "length"


@dataclass(frozen=True, slots=True)
class Reader:
    """A model with what chooses its adapters; reads tokens, returns the next token's logits."""

    model: Any
    chosen: RowAdapters | None

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
        extra = {}
        if self.chosen is not None:
            self.chosen.set(adapters, ids.device)
        elif hasattr(self.model, "peft_config"):
            extra["adapter_names"] = [a or "__base__" for a in adapters]
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        out = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **extra,
        )
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        device: torch.device = next(self.model.parameters()).device
        return device


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
        from transformers import DynamicCache

        ids, self._mask = padded(prompts, self.read.device)
        self.rows, self._cache = rows, DynamicCache(config=self.read.model.config)
        return self.read([r.request.adapter for r in rows], ids, self._mask, self._cache)

    def step(self) -> torch.Tensor:
        """Read each row's last token; the logits of the next ones, (B, V)."""
        import torch

        keep = [i for i, r in enumerate(self.rows) if r.live]
        if 2 * len(keep) <= len(self.rows):
            index = torch.tensor(keep, device=self._mask.device)
            self._mask = self._mask[index]
            self._cache.batch_select_indices(index)
            self.rows = [self.rows[i] for i in keep]
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self.rows), 1)], dim=-1)
        ids = last_tokens(self.rows, self._mask.device)
        return self.read([r.request.adapter for r in self.rows], ids, self._mask, self._cache)


def last_tokens(rows: list[Row], device: torch.device) -> torch.Tensor:
    """The newest token of each row, (B, 1); a row that has ended may be given any."""
    import torch

    return torch.tensor([[r.tokens[-1] if r.tokens else 0] for r in rows], device=device)
