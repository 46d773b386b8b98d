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
from lorid_train.engines.batch import Reader, Row, StaticBatch
from lorid_train.engines.continuous_batch import SlotBatch, has_slots
from lorid_train.engines.per_row_lora import choose_by_row
from lorid_train.engines.prefix_cache import PREFIX_BYTES, Prefixes
from lorid_train.engines.sampling import choose, uniforms

if TYPE_CHECKING:
    import torch

_REFILL_FRACTION = 0.05
"""Rows join once this part of the batch is free, so that their prompts are read together."""


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
    """Generates with a model that `with_adapters` made, and that is the engine's from then on.

    `encode` and `render` apply a prompt format to a role's text; `decode` turns generated ids
    into text. `stop_ids` end a row.
    """

    model: Any
    encode: Callable[[str], list[int]]
    render: Callable[[str], str]
    decode: Callable[[list[int]], str]
    stop_ids: list[int]
    batch_size: int = 64
    merged: bool = False
    """Adapters merged into whole weights: more memory, fewer operations per token."""
    _reader: Reader | None = None
    _prefixes: Prefixes | None = None
    """None for models whose state is more than keys and values."""

    def __post_init__(self) -> None:
        self._reader = Reader(self.model, choose_by_row(self.model, merged=self.merged))
        self._prefixes = Prefixes(PREFIX_BYTES) if has_slots(self.model) else None

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

        batch = self._new_batch()
        while True:
            fresh = self._fill(batch, sampling, waiting, pull)
            try:
                if fresh:
                    ended = self._admit(batch, fresh, sampling)
                elif not any(r.live for r in batch.rows):
                    return
                else:
                    ended = self._step(batch, sampling)
            except torch.OutOfMemoryError:
                live = [r.request for r in batch.rows if r.live]
                asked = list(dict.fromkeys([*live, *fresh]))
                if len(asked) == 1:
                    raise
                # They start again, in batches of half the size; their texts come out the same.
                waiting.extendleft(reversed(asked))
                self.batch_size = len(asked) // 2
                batch, ended = self._new_batch(), []
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

    def _new_batch(self) -> SlotBatch | StaticBatch:
        assert self._reader is not None
        if self._prefixes is None:
            return StaticBatch(self._reader)
        return SlotBatch(self._reader, self._prefixes)

    def _fill(
        self,
        batch: SlotBatch | StaticBatch,
        sampling: Sampling,
        waiting: deque[GenRequest],
        pull: Pull,
    ) -> list[GenRequest]:
        """Requests to admit now: none while the batch is nearly full, or takes none."""
        room = batch.room(self.batch_size)
        if room == 0 or (
            room < _REFILL_FRACTION * self.batch_size and any(r.live for r in batch.rows)
        ):
            return []
        waiting.extend(pull(max(0, room - len(waiting))))
        fresh = [r for r in waiting if r.sampling == sampling][:room]
        for request in fresh:
            waiting.remove(request)
        return fresh

    def _admit(
        self, batch: SlotBatch | StaticBatch, fresh: list[GenRequest], sampling: Sampling
    ) -> list[Row]:
        """Let new requests join, and draw their first tokens; the rows that these end."""
        import torch

        prompts = [self.encode(r.prompt) for r in fresh]
        numbers = uniforms([r.seed for r in fresh], sampling.max_new_tokens).tolist()
        rows = [Row(r, len(p), u) for r, p, u in zip(fresh, prompts, numbers, strict=True)]
        with torch.inference_mode():
            return self._draw(rows, batch.join(rows, prompts), sampling)

    def _step(self, batch: SlotBatch | StaticBatch, sampling: Sampling) -> list[Row]:
        """One more token for every live row; the rows that this ends."""
        import torch

        with torch.inference_mode():
            logits = batch.step()
            return self._draw(batch.rows, logits, sampling)

    def _draw(self, rows: list[Row], logits: torch.Tensor, sampling: Sampling) -> list[Row]:
        import torch

        live = [r.live for r in rows]
        u = torch.tensor(
            [r.uniforms[r.n_tokens] if r.live else 0.0 for r in rows],
            dtype=torch.float64,
            device=logits.device,
        )
        for row, token in zip(rows, choose(logits, u, sampling).tolist(), strict=True):
            if row.live:
                row.add(token, self.stop_ids)
        return [r for r, was in zip(rows, live, strict=True) if was and not r.live]


def _drop_stale_hooks(model: Any) -> None:
    """PEFT 0.21 leaves its `adapter_names` hooks behind when a forward pass raises; drop them."""
    for module in model.modules():
        module._forward_pre_hooks.clear()
