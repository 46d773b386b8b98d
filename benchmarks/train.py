"""Training: ours against a plain TRL script and a plain PyTorch + PEFT loop.

    python benchmarks/train.py [--parts loops defaults roles scale] [--repeats 3] [--sizes 1000 4000 16000] [--out DIR]

loops     the same rows in the same order, 50 steps: losses, CPU-seconds per optimiser step
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
from pathlib import Path
from typing import Any

STEPS, BATCH, SEED = 50, 16, 0
LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
SFT: dict[str, Any] = {
    "learning_rate": 3e-3, "lr_scheduler_type": "linear", "warmup_steps": 0, "weight_decay": 0.0,
    "per_device_train_batch_size": BATCH, "gradient_accumulation_steps": 1, "logging_steps": 1,
    "save_steps": 100_000, "gradient_checkpointing": False, "bf16": False, "train_sampling_strategy": "sequential",
}  # fmt: skip


def command(*argv: str) -> None:
    subprocess.run([sys.executable, "-m", *argv], check=True, stdout=subprocess.DEVNULL)


def dataset(folder: Path, n_rows: int) -> Path:
    """Arithmetic problems with knowledge; made once."""
    out = folder / f"data-{n_rows}"
    if not (out / "manifest.json").is_file():
        build = ("lorid_data", "build", "arithmetic", "--teacher", "source", "--split", "train")
        command(*build, "--limit", str(n_rows), "--out", str(out))
    return out


def token_file(data: Path, role: str) -> tuple[Path, Any]:
    """The rows of a role, tokenised as ours are, and their counts."""
    from lorid_data.store import iter_records
    from lorid_train import base_model, formats, roles, tokens

    tokenizer = base_model.load_tokenizer(base_model.resolve("student"))
    counts = tokens.RoleCounts()
    rows = tokens.tokenise(
        roles.role(role),
        iter_records(data),
        formats.load("plain"),
        tokenizer,
        max_tokens=512,
        counts=counts,
    )
    path = data / f".bench-{role}.arrow"
    tokens.write_rows(path, rows)
    return path, counts


def adapted() -> tuple[Any, Any]:
    """The student with a fresh adapter, and its tokenizer."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    from lorid_train import base_model

    base = base_model.resolve("student")
    model = base_model.load_model(base, "float32")
    set_seed(SEED)
    return get_peft_model(
        model, LoraConfig(task_type="CAUSAL_LM", **LORA)
    ), base_model.load_tokenizer(base)


def timed(trainer: Any) -> tuple[list[float], float]:
    """Losses of a trainer, and CPU-seconds per step after the first two."""
    from transformers import PrinterCallback, TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.process_time())

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Clock())
    trainer.train()
    losses = [h["loss"] for h in trainer.state.log_history if "loss" in h]
    return losses, (ends[-1] - ends[1]) / (len(ends) - 2)


def ours(data: Path, role: str, steps: int, **changes: Any) -> tuple[list[float], float]:
    """What `lorid-train sft` runs per role."""
    from lorid_train.config import TrainConfig
    from lorid_train.tokens import read_dataset
    from lorid_train.trainer import RoleRows, make_args, make_trainer

    path, counts = token_file(data, role)
    sft = {**SFT, "max_steps": steps, **changes}
    with tempfile.TemporaryDirectory() as out:
        config = TrainConfig(
            base="student", data=str(data), out=out, dtype="float32", seed=SEED, lora=LORA, sft=sft
        )
        model, tokenizer = adapted()
        rows = RoleRows(read_dataset(path), counts)
        return timed(make_trainer(model, make_args(config, role, Path(out)), tokenizer, rows))


def plain_trl(data: Path, role: str, steps: int, **changes: Any) -> tuple[list[float], float]:
    """A script as TRL's documentation has it, on rows with labels."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    path, _ = token_file(data, role)
    model, tokenizer = adapted()
    settings = {
        **SFT,
        "max_steps": steps,
        "use_cpu": True,
        "seed": SEED,
        "disable_tqdm": True,
        **changes,
    }
    with tempfile.TemporaryDirectory() as out:
        args = SFTConfig(
            output_dir=out,
            report_to="none",
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            **settings,
        )
        rows = Dataset.from_file(str(path)).remove_columns("row")
        return timed(
            SFTTrainer(model=model, args=args, train_dataset=rows, processing_class=tokenizer)
        )


def plain_loop(data: Path, role: str, steps: int) -> tuple[list[float], float]:
    """PyTorch and PEFT without a trainer: padded batches, AdamW, a linear schedule, clipping."""
    import torch
    from datasets import Dataset
    from transformers import get_linear_schedule_with_warmup

    rows = Dataset.from_file(str(token_file(data, role)[0]))
    model, tokenizer = adapted()
    model.train()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=SFT["learning_rate"], weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, steps)
    losses, ends = [], []
    pad = torch.nn.utils.rnn.pad_sequence
    for step in range(steps):
        batch = rows[step * BATCH : (step + 1) * BATCH]
        ids = pad(
            [torch.tensor(r) for r in batch["input_ids"]],
            batch_first=True,
            padding_value=tokenizer.pad_token_id,
        )
        labels = pad(
            [torch.tensor(r) for r in batch["labels"]], batch_first=True, padding_value=-100
        )
        mask = pad(
            [torch.ones(len(r), dtype=torch.long) for r in batch["labels"]], batch_first=True
        )
        loss = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        ends.append(time.process_time())
    return losses, (ends[-1] - ends[1]) / (steps - 2)


def loops(folder: Path, args: argparse.Namespace) -> dict[str, float]:
    data = dataset(folder, 1024)
    runs: dict[str, Callable[..., Any]] = {
        "ours": ours,
        "plain TRL": plain_trl,
        "plain loop": plain_loop,
    }
    took: dict[str, list[float]] = {name: [] for name in runs}
    losses: dict[str, list[float]] = {}
    for _ in range(args.repeats):
        for name, run in runs.items():
            losses[name], seconds = run(data, "ir", STEPS)
            took[name].append(seconds)
    middle = {name: statistics.median(s) for name, s in took.items()}
    differences = {
        name: max(abs(a - b) for a, b in zip(losses["ours"], losses[name], strict=True))
        for name in runs
    }
    print(f"\nloops: IR, {STEPS} steps of {BATCH} rows, one thread")
    for name in runs:
        print(
            f"  {name:<11} {middle[name]:.3f} CPU-s per step   largest loss difference to ours {differences[name]:.1e}"
        )
    return {
        "step_ours_over_plain_loop": middle["ours"] / middle["plain loop"],
        "step_ours_over_plain_trl": middle["ours"] / middle["plain TRL"],
        "loss_difference_over_1e-4": max(differences.values()) / 1e-4,
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
    from lorid_train.base_model import resolve

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


def make_small_base(folder: Path, tokenizer: Path) -> None:
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    LlamaForCausalLM(
        LlamaConfig(vocab_size=1024, max_position_embeddings=2048, **shape)
    ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)


def measured(config: Path) -> None:
    """Run a configuration in this process; print CPU-seconds of training and peak memory as JSON."""
    import yaml

    from lorid_train import sft
    from lorid_train.config import TrainConfig, parse

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
