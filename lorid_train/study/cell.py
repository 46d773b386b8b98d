"""One cell, step by step. Each step does nothing where it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lorid_data.folders.names import MANIFEST
from lorid_train.evaluation.evaluate import evaluate
from lorid_train.study.data import make_data
from lorid_train.study.tasks import Task
from lorid_train.training.sft import train

STEPS = ("data", "train", "evaluate", "evaluate-validation")
Said = Callable[[str, float, bool], None]
"""Told of each step when it ends: its name, its seconds, and whether it had been done before."""


def make_cell(task: Task, said: Said) -> None:
    """Make whatever of a cell is missing.

    Raises:
        LoridError: what a step raised; the steps before it are done and stay.
    """
    steps: dict[str, tuple[Path, Callable[[], object]]] = {
        "data": (task.data("validation"), lambda: make_data(task)),
        "train": (task.folder / "run", lambda: train(task.train_config())),
        "evaluate": (task.folder / "eval", lambda: evaluate(task.eval_config("test"))),
        "evaluate-validation": (
            task.folder / "eval-validation",
            lambda: evaluate(task.eval_config("validation")),
        ),
    }
    for name in STEPS:
        folder, run = steps[name]
        was_done, start = (folder / MANIFEST).is_file(), time.monotonic()
        run()
        said(name, time.monotonic() - start, was_done)
