"""The configuration of a study, and those that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from lorid_data.commandline.options import read_yaml, secrets_in
from lorid_data.errors import ConfigError
from lorid_train.config import SEEDS, STUDENT, Settings, parse

DRAWN = ("concepts", "arithmetic")
"""Sources of which a world is a seed."""
SPLITS = ("train", "test", "validation")


class Draws(Settings):
    """What is drawn of every problem of a split."""

    rounds: int = Field(default=20, ge=1)
    """t: so many rounds of IR, KG and DR, all of them drawn."""
    samples: dict[str, int] = Field(default_factory=dict)
    """Rounds of a role, where they are to be more, or where the loop does not use it."""
    greedy: tuple[str, ...] = ("ir", "kg-knowledge")


class Limits(Settings):
    """At most so many rows of a split; which ones, the world's seed decides."""

    train: int | None = Field(default=None, ge=1)
    test: int | None = Field(default=None, ge=1)
    validation: int | None = Field(default=None, ge=1)


class StudyConfig(Settings):
    """One study. Keys of `lora`, `sft` and `per_role` are those of a training run, unrenamed."""

    source: str
    """`concepts` or `arithmetic`, of which a world is a seed; or a table or dataset folder."""
    group_by: str
    """The column of the records that names a row's group."""
    worlds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Seeds of the source; of a table, seeds of its split and of what `limit` and `groups` keep."""
    scales: tuple[int, ...] = Field(default=(1,), min_length=1)
    """Of `arithmetic`: how many times larger the numbers of its problems may be; a world has as many
    problems of each scale, for training and testing alike, and `limit` is shared out among them."""
    bases: tuple[str, ...] = Field(default=(STUDENT,), min_length=1)
    """`student`, model folders, Hub ids (`OWNER/NAME@REVISION`)."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=SEEDS)], ...] = Field(default=(0,), min_length=1)
    """Of the adapters and of the draws."""
    groups: int | None = Field(default=None, ge=1)
    """At most so many groups, spread evenly over how often they are trained on."""
    limit: Limits = Limits()
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Of a table that names no splits: the part of its problems to test on."""
    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Of a table that names no validation rows: the part of its problems to validate on."""
    roles: tuple[str, ...] = Field(default=("ir", "kg", "dr", "ks", "ird"), min_length=1)
    format: str = "plain"
    max_tokens: int = Field(default=512, ge=8)
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    lora: dict[str, Any] = Field(default_factory=dict)
    sft: dict[str, Any] = Field(default_factory=dict)
    per_role: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    trainable_tokens: dict[str, Literal["new", "targets"] | tuple[str, ...]] = Field(
        default_factory=dict
    )
    """As in a training run: tokens whose embeddings a role trains too."""
    temperature: float = Field(default=0.8, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_new_tokens: int = Field(default=96, ge=1)
    test: Draws = Draws()
    validation: Draws = Draws(rounds=10)
    batch_size: int = Field(default=256, ge=1)
    merged: bool = False
    """Each adapter merged into weights of its own while drawing."""
    workers: int | None = Field(default=None, ge=1)
    """Cells at a time; by default one per core, two at most."""
    threads: int = Field(default=1, ge=1)
    """CPU threads of each of them."""

    @property
    def unsaid(self) -> set[str]:
        """Settings that say nothing: studies of before they were known stay what they are."""
        found = {"scales"} if self.scales == (1,) else set()
        return found if self.trainable_tokens else found | {"trainable_tokens"}

    @property
    def is_drawn(self) -> bool:
        """Whether a world is drawn anew by its seed, rather than split off a table."""
        return self.source in DRAWN


def packaged() -> dict[str, Path]:
    """The studies that ship with the package, by name."""
    here = Path(__file__).parent.parent
    inside = here / "_studies"
    folder = inside if inside.is_dir() else here.parent / "configs" / "study"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read(path: Path, changes: dict[str, Any]) -> StudyConfig:
    """A study's configuration with some of its values changed.

    Raises:
        ConfigError: with every problem.
    """
    body = read_yaml(path)
    if problems := secrets_in(body, str(path)):
        raise ConfigError(*problems)
    return parse(StudyConfig, {**body, **changes}, str(path))
