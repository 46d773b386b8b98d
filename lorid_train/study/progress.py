"""What a study says while it runs: one line per step that ends, and about how long it will take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lorid_data.commandline.progress import say
from lorid_data.texts.counting import count
from lorid_train.config import PAPER_SFT
from lorid_train.evaluation.planned import bounds
from lorid_train.study.cell import STEPS
from lorid_train.study.tasks import Task

SHARES: Mapping[str, float] = {
    "data": 0.01, "train": 0.74, "evaluate": 0.21, "evaluate-validation": 0.04,
}  # fmt: skip
"""About how a cell's time divides, until it has been measured."""
_ENOUGH = 0.2
"""What share of a cell must have been measured before a time is said."""


def seconds_left(
    measured: Mapping[str, Sequence[float]], n_left: Mapping[str, int], workers: int
) -> float | None:
    """About how long the steps that are left will take; None while too little was measured.

    A step that was never measured is put at its share (`SHARES`) of those that were.

    Args:
        measured: seconds of steps that ended, by name.
        n_left: how many cells lack each step.
        workers: how many cells are made at a time.
    """
    means = {name: sum(s) / len(s) for name, s in measured.items() if s}
    known = sum(SHARES[name] for name in means)
    if known < _ENOUGH:
        return None
    cell_s = sum(means.values()) / known
    total_s = sum(n * means.get(name, cell_s * SHARES[name]) for name, n in n_left.items())
    return total_s / min(workers, max(1, *n_left.values()))


def plan_lines(tasks: Sequence[Task]) -> list[str]:
    """What every cell of a study takes: what it trains, and its draws per question."""
    config = tasks[0].config
    drawn = []
    for split in ("test", "validation"):
        b = bounds(tasks[0].planned(split), 1, has_knowledge=True)
        drawn.append(f"{count(b.most, 'draw')} per {split} question")
    epochs = config.sft.get("num_train_epochs") or PAPER_SFT["num_train_epochs"]
    return [
        f"plan: each of {count(len(tasks), 'cell')} trains {', '.join(config.roles)} ({epochs} epochs unless a role "
        f"has its own), then makes {' and '.join(drawn)}, of at most {config.max_new_tokens} tokens",
        "  how long it takes is said once the first steps are measured",
    ]


def duration(seconds: float) -> str:
    """`1:02:03` or `2:03`: hours, minutes and seconds."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


@dataclass(slots=True)
class Steps:
    """Counts the steps of all cells and says each that ends; may be told from any thread."""

    n_cells: int
    workers: int
    clock: Callable[[], float] = time.monotonic
    start: float = 0.0
    n_done: dict[str, int] = field(default_factory=dict)
    measured: dict[str, list[float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.start = self.clock()

    def ended(self, cell: str, step: str, seconds: float, *, was_done: bool) -> None:
        """Say that a step of a cell ended."""
        with self.lock:
            self.n_done[step] = self.n_done.get(step, 0) + 1
            if not was_done:
                self.measured.setdefault(step, []).append(seconds)
            say(self.line(cell, step, seconds, was_done=was_done))

    def line(self, cell: str, step: str, seconds: float, *, was_done: bool) -> str:
        """`0:02:03 0-student-0: train took 1:40 (2 of 8 steps, about 5:10 left)`."""
        n_left = {name: self.n_cells - self.n_done.get(name, 0) for name in STEPS}
        done, of = sum(self.n_done.values()), self.n_cells * len(STEPS)
        left_s = seconds_left(self.measured, n_left, self.workers)
        left = f", about {duration(left_s)} left" if left_s and done < of else ""
        what = "was done" if was_done else f"took {duration(seconds)}"
        elapsed = duration(self.clock() - self.start)
        return f"{elapsed} {cell}: {step} {what} ({done} of {of} steps{left})"
