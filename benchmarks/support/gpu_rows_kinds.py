"""The rows of `gpu_rows.py`: what each measures. A group is made once and asked for its rows."""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import train_gpu
from support import gpu_loop

Make = Callable[[str], dict[str, Any]]


class SkippedError(Exception):
    """A row that cannot be measured here, and why."""


def needs(package: str) -> None:
    """Refuse a row whose package is not installed."""
    if find_spec(package) is None:
        raise SkippedError(f"{package} is not installed")


def training(args: argparse.Namespace) -> Make:
    """Training steps of one model under several settings."""
    import torch

    dtype = torch.bfloat16 if args.device == "cuda" else torch.float32
    peak_rate = train_gpu.ceiling(args.device, dtype)
    made = train_gpu.made_model(args, dtype)

    def make(row: str) -> dict[str, Any]:
        kind, *how = row.split("-", 1)
        settings = how[0]
        attention = "flash_attention_2" if "flash" in settings else "sdpa"
        if attention != "sdpa":
            needs("flash_attn")
        base = made[0].get_base_model()
        base.set_attn_implementation(attention)
        base.gradient_checkpointing_disable()  # the row before may have left it on
        packing = kind == "pack" and settings != "padded"
        figures = train_gpu.one(
            args, args.length, packing=packing, checkpointing="checkpointed" in settings, peak_rate=peak_rate,
            made=made, ragged=kind == "pack", row_by_row=settings == "row-by-row",
        )  # fmt: skip
        clean(args)
        return {
            **figures,
            "attention": attention,
            "matrix_product_tflops": round(peak_rate / 1e12, 1),
        }

    return make


def clean(args: argparse.Namespace) -> None:
    """Give back what a row left."""
    import torch

    gc.collect()
    if args.device == "cuda":
        torch.cuda.empty_cache()


def lora(args: argparse.Namespace) -> Make:
    """One layer's q_proj and v_proj with their adapters, forward and backward, as they are trained."""
    import torch
    from peft import LoraConfig, get_peft_model

    hidden = train_gpu.SHAPES[args.shape]["hidden_size"]
    dtype = torch.bfloat16 if args.device == "cuda" else torch.float32
    torch.manual_seed(0)

    class Projections(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q_proj = torch.nn.Linear(hidden, hidden, bias=False, dtype=dtype)
            self.v_proj = torch.nn.Linear(hidden, hidden, bias=False, dtype=dtype)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.q_proj(x), self.v_proj(x)

    config = LoraConfig(
        r=args.rank, lora_alpha=2 * args.rank, lora_dropout=0.1, target_modules=["q_proj", "v_proj"],
        init_lora_weights=False,
    )  # fmt: skip
    model = get_peft_model(Projections().to(args.device), config)
    layer = model.base_model.model

    def fused(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both down projections in one product, of one dropped-out input."""
        parts = [
            (p.base_layer, p.lora_A["default"], p.lora_B["default"], p.scaling["default"])
            for p in (layer.q_proj, layer.v_proj)
        ]
        down = torch.cat([a.weight for _, a, _, _ in parts])
        low = torch.nn.functional.linear(
            layer.q_proj.lora_dropout["default"](x).to(down.dtype), down
        )
        halves = low.split(args.rank, dim=-1)
        return tuple(  # type: ignore[return-value]
            w(x) + b(h) * s for (w, _, b, s), h in zip(parts, halves, strict=True)
        )

    x = torch.randn(args.batch * args.length, hidden, device=args.device, dtype=dtype, requires_grad=True)  # fmt: skip
    cast = torch.autocast(args.device, torch.bfloat16, enabled=args.device == "cuda")
    model.eval()
    with torch.no_grad(), cast:
        apart = max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(layer(x), fused(x), strict=True))  # fmt: skip
    model.train()

    def make(row: str) -> dict[str, Any]:
        way = fused if row == "lora-fused" else layer
        n = 4 * args.steps

        def once() -> None:
            with cast:
                q, v = way(x)
            (q.float().sum() + v.float().sum()).backward()
            model.zero_grad()
            x.grad = None

        once()
        synchronise(args)
        if args.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        for _ in range(n):
            once()
        synchronise(args)
        rate = n / (time.perf_counter() - start)
        peak = torch.cuda.max_memory_allocated() / 2**30 if args.device == "cuda" else 0.0
        return {
            "passes_per_s": round(rate, 2),
            "peak_gib": round(peak, 2),
            "largest_difference": apart,
        }

    return make


def synchronise(args: argparse.Namespace) -> None:
    """Wait for the GPU."""
    if args.device == "cuda":
        import torch

        torch.cuda.synchronize()


def memory(args: argparse.Namespace) -> Make:
    """Peak memory of training steps with the base in bfloat16 and in 4 bits."""
    import torch

    def make(row: str) -> dict[str, Any]:
        if row == "qlora-4bit":
            needs("bitsandbytes")
        dtype = torch.bfloat16 if args.device == "cuda" else torch.float32
        made = train_gpu.made_model(args, dtype)
        if row == "qlora-4bit":
            quantise(made[0], args.device)
        clean(args)
        model = made[0]
        frozen = sum(p.numel() * p.element_size() for p in model.parameters() if not p.requires_grad)  # fmt: skip
        few = argparse.Namespace(**{**vars(args), "steps": 4})
        figures = train_gpu.one(few, args.length, packing=False, checkpointing=True, peak_rate=1.0, made=made)  # fmt: skip
        del made, model
        clean(args)
        kept = {k: v for k, v in figures.items() if k != "utilisation"}
        return {**kept, "frozen_gib": round(frozen / 2**30, 3)}

    return make


def quantise(model: Any, device: str) -> None:
    """Put 4-bit layers (nf4, scales quantised too) in the place of a base's linear ones; the head stays."""
    import bitsandbytes as bnb
    import torch

    compute = torch.bfloat16 if device == "cuda" else torch.float32
    for name, module in list(model.named_modules()):
        if type(module) is not torch.nn.Linear or "lora_" in name or name.endswith("lm_head"):
            continue
        made = bnb.nn.Linear4bit(
            module.in_features, module.out_features, bias=False, compute_dtype=compute, quant_type="nf4",
        )  # fmt: skip
        made.weight = bnb.nn.Params4bit(
            module.weight.data.cpu(), requires_grad=False, quant_type="nf4", compress_statistics=True
        )  # fmt: skip
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, made.to(device))


def loop(args: argparse.Namespace) -> Make:
    """The interaction loop, by our engine and by vLLM's."""
    scratch: Path = args.out / "scratch"  # removed by who started this process
    scratch.mkdir(exist_ok=True)
    world = gpu_loop.made_world(args, scratch, train_gpu.SHAPES[args.loop_shape])

    def make(row: str) -> dict[str, Any]:
        if row == "loop-ours":
            return gpu_loop.measured(args, world, server=None)
        if not args.vllm:
            needs("vllm")
        with gpu_loop.vllm(args, world, scratch / "vllm.log") as url:
            return gpu_loop.measured(args, world, server=url)

    return make


GROUPS: dict[str, Callable[[argparse.Namespace], Make]] = {
    "training": training, "loop": loop, "lora": lora, "memory": memory,
}  # fmt: skip
