"""One base model, several adapters, mixed in one batch, on `transformers` and PEFT.

Rows of a batch may use different adapters. Finished rows leave the key-value cache, so that the
tail of a batch costs what is left of it. Each row samples from its own seed (see `sampling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_train.engines.base import GenRequest, GenResult, Pull, Sampling
from lorid_train.engines.sampling import choose, uniforms

if TYPE_CHECKING:
    import torch

_COMPACT_FRACTION = 0.125
"""Finished rows are dropped from the cache once they are this part of it."""


def load_model(
    base: str | Path,
    adapters: Mapping[str, str | Path],
    *,
    dtype: str,
    device: str,
    revision: str | None = None,
) -> Any:
    """The base model with its adapters loaded side by side, in evaluation mode."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        str(base), revision=revision, dtype=getattr(torch, dtype), use_safetensors=True
    )
    for i, (name, path) in enumerate(adapters.items()):
        if i == 0:
            model = PeftModel.from_pretrained(model, str(path), adapter_name=name)
        else:
            model.load_adapter(str(path), adapter_name=name)
    return model.to(device).eval()


@dataclass(slots=True)
class TransformersEngine:
    """Generates with a model that `load_model` made.

    `encode` and `render` apply a prompt format to a role's text; `decode` turns generated ids
    into text. `stop_ids` end a row.
    """

    model: Any
    encode: Callable[[str], list[int]]
    render: Callable[[str], str]
    decode: Callable[[list[int]], str]
    stop_ids: list[int]
    batch_size: int = 64

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """One result per request; batches are split by sampling settings only."""
        while batch := list(pull(self.batch_size)):
            by_sampling: dict[Sampling, list[GenRequest]] = {}
            for request in batch:
                by_sampling.setdefault(request.sampling, []).append(request)
            for sampling, requests in by_sampling.items():
                yield from self._generate(requests, sampling)

    def _generate(self, requests: list[GenRequest], sampling: Sampling) -> Iterator[GenResult]:
        """Halve the batch when memory runs out, and go on."""
        import torch

        try:
            results = list(self._batch(requests, sampling))
        except torch.OutOfMemoryError:
            if len(requests) == 1:
                raise
            _drop_stale_hooks(self.model)
            torch.cuda.empty_cache()
            self.batch_size = max(1, min(self.batch_size, len(requests)) // 2)
            half = len(requests) // 2
            yield from self._generate(requests[:half], sampling)
            yield from self._generate(requests[half:], sampling)
        else:
            yield from results

    def _batch(self, requests: list[GenRequest], sampling: Sampling) -> Iterator[GenResult]:
        import torch

        with torch.inference_mode():
            live = _Batch.start(requests, [self.encode(r.prompt) for r in requests], self._device)
            u = uniforms([r.seed for r in requests], sampling.max_new_tokens).to(self._device)
            for step in range(sampling.max_new_tokens):
                logits = live.forward(self.model)
                tokens = choose(logits, u[live.rows, step], sampling)
                is_last = step + 1 == sampling.max_new_tokens
                finished = live.append(tokens.tolist(), self.stop_ids, is_last=is_last)
                for row, ids, reason in finished:
                    yield GenResult(
                        requests[row].key,
                        self.decode(ids),
                        reason,
                        live.n_prompt[row],
                        live.n_generated[row],
                    )
                if not live.shrink():
                    return

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device


@dataclass(slots=True)
class _Batch:
    """Rows being generated, left-padded, with their cache. Shapes: ids (B, T), mask (B, T)."""

    ids: torch.Tensor
    mask: torch.Tensor
    adapters: list[str]
    rows: list[int]
    done: list[bool]
    texts: list[list[int]]
    n_prompt: list[int]
    n_generated: list[int]
    cache: Any = None

    @classmethod
    def start(cls, requests: list[GenRequest], ids: list[list[int]], device: Any) -> _Batch:
        """Left-pad the prompts; padding is masked, so its id does not matter."""
        import torch

        width = max(map(len, ids))
        padded = [[0] * (width - len(x)) + x for x in ids]
        mask = [[0] * (width - len(x)) + [1] * len(x) for x in ids]
        n = len(requests)
        return cls(
            ids=torch.tensor(padded, device=device),
            mask=torch.tensor(mask, device=device),
            adapters=[r.adapter or "__base__" for r in requests],
            rows=list(range(n)),
            done=[False] * n,
            texts=[[] for _ in requests],
            n_prompt=[len(x) for x in ids],
            n_generated=[0] * n,
        )

    def forward(self, model: Any) -> torch.Tensor:
        """Logits of the last position, (B, V), float32."""
        positions = (self.mask.cumsum(dim=-1) - 1).clamp(min=0)[:, -self.ids.shape[1] :]
        extra = {"adapter_names": self.adapters} if hasattr(model, "peft_config") else {}
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
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits

    def append(
        self, tokens: list[int], stop_ids: list[int], *, is_last: bool
    ) -> list[tuple[int, list[int], str]]:
        """Add one token per live row; return the rows that end with it: (row, ids, reason)."""
        import torch

        ended = []
        for i, token in enumerate(tokens):
            row = self.rows[i]
            if self.done[row]:
                continue
            self.n_generated[row] += 1
            stop = token in stop_ids
            if not stop:
                self.texts[row].append(token)
            if stop or is_last:
                self.done[row] = True
                ended.append((row, self.texts[row], "stop" if stop else "length"))
        self.ids = torch.tensor(tokens, device=self.ids.device).unsqueeze(-1)
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=-1)
        return ended

    def shrink(self) -> bool:
        """Drop finished rows from the cache when they are enough of it. False: none is left."""
        import torch

        keep = [i for i, row in enumerate(self.rows) if not self.done[row]]
        if not keep:
            return False
        if len(self.rows) - len(keep) >= max(1, _COMPACT_FRACTION * len(self.rows)):
            index = torch.tensor(keep, device=self.ids.device)
            self.cache.batch_select_indices(index)
            self.ids, self.mask = self.ids[index], self.mask[index]
            self.rows = [self.rows[i] for i in keep]
            self.adapters = [self.adapters[i] for i in keep]
        return True


def _drop_stale_hooks(model: Any) -> None:
    """PEFT 0.21 leaves its `adapter_names` hooks behind when a forward pass raises; drop them."""
    for module in model.modules():
        module._forward_pre_hooks.clear()
