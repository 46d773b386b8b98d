"""Proof at load time that an engine writes what plain `generate` with PEFT writes.

Some prompts per adapter are continued greedily, one by one, by the model's own `generate`, with
PEFT switching the adapters. Then an engine reads the same tokens in batches, and its logits must
be those. The reference itself is held against one forward pass without a cache, which is what
training sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_train.engines import alone
from lorid_train.engines.base import GenRequest, Sampling
from lorid_train.engines.batch import Row, switch_to
from lorid_train.engines.per_row_lora import can_choose
from lorid_train.engines.transformers import TransformersEngine
from lorid_train.engines.ways import ALONE, BEST, Way, arguments_of, ways_of

if TYPE_CHECKING:
    import torch

N_TOKENS = 5
"""Tokens that follow each prompt: what is remembered wrongly is wrong at the second."""
BATCH = 8
_END = -1
"""Stands for a stop token: no model has it, so no text ends but where the check ends it."""
_EXACT = 1e-3
"""Logits of float32 may differ by so much of the largest one: sums are taken in another order."""
_ROUNDED = 2e-2
"""The same for bfloat16 and float16, where only tokens ahead by more than that are compared."""
_ROUNDED_FRACTION = 0.05
"""Part of the tokens that may differ there: one rounding can send a token to another expert."""


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt of one adapter, and how plain `generate` goes on."""

    adapter: str | None
    """None is a model without adapters."""
    prompt: str
    tokens: list[int]
    logits: torch.Tensor
    """Of each token, (N_TOKENS, V), float32, on the CPU."""


def references(
    model: Any,
    encode: Callable[[str], list[int]],
    prompts: Mapping[str | None, Sequence[str]],
    where: str,
) -> list[Case]:
    """What plain `generate` writes after each adapter's prompts, one by one.

    Args:
        model: as PEFT made it, its adapters named as the keys of `prompts`.
        encode: a prompt's tokens.
        prompts: by adapter; None where the model has none.
        where: what messages call the base model.

    Raises:
        ConfigError: an adapter changes nothing or makes numbers that are none, or `generate`
            and a plain forward pass disagree.
    """
    cases: list[Case] = []
    problems: list[str] = []
    every = max(1, min(len(prompts), *map(len, prompts.values()))) if prompts else 1
    for at, (adapter, contents) in enumerate(prompts.items()):
        if adapter is not None:
            switch_to(model, adapter)
        for i, content in enumerate(contents):
            ids = encode(content)
            case = _continued(model, ids, adapter, content)
            cases.append(case)
            # Each length once, with one adapter after another; the first, the shortest, with all.
            if i and i % every != at % every:
                continue
            once = _read_at_once(model, ids + case.tokens)
            if why := _unlike(model, case, once):
                problems.append(
                    f"{where}{'' if adapter is None else f', adapter {adapter!r}'}: `generate` is not what one forward pass says ({why})"
                )
            if i == 0 and adapter is not None and _is_bare(model, ids, case, once):
                problems.append(
                    f"adapter {adapter!r}: changes no logit of {where}; it was not trained, or its "
                    "tensors do not fit this model"
                )
            if problems:
                break
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return cases


def unlike_one_pass(model: Any, ids: list[int]) -> str | None:
    """Why `generate` does not write what one forward pass without a cache says; None where it does."""
    case = _continued(model, ids, "", "")
    return _unlike(model, case, _read_at_once(model, ids + case.tokens))


def _unlike(model: Any, case: Case, once: torch.Tensor) -> str | None:
    read = Meeting([case])
    read.see(0, once)
    return read.problem(model.dtype)


def _continued(model: Any, ids: list[int], adapter: str | None, content: str) -> Case:
    """Plain `generate`, greedily, not stopping.

    Raises:
        ConfigError: a logit is no number.
    """
    import torch

    seen: list[torch.Tensor] = []

    def greedy(logits: torch.Tensor) -> int:
        seen.append(logits.cpu())
        return int(logits.argmax())

    tokens = alone.write(model, ids, greedy, stop_ids=(), n=N_TOKENS)
    logits = torch.stack(seen)
    if logits.isnan().any():
        who = "the model" if adapter is None else f"adapter {adapter!r}"
        msg = f"{who}: gives logits that are not numbers; its weights are broken, or too large for {model.dtype}"
        raise ConfigError(msg)
    return Case(adapter, content, tokens, logits)


def _read_at_once(model: Any, ids: list[int]) -> torch.Tensor:
    """Logits of the last N_TOKENS tokens, (N_TOKENS, V), in one forward pass without a cache."""
    import torch

    given = {"use_cache": False, "logits_to_keep": N_TOKENS + 1}
    given = {k: v for k, v in given.items() if k in arguments_of(model)}
    with torch.inference_mode():
        tensor = torch.tensor([ids], device=next(model.parameters()).device)
        logits: torch.Tensor = model(input_ids=tensor, **given).logits
    return logits[0, -N_TOKENS - 1 : -1].float().cpu()


def _is_bare(model: Any, ids: list[int], case: Case, once: torch.Tensor) -> bool:
    """Whether the bare base reads the same as its adapter did."""
    import torch

    switch_to(model, None)
    bare = _read_at_once(model, ids + case.tokens)
    switch_to(model, case.adapter)
    return torch.equal(bare, once)


