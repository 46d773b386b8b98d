"""Training runs of a second: settings, losses, weights, and how two runs are compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lorid_train.config import TrainConfig

SFT: dict[str, Any] = {
    "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "max_steps": 3, "save_steps": 100,
    "logging_steps": 1, "gradient_checkpointing": False, "learning_rate": 1e-2, "warmup_steps": 0,
}  # fmt: skip
LORA: dict[str, Any] = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0}


def config(
    base: Path, data: Path, out: Path, *, sft: Any = None, lora: Any = None, **changes: Any
) -> TrainConfig:
    """One role, three steps of four rows; `sft` and `lora` change single fields."""
    body = {
        "base": str(base), "data": str(data), "out": str(out), "roles": ("dr",), "dtype": "float32",
        "max_tokens": 512, "threads": 1, "lora": LORA | (lora or {}), "sft": SFT | (sft or {}),
    }  # fmt: skip
    return TrainConfig(**(body | changes))


def figures(run: Path, role: str = "dr") -> dict[str, Any]:
    """What training wrote beside the adapter."""
    body: dict[str, Any] = json.loads((run / "adapters" / role / "training.json").read_text())
    return body


def losses(run: Path, role: str = "dr") -> list[float]:
    """The loss of each step."""
    return [h["loss"] for h in figures(run, role)["train_loss"]]


def weights(run: Path, role: str = "dr") -> dict[str, Any]:
    """The adapter's tensors."""
    from safetensors.torch import load_file

    return dict(load_file(run / "adapters" / role / "adapter_model.safetensors"))


def residuals(a: dict[str, Any], b: dict[str, Any]) -> tuple[float, float]:
    """Largest and mean absolute difference of two sets of tensors."""
    import torch

    assert a.keys() == b.keys()
    diff = torch.cat([(a[k].float() - b[k].float()).abs().flatten() for k in sorted(a)])
    return float(diff.max()), float(diff.mean())
