"""`lorid-train rl`: what the gold reward gains over its own start, and what it costs beside plain TRL.

    python benchmarks/rl.py [--parts gain signal cost] [--seeds 0 1 2] [--repeats 3] [--out DIR]

gain    the packaged student, IR undertrained on purpose: greedy and sampled accuracy of the start and of
        `rl` from it with the gold reward, one run per seed, on the same test problems; paired differences
signal  the same, asking only questions whose stored draws (four of each) were neither all right nor all
        wrong, with a larger learning rate and a third of the answers
cost    CPU-seconds of `lorid-train rl --blind` over a plain GRPOTrainer script with the same settings, each a
        process of its own, in turns, the middle one of the repeats; per second and per token that was written

The last line is JSON.
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
from pathlib import Path
from typing import Any

ROWS, ASKED, HELD, TESTED, ROUNDS = 400, 320, 100, 200, 4
LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
SFT = {
    "learning_rate": 3e-3, "lr_scheduler_type": "linear", "warmup_steps": 0, "num_train_epochs": 1,
    "per_device_train_batch_size": 16, "gradient_accumulation_steps": 1, "gradient_checkpointing": False,
    "train_sampling_strategy": "group_by_length", "bf16": False,
}  # fmt: skip
SAMPLING = {"temperature": 0.8, "top_p": 1.0, "top_k": 0}
GRPO: dict[str, Any] = {
    **SAMPLING, "max_completion_length": 128, "num_generations": 8, "per_device_train_batch_size": 64,
    "gradient_accumulation_steps": 1, "learning_rate": 3e-4, "max_steps": 60, "save_steps": 10, "logging_steps": 1,
}  # fmt: skip


def part(folder: Path, records: list[Any], name: str) -> Path:
    """A dataset folder of some records; made once."""
    from lorid_data.folders.records import write_dataset
    from lorid_data.folders.stage import open_stage

    with open_stage(folder / name, "build", identity={"made": name}) as stage:
        if stage.done is None:
            write_dataset(stage, records, [], n_in=len(records))
    return folder / name


def data(folder: Path) -> dict[str, Path]:
    """Problems to begin with, to ask, to watch and to test on: none of them twice."""
    from lorid_data.folders.records import read_records

    for split, n in (("train", ROWS + ASKED + 100), ("validation", HELD), ("test", TESTED)):
        build = ("build", "arithmetic", "--teacher", "source", "--split", split, "--limit", str(n))
        command("lorid_data", *build, "--out", str(folder / f"built-{split}"))
    built = [str(folder / f"built-{split}") for split in ("train", "validation", "test")]
    clean = folder / "clean-train"
    command("lorid_data", "decontaminate", built[0], "--against", *built[1:], "--out", str(clean))
    kept = read_records(clean)
    train = (kept[::2] + kept[1::2])[: ROWS + ASKED]  # all kinds of problems in both parts
    made = {split: read_records(folder / f"built-{split}") for split in ("validation", "test")}
    return {
        "begin": part(folder, train[:ROWS], "begin"),
        "ask": part(folder, train[ROWS:], "ask"),
        "watch": part(folder, made["validation"], "watch"),
        "test": part(folder, made["test"], "test"),
    }


def command(*argv: str) -> None:
    """Run a program of this project, or this file; silent unless it fails."""
    done = subprocess.run([sys.executable, *(["-m"] if not argv[0].endswith(".py") else []), *argv], capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}")


def start(folder: Path, at: dict[str, Path]) -> Path:
    """IR after one epoch of few rows."""
    from lorid_train.config import TrainConfig
    from lorid_train.training.sft import train

    out = folder / "start"
    train(
        TrainConfig(
            base="student", data=str(at["begin"]), out=str(out), roles=("ir",), dtype="float32",
            max_tokens=512, seed=0, threads=1, lora=LORA, sft=SFT,
        )
    )  # fmt: skip
    return out


def settings(folder: Path, at: dict[str, Path], name: str, **changes: Any) -> Path:
    """The YAML file of a run of `rl`; JSON is YAML."""
    body = {
        "init": str(folder / "start"), "role": "ir", "data": str(at["ask"]), "reward": "gold",
        "out": str(folder / name), "threads": 1, "grpo": GRPO,
        "validation": {"data": str(at["watch"]), "limit": HELD, "max_new_tokens": 128},
    } | changes  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps({k: v for k, v in body.items() if v is not None}))
    return path


def evaluated(folder: Path, at: dict[str, Path], run: str, name: str | None = None) -> Path:
    """Greedy and sampled IR on the test problems."""
    from lorid_train.config import EvalConfig
    from lorid_train.evaluation.evaluate import evaluate
    from lorid_train.models.adapters import folders_of

    out = folder / f"eval-{name or run}"
    evaluate(
        EvalConfig(
            adapters=folders_of([str(folder / run)]), dataset=str(at["test"]), out=str(out), rounds=ROUNDS, loop=False,
            greedy=("ir",), max_new_tokens=128, dtype="float32", threads=1, **SAMPLING,
            allow_trained_questions=name is not None,  # draws to train on: near ones of the start's are no harm
        )
    )  # fmt: skip
    return out


def accuracy(folder: Path, system: str) -> float:
    """Of one system, over all test problems."""
    body = json.loads((folder / "metrics.json").read_text())
    [value] = [
        m["value"]
        for m in body["metrics"]
        if (m["system"], m["metric"], m["slice"]) == (system, "accuracy", None)
    ]
    return float(value)


def stored(folder: Path, at: dict[str, Path]) -> dict[str, Any]:
    """What `rl` is told to ask only questions whose answers vary, and to learn faster from fewer."""
    out = evaluated(folder, {"test": at["ask"]}, "start", "draws")
    few = {"learning_rate": 1e-3, "max_steps": 40, "per_device_train_batch_size": 32}
    return {"draws": str(out), "grpo": GRPO | few}


def gain(
    folder: Path, at: dict[str, Path], seeds: list[int], what: str, changes: dict[str, Any]
) -> dict[str, float]:
    """Accuracy before and after, and how sure the differences are."""
    from lorid_train.evaluation.comparing import sides
    from lorid_train.report.comparing import compare_all

    first = evaluated(folder, at, "start")
    found = {}
    for system in ("ir-greedy", "ir-sampled"):
        print(f"start {system}: {accuracy(first, system):.3f}")
    for seed in seeds:
        name = f"{what}-{seed}"
        command("lorid_train", "rl", str(settings(folder, at, name, seed=seed, **changes)))
        after = evaluated(folder, at, name)
        made = json.loads((folder / name / "adapters/ir/training.json").read_text())
        for system in ("ir-greedy", "ir-sampled"):
            gained = accuracy(after, system) - accuracy(first, system)
            found[f"{name} {system}"] = round(accuracy(after, system) / accuracy(first, system), 3)
            print(f"{name} {system}: {accuracy(after, system):.3f} ({gained:+.3f}), kept step {made['best_step']}")  # fmt: skip
        [pair] = compare_all(sides([after, first]))
        for s in pair.systems:
            d = s.difference
            print(f"{s.system}: {d.value:+.3f} [{d.ci_low:+.3f}, {d.ci_high:+.3f}], only one right {s.only}, p {s.p.value:.4f}")  # fmt: skip
    return found


def cpu_s(*argv: str) -> float:
    """CPU-seconds of a program, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command(*argv)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def plain(folder: Path) -> None:
    """A script as TRL's documentation has it: text prompts, an exact comparison as reward."""
    import torch
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    from lorid_data.folders.records import read_records
    from lorid_train import formats, roles
    from lorid_train.models import base_model

    torch.set_num_threads(1)
    place = str(base_model.resolve("student").source)
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(place, trust_remote_code=False),
        folder / "start/adapters/ir",
        is_trainable=True,
    )
    fmt, ir = formats.load("plain"), roles.role("ir")
    records = read_records(folder / "ask")
    rows = {
        "prompt": [fmt.render(ir.content(r.question)) for r in records],
        "gold": [r.answer for r in records],
    }

    def reward(completions: list[str], gold: list[str], **_: Any) -> list[float]:
        said = [c.rpartition("--> ")[2].removesuffix("END").strip() for c in completions]
        return [float(s == g) for s, g in zip(said, gold, strict=True)]

    with tempfile.TemporaryDirectory() as out:
        args = GRPOConfig(
            output_dir=out, report_to="none", use_cpu=True, bf16=False, seed=42, gradient_checkpointing=False,
            disable_dropout=True, disable_tqdm=True, save_total_limit=2, **steps_of_cost(),
        )  # fmt: skip
        trainer = GRPOTrainer(
            model=model, reward_funcs=reward, args=args, train_dataset=Dataset.from_dict(rows),
            processing_class=AutoTokenizer.from_pretrained(place, trust_remote_code=False),
        )  # fmt: skip
        trainer.train()
    (folder / "plain.json").write_text(
        json.dumps({"n_tokens": trainer.state.num_input_tokens_seen})
    )


