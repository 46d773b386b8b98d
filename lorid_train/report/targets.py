"""Numbers that others have reported, shown beside ours and never mixed with them.

A target is one line: `DATASET | MODEL | METHOD | ACCURACY | SOURCE`, the accuracy a fraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lorid_data.errors import ConfigError


class Target(NamedTuple):
    """One reported accuracy."""

    dataset: str
    """The source that it was measured on: gsm8k, math, …"""
    model: str
    method: str
    accuracy: float
    """A fraction in [0, 1]."""
    source: str
    """Who reported it, and where."""


def parse(lines: Sequence[str]) -> tuple[Target, ...]:
    """The targets of a configuration.

    Raises:
        ConfigError: with one sentence per line that is none.
    """
    found, problems = [], []
    for line in lines:
        target = _target([part.strip() for part in line.split("|")])
        if target is None:
            problems.append(
                f"targets: {line!r} is not DATASET | MODEL | METHOD | ACCURACY | SOURCE with an "
                "accuracy between 0 and 1"
            )
        else:
            found.append(target)
    if problems:
        raise ConfigError(*problems)
    return tuple(found)


def _target(parts: Sequence[str]) -> Target | None:
    if len(parts) != 5 or not all(parts):
        return None
    dataset, model, method, accuracy, source = parts
    try:
        value = float(accuracy)
    except ValueError:
        return None
    return Target(dataset, model, method, value, source) if 0 <= value <= 1 else None
