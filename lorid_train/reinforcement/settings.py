"""The configuration of `lorid-train rl`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lorid_train.config import SEEDS, ModelSettings, Settings


class RlValidation(Settings):
    """Labelled questions on which accuracy is watched: answered greedily, graded, never trained on."""

    data: str | None = None
    """A dataset folder; null takes the run's."""
    split: str | None = "validation"
    """Which split; null takes all rows."""
    limit: int = Field(default=200, ge=1)
    """At most so many questions, from the front."""
    max_new_tokens: int = Field(default=512, ge=1)
    patience: int | None = Field(default=None, ge=1)
    """Stop after so many measurements without a better one."""


class RlConfig(Settings):
    """One run: which adapter, which questions, what is rewarded. Base and format are the adapter's.

    Keys of `grpo` are those of `trl.GRPOConfig`, unrenamed.
    """

    init: str
    """The run whose adapter is trained further, or the adapter's folder."""
    role: str = "ir"
    out: str
    base: str | None = None
    """The base model, where it lies elsewhere than the adapter says."""
    data: str | None = None
    """A dataset folder with the questions; null takes those of the evaluation in `draws`."""
    split: str | None = "train"
    """Which of its splits; null takes all rows. `test` is refused."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many questions, from the front."""
    reward: Literal["gold", "consensus", "agreement"] = "gold"
    """What is paid for: the reference answer; the label of stored draws; `agreement` only with
    `allow_live_agreement`."""
    draws: str | None = None
    """Stored draws of these questions: an evaluation, or a folder of `export-draws`."""
    rule: Literal["consensus", "majority", "ir-majority"] = "consensus"
    """How an evaluation's draws become labels; those of an exported folder are labelled already."""
    allow_live_agreement: bool = False
    """Pay for agreeing with a draw of the frozen partner. Measured once: it lowered accuracy."""
    validation: RlValidation | None = None
    """Required, but with `blind`."""
    blind: bool = False
    """Train without looking at accuracy; the adapter's card says so."""
    max_tokens: int = Field(default=2048, ge=8)
    """Longest prompt; a longer question is rejected, never cut."""
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Of the frozen base; null: float32 on a CPU and bfloat16 on a GPU, as evaluations are."""
    model: ModelSettings = ModelSettings()
    seed: int = Field(default=42, ge=0, lt=SEEDS)
    threads: int | None = Field(default=None, ge=1)
    grpo: dict[str, Any] = Field(default_factory=dict)