def steps_of_cost() -> dict[str, Any]:
    """The settings of both, fewer steps than of the gain."""
    return {**GRPO, "max_steps": 10}


def cost(folder: Path, at: dict[str, Path], repeats: int) -> dict[str, float]:
    """Ours over plain TRL, whole processes."""
    import shutil

    took: dict[str, list[float]] = {"ours": [], "plain": []}
    n = {}
    grpo = steps_of_cost()
    config = settings(folder, at, "cost", grpo=grpo, validation=None, blind=True)
    for _ in range(repeats):
        shutil.rmtree(folder / "cost", ignore_errors=True)
        took["ours"].append(cpu_s("lorid_train", "rl", str(config)))
        took["plain"].append(cpu_s(__file__, "--plain", str(folder)))
    made = json.loads((folder / "cost/adapters/ir/training.json").read_text())
    n = {"ours": made["n_tokens"], "plain": json.loads((folder / "plain.json").read_text())["n_tokens"]}  # fmt: skip
    middle = {k: statistics.median(v) for k, v in took.items()}
    for k, seconds in middle.items():
        print(f"{k}: {seconds:.1f} CPU-seconds, {n[k]:,} tokens read and written, {sorted(round(s, 1) for s in took[k])}")  # fmt: skip
    return {
        "ours / plain, CPU": round(middle["ours"] / middle["plain"], 3),
        "ours / plain, CPU per token": round(middle["ours"] / n["ours"] / (middle["plain"] / n["plain"]), 3),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--parts", nargs="+", default=["gain", "signal", "cost"], choices=["gain", "signal", "cost"]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if args.plain:
        plain(args.plain)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        at = data(folder)
        start(folder, at)
        ratios: dict[str, float] = {}
        if "gain" in args.parts:
            ratios |= gain(folder, at, args.seeds, "gold", {})
        if "signal" in args.parts:
            ratios |= gain(folder, at, args.seeds, "signal", stored(folder, at))
        if "cost" in args.parts:
            ratios |= cost(folder, at, args.repeats)
    said = {"rows": ROWS, "asked": ASKED, "tested": TESTED, "sft": SFT, "grpo": GRPO}
    print(json.dumps({"benchmark": "rl", "ratios": ratios, "settings": said}))


if __name__ == "__main__":
    main()
