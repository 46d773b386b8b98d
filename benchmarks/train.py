"""Training: ours against a plain TRL script and a plain PyTorch + PEFT loop.

    python benchmarks/train.py [--parts loops defaults roles scale] [--repeats 3] [--sizes 1000 4000 16000] [--out DIR]

loops     the same rows in the same order, 50 steps: losses, CPU-seconds per optimiser step; the
          plain loop also with the rows of each batch reversed: what rounding alone does to losses
defaults  TRL's defaults changed one by one, and what each gains
roles     three roles in one run against three plain TRL runs, each its own process
scale     1k to 16k rows: CPU-seconds per token, peak memory

CPU-seconds of one thread, the middle one of several repeats that take turns. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "support"))

from trainings import (
    BATCH,
    LORA,
    SFT,
    adapted,
    command,
    dataset,
    make_small_base,
    ours,
    plain_loop,
    plain_trl,
)

STEPS = 50


def loops(folder: Path, args: argparse.Namespace) -> dict[str, float]:
    data = dataset(folder, 1024)
    runs: dict[str, Callable[..., Any]] = {
        "ours": ours,
        "plain TRL": plain_trl,
        "plain loop": plain_loop,
        "reversed": partial(plain_loop, order=-1),
    }
    took: dict[str, list[float]] = {name: [] for name in runs}
    losses: dict[str, list[float]] = {}
    for _ in range(args.repeats):
        for name, run in runs.items():
            losses[name], seconds = run(data, "ir", STEPS)
            took[name].append(seconds)
    middle = {name: statistics.median(s) for name, s in took.items()}

    def difference(a: str, b: str) -> float:
        return max(abs(x - y) for x, y in zip(losses[a], losses[b], strict=True))

    differences = {name: difference("ours", name) for name in runs}
    print(f"\nloops: IR, {STEPS} steps of {BATCH} rows, one thread")
    for name in runs:
        print(
            f"  {name:<11} {middle[name]:.3f} CPU-s per step   largest loss difference to ours {differences[name]:.1e}"
        )
    return {
        "step_ours_over_plain_loop": middle["ours"] / middle["plain loop"],
        "step_ours_over_plain_trl": middle["ours"] / middle["plain TRL"],
        "loss_difference_over_1e-4": max(differences.values()) / 1e-4,
        "loss_difference_of_rounding_over_1e-4": difference("plain loop", "reversed") / 1e-4,
    }


def defaults(folder: Path, args: argparse.Namespace) -> dict[str, float]:
    """From TRL's defaults to ours, one change at a time."""
    data, n = dataset(folder, 1024), 12
    steps: list[tuple[str, Callable[[], tuple[list[float], float]]]] = [
        (
            "TRL's defaults without bf16",
            lambda: plain_trl(data, "ir", n, gradient_checkpointing=True),
        ),
        ("+ gradient checkpointing off", lambda: plain_trl(data, "ir", n)),
        ("+ loss on labelled positions only (ours)", lambda: ours(data, "ir", n)),
        (
            "+ rows grouped by length",
            lambda: ours(data, "ir", n, train_sampling_strategy="group_by_length"),
        ),
    ]
    took: dict[str, list[float]] = {name: [] for name, _ in steps}
    for _ in range(args.repeats):
        for name, run in steps:
            took[name].append(run()[1])
    bf16 = plain_trl(data, "ir", 3, gradient_checkpointing=True, bf16=True)[1]
    middle = {
        "TRL's defaults (bf16 on)": bf16,
        **{k: statistics.median(v) for k, v in took.items()},
    }
    print("\ndefaults: IR, CPU-seconds per step (bf16: one step)")
    before = None
    for name, seconds in middle.items():
        gain = "" if before is None else f"   {1 - seconds / before:+.0%} gained"
        print(f"  {name:<42} {seconds:.3f}{gain}")
        before = seconds
    values = list(middle.values())
    return {
        "defaults_without_bf16_over_ours_grouped": values[1] / values[-1],
        "bf16_over_float32": values[0] / values[1],
    }


