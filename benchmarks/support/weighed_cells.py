"""The cells of `benchmarks/weighed.py`: three settings, trained and drawn by the study's own steps."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from lorid_data.folders.records import read_records
from lorid_train.evaluation.evaluate import evaluate
from lorid_train.study.data import make_data
from lorid_train.study.settings import read
from lorid_train.study.tasks import Task, tasks_of
from lorid_train.training.sft import train

STUDIES = Path(__file__).parents[2] / "configs" / "study"
DRAWN = {
    "strong": {0: ("validation", "test"), 1: ("validation", "test")},
    "undertrained": {0: ("validation",), 1: ("test",)},
    "concepts": {0: ("validation",), 1: ("test",)},
}
"""By setting and seed what is drawn."""


class Pair(NamedTuple):
    """A rule's evaluation and the one that it is judged on."""

    setting: str
    fit_seed: int
    fit: Path
    test_seed: int
    test: Path


def tasks(setting: str, out: Path) -> dict[int, Task]:
    """The cells of a setting, by seed."""
    config = read(STUDIES / f"weighed-{setting}.yaml", {})
    return {t.seed: t for t in tasks_of(config, out / setting, None)}


def make(setting: str, out: Path) -> None:
    """Train and draw what is missing of a setting."""
    for seed, splits in DRAWN[setting].items():
        task = trained(setting, seed, out)
        for split in splits:
            evaluate(task.eval_config(split))


def trained(setting: str, seed: int, out: Path) -> Task:
    """A cell with its data and adapters, made where they are missing."""
    task = tasks(setting, out)[seed]
    make_data(task)
    train(task.train_config())
    return task


def validation(setting: str, out: Path) -> Path:
    """The validation draws of seed 0, made where they are missing."""
    task = trained(setting, 0, out)
    evaluate(task.eval_config("validation"))
    return task.cell().validation


def pairs(setting: str, out: Path) -> list[Pair]:
    """Rules of one seed's validation draws, judged on the other's test draws."""
    of = tasks(setting, out)
    return [
        Pair(setting, f, of[f].cell().validation, t, of[t].cell().test)
        for f, t in ((0, 1), (1, 0))
        if "validation" in DRAWN[setting][f] and "test" in DRAWN[setting][t]
    ]


def frequencies(setting: str, out: Path) -> dict[str, int]:
    """How often each subject stands among the training rows of a setting."""
    found: dict[str, int] = {}
    for r in read_records(tasks(setting, out)[1].data("train")):
        found[r.subject or ""] = found.get(r.subject or "", 0) + 1
    return found
