"""How a study's systems and numbers are said to people."""

from __future__ import annotations

from lorid_train.metrics.rows import Metric
from lorid_train.report import words
from lorid_train.report.words import interval, plain, points, points_interval, share

_SYSTEMS = {
    "ird-greedy": "greedy IR that was trained on the definitions too",
    "ks-greedy": "one adapter, greedy: it states the knowledge, then solves",
    "dr-other-knowledge": "greedy DR with another group's knowledge",
    "ir-sampled": "one sampled IR draw",
    "dr-sampled": "one sampled draw of KG and DR",
    "stopping-rule": "the loop, stopped by weighed votes",
    "router": "two draws of KG and DR; IR where they disagree",
    "router-dr": "two draws of KG and DR; a third where they disagree",
    "loop-round": "how early the loop agreed",
    "ir-share": "share of IR's votes",
    "dr-share": "share of the votes of KG and DR",
    "both-share": "share of all votes",
}


def describe(system: str) -> str:
    """A system in words."""
    if system in _SYSTEMS:
        return _SYSTEMS[system]
    name, _, k = system.partition("@")
    if name in ("lorid-ir", "lorid-dr"):
        return f"the loop, at most {_rounds(k)}, falling back on {name[6:].upper()}"
    if name == "early-stop-ir":
        return f"IR against itself, at most {_rounds(k)} of two draws"
    return words.describe(system)


def _rounds(k: str) -> str:
    return f"{k} round{'' if k == '1' else 's'}"


def with_interval(m: Metric | None) -> str:
    """A fraction and its interval, in percent: 93.7 % [91.2–95.4]."""
    return "–" if m is None or m.value is None else f"{share(m)} [{interval(m)}]"


def difference(m: Metric) -> str:
    """A difference with its interval, in points: +2.5 points (−0.4 to +5.1)."""
    return f"{points(m.value)} points ({points_interval(m)})"


def tokens(m: Metric | None) -> str:
    """A difference of tokens with its interval."""
    if m is None or m.value is None or m.ci_low is None or m.ci_high is None:
        return "–"
    return f"{_signed(m.value)} [{_signed(m.ci_low)} to {_signed(m.ci_high)}]"


def _signed(value: float) -> str:
    rounded = round(value, 1)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded):,.1f}"


__all__ = [
    "describe",
    "difference",
    "interval",
    "plain",
    "points",
    "points_interval",
    "share",
    "tokens",
    "with_interval",
]
