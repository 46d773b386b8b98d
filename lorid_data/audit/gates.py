"""Rates over original questions, and the thresholds that a folder must meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lorid_data.audit.catalogue import BY_NAME, CHECKS
from lorid_data.audit.checks import OF_LANGUAGE
from lorid_data.audit.result import Counted, Gate, Rate
from lorid_data.errors import ConfigError, unknown_key
from lorid_data.intervals import wilson

DEFAULTS: Mapping[str, float] = {
    c.name: c.max_fraction for c in CHECKS if c.max_fraction is not None
}
"""The gates of a configuration that names none."""


def rates(counted: Counted) -> tuple[Rate, ...]:
    """How often each check found something, in the order of the checks, over the questions it applies to."""
    return tuple(
        _rate(
            name,
            counted.n_flagged.get(name, 0),
            counted.n_of_language if name in OF_LANGUAGE else counted.n_questions,
            counted.n_rows.get(name, 0),
            counted.n_rules.get(name, 0),
        )
        for name in BY_NAME
    )


def _rate(check: str, n_flagged: int, n: int, n_rows: int, n_rules: int) -> Rate:
    low, high = wilson(n_flagged, n)
    return Rate(
        check=check,
        n=n,
        n_flagged=n_flagged,
        fraction=n_flagged / n if n else 0.0,
        ci_low=low,
        ci_high=high,
        n_rows_flagged=n_rows,
        n_rules_flagged=n_rules,
    )


def thresholds(given: Mapping[str, float | None], where: str = "gates") -> dict[str, float]:
    """The defaults with what a configuration changes; None takes a gate away.

    Raises:
        ConfigError: an unknown check, or a threshold outside [0, 1]; with every problem.
    """
    problems = [unknown_key(name, BY_NAME, where) for name in given if name not in BY_NAME]
    problems += [
        f"{where}: {name}: {value!r} is no fraction; give one from 0 to 1, or null for no gate"
        for name, value in given.items()
        if value is not None and not 0 <= value <= 1
    ]
    if problems:
        raise ConfigError(*problems)
    merged = {**DEFAULTS, **given}
    return {name: merged[name] for name in BY_NAME if (merged.get(name)) is not None}  # type: ignore[misc]


def gates(
    rates_: Sequence[Rate], limits: Mapping[str, float], *, upper: bool = False
) -> tuple[Gate, ...]:
    """Each threshold against its rate.

    Args:
        rates_: of the folder.
        limits: by check, the highest fraction of original questions that may be flagged.
        upper: whether the upper end of the interval must meet it, not only the fraction seen.
    """
    by_check = {r.check: r for r in rates_}
    return tuple(_gate(by_check[name], limit, upper=upper) for name, limit in limits.items())


def _gate(rate: Rate, limit: float, *, upper: bool) -> Gate:
    if rate.n == 0 and rate.check in OF_LANGUAGE:
        return _not_applied(rate, limit)
    fraction = rate.ci_high if upper else rate.fraction
    met = fraction <= limit
    seen = f"{rate.n_flagged:,} of {rate.n:,} original questions ({rate.fraction:.2%}, 95 % interval {rate.ci_low:.2%} to {rate.ci_high:.2%})"
    compared = "the upper end of the interval" if upper else "the fraction"
    message = (
        f"{BY_NAME[rate.check].sentence} Found in {seen}; {compared} may be at most {limit:.2%}"
    )
    return Gate(
        check=rate.check,
        max_fraction=limit,
        fraction=fraction,
        n=rate.n,
        n_flagged=rate.n_flagged,
        met=met,
        message=message,
    )


def _not_applied(rate: Rate, limit: float) -> Gate:
    """Neither met nor failed: no word list covers the language of any row."""
    message = "Not applied: no word list covers the language of these rules"
    return Gate(
        check=rate.check,
        max_fraction=limit,
        fraction=0.0,
        n=0,
        n_flagged=0,
        met=None,
        message=message,
    )
