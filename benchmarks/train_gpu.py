"""Training on a GPU: tokens per second, model FLOPs utilisation, peak memory.

    python benchmarks/train_gpu.py [--shape 7b|1b|small|tiny] [--rank 512] [--lengths 512 2048] [--steps 12] [--device cuda|cpu]

A model of a public 7B shape (Llama-2-7B's) with random weights, the paper's adapter on q_proj and
v_proj, in bfloat16; with packing (rows attended to one by one, as `sft` does it, and under a mask
of all pairs), without it, and with and without gradient checkpointing. Utilisation counts 2
operations per frozen parameter and token forward, 2 backward (frozen weights get no gradient), 6
per adapter parameter, and causal attention; not the forward that checkpointing repeats. It is
divided by the rate of a large matrix product measured in the same run. Without a GPU it says so
and measures nothing; `--device cpu --shape tiny` runs the same code to try it. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[str, int]] = {
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000},
    "1b": {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32, "vocab_size": 32000},
    "small": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 4096},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 1024},
}  # fmt: skip


def made_rows(n: int, longest: int, vocabulary: int, *, full: bool) -> Iterator[Any]:
    """Rows of random tokens, half of them prompt; as long as `longest`, or as ragged as word problems."""
    from lorid_train.training.tokens import IGNORED, TokenRow

    rng = random.Random(0)
    for i in range(n):
        length = longest if full else max(16, int(longest * rng.betavariate(2, 5)))
        ids = [rng.randrange(3, vocabulary) for _ in range(length)]
        yield TokenRow(str(i), ids, [IGNORED] * (length // 2) + ids[length // 2 :])


def ceiling(device: str, dtype: Any) -> float:
    """Operations per second of a large matrix product."""
    import torch

    n = 8192 if device == "cuda" else 1024
    a = torch.randn(n, n, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        product = a @ a
        float(product[0, 0])
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best


def made_model(args: argparse.Namespace, dtype: Any) -> tuple[Any, int]:
    """A base of random weights with the paper's adapter, and how many of its parameters multiply."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = SHAPES[args.shape]
    with torch.device(args.device):
        torch.set_default_dtype(dtype)
        base = LlamaForCausalLM(LlamaConfig(**shape, max_position_embeddings=4096))
        torch.set_default_dtype(torch.float32)
    n_base = sum(p.numel() for p in base.parameters()) - shape["hidden_size"] * shape["vocab_size"]
    lora = LoraConfig(
        task_type="CAUSAL_LM", r=args.rank, lora_alpha=2 * args.rank, lora_dropout=0.1,
        target_modules=["q_proj", "v_proj"],
    )  # fmt: skip
    return get_peft_model(base, lora), n_base


