"""What a training run will take, said before it takes it.

Parameters, rows, tokens and steps are counted; memory and time are estimates from the formulas
below, with the machine's own matrix-product rate measured in a fraction of a second.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lorid_data.texts.counting import count
from lorid_train.config import TrainConfig
from lorid_train.models.base_model import load_config
from lorid_train.training.arguments import n_steps
from lorid_train.training.tokens import RoleCounts

UTILISATION = 0.5
"""Share of the measured matrix-product rate that training is taken to reach."""
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the estimates need of a base model with one adapter."""

    n_base: int
    n_head: int
    """Parameters of the output projection, part of `n_base`."""
    n_trainable: int
    n_layers: int
    hidden: int
    intermediate: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class RolePlan:
    """One role: what it trains on, and what that takes."""

    role: str
    n_rows: int
    n_rejected: int
    n_tokens: int
    n_target_tokens: int
    longest_tokens: int
    n_steps: int
    rows_per_step: int
    n_trainable: int
    memory_bytes: int
    time_s: float

    def line(self) -> str:
        """One line for people."""
        return (
            f"  {self.role}: {count(self.n_rows, 'row')} ({self.n_rejected:,} rejected), {count(self.n_tokens, 'token')} "
            f"({self.n_target_tokens:,} with loss, longest row {self.longest_tokens:,}), {count(self.n_steps, 'step')} of "
            f"{self.rows_per_step}, {self.n_trainable:,} trainable parameters, "
            f"about {self.memory_bytes / 2**30:.1f} GiB and {_duration(self.time_s)}"
        )


