"""The whole of LoRID offline on a CPU: arithmetic problems, the packaged student, two cores.

Three folders: `data/train` and `data/test`, `run`, `eval`. Each step does nothing where its
folder is finished, so an interrupted quickstart goes on.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from lorid_data import pipeline
from lorid_train.config import STUDENT, EvalConfig, TrainConfig
from lorid_train.evaluation.evaluate import evaluate
from lorid_train.evaluation.usual import OF_STUDENT
from lorid_train.models.adapters import folders_of
from lorid_train.training.sft import train

LORA: dict[str, Any] = {
    "r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.0,
    "target_modules": "all-linear",
}
SFT: dict[str, Any] = {
    "learning_rate": 3e-3,
    "lr_scheduler_type": "linear",
    "warmup_steps": 0,
    "num_train_epochs": 2,
    "per_device_train_batch_size": 16,
    "gradient_accumulation_steps": 1,
    "gradient_checkpointing": False,
    "bf16": False,
    "train_sampling_strategy": "group_by_length",
}
PER_ROLE: dict[str, dict[str, dict[str, Any]]] = {
    "kg": {"sft": {"num_train_epochs": 1}},  # its rules come out word for word by then
    "dr": {"sft": {"num_train_epochs": 3}},  # it has the longest prompts to learn to read
}


def quickstart(
    out: Path,
    *,
    n_rows: int,
    n_problems: int,
    rounds: int,
    seed: int,
    batch_size: int,
    threads: int | None,
) -> None:
    """Build, train, evaluate and report below `out`."""
    start = time.monotonic()
    threads = threads or min(2, os.cpu_count() or 1)
    data: dict[str, Path] = {}
    for split, limit in (("test", n_problems), ("train", n_rows)):
        folder = out / "data" / split
        build = {"source": "arithmetic", "teacher": "source", "split": split, "limit": limit}
        body = {"out": str(folder), "build": build, "validate": {}}
        if split == "train":  # a few of so many problems come close to one of the test's
            body["decontaminate"] = {"against": [str(data["test"])]}
        pipeline.run(pipeline.read_config(body, "quickstart"))
        data[split] = folder / ("decontaminate" if split == "train" else "validate")
    run = out / "run"
    train(
        TrainConfig(
            base=STUDENT, data=str(data["train"]), out=str(run), dtype="float32", max_tokens=512,
            seed=seed, threads=threads, lora=LORA, sft=SFT, per_role=PER_ROLE,
        )
    )  # fmt: skip
    evaluate(
        EvalConfig(
            adapters=folders_of([str(run)]), dataset=str(data["test"]), out=str(out / "eval"),
            rounds=rounds, temperature=OF_STUDENT.temperature, top_p=OF_STUDENT.top_p,
            top_k=OF_STUDENT.top_k, max_new_tokens=OF_STUDENT.max_new_tokens,
            votes="ir", seed=seed, dtype="float32", batch_size=batch_size, threads=threads,
        )
    )  # fmt: skip
    wall_s, cpu_s = time.monotonic() - start, time.process_time()
    print(f"quickstart: {wall_s:.0f} s, {cpu_s:.0f} CPU-seconds", file=sys.stderr)  # noqa: T201
