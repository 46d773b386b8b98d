"""What a training run will take, said before it takes it.

Parameters, rows, tokens and steps are counted; memory and time are estimates from the formulas
below, with the machine's own matrix-product rate measured in a fraction of a second.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lorid_data.texts.counting import count
from lorid_train.config import Quantization, TrainConfig
from lorid_train.models.base_model import load_config
from lorid_train.training.arguments import n_steps
from lorid_train.training.tokens import RoleCounts

UTILISATION = 0.5
"""Share of the measured matrix-product rate that training is taken to reach."""
_SMALL_BYTES = 2 * 2**30
"""So much fits anywhere; nothing is said of GPUs."""
GPU_GB = (24, 40, 80)
"""Memory of the usual GPUs, in 10^9 bytes."""
SLACK = 1.1
"""What an allocator holds beyond what is asked of it, for what comes and goes."""
TRAINER_BYTES = 120 * 2**20
"""What the trainer's libraries and a first step's buffers add to a process that has planned."""
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the estimates need of a base model with one adapter."""

    n_base: int
    n_head: int
    """Parameters of the output projection, part of `n_base`."""
    n_quantizable: int
    """Parameters of linear layers but the output projection, part of `n_base`: what bitsandbytes quantises."""
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
    reasons: str = ""
    """Why rows were rejected, with their numbers."""

    def line(self) -> str:
        """One line for people."""
        return (
            f"  {self.role}: {count(self.n_rows, 'row')} ({self.n_rejected:,} rejected{self.reasons and ': ' + self.reasons}), {count(self.n_tokens, 'token')} "
            f"({self.n_target_tokens:,} with loss, longest row {self.longest_tokens:,}), {count(self.n_steps, 'step')} of "
            f"{self.rows_per_step}, {self.n_trainable:,} trainable parameters, "
            f"about {self.memory_bytes / 2**30:.1f} GiB and {_duration(self.time_s)}"
        )


def shape_of(base: Any, lora: dict[str, Any], *, is_begun: bool = False) -> Shape:
    """Counted on a model without weights: nothing is loaded but the configuration.

    Args:
        base: `base_model.Base`.
        lora: fields of `peft.LoraConfig`.
        is_begun: whether they are those of an adapter that was trained before, and cannot be corrected.

    Raises:
        ValueError: a name matches no module, or PEFT cannot put this adapter on this model (no such module, for one).
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = load_config(base)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        n_base = sum(p.numel() for p in model.parameters())
        head = model.get_output_embeddings()
        n_quantizable = sum(
            m.weight.numel()
            for m in model.modules()
            if isinstance(m, torch.nn.Linear) and m is not head
        )
        _refuse_unknown(model, lora.get("modules_to_save") or ())
        if not is_begun:
            _refuse_unmatched(model, lora)
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
        n_quantizable=n_quantizable,
        n_trainable=int(adapted.get_nb_trainable_parameters()[0]),
        n_layers=int(text.num_hidden_layers),
        hidden=hidden,
        intermediate=_widest(getattr(text, "intermediate_size", None)) or 4 * hidden,
        vocabulary=vocabulary,
    )


def _refuse_unmatched(model: Any, lora: Mapping[str, Any]) -> None:
    """Refuse a name or pattern that matches no module: PEFT passes over it where another one matches.

    Raises:
        ValueError: there is one.
    """
    names = [name for name, _ in model.named_modules()]
    for key in ("target_modules", "exclude_modules"):
        given = lora.get(key)
        for one in given if isinstance(given, list | tuple | set | frozenset) else ():
            if not any(n == one or n.endswith(f".{one}") for n in names):
                msg = f"{key}: {one!r} matches no module of the base; leave it out, or correct it"
                raise ValueError(msg)
    for key in ("rank_pattern", "alpha_pattern"):
        for one in lora.get(key) or ():
            if not any(re.match(rf"(.*\.)?({one})$", n) for n in names):
                msg = f"{key}: {one!r} matches no module of the base; leave it out, or correct it"
                raise ValueError(msg)


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


def base_bytes(shape: Shape, dtype: str, quantization: Quantization | None) -> float:
    """The frozen base in memory: quantised linear layers with their scales, the rest in `dtype`.

    nf4 and fp4 keep a scale of 4 bytes for 64 weights; quantised once more, of 1 byte, and 4 bytes
    for 256 of those. int8 keeps one for each row, which is not counted.
    """
    size = _BYTES[dtype]
    if quantization is None:
        return shape.n_base * size
    scale = (1 + 4 / 256) / 64 if quantization.bnb_4bit_use_double_quant else 4 / 64
    each = 0.5 + scale if quantization.load_in_4bit else 1.0
    return (shape.n_base - shape.n_quantizable) * size + shape.n_quantizable * each


def memory_bytes(
    shape: Shape,
    *,
    dtype: str,
    tokens_at_once: int,
    target_at_once: int,
    checkpointing: bool,
    saved_per_token: float | None = None,
    autocast: bool = False,
    quantization: Quantization | None = None,
) -> int:
    """Weights, adapter with gradient and two moments, activations of one micro-batch, logits.

    Args:
        shape: of the base model with its adapter.
        dtype: of the frozen weights.
        tokens_at_once: of a micro-batch, padding included.
        target_at_once: those of them with loss: the head makes logits for no others.
        checkpointing: whether each layer's activations are computed again.
        saved_per_token: bytes that all layers keep for a token (`activations`); None takes a
            formula for a layer of attention and gated projections.
        autocast: whether matrix products are taken in bfloat16.
        quantization: of the frozen weights.
    """
    size = _BYTES[dtype]
    fixed: float = base_bytes(shape, dtype, quantization) + shape.n_trainable * 4 * 4
    layer: float = (12 * shape.hidden + 5 * shape.intermediate) * size
    if saved_per_token is not None:
        layer = saved_per_token / shape.n_layers
    kept = layer + shape.n_layers * shape.hidden * size if checkpointing else shape.n_layers * layer
    # Float32 logits, their softmax and its gradient; the same in bfloat16 before and after it.
    logit = 3 * 4 + (2 * 2 if autocast or size == 2 else 0)
    moving = tokens_at_once * kept + target_at_once * shape.vocabulary * logit
    return int(fixed + moving * SLACK)


def process_bytes() -> int:
    """What a process holds beside the model: Python and its libraries; 0 where a GPU's memory counts."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return 0
    # Not `ru_maxrss`: a process that a larger one started counts that one's memory as its own.
    return int(psutil.Process().memory_info().rss) + TRAINER_BYTES