@dataclass(slots=True)
class Meeting:
    """Logits held against those of the reference, token by token."""

    cases: Sequence[Case]
    n: int = 0
    n_other: int = 0
    """Tokens that would have been others, and not for a rounding."""
    worst: float = 0.0
    """Largest difference of a logit, as a part of the largest logit."""
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def see(self, case: int, logits: torch.Tensor, at: int = 0) -> None:
        """Logits of the tokens of a case from number `at` on, (n, V)."""
        import torch

        wanted = self.cases[case].logits[at : at + len(logits)]
        both = torch.isfinite(wanted)
        got = torch.where(both, logits.cpu(), 0.0).nan_to_num(float("inf"))
        want = torch.where(both, wanted, 0.0)
        scale = want.abs().amax(dim=-1).clamp(min=1e-6)
        self.worst = max(self.worst, float(((got - want).abs().amax(dim=-1) / scale).max()))
        lowest = torch.where(both, got, -float("inf")).argmax(dim=-1, keepdim=True)
        top = torch.where(both, wanted, -float("inf")).amax(dim=-1)
        ahead = (top - wanted.gather(-1, lowest).squeeze(-1)) / scale
        self.n += len(logits)
        self.n_other += int((ahead > _ROUNDED).sum())

    def problem(self, dtype: torch.dtype) -> str | None:
        """Why these are not the same logits, or None where they are."""
        import torch

        if not self.n:
            return "nothing was written"
        if dtype == torch.float32 and not self.worst <= _EXACT:
            return f"logits differ by {self.worst:.1%} of the largest one"
        if dtype != torch.float32 and self.n_other > _ROUNDED_FRACTION * self.n:
            return f"{self.n_other} of {self.n} tokens would be others"
        return None


def why_wrong(engine: TransformersEngine, cases: Sequence[Case]) -> str | None:
    """Why an engine does not read what the reference read, or None where it does.

    The engine is given the reference's tokens, so that one difference does not make all that
    follow. Rows end at different times, so that others take their places.
    """
    met = Meeting(cases)
    n_tokens = [N_TOKENS - i % 3 for i in range(len(cases))]
    was = engine.pick, engine.stop_ids, engine.batch_size, engine.context

    def told(rows: Sequence[Row], logits: torch.Tensor, _: Sampling) -> list[int]:
        tokens = []
        for i, row in enumerate(rows):
            case, k = int(str(row.request.key)), row.n_tokens
            if row.live:
                met.see(case, logits[i : i + 1].float(), k)
            goes_on = k + 1 < n_tokens[case]
            tokens.append(cases[case].tokens[k] if goes_on else _END)
        return tokens

    greedy = Sampling(0.0, max_new_tokens=N_TOKENS)
    order = sorted(range(len(cases)), key=lambda i: (i * 7) % len(cases))  # adapters side by side
    waiting = [GenRequest(i, cases[i].adapter, cases[i].prompt, greedy, seed=0) for i in order]
    engine.pick, engine.stop_ids, engine.batch_size = told, [_END], BATCH
    engine.context = None  # the reference has written on, too

    def pull(n: int) -> list[GenRequest]:
        taken = waiting[:n]
        del waiting[:n]
        return taken

    try:
        for _ in engine.generate(pull):
            pass
    finally:
        engine.pick, engine.stop_ids, engine.batch_size, engine.context = was
        engine.forget()
    if met.n != sum(n_tokens):
        return f"{met.n} of {sum(n_tokens)} tokens were written"
    return met.problem(engine.model.dtype)


def prove(
    load: Callable[[], Any],
    make: Callable[[Any, Way], TransformersEngine],
    prompts: Mapping[str | None, Sequence[str]],
    *,
    where: str,
    say: Callable[[str], None],
) -> TransformersEngine:
    """The engine of the best way that writes what plain `generate` writes.

    Args:
        load: the model with its adapters, as PEFT made it.
        make: an engine of one way over such a model.
        prompts: some for each adapter, of different lengths.
        where: what messages call the base model.
        say: told what a slower way costs.

    Raises:
        ConfigError: plain `generate` is wrong too.
    """
    model = load()
    ways = ways_of(model, mixed=can_choose(model))
    cases = references(model, make(model, ALONE).encode, prompts, where)
    whys: list[str] = []
    for way in ways:
        if model is None:
            model = load()
        engine, why = _tried(model, way, make, cases)
        if engine is not None:
            if way.memory != BEST.memory or (way.mixed != BEST.mixed and None not in prompts):
                say(_warning(where, way, whys))
            return engine
        whys.append(f"{way.words}: {why}")
        if way.mixed:
            model = None  # its layers were changed
    raise AssertionError("the last way is always taken")


def _tried(
    model: Any, way: Way, make: Callable[[Any, Way], TransformersEngine], cases: Sequence[Case]
) -> tuple[TransformersEngine | None, str]:
    """An engine that is right, or None and why it is not."""
    if way.memory == "alone":  # the reference itself
        return make(model, way), ""
    try:
        engine = make(model, way)
        why = why_wrong(engine, cases)
    except Exception as e:  # noqa: BLE001  (whatever it is: this way is not for this model)
        why = f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"
    else:
        if why is None:
            return engine, ""
    return None, why


def _warning(where: str, way: Way, whys: Sequence[str]) -> str:
    because = "; ".join(whys) or "it does not remember keys and values of one shape"
    if not whys and way.memory == BEST.memory:
        because = "its adapters are on more than linear layers"
    return f"warning: {where}: texts are made as {way.words}, which is slower; the faster ways are not for this model ({because})"
