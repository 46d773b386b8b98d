"""The configuration of the study `agreement`: which settings, which systems, what is drawn and trained."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from lorid_data.commandline.options import read_yaml, secrets_in
from lorid_data.errors import ConfigError
from lorid_train.config import SEEDS, STUDENT, Settings, parse
from lorid_train.drawn.labels import Rule

KIND = "agreement"
"""What a YAML file of such a study calls itself (`kind`)."""
PARTS = ("train", "fresh", "teacher", "validation", "test")
"""The questions that a setting needs: to begin with, to draw on, of the teacher alone, to stop by, to test on."""
_OPTIONAL = frozenset({"train", "teacher"})
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
"""What a setting may be called: its folder's files are named in the study's manifest."""


class Part(Settings):
    """One part of a setting's questions. Parts of one split are cut off it one after another."""

    split: str
    rows: int | None = Field(default=None, ge=1)
    """So many; all that are left by default."""


class Setting(Settings):
    """One world in which the study is made. Keys of `lora`, `sft`, `per_role` are a training run's."""

    source: str
    """`arithmetic` or `concepts`, of which `world` is the seed, or a dataset folder."""
    world: int = 0
    base: str = STUDENT
    run: str | None = None
    """A finished run to begin with, instead of one that is trained on the part `train`."""
    parts: dict[str, Part]
    groups: int | None = Field(default=None, ge=1)
    """At most so many subjects, spread evenly over how often they are trained on."""
    by_subject: bool = False
    """Whether subjects that training never met are reported apart."""
    lora: dict[str, Any] = Field(default_factory=dict)
    sft: dict[str, Any] = Field(default_factory=dict)
    per_role: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    max_new_tokens: int = Field(default=128, ge=1)


class AgreementConfig(Settings):
    """The whole study."""

    kind: Literal["agreement"] = "agreement"
    settings: dict[str, Setting] = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0, lt=SEEDS)], ...] = Field(
        default=(0, 1, 2), min_length=1
    )
    """Of the further trainings; what they begin with is trained once, by seed 0."""
    systems: tuple[str, ...] = Field(min_length=1)
    """Rows of the table, in the order in which they are made; see `SYSTEMS`."""
    loops_after: int = Field(default=1, ge=0)
    """Of so many seeds of the system `consensus` the loop is drawn again after training."""
    stored_rounds: int = Field(default=4, ge=1)
    """Rounds of IR, KG and DR drawn on each fresh question."""
    rounds: int = Field(default=20, ge=1)
    """t of the loop on the test questions."""
    further: dict[str, Any] = Field(default_factory=dict)
    """Settings of `trl.SFTConfig` of every further training, beside the setting's `sft`."""
    dpo: dict[str, Any] = Field(default_factory=dict)
    """Settings of `trl.DPOConfig` of the systems that learn from pairs."""
    grpo: dict[str, Any] = Field(default_factory=dict)
    """Settings of `trl.GRPOConfig` of the systems that learn by reward."""
    format: str = "plain"
    max_tokens: int = Field(default=512, ge=8)
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    temperature: float = Field(default=0.8, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    batch_size: int = Field(default=256, ge=1)
    threads: int = Field(default=1, ge=1)


@dataclass(frozen=True, slots=True)
class System:
    """One way to train IR further.

    Attributes:
        says: what it is, for the table.
        rule: by which its rows are chosen; None for the teacher's own solutions.
        is_equal: as many rows and steps as the system `consensus` has, rather than all rows once.
        method: how IR learns from them: from the rows, from pairs of them, or by reward.
    """

    says: str
    rule: Rule | None
    is_equal: bool = False
    method: Literal["sft", "dpo", "grpo"] = "sft"

    @property
    def reads_gold(self) -> bool:
        """Whether anybody's right answers went into its rows."""
        return self.rule in (None, "gold")


_EQUAL = "at the rows and steps of consensus"
SYSTEMS: dict[str, System] = {
    "none": System("SFT on all draws: the control", "none"),
    "consensus": System("SFT on draws that reached consensus", "consensus"),
    "majority": System("SFT on draws of the majority of both roles", "majority"),
    "ir-majority": System("SFT on draws of the majority of IR alone", "ir-majority"),
    "gold": System("SFT on right draws", "gold"),
    "none@steps": System(f"SFT on all draws, {_EQUAL}", "none", is_equal=True),
    "ir-majority@steps": System(f"SFT on IR's majority, {_EQUAL}", "ir-majority", is_equal=True),
    "gold@steps": System(f"SFT on right draws, {_EQUAL}", "gold", is_equal=True),
    "teacher@steps": System("SFT on the teacher's own solutions, at the steps of consensus", None, is_equal=True),
    "dpo-consensus": System("DPO with an SFT term on consensus pairs", "consensus", method="dpo"),
    "grpo-gold": System("GRPO, paid for right answers", "gold", method="grpo"),
    "grpo-consensus": System("GRPO, paid for consensus labels of the stored draws", "consensus", method="grpo"),
}  # fmt: skip
"""By name, in the order of the table."""


def packaged() -> dict[str, Path]:
    """The studies of this kind that ship with the package, by name."""
    here = Path(__file__).parent.parent
    inside = here / "_agreement"
    folder = inside if inside.is_dir() else here.parent / "configs" / "agreement"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def is_one(source: str) -> bool:
    """Whether `study SOURCE` means a study of this kind."""
    if source in packaged():
        return True
    path = Path(source)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        return False
    return read_yaml(path).get("kind") == KIND


def read(source: str, changes: dict[str, Any], only: list[str] | None) -> AgreementConfig:
    """A study's configuration, with some values changed and, with `only`, fewer settings.

    Raises:
        ConfigError: with every problem.
    """
    path = packaged().get(source, Path(source))
    body = read_yaml(path)
    if problems := secrets_in(body, str(path)):
        raise ConfigError(*problems)
    config = parse(AgreementConfig, {**body, **changes}, str(path))
    problems = _problems(config, only or [])
    if problems:
        raise ConfigError(*problems)
    if only:
        kept = {n: s for n, s in config.settings.items() if n in only}
        config = config.model_copy(update={"settings": kept})
    return config


def _problems(config: AgreementConfig, only: list[str]) -> list[str]:
    found = [
        f"systems: there is no {name!r}; there are {', '.join(SYSTEMS)}"
        for name in config.systems
        if name not in SYSTEMS
    ]
    if "consensus" not in config.systems:
        found.append("systems: name consensus: the others are compared with it")
    found += [
        f"--setting {n!r}: there is no such setting; there are {', '.join(config.settings)}"
        for n in only
        if n not in config.settings
    ]
    for name, s in config.settings.items():
        needed = set(PARTS) - _OPTIONAL | ({"train"} if s.run is None else set())
        found += [f"settings.{name}.parts: names no {p!r}" for p in PARTS if p in needed - s.parts.keys()]  # fmt: skip
        found += [
            f"settings.{name}.parts: there is no part {p!r}; there are {', '.join(PARTS)}"
            for p in s.parts
            if p not in PARTS
        ]
    found += [
        f"settings: the name {name!r} is a folder's too; take letters, digits, dots, hyphens and underscores, 100 at most, none of them a dot in front"
        for name in config.settings
        if not _FOLDER.fullmatch(name)
    ]
    for key in ("seeds", "systems"):
        values = getattr(config, key)
        if len(set(values)) < len(values):
            found.append(f"{key}: {list(values)}; name each once")
    return found
