"""What a study is made of: cells, each one world with one base and seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cell:
    """One trained and evaluated world: the folders that its numbers come from."""

    name: str
    """How the page calls it; distinct within a study."""
    world: str
    """Which world: the groups of a world are the same whatever the base."""
    base: str
    """Which base model was trained on."""
    seed: int
    """Of the adapters and draws."""
    train: Path
    """A dataset folder (`records.parquet`): how often each group was trained on."""
    test: Path
    """An evaluation folder (`records.parquet` and `draws.jsonl`)."""
    validation: Path | None = None
    """The same of the validation rows, for rules that are fitted; without it they are left out."""