def shape_of(base: Any, lora: dict[str, Any]) -> Shape:
    """Counted on a model without weights: nothing is loaded but the configuration.

    Args:
        base: `base_model.Base`.
        lora: fields of `peft.LoraConfig`.

    Raises:
        ValueError: PEFT cannot put this adapter on this model (no such module, for one).
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = load_config(base)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        n_base = sum(p.numel() for p in model.parameters())
        _refuse_unknown(model, lora.get("modules_to_save") or ())
        # Starting values may be computed from weights that are not there; their number is the same.
        bare = {**lora, "init_lora_weights": False}
        adapted = get_peft_model(
            model, LoraConfig(task_type="CAUSAL_LM", **bare), low_cpu_mem_usage=True
        )
    text = config.get_text_config()
    hidden, vocabulary = int(text.hidden_size), int(text.vocab_size)
    return Shape(
        n_base=n_base,
        n_head=hidden * vocabulary,
        n_trainable=int(adapted.get_nb_trainable_parameters()[0]),
        n_layers=int(text.num_hidden_layers),
        hidden=hidden,
        intermediate=_widest(getattr(text, "intermediate_size", None)) or 4 * hidden,
        vocabulary=vocabulary,
    )


def _refuse_unknown(model: Any, names: Sequence[str]) -> None:
    """Refuse names of no module: PEFT passes over them, and nothing of them would be trained.

    Raises:
        ValueError: there is no module of that name.
    """
    known = {name.rpartition(".")[2] for name, _ in model.named_modules()} - {""}
    for name in names:
        if name.rpartition(".")[2] not in known:
            msg = f"modules_to_save names {name!r}, and the base model has no such module; it has {', '.join(sorted(known))}"
            raise ValueError(msg)


def _widest(value: Any) -> int:
    """A width that may be given for each layer; 0 where it is not given."""
    return max(map(int, value), default=0) if isinstance(value, list | tuple) else int(value or 0)


def n_operations(
    shape: Shape, *, n_tokens: int, n_target: int, longest: int, checkpointing: bool
) -> float:
    """Floating-point operations of one pass over the rows.

    Per token: 2 forward and 2 backward per frozen parameter (no gradient for itself), 6 per
    trainable one, attention over half the longest row; the head at positions with loss only.
    """
    attention = 2 * 2 * shape.n_layers * shape.hidden * longest / 2
    body = 2 * (shape.n_base - shape.n_head) + attention
    per_token = (3 if checkpointing else 2) * body + 6 * shape.n_trainable
    return n_tokens * per_token + n_target * 4 * shape.n_head


def memory_bytes(
    shape: Shape, *, dtype: str, tokens_at_once: int, target_at_once: int, checkpointing: bool
) -> int:
    """Weights, adapter with gradient and two moments, activations of one micro-batch, logits."""
    size = _BYTES[dtype]
    fixed = shape.n_base * size + shape.n_trainable * 4 * 4
    layer = (12 * shape.hidden + 5 * shape.intermediate) * size
    kept = layer + shape.n_layers * shape.hidden * size if checkpointing else shape.n_layers * layer
    return int(fixed + tokens_at_once * kept + target_at_once * shape.vocabulary * 4 * 3)


def of_role(
    role: str, config: TrainConfig, shape: Shape, args: Any, counts: RoleCounts, rate: float
) -> RolePlan:
    """The plan of one role from its counted rows.

    Args:
        role: its name.
        config: the run's configuration.
        shape: of the base model with this role's adapter.
        args: this role's `SFTConfig`.
        counts: of its tokenised rows.
        rate: operations per second of this machine's matrix products.
    """
    longest, batch = max(counts.lengths), args.per_device_train_batch_size
    n_packs = -(-counts.n_tokens // config.max_tokens)
    steps = n_steps(args, n_packs if args.packing else counts.n_rows)
    per_step = batch * args.gradient_accumulation_steps * max(1, args.world_size)
    seen = steps * per_step / (n_packs if args.packing else counts.n_rows)
    at_once = batch * (config.max_tokens if args.packing else longest)
    operations = n_operations(
        shape, n_tokens=counts.n_tokens, n_target=counts.n_target_tokens, longest=longest,
        checkpointing=args.gradient_checkpointing,
    )  # fmt: skip
    memory = memory_bytes(
        shape, dtype=config.dtype, tokens_at_once=at_once, checkpointing=args.gradient_checkpointing,
        target_at_once=at_once * counts.n_target_tokens // counts.n_tokens,
    )  # fmt: skip
    return RolePlan(
        role=role,
        n_rows=counts.n_rows,
        n_rejected=len(counts.rejects),
        n_tokens=counts.n_tokens,
        n_target_tokens=counts.n_target_tokens,
        longest_tokens=longest,
        n_steps=steps,
        rows_per_step=per_step,
        n_trainable=shape.n_trainable,
        memory_bytes=memory,
        time_s=operations * seen / (rate * UTILISATION * max(1, args.world_size)),
    )


def measured_rate(dtype: str, hidden: int) -> float:
    """Operations per second of a matrix product of this machine, of a layer's shape."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    a = torch.ones(1024, hidden, device=device, dtype=getattr(torch, dtype))
    b = torch.ones(hidden, 3 * hidden, device=device, dtype=a.dtype)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        product = a @ b
        float(product[0, 0])  # waits for a GPU
        best = min(best, time.perf_counter() - start)
    return 2.0 * a.size(0) * a.size(1) * b.size(1) / best


def headline(
    base: Any,
    shape: Shape,
    *,
    dtype: str,
    prompt_format: str,
    n_processes: int,
    device: str,
    commit: str | None = None,
) -> str:
    """The plan's first line, with the commit of a base from the Hub."""
    name = f"{base.name} at {commit}" if commit else base.name
    several = "1 process" if n_processes == 1 else f"{n_processes} processes"
    return f"plan: base {name} ({shape.n_base:,} parameters, {dtype}), format {prompt_format}, {several} on {device}"


def total(plans: Sequence[RolePlan]) -> str:
    """The plan's last line."""
    steps, seconds = sum(p.n_steps for p in plans), sum(p.time_s for p in plans)
    top = max(p.memory_bytes for p in plans)
    return f"  in all: {count(steps, 'step')}, about {top / 2**30:.1f} GiB at most and {_duration(seconds)} (estimated)"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