def children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def config_file(folder: Path, name: str, body: dict[str, Any]) -> Path:
    import yaml

    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def roles_at_once(folder: Path, _: argparse.Namespace) -> dict[str, float]:
    data, n = dataset(folder, 1024), 10
    sft = {**SFT, "max_steps": n}
    body = {
        "base": "student", "data": str(data), "out": str(folder / "three"), "dtype": "float32", "threads": 1,
        "max_tokens": 512, "lora": LORA, "sft": sft,
    }  # fmt: skip
    start = children_cpu_s()
    command("lorid_train", "sft", str(config_file(folder, "three", body)))
    one_run = children_cpu_s() - start
    start = children_cpu_s()
    for role in ("ir", "kg", "dr"):
        script = [sys.executable, __file__, "--plain-trl", role, "--out", str(folder)]
        subprocess.run(script, check=True, stdout=subprocess.DEVNULL)
    three_runs = children_cpu_s() - start
    clock = time.process_time()
    adapted()
    load = time.process_time() - clock
    print(
        f"\nroles: {n} steps each; one run of ours {one_run:.1f} CPU-s, three plain TRL runs {three_runs:.1f}; one model load {load:.2f}"
    )
    return {
        "three_roles_over_three_trl_runs": one_run / three_runs,
        "saved_in_model_loads": (three_runs - one_run) / load,
    }


def scale(folder: Path, args: argparse.Namespace) -> dict[str, float]:
    """One epoch of a model small enough that 16k rows take a minute."""
    from lorid_train.models.base_model import resolve

    base = folder / "small-base"
    make_small_base(base, Path(resolve("student").source))
    sft = {**SFT, "num_train_epochs": 1, "logging_steps": 50}
    seen: dict[int, tuple[int, float, int]] = {}
    print("\nscale: KG, one epoch, each size its own process")
    for n in args.sizes:
        out = folder / f"scale-{n}"
        body = {
            "base": str(base), "data": str(dataset(folder, n)), "out": str(out), "dtype": "float32", "threads": 1,
            "max_tokens": 512, "lora": LORA, "sft": sft, "roles": ["kg"],
        }  # fmt: skip
        script = [
            sys.executable,
            __file__,
            "--measured",
            str(config_file(folder, f"scale-{n}", body)),
        ]
        done = subprocess.run(script, check=True, capture_output=True, text=True)
        cpu_s, peak = json.loads(done.stdout.splitlines()[-1])
        n_tokens = json.loads((out / "adapters/kg/training.json").read_text())["n_tokens"]
        seen[n] = (n_tokens, cpu_s, peak)
        print(
            f"  {n:>6} rows {n_tokens:>9,} tokens {cpu_s:>6.1f} CPU-s {1e6 * cpu_s / n_tokens:>6.1f} µs per token {peak / 2**20:>6.0f} MiB peak"
        )
    (t1, s1, m1), (t16, s16, m16) = seen[min(seen)], seen[max(seen)]
    return {
        "cost_per_token_most_over_fewest_rows": (s16 / t16) / (s1 / t1),
        "memory_most_over_fewest_rows": m16 / m1,
    }


def measured(config: Path) -> None:
    """Run a configuration in this process; print CPU-seconds of training and peak memory as JSON."""
    import yaml

    from lorid_train.config import TrainConfig, parse
    from lorid_train.training import sft

    parsed = parse(TrainConfig, yaml.safe_load(config.read_text()), str(config))
    inner, spent = sft._train_role, []

    def clocked(*args: Any) -> Any:
        start = time.process_time()
        try:
            return inner(*args)
        finally:
            spent.append(time.process_time() - start)

    sft._train_role = clocked
    sft.train(parsed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([sum(spent), peak]))


PARTS = {"loops": loops, "defaults": defaults, "roles": roles_at_once, "scale": scale}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000, 4_000, 16_000], help="rows, for scale"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plain-trl", choices=("ir", "kg", "dr"), help=argparse.SUPPRESS)
    parser.add_argument("--measured", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    if args.measured:
        measured(args.measured)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.out or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if args.plain_trl:
            plain_trl(dataset(folder, 1024), args.plain_trl, 10)
            return
        ratios: dict[str, float] = {}
        for part in args.parts:
            ratios |= PARTS[part](folder, args)
    settings = {
        "parts": args.parts, "repeats": args.repeats, "sizes": args.sizes, "steps": STEPS, "batch": BATCH, "torch": torch.__version__,
        "threads": 1, "n_cores": os.cpu_count(),
    }  # fmt: skip
    print(
        json.dumps(
            {
                "benchmark": "train",
                "ratios": {k: round(v, 4) for k, v in ratios.items()},
                "settings": settings,
            }
        )
    )


if __name__ == "__main__":
    main()
