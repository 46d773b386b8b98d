"""The tables of the first experiments: who wins where, other rules, forgetting, others' numbers."""

from __future__ import annotations

from lorid_data.pages.table import Table, table
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.wins import SYSTEM, role_pair
from lorid_train.report.replays import FALLBACKS, RULES, label
from lorid_train.report.verdicts import fewest, ruling
from lorid_train.report.view import REPLAYED, EvaluationView
from lorid_train.report.words import (
    VERDICTS,
    describe,
    numbers,
    p_value,
    percent_points,
    plain,
    points,
    points_interval,
    share,
)


def rules(view: EvaluationView) -> Table:
    """What every rule and fallback would have given, at a few thresholds."""
    n, last = numbers(view.metrics), view.scored.rounds
    ts = [t for t in (*REPLAYED, last) if t <= last]
    ts = list(dict.fromkeys(ts))
    rows = []
    for rule in RULES:
        for fallback in FALLBACKS:
            cells = [n.get((f"lorid@{t}", "accuracy", label(rule, fallback))) for t in ts]
            agreed = n.get((f"lorid@{last}", "coverage", label(rule, fallback)))
            if any(c is not None for c in cells):
                rows.append([rule, fallback, *(share(c) for c in cells), share(agreed)])
    return table(
        ["Rule", "Fallback", *(f"t = {t}" for t in ts), f"Agreed by {last}"],
        rows,
        note="The same draws, decided anew. – where a rule needs draws that were not made.",
    )


def part_differences(view: EvaluationView) -> list[Metric]:
    """DR minus IR in each part of the questions."""
    return [m for m in view.metrics if m.system == SYSTEM and m.metric == "difference"]


_WON_BY = {"better": "System 2", "worse": "System 1"}


def wins(view: EvaluationView) -> Table:
    """Which questions System 1 and System 2 each win."""
    n, pair = numbers(view.metrics), role_pair(view.scored)
    rows, least = [], 0
    for m in part_differences(view):
        p = n[SYSTEM, "mcnemar_p_holm", m.slice]
        least = max(least, fewest(p))
        rows.append(
            [
                (m.slice or "").replace("_", " ").replace("=", " "),
                f"{m.n:,}",
                share(n.get((pair[0], "accuracy", m.slice)) if pair else None),
                share(n.get((pair[1], "accuracy", m.slice)) if pair else None),
                points(m.value),
                points_interval(m),
                share(n[SYSTEM, "only_ir_right", m.slice]),
                share(n[SYSTEM, "only_dr_right", m.slice]),
                share(n[SYSTEM, "both_right", m.slice]),
                share(n[SYSTEM, "neither_right", m.slice]),
                p_value(p.value),
                _WON_BY.get(ruling(m, p)) or VERDICTS[ruling(m, p)],
            ]
        )
    names = " and ".join(describe(s) for s in pair) if pair else ""
    return table(
        ["Questions", "n", "IR", "DR", "DR − IR", "95 % interval", "Only IR", "Only DR", "Both",
         "Neither", "p, Holm",
         "Won by"],
        rows,
        note=f"{names[:1].upper()}{names[1:]}. Exact McNemar test, Holm's adjustment over all rows; "
        f"of fewer than {least} questions it finds no difference, and the row has no verdict.",
        optional=("Only IR", "Only DR", "Both", "Neither"),
    )  # fmt: skip


def text_loss(view: EvaluationView) -> Table:
    """The forgetting check."""
    n = numbers(view.metrics)
    rows = []
    for m in view.metrics:
        if m.metric == "text_loss":
            added = n.get((m.system, "text_loss_added", "text"))
            span = "–" if added is None else f"{added.ci_low:+.4f} to {added.ci_high:+.4f}"
            more = "–" if added is None else f"{added.value:+.4f}"
            rows.append([m.system, plain(m, 4), more, span, f"{m.n:,}"])
    return table(
        ["Model", "Loss", "Above the base", "95 % interval", "Parts"],
        rows,
        note="Nats per token on the text of --text, in parts of equal length; lower is better. The "
        "interval resamples parts, paired with the base.",
    )


def targets(view: EvaluationView) -> Table:
    """What others reported on the same source."""
    sources = {r.source for r in view.records.values()}
    rows = [
        [t.dataset, t.model, t.method, percent_points(t.accuracy), t.source]
        for t in view.targets
        if t.dataset in sources
    ]
    return table(
        ["Dataset", "Model", "Method", "Accuracy", "Source"],
        rows,
        note="Reported, not ours: other hardware, other splits perhaps, other graders.",
    )
