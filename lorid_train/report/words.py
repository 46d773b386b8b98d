"""How numbers and systems are said to people. Points are percentage points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lorid_train.metrics.rows import Metric

Numbers = Mapping[tuple[str, str, str | None], Metric]
"""Metrics by (system, metric, slice)."""

_SYSTEMS = {
    "ir-greedy": "greedy IR",
    "ir-sampled": "a single sampled IR chain",
    "ks-greedy": "greedy KS: one adapter states the knowledge, then answers",
    "ks-sampled": "a single sampled KS chain",
    "ird-greedy": "greedy IRD: IR trained on stating the knowledge too",
    "ird-sampled": "a single sampled IRD chain",
    "cg-greedy": "greedy CG: the answer of its program",
    "cg-sampled": "a single sampled program of CG",
    "dr-gold-knowledge": "greedy DR with the dataset's knowledge",
    "dr-kg-knowledge": "greedy DR with KG's knowledge",
    "dr-empty-knowledge": "greedy DR without any knowledge",
    "dr-shuffled-knowledge": "greedy DR with the words of its knowledge in disorder",
    "dr-other-knowledge": "greedy DR with another question's knowledge",
    "dr-sampled": "a single sampled KG and DR chain",
    "early-stop-ir": "IR alone, stopped when an answer repeats",
    "oracle": "any right answer among the loop's draws (upper bound)",
}
VERDICTS = {"better": "better", "worse": "worse", "noise": "within noise", "few": "–"}
"""What `verdicts.ruling` says, in words; nothing where the questions are too few."""
UNKNOWN = "unknown"
"""An interval that could not be computed, or has no width."""
FEW = 10
"""A mean over fewer questions than that is said with their number."""
_POOLS = {"ir": "IR", "dr": "KG and DR", "both": "IR and DR together", "cg": "CG's programs"}
_RULES = {
    "cg-alone": "the first program of CG that gives an answer",
    "cg-repeat": "CG alone, stopped when a program gives an answer again",
    "cg-must-agree": "stopped when CG's program agrees with IR or DR in a round",
    "any-two": "stopped when two of IR, DR and CG agree in a round",
    "cg-votes": "weighed votes of IR, DR and CG, stopped when one answer is far enough ahead",
}


def numbers(metrics: Iterable[Metric]) -> Numbers:
    """Metrics by (system, metric, slice)."""
    return {(m.system, m.metric, m.slice): m for m in metrics}


def describe(system: str) -> str:
    """A system in words."""
    if system in _SYSTEMS:
        return _SYSTEMS[system]
    name, _, k = system.partition("@")
    if name == "lorid":
        return f"the interaction loop, at most {k} round{'s' if k != '1' else ''}"
    if name == "weighed":
        return f"the loop's votes, weighed: stopped where one is likely enough, at most {k} rounds"
    if name in _RULES:
        return f"{_RULES[name]}, at most {k} round{'s' if k != '1' else ''}"
    if name == "official":
        return f"the official rule on the same draws, at most {k} rounds"
    if name == "early-stop-ir":
        return f"IR alone, stopped when {k} answers are equal"
    if name.startswith("maj-"):
        return f"majority voting of {_POOLS[name[4:]]}, {k} round{'s' if k != '1' else ''}"
    return f"greedy DR with {system.removeprefix('dr-').replace('-', ' ')}"


def share(m: Metric | None, digits: int = 1, *, with_n: bool = True) -> str:
    """A fraction as a percentage; – where there is none.

    Its n stands behind it where it is over few, unless `with_n` says that it is beside it anyway.
    """
    if m is None or m.value is None:
        return "–"
    return f"{m.value * 100:.{digits}f} %{of_few(m.n) if with_n else ''}"


def of_few(n: int) -> str:
    """What stands behind a mean over n questions: their number where they are few."""
    return f" (n = {n})" if n < FEW else ""


def interval(m: Metric | None) -> str:
    """A fraction's interval in percent, without the sign; – where there is no fraction."""
    if m is None or m.value is None:
        return "–"
    if m.ci_low is None or m.ci_high is None or m.ci_low == m.ci_high:
        return UNKNOWN
    return f"{m.ci_low * 100:.1f}–{m.ci_high * 100:.1f}"


def percent_points(value: float) -> str:
    """A plain fraction as a percentage."""
    return f"{value * 100:.1f} %"


def points(value: float | None) -> str:
    """A signed difference in percentage points."""
    if value is None:
        return "–"
    rounded = round(value * 100, 1)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded):.1f}"


def points_interval(m: Metric) -> str:
    """The interval of a difference, in points."""
    if m.ci_low is None or m.ci_high is None or m.ci_low == m.ci_high:
        return f"interval {UNKNOWN}"
    return f"{points(m.ci_low)} to {points(m.ci_high)}"


def plain(m: Metric | None, digits: int = 1, *, with_n: bool = True) -> str:
    """A number that is no fraction (tokens, rounds), with n as `share` has it."""
    if m is None or m.value is None:
        return "–"
    return f"{m.value:,.{digits}f}{of_few(m.n) if with_n else ''}"


def p_value(p: float | None) -> str:
    """A p-value, never as zero."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def joined(parts: list[str], last: str = "and") -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
