"""The cells of a study: which they are, where they lie, and what each stage is told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from lorid_train.config import EvalConfig, TrainConfig
from lorid_train.models import base_model
from lorid_train.models.adapters import folders_of
from lorid_train.study.settings import Draws, StudyConfig
from lorid_train.study_report import Cell

CELLS = "cells"


@dataclass(frozen=True, slots=True)
class Task:
    """One cell to be made: a world, a base and an adapter seed."""

    config: StudyConfig
    folder: Path
    world: int
    base: str
    label: str
    """The base's short name, distinct within the study."""
    seed: int
    table: Path | None
    """The dataset folder that worlds are split off; None where each is drawn by its seed."""

    @property
    def name(self) -> str:
        """`<world>-<base>-<seed>`: its folder, and how it is called."""
        return self.folder.name

    def data(self, split: str) -> Path:
        """The dataset folder of a split."""
        return self.folder / "data" / split

    def cell(self) -> Cell:
        """The cell as the report reads it."""
        return Cell(
            name=self.name,
            world=str(self.world),
            base=self.label,
            seed=self.seed,
            train=self.data("train"),
            test=self.folder / "eval",
            validation=self.folder / "eval-validation",
        )

    def train_config(self) -> TrainConfig:
        """The training run of this cell."""
        c, (base, revision) = self.config, named(self.base)
        return TrainConfig(
            base=base, revision=revision, data=str(self.data("train")), out=str(self.folder / "run"),
            roles=c.roles, format=c.format, split=None, max_tokens=c.max_tokens, dtype=c.dtype,
            seed=self.seed, threads=c.threads, lora=c.lora, sft=c.sft, per_role=c.per_role,
            trainable_tokens=c.trainable_tokens,
        )  # fmt: skip

    def eval_config(self, split: str) -> EvalConfig:
        """The evaluation of this cell on `test` or `validation`, once it is trained."""
        cell = self.cell()
        out = cell.test if split == "test" else cell.validation
        return _eval_config(self, folders_of([str(self.folder / "run")]), split, str(out))

    def planned(self, split: str) -> EvalConfig:
        """The same before it is trained: what will be drawn, not from where."""
        return _eval_config(self, {}, split, "")


def _eval_config(task: Task, adapters: dict[str, str], split: str, out: str) -> EvalConfig:
    c = task.config
    draws: Draws = getattr(c, split)
    return EvalConfig(
        adapters=adapters, dataset=str(task.data(split)), out=out, rounds=draws.rounds,
        schedule="exhaustive", votes="none", samples=draws.samples, greedy=draws.greedy,
        temperature=c.temperature, top_p=c.top_p, top_k=c.top_k, max_new_tokens=c.max_new_tokens,
        seed=task.seed, allow_trained_questions=True, dtype=c.dtype, batch_size=c.batch_size, merged=c.merged, threads=c.threads,
    )  # fmt: skip


def tasks_of(config: StudyConfig, out: Path, table: Path | None) -> list[Task]:
    """Every cell of a study, bases of one world next to each other."""
    labels = dict(zip(config.bases, _labels(config.bases), strict=True))
    return [
        Task(config, out / CELLS / f"{w}-{labels[b]}-{s}", w, b, labels[b], s, table)
        for w, b, s in product(config.worlds, config.bases, config.seeds)
    ]


def order_of(task: Task) -> dict[str, Any]:
    """A task as JSON, for the process that makes it."""
    return {
        "config": task.config.model_dump(mode="json"),
        "out": str(task.folder.parent.parent),
        "table": None if task.table is None else str(task.table),
        "name": task.name,
    }


def task_of(order: dict[str, Any]) -> Task:
    """The task that `order_of` wrote."""
    config = StudyConfig.model_validate(order["config"])
    table = None if order["table"] is None else Path(order["table"])
    return next(t for t in tasks_of(config, Path(order["out"]), table) if t.name == order["name"])


def named(base: str) -> tuple[str, str | None]:
    """Name and revision of a base: `OWNER/NAME@REVISION` has both, a folder may hold an `@`."""
    name, at, revision = base.rpartition("@")
    return (name, revision) if at and not Path(base).exists() else (base, None)


def fingerprints(config: StudyConfig) -> dict[str, str]:
    """What each base is.

    Raises:
        ConfigError: one cannot be found.
    """
    return {b: base_model.resolve(*named(b)).fingerprint for b in config.bases}


def _labels(bases: tuple[str, ...]) -> list[str]:
    """A short name for each base, fit for a folder's name; equal ones are numbered."""
    short = [re.sub(r"[^A-Za-z0-9._]+", "_", Path(named(b)[0]).name) or "base" for b in bases]
    seen: Counter[str] = Counter()
    labels = []
    for label in short:
        seen[label] += 1
        labels.append(label if seen[label] == 1 else f"{label}_{seen[label]}")
    return labels
