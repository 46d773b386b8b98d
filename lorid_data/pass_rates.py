"""How hard a question is: how often somebody answered it rightly; and which band of that is wanted. Pure.

A difficulty is never a property of the question alone: it says who was asked, and how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Judged = Literal["inside", "outside", "unknown"]


class PassRate(BaseModel):
    """How often one role, played by certain adapters, answered one question rightly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    judge_sha256: str
    """Of everything that decides what is drawn: adapters, base model, format, sampling."""
    adapters_sha256: tuple[str, ...]
    """The role's adapter; behind DR's, that of the KG whose knowledge it read."""
    n_draws: int = Field(ge=1)
    """Sampled draws that could be graded."""
    n_right: int = Field(ge=0)
    pass_rate: float = Field(ge=0, le=1)
    """n_right / n_draws."""
    ci_low: float = Field(ge=0, le=1)
    ci_high: float = Field(ge=0, le=1)
    """95 % of the posterior Beta(1 + n_right, 1 + n_draws - n_right)."""
    agreement: float = Field(ge=0, le=1)
    """Share of the draws that give the answer which is given most often, right or wrong."""

    @property
    def expected(self) -> float:
        """The posterior mean, never 0 or 1: what a weight is made of."""
        return (self.n_right + 1) / (self.n_draws + 2)


def _ordered(band: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= band[0] <= band[1] <= 1:
        msg = f"[{band[0]:g}, {band[1]:g}] is no band; give two pass rates from 0 to 1, the smaller one first"
        raise ValueError(msg)
    return band


def _of_numbers(given: Any) -> Any:
    if isinstance(given, list | tuple) and any(isinstance(rate, bool) for rate in given):
        msg = f"{list(given)} is no band; give two numbers"
        raise ValueError(msg)
    return given


Band = Annotated[tuple[float, float], BeforeValidator(_of_numbers), AfterValidator(_ordered)]
"""Two pass rates, both ends included."""


def rate_of(
    rates: Sequence[PassRate] | None, role: str, judge_sha256: str | None = None
) -> PassRate | None:
    """What one role made of a question; None where it was not asked.

    Args:
        rates: a record's `difficulty`.
        role: who judges.
        judge_sha256: the beginning of the hash of the one that is meant, where the role was played by several.

    Raises:
        ValueError: several played the role, and none of them, or more than one, is meant.
    """
    found = [r for r in rates or () if r.role == role]
    if judge_sha256 is not None:
        found = [r for r in found if r.judge_sha256.startswith(judge_sha256)]
    if len(found) > 1:
        some = ", ".join(sorted(r.judge_sha256[:12] for r in found))
        msg = f"{len(found)} adapters or samplings of the role {role!r} were asked ({some}); name one of them"
        raise ValueError(msg)
    return found[0] if found else None


def judged(rate: PassRate | None, band: tuple[float, float]) -> Judged:
    """Whether a pass rate lies in a band, ends included; unknown where nobody was asked."""
    if rate is None:
        return "unknown"
    return "inside" if band[0] <= rate.pass_rate <= band[1] else "outside"
