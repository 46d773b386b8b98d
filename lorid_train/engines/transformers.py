"""One base model, several adapters, mixed in one batch, on `transformers` and PEFT.

Rows of a batch may use different adapters. As rows end, new ones take their place in the running
batch, so that it stays full. Each row samples from its own seed (see `sampling`), so its text
does not depend on its neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_train.engines.base import GenRequest, GenResult, Pull, Sampling
from lorid_train.engines.batch import Batch, Row, can_join
from lorid_train.engines.sampling import choose, uniforms

if TYPE_CHECKING:
    import torch

_REFILL_FRACTION = 0.125
"""Ended rows are replaced once they are this part of the batch: each time copies the cache."""


def with_adapters(model: Any, adapters: Mapping[str, str | Path], device: str) -> Any:
    """The base model with its adapters loaded side by side, in evaluation mode."""
    from peft import PeftModel

    for i, (name, path) in enumerate(adapters.items()):
        if i == 0:
            model = PeftModel.from_pretrained(model, str(path), adapter_name=name)
        else:
            model.load_adapter(str(path), adapter_name=name)
    return model.to(device).eval()


@dataclass(slots=True)
class TransformersEngine:
    """Generates with a model that `with_adapters` made.

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
        """One result per request. Requests of other sampling settings wait for the batch to end."""
        waiting: deque[GenRequest] = deque()
        while True:
            waiting.extend(pull(self.batch_size - len(waiting)))
            if not waiting:
                return
            yield from self._run(waiting[0].sampling, waiting, pull)

    def _run(
        self, sampling: Sampling, waiting: deque[GenRequest], pull: Pull
    ) -> Iterator[GenResult]:
        """Keep one batch full until nothing with these settings is left."""
        import torch

        batch: Batch | None = None
        while True:
            fresh = self._fill(batch, sampling, waiting, pull)
            try:
                if fresh:
                    batch, ended = self._admit(batch, fresh, sampling)
                elif batch is None or batch.n_live == 0:
                    return
                else:
                    ended = self._step(batch, sampling)
            except torch.OutOfMemoryError:
                live = [r.request for r in batch.rows if r.finish_reason is None] if batch else []
                if len(live) + len(fresh) == 1:
                    raise
                # They start again, in batches of half the size; their texts come out the same.
                waiting.extendleft(reversed([*live, *fresh]))
                self.batch_size = (len(live) + len(fresh)) // 2
                batch, ended = None, []
                _drop_stale_hooks(self.model)
                torch.cuda.empty_cache()
            for row in ended:
                yield GenResult(
                    row.request.key,
                    self.decode(row.tokens),
                    str(row.finish_reason),
                    row.n_prompt,
                    row.n_tokens,
                )

    def _fill(
        self, batch: Batch | None, sampling: Sampling, waiting: deque[GenRequest], pull: Pull
    ) -> list[GenRequest]:
        """Requests to admit now: none while the batch is nearly full, or cannot be joined."""
        n_live = batch.n_live if batch else 0
        room = self.batch_size - n_live
        if (
            batch
            and n_live
            and (room < max(1, _REFILL_FRACTION * self.batch_size) or not can_join(batch))
        ):
            return []
        waiting.extend(pull(max(0, room - len(waiting))))
        fresh = [r for r in waiting if r.sampling == sampling][:room]
        for request in fresh:
            waiting.remove(request)
        return fresh

    def _admit(
        self, batch: Batch | None, fresh: list[GenRequest], sampling: Sampling
    ) -> tuple[Batch, list[Row]]:
        """Read the prompts of new requests, draw their first tokens, and join them to the batch."""
        import torch

        prompts = [self.encode(r.prompt) for r in fresh]
        draws = uniforms([r.seed for r in fresh], sampling.max_new_tokens).to(self._device)
        rows = [Row(r, len(p), u) for r, p, u in zip(fresh, prompts, draws, strict=True)]
        new = Batch.of(rows, prompts, self._device)
        ended = self._step(new, sampling)
        if batch is None or batch.n_live == 0:
            return new, ended
        with torch.inference_mode():
            batch.thin_out()
            batch.join(new)
        return batch, ended

    def _step(self, batch: Batch, sampling: Sampling) -> list[Row]:
        """One more token for every live row."""
        import torch

        with torch.inference_mode():
            if len(batch) - batch.n_live >= max(1, _REFILL_FRACTION * self.batch_size):
                batch.thin_out()
            logits = batch.forward(self.model)
            u = torch.stack([r.uniforms[min(r.n_tokens, len(r.uniforms) - 1)] for r in batch.rows])
            return batch.advance(choose(logits, u, sampling), self.stop_ids)

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device


def _drop_stale_hooks(model: Any) -> None:
    """PEFT 0.21 leaves its `adapter_names` hooks behind when a forward pass raises; drop them."""
    for module in model.modules():
        module._forward_pre_hooks.clear()
