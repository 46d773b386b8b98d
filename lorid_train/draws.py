"""The rows of an evaluation folder: what was drawn, decided, scored and measured.

`draws.jsonl` is append-only, one `Draw` a line, and holds no gold answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from lorid_data.schema import Row


class DrawKey(NamedTuple):
    """What makes two draws the same draw."""

    problem_id: str
    role: str
    condition: str
    seed: int
    round: int


class Draw(Row):
    """One generation of one role for one problem."""

    problem_id: str
    role: str
    """ir, kg or dr."""
    condition: str
    """sampled, greedy, gold-knowledge, kg-knowledge, shuffled-knowledge, …: how it was asked."""
    seed: int
    """The evaluation's seed; the draw's own seed follows from the whole key."""
    round: int
    """1, 2, …; 1 for greedy conditions."""
    text: str
    """What the model wrote, without stop strings and special tokens."""
    finish_reason: str
    """stop or length."""
    n_prompt_tokens: int
    n_tokens: int
    """Generated tokens, the end token included."""
    prompt_sha256: str
    """sha256 of the exact prompt text."""

    @property
    def key(self) -> DrawKey:
        """What makes two draws the same draw."""
        return DrawKey(self.problem_id, self.role, self.condition, self.seed, self.round)


class How(StrEnum):
    """How a decision came about."""

    CONSENSUS = "consensus"
    FALLBACK = "fallback"
    NONE = "none"


class Decision(Row):
    """What the loop answers for one problem. Made without the gold answer."""

    answer: str | None
    """The answer's text, or none."""
    how: How
    round: int
    """The round of the consensus; the last round looked at where there was none."""


class Verdict(StrEnum):
    """What metrics says of an answer."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    UNGRADABLE = "ungradable"


class Outcome(Row):
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


class Metric(Row):
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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that a report reads of one evaluation folder, in memory."""

    draws: Mapping[DrawKey, Draw]
    problem_ids: tuple[str, ...]
    config: Mapping[str, Any]

    def texts(self, role: str, condition: str, seed: int) -> Iterable[Draw]:
        """The draws of one role and condition, in round order."""
        return sorted(
            (d for k, d in self.draws.items() if (k.role, k.condition, k.seed) == (role, condition, seed)),
            key=lambda d: (d.problem_id, d.round),
        )
