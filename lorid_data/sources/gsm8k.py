"""GSM8K (Cobbe et al. 2021): 7,473 training and 1,319 test questions, MIT.

Columns: question; answer = rationale with `<<a*b=c>>` annotations, a line break, `#### N`.
"""

from __future__ import annotations

from lorid_data.errors import ConfigError, InputError
from lorid_data.hub import reading
from lorid_data.schema import Problem
from lorid_data.sources.table import problems_of

REPO = reading.HubRef("openai/gsm8k", "e53f048856ff4f594e959d75785d2c2d37b678ee")
CONFIG = "main"
SPLITS = ("train", "test")
LICENCE = "MIT"


def load(split: str, *, source_path: str | None = None) -> tuple[list[Problem], list[str]]:
    """All problems of a split, in the source's order, and warnings.

    Args:
        split: train or test.
        source_path: a local copy laid out like the Hub's; by default the Hub's pinned revision.

    Raises:
        ConfigError: no such split.
        InputError: the source cannot be read, or lacks a column.
    """
    if split not in SPLITS:
        raise ConfigError(f"source 'gsm8k' has no split {split!r}; it has {', '.join(SPLITS)}")
    ref = reading.HubRef(source_path) if source_path is not None else REPO
    table = reading.load(ref, CONFIG, split)
    missing = [c for c in ("question", "answer") if c not in table.columns]
    if missing:
        raise InputError(
            *(
                f"{table.where}: missing column {c!r}; its columns are {', '.join(table.columns)}"
                for c in missing
            )
        )
    return problems_of(table, source="gsm8k", split=split, licence=LICENCE, subject=None)
