"""The result table on a terminal, from `metrics.json` alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lorid_train.metrics.files import read_metrics
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.trained import warning
from lorid_train.report.findings import verdict
from lorid_train.report.words import (
    VERDICTS,
    interval,
    numbers,
    plain,
    points,
    points_interval,
    share,
)

READING = (
    "(better, worse: exact McNemar test below 0.05 after Holm's correction within each family of comparisons; "
    "an interval stands for itself alone)"
)


def headline(folder: Path) -> str:
    """Accuracy, interval and cost of every system, then what the paired comparisons say.

    Raises:
        InputError: the evaluation folder has no readable `metrics.json`.
    """
    metrics = read_metrics(folder / "metrics.json")
    n = numbers(metrics)
    systems = [m.system for m in metrics if m.metric == "no_answer" and m.slice is None]
    rows: list[tuple[str, ...]] = [("system", "accuracy", "95 % interval", "n", "tokens")]
    for s in systems:
        accuracy = n[s, "accuracy", None]
        tokens = plain(n.get((s, "tokens_per_problem", None)))
        rows.append((s, share(accuracy), interval(accuracy), f"{accuracy.n:,}", tokens))
    said = warning(metrics)
    lines = [*([said, ""] if said else []), _aligned(rows)]
    compared = [
        _compared(m, verdict(n, m.system, (m.slice or "").removeprefix("vs=")))
        for m in metrics
        if m.metric == "difference" and (m.slice or "").startswith("vs=")
    ]
    lines += [*compared, *([READING] if compared else [])]
    lines += [f"{m.system}: {m.method}" for m in metrics if m.method.startswith("left out")]
    return "\n".join(lines)


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], ""])


def _compared(m: Metric, found: str) -> str:
    pair = f"{m.system} − {(m.slice or '').removeprefix('vs=')}"
    return f"{pair:<34} {points(m.value):>6} points ({points_interval(m)}): {VERDICTS[found]}"