def largest_batch(counts: RoleCounts, batch: int, *, grouped: bool) -> tuple[int, int]:
    """Tokens, padding included, and tokens with loss of the largest micro-batch.

    Rows of like length come together where they are grouped; else the longest row stands among
    average ones.
    """
    longest, targets = max(counts.lengths), sorted(counts.target_lengths, reverse=True)
    mean = counts.n_target_tokens / counts.n_rows
    n_target = sum(targets[:batch]) if grouped else targets[0] + (batch - 1) * mean
    return batch * longest, int(min(n_target, batch * longest))


def of_role(
    role: str,
    config: TrainConfig,
    shape: Shape,
    args: Any,
    counts: RoleCounts,
    rate: float,
    saved_per_token: float | None = None,
) -> RolePlan:
    """The plan of one role from its counted rows.

    Args:
        role: its name.
        config: the run's configuration.
        shape: of the base model with this role's adapter.
        args: this role's `SFTConfig`.
        counts: of its tokenised rows.
        rate: operations per second of this machine's matrix products.
        saved_per_token: bytes that the layers keep for a token; None takes a formula.
    """
    longest, batch = max(counts.lengths), args.per_device_train_batch_size
    n_packs = -(-counts.n_tokens // config.max_tokens)
    steps = n_steps(args, n_packs if args.packing else counts.n_rows)
    per_step = batch * args.gradient_accumulation_steps * max(1, args.world_size)
    seen = steps * per_step / (n_packs if args.packing else counts.n_rows)
    grouped = args.train_sampling_strategy == "group_by_length"
    at_once, n_target = largest_batch(counts, batch, grouped=grouped)
    if args.packing:
        at_once = batch * config.max_tokens
        n_target = at_once * counts.n_target_tokens // counts.n_tokens
    operations = n_operations(
        shape, n_tokens=counts.n_tokens, n_target=counts.n_target_tokens, longest=longest,
        checkpointing=args.gradient_checkpointing,
    )  # fmt: skip
    memory = process_bytes() + memory_bytes(
        shape, dtype=config.dtype, tokens_at_once=at_once, checkpointing=args.gradient_checkpointing,
        target_at_once=n_target, saved_per_token=saved_per_token, autocast=args.bf16,
        quantization=config.model.quantization,
    )  # fmt: skip
    return RolePlan(
        role=role,
        n_rows=counts.n_rows,
        n_rejected=len(counts.rejects),
        reasons=", ".join(
            f"{n:,} {r}" for r, n in Counter(r.reason for r in counts.rejects).items()
        ),
        n_tokens=counts.n_tokens,
        n_target_tokens=counts.n_target_tokens,
        longest_tokens=longest,
        n_steps=steps,
        rows_per_step=per_step,
        n_trainable=shape.n_trainable,
        memory_bytes=memory,
        time_s=operations * seen / (rate * UTILISATION * max(1, args.world_size)),
    )


@cache
def measured_rate(dtype: str, hidden: int) -> float:
    """Operations per second of a matrix product of this machine, of a layer's shape.

    Measured once: on a busy machine two measurements differ many times over, and roles of one size
    would seem to take other times.
    """
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


def free_bytes() -> int | None:
    """Memory that a run can have here: a GPU's, else the machine's; None where it is not told."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return int(re.findall(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)[0]) * 1024
    except (OSError, IndexError):
        return None


def too_large(plans: Sequence[RolePlan], free: int | None, *, checkpointing: bool) -> str | None:
    """What to say where the plan takes more memory than is free; None where it does not.

    Args:
        plans: of all roles.
        free: bytes; None where that is not known.
        checkpointing: whether every role computes its activations again.
    """
    top = max(p.memory_bytes for p in plans)
    if free is None or top <= free:
        return None
    first = "" if checkpointing else "gradient_checkpointing: true, "
    return (
        f"warning: about {top / 2**30:.1f} GiB are needed and {free / 2**30:.1f} GiB are free; set {first}"
        "a smaller per_device_train_batch_size (with more gradient_accumulation_steps) or a smaller max_tokens"
    )


def total(plans: Sequence[RolePlan]) -> str:
    """The plan's last line."""
    steps, seconds = sum(p.n_steps for p in plans), sum(p.time_s for p in plans)
    top = max(p.memory_bytes for p in plans)
    return f"  in all: {count(steps, 'step')}, about {top / 2**30:.1f} GiB at most and {_duration(seconds)} (estimated){f'; {fits(top)}' if top > _SMALL_BYTES else ''}"


def fits(n_bytes: float) -> str:
    """The smallest of the usual GPUs that holds so much, with a tenth to spare."""
    for size in GPU_GB:
        if n_bytes * 1.1 <= size * 10**9:
            return f"fits a GPU of {size} GB"
    return f"more than a GPU of {GPU_GB[-1]} GB holds"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
