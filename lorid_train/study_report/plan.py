"""Which draws every cell has, and so which systems can be scored and with how many rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lorid_train.study_report.problems import Asked
from lorid_train.study_report.reading import CellDraws

MOST_ROUNDS = 20
"""T where enough rounds were drawn."""
SINGLE = (
    "ir-greedy", "ird-greedy", "ks-greedy", "dr-kg-knowledge", "dr-gold-knowledge", "dr-other-knowledge",
)  # fmt: skip
"""Systems of one greedy draw."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The rounds that the study uses, the same in all cells that have them."""

    rounds: int
    """T; 0 where no cell has both sides."""
    n_ir: int
    """Draws of IR per problem."""
    n_dr: int
    """Draws of KG and DR per problem."""
    has: Mapping[str, tuple[bool, ...]]
    """Per kind of draws (a single system, `ir`, `dr`, `loop`), the cells that have them."""
    missing: Mapping[str, tuple[str, ...]]
    """Per kind, why a cell has not; '' where it has."""

    @property
    def thresholds(self) -> tuple[int, ...]:
        """The t at which the loop is shown."""
        return tuple(sorted({t for t in (1, 3, 5) if t < self.rounds} | {self.rounds}))

    @property
    def n_early(self) -> int:
        """Rounds of IR against itself: two draws each."""
        return min(self.rounds, self.n_ir // 2)


def common(problems: Sequence[Asked]) -> tuple[int, int]:
    """How many draws of IR, and of KG and DR, every problem has."""
    return (
        min((len(p.ir.clusters) for p in problems), default=0),
        min((len(p.dr.clusters) for p in problems), default=0),
    )


def plan(cells: Sequence[CellDraws]) -> Plan:
    """What can be scored from the test draws of these cells."""
    counts = [common(c.test) for c in cells]
    rounds = min(MOST_ROUNDS, max(min(both) for both in counts))
    least = max(1, rounds)
    missing: dict[str, tuple[str, ...]] = {
        name: tuple(_lacks(c.test, name) for c in cells) for name in SINGLE
    }
    sides = {
        side: tuple(_short(of[i], least, name) for of in counts)
        for i, (side, name) in enumerate((("ir", "IR"), ("dr", "KG and DR")))
    }
    missing |= sides
    missing["loop"] = tuple(a or b for a, b in zip(sides["ir"], sides["dr"], strict=True))
    n_ir, n_dr = (
        min((of[i] for of in counts if of[i] >= least), default=0) for i in (0, 1)
    )  # fmt: skip
    has = {kind: tuple(not why for why in of) for kind, of in missing.items()}
    return Plan(rounds, n_ir, n_dr, has, missing)


def _lacks(problems: Sequence[Asked], name: str) -> str:
    n = sum(name not in p.single for p in problems)
    return f"its draw is missing for {n:,} of {len(problems):,} problems" if n else ""


def _short(n: int, least: int, side: str) -> str:
    if n >= least:
        return ""
    return f"{n} sampled rounds of {side} are stored for every problem, {least} are needed"
