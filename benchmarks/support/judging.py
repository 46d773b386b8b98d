"""What `benchmarks/difficulty.py` and `benchmarks/choose.py` share: small trainings, draws, areas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LORA: dict[str, Any] = {
    "r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear",
}  # fmt: skip
SFT: dict[str, Any] = {
    "learning_rate": 3e-3, "lr_scheduler_type": "linear", "warmup_steps": 0,
    "per_device_train_batch_size": 16, "gradient_accumulation_steps": 1, "gradient_checkpointing": False,
    "bf16": False, "train_sampling_strategy": "group_by_length",
}  # fmt: skip


def imported(out: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as a dataset folder, through a table and `import`."""
    from lorid_data.build.importing import import_table

    names = ("question", "rationale", "answer", "knowledge", "split")
    table = out.with_suffix(".jsonl")
    body = "".join(json.dumps({n: r[n] for n in names if n in r}) + "\n" for r in rows)
    if not table.is_file():
        table.write_text(body, encoding="utf-8")
    import_table(table, out, licence="MIT")
    return out


def train(data: Path, out: Path, role: str, epochs: int, threads: int) -> Path:
    """One adapter of the packaged student, as the quickstart trains it."""
    from lorid_train.config import TrainConfig
    from lorid_train.training.sft import train as run

    run(
        TrainConfig(
            base="student", data=str(data), out=str(out), roles=(role,), dtype="float32", max_tokens=512,
            seed=0, threads=threads, lora=LORA, sft={**SFT, "num_train_epochs": epochs},
        )
    )  # fmt: skip
    return out


def train_ir(data: Path, out: Path, epochs: int, threads: int) -> Path:
    """IR alone."""
    return train(data, out, "ir", epochs, threads)


def evaluated(run: Path, data: Path, out: Path, threads: int, **more: Any) -> Path:
    """Draws of a run on a dataset, without the loop."""
    from lorid_train.config import EvalConfig
    from lorid_train.evaluation.evaluate import evaluate
    from lorid_train.models.adapters import folders_of

    settings: dict[str, Any] = {
        "temperature": 0.8, "top_p": 1.0, "top_k": 0, "max_new_tokens": 128, "loop": False, "votes": "none",
        "greedy": (), "dtype": "float32", "batch_size": 128, "allow_trained_questions": True,
    }  # fmt: skip
    evaluate(
        EvalConfig(
            adapters=folders_of([str(run)]), dataset=str(data), out=str(out), threads=threads,
            **settings | more,
        )
    )  # fmt: skip
    return out


def asked_ir(run: Path, data: Path, out: Path, n_draws: int, threads: int) -> Path:
    """So many draws of IR for each question."""
    return evaluated(run, data, out, threads, samples={"ir": n_draws})


def auc(values: Sequence[float], labels: Sequence[bool]) -> float:
    """The chance that a labelled row has the higher value; ties count half. NaN without both kinds."""
    import numpy as np

    v, y = np.asarray(values, dtype=float), np.asarray(labels, dtype=bool)
    if y.all() or not y.any():
        return float("nan")
    order, ranks = np.unique(v, return_inverse=True)
    counts = np.bincount(ranks, minlength=len(order))
    middle = np.cumsum(counts) - (counts - 1) / 2  # the mean rank of equal values
    n = int(y.sum())
    return float((middle[ranks][y].sum() - n * (n + 1) / 2) / (n * (len(y) - n)))


def bootstrap_auc(
    values: Sequence[float], labels: Sequence[bool], n_resamples: int = 2000
) -> tuple[float, float]:
    """A 95 % percentile interval of the area, rows resampled."""
    import numpy as np

    rng = np.random.default_rng(0)
    v, y = np.asarray(values), np.asarray(labels)
    found = []
    for _ in range(n_resamples):
        i = rng.integers(0, len(v), len(v))
        found.append(auc(v[i].tolist(), y[i].tolist()))
    low, high = np.nanquantile(found, (0.025, 0.975))
    return float(low), float(high)


def top_share(values: Sequence[float], labels: Sequence[bool], n: int) -> float:
    """The share of labelled rows among the n with the highest values; ties in proportion."""
    import numpy as np

    v, y = np.asarray(values, dtype=float), np.asarray(labels, dtype=float)
    edge = np.sort(v)[::-1][n - 1]
    above, at = v > edge, v == edge
    left = n - int(above.sum())
    return float((y[above].sum() + left * y[at].mean()) / n)