def one(
    args: argparse.Namespace, longest: int, *, packing: bool, checkpointing: bool, peak_rate: float,
    made: tuple[Any, int] | None = None, ragged: bool | None = None, row_by_row: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """One setting: its figures, or that it did not fit.

    Args:
        args: shape, rank, batch, steps and device.
        longest: tokens of the longest row, or of a pack.
        packing: whether rows are packed.
        checkpointing: whether activations are computed again.
        peak_rate: operations per second that count as all of them.
        made: the model and its number of parameters, if there is one already.
        ragged: whether rows are as uneven as word problems; by default where they are packed.
        row_by_row: whether packed rows are attended to one by one, as `sft` does, or under a mask of all pairs.
    """
    import torch
    from transformers import AutoTokenizer, TrainerCallback
    from transformers.trainer_utils import SaveStrategy

    from lorid_train.config import TrainConfig
    from lorid_train.models import base_model
    from lorid_train.training import packed_attention
    from lorid_train.training.arguments import make_args
    from lorid_train.training.tokens import RoleCounts, read_dataset, write_token_rows
    from lorid_train.training.trainer import RoleRows, make_trainer

    cuda = args.device == "cuda"
    dtype = torch.bfloat16 if cuda else torch.float32
    shape = SHAPES[args.shape]
    model, n_base = made or made_model(args, dtype)
    ragged = packing if ragged is None else ragged
    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            if cuda:
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

    figures = {"length": longest, "packing": packing, "checkpointing": checkpointing}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        n_rows = args.batch * args.steps * (8 if packing else 1)
        write_token_rows(
            folder / "rows.arrow", made_rows(n_rows, longest, shape["vocab_size"], full=not ragged)
        )
        sft = {
            "max_steps": args.steps, "per_device_train_batch_size": args.batch, "gradient_accumulation_steps": 1,
            "gradient_checkpointing": checkpointing, "packing": packing, "save_steps": 100_000, "train_sampling_strategy": "sequential",
        }  # fmt: skip
        config = TrainConfig(base="student", data="", out=scratch, max_tokens=longest, sft=sft)
        rows = read_dataset(folder / "rows.arrow", pack_to=longest if packing else None)
        tokenizer = AutoTokenizer.from_pretrained(
            base_model.student_folder(), trust_remote_code=False
        )
        sft_args = make_args(config, "ir", folder)
        sft_args.save_strategy = SaveStrategy.NO  # the last step would save gigabytes
        trainer = make_trainer(model, sft_args, tokenizer, RoleRows(rows, RoleCounts()))
        if packing and row_by_row:
            packed_attention.use(trainer.model)
        trainer.add_callback(Clock())
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        try:
            trainer.train()
        except torch.cuda.OutOfMemoryError:
            return {**figures, "fits": False}
        finally:
            if (
                packing
                and row_by_row
                and model.get_base_model().config._attn_implementation == packed_attention.NAME
            ):
                packed_attention.leave(model)
    # The first steps meet new shapes and are left out.
    n_first = min(4, args.steps // 2)
    used = rows[: args.steps * args.batch]["input_ids"][n_first * args.batch :]
    n_tokens = sum(map(len, used))
    rate = n_tokens / (ends[-1] - ends[n_first - 1])
    n_lora = model.get_nb_trainable_parameters()[0]
    # What is wanted of attention: a packed row's tokens see their own row, whatever is computed.
    seen = longest if not ragged else longest * 2 / 7
    attention = 2 * 2 * shape["num_hidden_layers"] * shape["hidden_size"] * seen / 2
    per_token = 2 * (2 * n_base + attention) + 6 * n_lora + attention
    memory = torch.cuda.max_memory_allocated() if cuda else 0
    return {
        **figures, "fits": True, "tokens_per_s": round(rate), "utilisation": round(rate * per_token / peak_rate, 3),
        "peak_gib": round(memory / 2**30, 1),
    }  # fmt: skip


def way(r: dict[str, Any]) -> str:
    """What a row of figures was measured with, in a word."""
    if not r["packing"]:
        return "padded"
    return "packed" if r["row_by_row"] else "packed_under_a_mask"


def main() -> None:
    import gc

    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="7b")
    parser.add_argument("--rank", type=int, default=512)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 2048])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    if args.device == "cuda" and not torch.cuda.is_available():
        print("no GPU here: nothing was measured; --device cpu --shape tiny tries the code")
        print(json.dumps({"benchmark": "train_gpu", "ratios": {}, "settings": vars(args)}))
        return
    device = torch.cuda.get_device_name() if args.device == "cuda" else "cpu"
    peak_rate = ceiling(args.device, torch.bfloat16 if args.device == "cuda" else torch.float32)
    print(f"{device}: matrix products reach {peak_rate / 1e12:.2f} TFLOP/s")
    results = []
    for longest in args.lengths:
        for packing, row_by_row in ((False, True), (True, True), (True, False)):
            for checkpointing in (False, True):
                r = one(
                    args, longest, packing=packing, checkpointing=checkpointing, peak_rate=peak_rate,
                    row_by_row=row_by_row,
                )  # fmt: skip
                r["row_by_row"] = row_by_row
                results.append(r)
                print(r, flush=True)
                gc.collect()
                if args.device == "cuda":
                    torch.cuda.empty_cache()
    ratios = {
        f"utilisation_{r['length']}_{way(r)}{'_checkpointed' * r['checkpointing']}": r[
            "utilisation"
        ]
        for r in results
        if r["fits"]
    }
    print(
        json.dumps(
            {
                "benchmark": "train_gpu",
                "ratios": ratios,
                "settings": {**vars(args), "device_name": device, "results": results},
            }
        )
    )


if __name__ == "__main__":
    main()
