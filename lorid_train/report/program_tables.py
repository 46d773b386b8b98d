"""The tables about programs: what became of them, how long they took, and who agrees with them."""

from __future__ import annotations

from lorid_data.pages.table import Table, table
from lorid_train.metrics.programs import FAILURES, PAIRS, SYSTEM
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import interval, numbers, share

_FAILED = {
    "unparsable": "are no program",
    "error": "raise an error, or use what the sandbox does not have",
    "limit": "ran into a limit of time, memory, recursion or output",
    "crashed": "crashed the sandbox",
    "no_answer": "leave no number and no text in `answer`",
}


def programs(view: EvaluationView) -> Table:
    """Shares of all programs that were drawn, and how often those that ran are right; empty without programs."""
    n = numbers(view.metrics)
    rows = []
    for said, key in (
        ("run and give an answer", ("runs", None)),
        ("run and keep to their question", ("grounded", None)),
        *((_FAILED[f], ("failed", f"status={f}")) for f in FAILURES),
        ("of those that run: are right", ("accuracy", None)),
        ("of those that keep to their question: are right", ("accuracy", "grounded=yes")),
        ("of the others that run: are right", ("accuracy", "grounded=no")),
    ):
        found = n.get((SYSTEM, *key))
        if found is not None and found.value is not None:
            rows.append([said, share(found), interval(found)])
    return table(["Programs that", "Share", "95 % interval"], rows, note=times(view))


def times(view: EvaluationView) -> str:
    """How long programs took; empty where nobody noted it."""
    t = view.executed
    if t is None:
        return ""
    part = f", {t.total_s / view.draw_s:.1%} of the time of drawing" if view.draw_s else ""
    return (
        f"{t.n:,} programs: {t.median_ms:.2f} ms each (median), {t.p99_ms:.2f} ms for 99 in 100, "
        f"{t.total_s:.1f} s in all{part}."
    )


def agreements(view: EvaluationView) -> Table:
    """How often answers of a round agree, and are right where they do; empty without programs."""
    n = numbers(view.metrics)
    rows = []
    for roles in PAIRS:
        name = "+".join(roles)
        found = [n.get((name, m, None)) for m in ("coverage", "precision")]
        if found[0] is not None and found[0].value is not None:
            who = " and ".join(r.upper() for r in roles)
            rows.append([who, share(found[0]), share(found[1]), interval(found[1])])
    return table(["Agree in a round", "How often", "Right where they do", "95 % interval"], rows)
