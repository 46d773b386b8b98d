"""The planned comparisons, fixed before any number is seen; see `docs/experiments.md`."""

from __future__ import annotations

from typing import Literal, NamedTuple

MARGIN = 0.01
"""What counts as no advantage, and as not worse: one point of accuracy."""
ALPHA = 0.05
"""A claim needs an adjusted p below it."""

Kind = Literal["beats", "no-advantage"]


class Claim(NamedTuple):
    """A comparison with what is claimed of it. Systems are keys: T and K are filled in later."""

    first: str
    second: str
    sentence: str
    """The claim, as a clause that can follow a verdict and a colon."""
    kind: Kind = "beats"


CLAIMS = (
    Claim("dr-kg-knowledge", "ir-greedy", "stating the knowledge first (KG, then DR) beats answering at once (IR)"),
    Claim("lorid-ir@T", "dr-kg-knowledge", "the loop that falls back on IR has no advantage over KG and DR alone", "no-advantage"),
    Claim("lorid-dr@T", "dr-kg-knowledge", "the loop that falls back on DR has no advantage over KG and DR alone", "no-advantage"),
    Claim("lorid-ir@T", "maj-ir@K", "the loop that falls back on IR beats a majority of IR at equal tokens"),
    Claim("lorid-dr@T", "maj-ir@K", "the loop that falls back on DR beats a majority of IR at equal tokens"),
    Claim("lorid-ir@T", "early-stop-ir@T", "agreement of two systems beats agreement of IR with itself (fallback IR)"),
    Claim("lorid-dr@T", "early-stop-ir@T", "agreement of two systems beats agreement of IR with itself (fallback DR)"),
    Claim("maj-dr@K", "lorid-ir@T", "a majority of KG and DR beats the loop that falls back on IR, at equal tokens"),
    Claim("maj-dr@K", "lorid-dr@T", "a majority of KG and DR beats the loop that falls back on DR, at equal tokens"),
    Claim("dr-kg-knowledge", "ks-greedy", "two adapters (KG, DR) beat one that states the knowledge and then solves"),
    Claim("ks-greedy", "ir-greedy", "one adapter that states the knowledge and then solves beats IR"),
    Claim("ird-greedy", "ir-greedy", "having been trained on the definitions helps IR"),
    Claim("dr-kg-knowledge", "ird-greedy", "stating the definition helps beyond having been trained on it"),
    Claim("dr-gold-knowledge", "dr-kg-knowledge", "the gold knowledge is better than KG's"),
    Claim("dr-gold-knowledge", "dr-other-knowledge", "DR uses the knowledge that it reads"),
)  # fmt: skip
"""One family over the seen problems; the frequencies of each are a family of their own."""

SIGN = CLAIMS[0]
SIGN_AT = ("frequency=1", "frequency=2")
"""Where the pilot saw the sign of `SIGN`."""


class Comparison(NamedTuple):
    """A comparison that a decision is judged by."""

    decision: str
    first: str
    second: str


DECIDED = (
    Comparison("a", "lorid-dr@T", "lorid-ir@T"),
    Comparison("b", "stopping-rule", "lorid-dr@T"),
    Comparison("c", "router", "lorid-dr@T"),
)
"""One family; accuracy over the seen problems. Of (b) and (c) tokens too."""
BESIDE = (
    Comparison("c", "router", "dr-kg-knowledge"),
    Comparison("c", "router", "router-dr"),
)
"""Shown beside; not adjusted."""
