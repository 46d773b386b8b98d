"""The rows that scoring writes: a system's answer to a problem, scored, and one number of `metrics.json`."""

from __future__ import annotations

from enum import StrEnum

from lorid_data.schema import FrozenModel


class Verdict(StrEnum):
    """What metrics says of an answer."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    UNGRADABLE = "ungradable"


class Outcome(FrozenModel):
    """A system's answer to one problem, scored; a row of `outcomes.parquet`."""

    system: str
    problem_id: str
    seed: int
    answer: str | None
    verdict: str
    how: str
    round: int
    n_tokens: int
    """All generated tokens that this answer cost (IR + KG + DR, failed rounds included)."""
    subject: str | None = None
    level: str | None = None
    probability: float | None = None
    """That the answer is right, as a fitted rule sees it; of an answer that was withheld, too."""


class Metric(FrozenModel):
    """One number of `metrics.json`; fractions, never percentages."""

    system: str
    metric: str
    value: float | None
    n: int
    ci_low: float | None = None
    ci_high: float | None = None
    method: str
    """How value and interval were computed: wilson, paired-bootstrap, mean, count, …"""
    slice: str | None = None
    """`subject=algebra`, `level=3`, `vs=ir-greedy`, …; none means all."""
