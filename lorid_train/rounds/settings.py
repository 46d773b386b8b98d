"""The configuration of `lorid-train rounds`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lorid_train.config import SEEDS, Settings
from lorid_train.drawn.labels import Rule


class RoundsConfig(Settings):
    """Rounds of self-training. Keys of `sft` are those of `trl.SFTConfig`, unrenamed."""

    run: str
    """A finished run with IR, KG and DR to begin with."""
    fresh: str
    """A dataset folder of questions that no adapter has seen; their answers are not read, but by the rule `gold`."""
    validation: str
    """A dataset folder of labelled questions to stop by."""
    out: str
    base: str | None = None
    """The run's base model, where it lies elsewhere than its adapters say."""
    rounds: int = Field(default=3, ge=1)
    """K: at most so many."""
    fresh_per_round: int | None = Field(default=None, ge=1)
    """Questions of a round, from the front of what earlier rounds left; all of them in equal parts by default."""
    rule: Rule = "consensus"
    roles: tuple[Literal["ir", "dr"], ...] = Field(default=("ir",), min_length=1)
    """Whose draws are trained on, and who is trained."""
    cap: int | None = Field(default=None, ge=1)
    stored_rounds: int = Field(default=4, ge=1)
    """Rounds of IR, KG and DR drawn on each fresh question."""
    sft: dict[str, Any] = Field(default_factory=dict)
    max_tokens: int = Field(default=2048, ge=8)
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    temperature: float = Field(default=1.5, gt=0)
    top_p: float = Field(default=0.9, gt=0, le=1)
    top_k: int = Field(default=50, ge=0)
    max_new_tokens: int = Field(default=1024, ge=1)
    seed: int = Field(default=42, ge=0, lt=SEEDS)
    batch_size: int = Field(default=64, ge=1)
    threads: int | None = Field(default=None, ge=1)
