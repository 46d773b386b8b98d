"""One base model, several adapters, mixed in one batch, on `transformers` and PEFT.

Rows of a batch may use different adapters. As rows end, new ones take their place in the running
batch, so that it stays full. Each row samples from its own seed (see `sampling`), so its text
does not depend on its neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lorid_train.engines import alone, heap
from lorid_train.engines.base import TOO_LONG, GenRequest, GenResult, Pull, Sampling
from lorid_train.engines.batch import Reader, Row, StaticBatch
from lorid_train.engines.context import context_of
from lorid_train.engines.continuous_batch import SlotBatch
from lorid_train.engines.per_row_lora import can_choose, choose_by_row
from lorid_train.engines.prefix_cache import PREFIX_BYTES, Prefixes
from lorid_train.engines.sampling import choose, uniforms
from lorid_train.engines.ways import Way, counts_columns, longest_together, ways_of

if TYPE_CHECKING:
    import torch

_REFILL_FRACTION = 0.05
"""Rows join once this part of the batch is free, so that their prompts are read together."""


def pick(rows: Sequence[Row], logits: torch.Tensor, sampling: Sampling) -> list[int]:
    """The next token of each row, (B,), from its own random numbers; 0 for one that has ended."""
    import torch

    u = torch.tensor(
        [r.uniforms[r.n_tokens] if r.live else 0.0 for r in rows],
        dtype=torch.float64,
        device=logits.device,
    )
    found: list[int] = choose(logits, u, sampling).tolist()
    return found


@dataclass(slots=True)
class TransformersEngine:
    """Generates with a model that `with_adapters` made, and that is the engine's from then on.

    `encode` and `render` apply a prompt format to a role's text; `decode` turns generated ids
    into text. `stop_ids` end a row.
    """

    model: Any
    encode: Callable[[str], list[int]]
    render: Callable[[str, str | None], str]
    decode: Callable[[list[int]], str]
    stop_ids: list[int]
    batch_size: int = 64
    merged: bool = False
    """Adapters merged into whole weights: more memory, fewer operations per token."""
    way: Way | None = None
    """How rows are generated; None takes the best that the model may allow, without a proof."""
    pick: Callable[[Sequence[Row], torch.Tensor, Sampling], list[int]] = pick
    """Chooses the next token of each row from the logits, (B, V)."""
    _reader: Reader | None = None
    _prefixes: Prefixes | None = None
    """Of the way `slots`."""
    context: int | None = None
    """Tokens that a prompt and its text may have together: the model's; None where it has no limit."""
    _longest: int | None = None
    """Tokens of the longest row that may share a batch; longer ones are generated alone."""

    def __post_init__(self) -> None:
        if self.way is None:
            self.way = ways_of(self.model, mixed=can_choose(self.model))[0]
        chosen = choose_by_row(self.model, merged=self.merged) if self.way.mixed else None
        self._reader = Reader(self.model, chosen)
        self._longest = longest_together(self.model.config)
        self.context = context_of(self.model.config)
        self.forget()

    def forget(self) -> None:
        """Drop the prompts that were read before."""
        assert self.way is not None
        if self.way.memory == "slots":
            beginnings = not counts_columns(self.model.config)
            self._prefixes = Prefixes(PREFIX_BYTES, beginnings=beginnings)

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """One result per request. Requests of other sampling settings wait for the batch to end."""
        assert self.way is not None
        if self.way.memory == "alone":
            while asked := pull(1):
                yield self._alone(asked[0])
            return
        waiting: deque[GenRequest] = deque()
        while True:
            waiting.extend(pull(self.batch_size - len(waiting)))
            if not waiting:
                return
            if self._is_long(waiting[0]):
                yield self._alone(waiting.popleft())
            else:
                yield from self._run(waiting[0], waiting, pull)

    def _alone(self, request: GenRequest) -> GenResult:
        """One row, through the model's own `generate`."""
        assert self._reader is not None
        prompt, sampling = self.encode(request.prompt), request.sampling
        row = self._row(request, len(prompt))
        if not row.live:
            return self._result(row)
        self._reader.choose([request.adapter], 1)

        def choose_one(logits: torch.Tensor) -> int:
            [token] = self.pick([row], logits.unsqueeze(0), sampling)
            row.add(token, self.stop_ids)
            return token

        alone.write(self.model, prompt, choose_one, stop_ids=self.stop_ids, n=row.most)
        return self._result(row)

    def _row(self, request: GenRequest, n_prompt: int) -> Row:
        """A row that ends at the end of the model's context at the latest; ended, where that leaves no room."""
        most = request.sampling.max_new_tokens
        if self.context is not None:
            most = min(most, self.context - n_prompt)
        if most < 1:
            return Row(request, n_prompt, [], finish_reason=TOO_LONG)
        numbers = uniforms([request.seed], request.sampling.max_new_tokens).tolist()[0]
        return Row(request, n_prompt, numbers, most=most)

    def _result(self, row: Row) -> GenResult:
        text = self.decode(row.tokens)
        return GenResult(row.request.key, text, str(row.finish_reason), row.n_prompt, row.n_tokens)

    def _fits(self, request: GenRequest, like: GenRequest) -> bool:
        """Whether two requests may share a batch."""
        assert self.way is not None
        alike = self.way.mixed or request.adapter == like.adapter
        return alike and request.sampling == like.sampling and not self._is_long(request)

    def _is_long(self, request: GenRequest) -> bool:
        if self._longest is None:
            return False
        return len(self.encode(request.prompt)) + request.sampling.max_new_tokens > self._longest

    def _run(self, like: GenRequest, waiting: deque[GenRequest], pull: Pull) -> Iterator[GenResult]:
        """Keep one batch full until nothing is left that may share it."""
        import torch

        sampling = like.sampling
        batch = self._new_batch()
        while True:
            fresh = self._fill(batch, like, waiting, pull)
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
                torch.cuda.empty_cache()
            for row in ended:
                yield self._result(row)

    def _new_batch(self) -> SlotBatch | StaticBatch:
        assert self._reader is not None
        if self._prefixes is None:
            return StaticBatch(self._reader)
        return SlotBatch(self._reader, self._prefixes)

    def _fill(
        self,
        batch: SlotBatch | StaticBatch,
        like: GenRequest,
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
        fresh = [r for r in waiting if self._fits(r, like)][:room]
        for request in fresh:
            waiting.remove(request)
        return fresh

    def _admit(
        self, batch: SlotBatch | StaticBatch, fresh: list[GenRequest], sampling: Sampling
    ) -> list[Row]:
        """Let new requests join, and draw their first tokens; the rows that these end, or that have no room."""
        import torch

        prompts = [self.encode(r.prompt) for r in fresh]
        every = [self._row(r, len(p)) for r, p in zip(fresh, prompts, strict=True)]
        ended = [r for r in every if not r.live]
        rows = [r for r in every if r.live]
        if not rows:
            return ended
        fitting = [p for r, p in zip(every, prompts, strict=True) if r.live]
        with torch.inference_mode():
            ended += self._draw(rows, batch.join(rows, fitting), sampling)
        heap.give_back()  # prompts were read at once: more memory for a moment than any step takes
        return ended

    def _step(self, batch: SlotBatch | StaticBatch, sampling: Sampling) -> list[Row]:
        """One more token for every live row; the rows that this ends."""
        import torch

        with torch.inference_mode():
            logits = batch.step()
            return self._draw(batch.rows, logits, sampling)

    def _draw(self, rows: list[Row], logits: torch.Tensor, sampling: Sampling) -> list[Row]:
        live = [r.live for r in rows]
        for row, token in zip(rows, self.pick(rows, logits, sampling), strict=True):
            if row.live:
                row.add(token, self.stop_ids)
        return [r for r, was in zip(rows, live, strict=True) if was and not r.live]
