"""The result table on a terminal, from `metrics.json` alone."""

from __future__ import annotations

from pathlib import Path

from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.pages.table import aligned, table
from lorid_train.metrics.files import read_metrics
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.trained import warning
from lorid_train.report.findings import never_agree
from lorid_train.report.verdicts import fewest, ruling
from lorid_train.report.words import (
    VERDICTS,
    Numbers,
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
    lines = [*([said, ""] if said else []), aligned(table(rows[0], rows[1:])), ""]
    compared = [
        (m, n[m.system, "mcnemar_p_holm", m.slice])
        for m in metrics
        if m.metric == "difference" and (m.slice or "").startswith("vs=")
    ]
    lines += [_compared(m, ruling(m, p)) for m, p in compared]
    lines += [READING] if compared else []
    few = max((fewest(p) for m, p in compared if ruling(m, p) == "few"), default=0)
    if few:
        lines.append(
            f"(–: fewer than {few} questions, of which the exact test finds no difference, however large)"
        )
    lines += _without_consensus(folder, n)
    lines += [f"{m.system}: {m.method}" for m in metrics if m.method.startswith("left out")]
    return "\n".join(lines)


def _without_consensus(folder: Path, n: Numbers) -> list[str]:
    """The loop that never agrees, named as what it is; how many of its answers are withheld."""
    tops = [s for s, metric, label in n if metric == "mean_rounds" and s.startswith("lorid@")]
    top = max(tops, key=lambda s: int(s.partition("@")[2]), default="")
    coverage, held = (n.get((top, metric, None)) for metric in ("coverage", "withheld"))
    said = [] if held is None else [f"{top} withholds its answer to {share(held, with_n=False)} of {held.n:,} questions"]  # fmt: skip
    if coverage is None or coverage.value != 0:
        return said
    manifest = read_manifest(folder).identity if (folder / MANIFEST).is_file() else {}
    return [never_agree(top, manifest, n), *said]


def _compared(m: Metric, found: str) -> str:
    pair = f"{m.system} − {(m.slice or '').removeprefix('vs=')}"
    return f"{pair:<34} {points(m.value):>6} points ({points_interval(m)}): {VERDICTS[found]}"
