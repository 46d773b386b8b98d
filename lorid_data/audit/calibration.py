"""Rules labelled one by one, and how often each check errs on them: shipped with the package.

The labels say of rules of the recorded teacher whether they are sound. The reader was a large language
model, before the checks had been run on these rules; no independent person has checked the labels.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal

from lorid_data.pages.page import packaged
from lorid_data.schema import FrozenModel

READER = (
    "Labelled one by one by one reader, a large language model, from the question, the solution and the whole list. "
    "No independent person has checked these labels."
)


class Label(FrozenModel):
    """What a reader says of one rule."""

    problem_id: str
    source: str
    rule_index: int
    rule: str
    drawn: Literal["random", "flagged"]
    """`random`: one rule of a list drawn at random, read before any check ran on it; `flagged`: read because a check had flagged it."""
    correct: bool
    """Whether it is right as a general statement."""
    instance: Literal["none", "topic", "instance"]
    """What it holds of its question: nothing, words of the topic, or names, numbers or results."""
    content: Literal["specific", "weak", "generic"]
    format: Literal["good", "bad"]
    duplicate: bool
    """Whether it says what another rule of its list says."""
    note: str = ""


@cache
def labels() -> tuple[Label, ...]:
    """All labels, in the order in which they were drawn."""
    lines = packaged("lorid_data.audit", "labels.jsonl").removesuffix("\n").split("\n")
    return tuple(Label.model_validate_json(line) for line in lines)


@cache
def calibration() -> dict[str, Any]:
    """False alarms on the labels and recall on planted defects, by check, as `benchmarks/audit.py` wrote them."""
    return dict(json.loads(packaged("lorid_data.audit", "calibration.json")))
