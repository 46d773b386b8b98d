"""The tables over several evaluations: side by side, paired, and what each was asked to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lorid_data.pages.table import Table, table
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.systems import kind
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import (
    interval,
    numbers,
    share,
)


def left_out(views: Sequence[EvaluationView]) -> Table:
    """Systems without a result, and why."""
    rows = [
        [name, view.name, reason] for view in views for name, reason in view.scored.left_out.items()
    ]
    return table(["Left out", "Run", "Why"], rows)


def by_kind(view: EvaluationView) -> dict[str, Metric]:
    """The accuracy of each system, majorities under `maj-…@K` whatever their K is."""
    n = numbers(view.metrics)
    return {kind(s): n[s, "accuracy", None] for s in view.scored.outcomes}


def side_by_side(views: Sequence[EvaluationView]) -> Table:
    """Accuracies of several runs, one column each."""
    of = [by_kind(v) for v in views]
    names = list(dict.fromkeys(s for n in of for s in n))
    rows = []
    for s in names:
        found = [n.get(s) for n in of]
        rows.append(
            [
                s,
                *(
                    f"{share(m)} [{interval(m)}]" if m and m.value is not None else "–"
                    for m in found
                ),
            ]
        )
    tops = {v.scored.headline for v in views}
    return table(
        ["System", *(v.name for v in views)],
        rows,
        note="Accuracy with its 95 % interval, in percent. K is matched on tokens in each run: "
        + "; ".join(
            f"{v.name}: {', '.join(s for s in v.scored.outcomes if s.startswith('maj-')) or 'none'}"
            for v in views
        )
        + ".",
        strong=[i for i, s in enumerate(names) if s in tops],
    )


def settings(views: Sequence[EvaluationView]) -> Table:
    """What each run was asked to do."""
    flat = [flatten(v.settings) for v in views]
    keys = list(dict.fromkeys(k for f in flat for k in f))
    return table(
        ["Setting", *(v.name for v in views)], [[k, *(f.get(k, "–") for f in flat)] for k in keys]
    )


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted keys."""
    found: dict[str, str] = {}
    for key, v in value.items():
        name = f"{prefix}{key}"
        if isinstance(v, Mapping):
            found |= flatten(v, f"{name}.")
        elif isinstance(v, list | tuple):
            found[name] = ", ".join(map(str, v))
        else:
            found[name] = "none" if v is None else str(v)
    return found
