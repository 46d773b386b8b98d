"""How far the cells, and those of one world, lie apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lorid_train.metrics.rows import Metric
from lorid_train.study_report.cells import Cell


def spread(cells: Sequence[Cell], found: Iterable[Metric]) -> list[Metric]:
    """Of every difference that several cells have: the smallest and largest, and the spread in a world.

    `difference_over_cells` is the mean of the cells' differences with the smallest and the
    largest as its ends. `sd_within_world` is the standard deviation between the cells of a world
    (other bases, other seeds), pooled over the worlds that have several: Σ over worlds of squared
    deviations from the world's mean, over the degrees of freedom (cells − 1, summed).
    """
    by: dict[tuple[str, str], dict[str, float]] = {}
    # The longest name first: a name may be the beginning of another.
    of_cell = {f"cell={c.name}": c for c in sorted(cells, key=lambda c: -len(c.name))}
    for m in found:
        if m.metric != "difference" or m.value is None or not m.slice:
            continue
        for label, cell in of_cell.items():
            before, here, after = m.slice.partition(f",{label}")
            if here and (not after or after.startswith(",")):
                by.setdefault((m.system, before + after), {})[cell.name] = m.value
                break
    made = []
    for (system, label), values in by.items():
        if len(values) > 1:
            made += _of_one(system, label, values, cells)
    return made


def _of_one(
    system: str, label: str, values: dict[str, float], cells: Sequence[Cell]
) -> list[Metric]:
    n = len(values)
    over = Metric(
        system=system, metric="difference_over_cells", value=math.fsum(values.values()) / n, n=n,
        ci_low=min(values.values()), ci_high=max(values.values()),
        method="smallest and largest cell", slice=label,
    )  # fmt: skip
    worlds: dict[str, list[float]] = {}
    for cell in cells:
        if cell.name in values:
            worlds.setdefault(cell.world, []).append(values[cell.name])
    freedom = sum(len(of) - 1 for of in worlds.values())
    if not freedom:
        return [over]
    squares = math.fsum(
        (x - math.fsum(of) / len(of)) ** 2 for of in worlds.values() for x in of
    )  # fmt: skip
    sd = Metric(
        system=system, metric="sd_within_world", value=math.sqrt(squares / freedom), n=freedom,
        method="between the cells of a world, pooled", slice=label,
    )  # fmt: skip
    return [over, sd]
