"""Memory of training: what the plan says against what a run takes at its peak.

    python benchmarks/memory.py [--bases student qwen3 models/smollm2-135m] [--batch 8] [--out DIR]

Each base trains one role in a process of its own, two steps of one micro-batch that holds every
row, with gradient checkpointing and without, in bfloat16 and float32. `qwen3` is a random model
of 42 M parameters made here. Linux only. The last line is JSON: estimate over peak.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import yaml

LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.1, "target_modules": "all-linear"}


def make_dataset(folder: Path, n_rows: int) -> Path:
    """Arithmetic problems with knowledge."""
    from lorid_data.build.stage import BuildOptions, build

    build(BuildOptions(source="arithmetic", teacher="source", limit=n_rows), folder)
    return folder


def make_qwen3(folder: Path) -> Path:
    """A random Qwen3 that reads the packaged student's tokens, and has 32,768 of them."""
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    from lorid_train.models.base_model import student_folder

    if not (folder / "config.json").is_file():
        AutoTokenizer.from_pretrained(student_folder(), trust_remote_code=False).save_pretrained(
            folder
        )
        config = Qwen3Config(
            vocab_size=32_768, hidden_size=512, intermediate_size=1536, num_hidden_layers=8, num_attention_heads=8,
            num_key_value_heads=4, head_dim=64, tie_word_embeddings=True,
        )  # fmt: skip
        Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def measured(config: Path) -> None:
    """Train as a configuration says; print the plan's bytes and the peak as JSON."""
    from lorid_train.config import TrainConfig, parse
    from lorid_train.training import estimates, sft

    plans: list[Any] = []
    total = estimates.total

    def watched(made: Any) -> str:
        plans.extend(made)
        return total(made)

    estimates.total = watched
    sft.train(parse(TrainConfig, yaml.safe_load(config.read_text()), str(config)))
    # Not `ru_maxrss`: a process that a larger one started counts that one's memory as its own.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0]) * 1024
    print(json.dumps([max(p.memory_bytes for p in plans), peak]))


def measure(
    base: str, data: Path, out: Path, *, dtype: str, checkpointing: bool, batch: int
) -> tuple[int, int]:
    """(the plan's estimate, the peak) of one run, in bytes."""
    body = {
        "base": base, "data": str(data), "out": str(out / "run"), "roles": ["dr"], "dtype": dtype, "threads": 1,
        "limit": batch, "max_tokens": 1024, "lora": LORA,
        "sft": {
            "max_steps": 2, "per_device_train_batch_size": batch, "gradient_accumulation_steps": 1,
            "gradient_checkpointing": checkpointing, "bf16": dtype == "bfloat16",
        },
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    config = out / "sft.yaml"
    config.write_text(yaml.safe_dump(body), encoding="utf-8")
    done = subprocess.run([sys.executable, __file__, "--measured", str(config)], check=True, stdout=subprocess.PIPE, text=True)  # fmt: skip
    estimate, peak = json.loads(done.stdout.splitlines()[-1])
    return int(estimate), int(peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", nargs="+", default=["student", "qwen3", "models/smollm2-135m"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measured", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    if args.measured:
        measured(args.measured)
        return
    ratios = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.out or Path(scratch)
        data = make_dataset(folder / "data", 64)
        for name in args.bases:
            base = str(make_qwen3(folder / "qwen3")) if name == "qwen3" else name
            for dtype in ("bfloat16", "float32"):
                for checkpointing in (True, False):
                    how = f"{Path(name).name}, {dtype}{', checkpointing' * checkpointing}"
                    estimate, peak = measure(base, data, folder / how.replace(", ", "-"), dtype=dtype, checkpointing=checkpointing, batch=args.batch)  # fmt: skip
                    ratios[how] = round(estimate / peak, 3)
                    print(f"{how:<48} plan {estimate / 2**30:5.2f} GiB   peak {peak / 2**30:5.2f} GiB   {estimate / peak:.2f}", flush=True)  # fmt: skip
    print(json.dumps({"benchmark": "memory", "ratios": ratios, "settings": {"batch": args.batch}}))


if __name__ == "__main__":
    main()
