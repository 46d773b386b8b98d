"""How draws are sampled where nobody says: one answer for `evaluate`, `solve`, `serve` and Python."""

from __future__ import annotations

from lorid_train.config import STUDENT, EvalConfig
from lorid_train.engines.base import Sampling
from lorid_train.models.base_model import Base

OFFICIAL = Sampling(temperature=1.5, top_p=0.9, top_k=50, max_new_tokens=1024)
"""The official code's."""
OF_STUDENT = Sampling(temperature=0.8, top_p=1.0, top_k=0, max_new_tokens=128)
"""The quickstart's, for the packaged student: at the official temperature its answers fall apart."""


def usual_sampling(base: Base) -> Sampling:
    """What is usual for a base model."""
    return OF_STUDENT if base.name == STUDENT else OFFICIAL


def with_usual_sampling(config: EvalConfig, base: Base) -> EvalConfig:
    """The configuration with the usual value of every sampling setting that it does not name."""
    usual = usual_sampling(base)
    fields = ("temperature", "top_p", "top_k", "max_new_tokens")
    missing = [f for f in fields if f not in config.model_fields_set]
    return config.model_copy(update={f: getattr(usual, f) for f in missing})
