"""Is rank 512 needed? The same data and steps at ranks 8 to 512, on the packaged student.

    python benchmarks/rank_sweep.py [--ranks 8 16 32 64 128 256 512] [--role ir] [--rows 640] [--epochs 1] [--rslora]

The paper's adapter (q_proj and v_proj, alpha = 2 r) and one learning rate for all ranks; loss and
greedy accuracy on arithmetic problems of the validation split. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

SFT: dict[str, Any] = {
    "learning_rate": 1e-3, "lr_scheduler_type": "cosine", "warmup_steps": 0.03, "per_device_train_batch_size": 16,
    "gradient_accumulation_steps": 1, "gradient_checkpointing": False, "bf16": False, "logging_steps": 10,
    "save_steps": 100_000, "train_sampling_strategy": "group_by_length", "eval_strategy": "epoch",
}  # fmt: skip


def dataset(folder: Path, split: str, n_rows: int) -> Path:
    out = folder / split
    argv = ["build", "arithmetic", "--teacher", "source", "--split", split, "--limit", str(n_rows)]
    program = [sys.executable, "-m", "lorid_data", *argv, "--out", str(out)]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def trained(folder: Path, rank: int, args: argparse.Namespace) -> dict[str, Any]:
    """One run: its last validation figures and what it cost."""
    from lorid_train.config import TrainConfig, Validation
    from lorid_train.training.sft import train

    lora = {
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "target_modules": ["q_proj", "v_proj"],
    }
    config = TrainConfig(
        base="student", data=str(folder / "train"), out=str(folder / f"r{rank}"), roles=(args.role,), dtype="float32",
        max_tokens=512, seed=args.seed, threads=1, lora={**lora, "use_rslora": args.rslora},
        sft={**SFT, "num_train_epochs": args.epochs},
        validation=Validation(data=str(folder / "validation"), greedy=args.questions, max_new_tokens=128),
    )  # fmt: skip
    start = time.process_time()
    figures = train(config).figures[args.role]
    last = figures["validation"][-1]
    size = (
        (folder / f"r{rank}" / "adapters" / args.role / "adapter_model.safetensors").stat().st_size
    )
    return {
        "rank": rank, "loss": last["eval_loss"], "accuracy": last["eval_accuracy"], "n_steps": figures["n_steps"],
        "n_trainable": figures["n_trainable_parameters"], "adapter_bytes": size, "cpu_s": time.process_time() - start,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256, 512])
    parser.add_argument("--role", choices=("ir", "kg", "dr"), default="ir")
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rslora", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dataset(folder, "train", args.rows)
        dataset(folder, "validation", args.questions)
        print("rank   loss  accuracy  trainable  adapter MB  steps  CPU-s")
        runs = []
        for rank in args.ranks:
            r = trained(folder, rank, args)
            runs.append(r)
            print(
                f"{rank:>4}  {r['loss']:.4f}  {r['accuracy']:>7.1%}  {r['n_trainable']:>9,}  "
                f"{r['adapter_bytes'] / 1e6:>9.1f}  {r['n_steps']:>5}  {r['cpu_s']:>5.0f}",
                flush=True,
            )
    best = min(r["loss"] for r in runs)
    ratios = {f"loss_r{r['rank']}_over_best": round(r["loss"] / best, 4) for r in runs}
    print(json.dumps({"benchmark": "rank_sweep", "ratios": ratios, "settings": vars(args)}))


if __name__ == "__main__":
    main()
