"""The tables of one evaluation, made once and written as HTML and as Markdown."""

from __future__ import annotations

from lorid_data.pages.table import Table, table
from lorid_train.metrics.comparisons import families
from lorid_train.metrics.summary import SLICES
from lorid_train.report.compared import chip
from lorid_train.report.verdicts import fewest, verdict
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import (
    describe,
    interval,
    numbers,
    p_value,
    plain,
    points,
    points_interval,
    share,
)


def systems(view: EvaluationView) -> Table:
    """Every system: accuracy with its interval, what was not answered, and the cost."""
    n = numbers(view.metrics)
    names = [*view.scored.outcomes, f"official@{view.scored.rounds}"]
    rows = []
    for s in names:
        accuracy = n.get((s, "accuracy", None))
        if accuracy is None or accuracy.value is None:
            continue
        rows.append(
            [
                s,
                describe(s),
                share(accuracy),
                interval(accuracy),
                f"{accuracy.n:,}",
                share(n.get((s, "no_answer", None))),
                share(n.get((s, "ungradable", None))),
                plain(n.get((s, "tokens_per_problem", None))),
            ]
        )
    head = [
        "System",
        "What it is",
        "Accuracy",
        "95 % interval",
        "n",
        "No answer",
        "Ungradable",
        "Tokens",
    ]
    notes = [*view.scored.notes.values()]
    return table(
        head,
        rows,
        note="Tokens: all generated tokens per question, failed rounds and knowledge included. "
        + "; ".join(notes),
        strong=[i for i, row in enumerate(rows) if row[0] == view.scored.headline],
        optional=("What it is", "n", "No answer", "Ungradable"),
    )


def comparisons(view: EvaluationView) -> Table:
    """The planned paired comparisons with their tests."""
    n = numbers(view.metrics)
    rows = []
    least = 0
    for pairs in families(view.scored).values():
        for first, second in pairs:
            least = max(least, fewest(n[first, "mcnemar_p_holm", f"vs={second}"]))
            key = f"vs={second}"
            difference = n[first, "difference", key]
            rows.append(
                [
                    f"{first} − {second}",
                    points(difference.value),
                    points_interval(difference),
                    share(n[first, "only_this_right", key]),
                    share(n[first, "only_other_right", key]),
                    p_value(n[first, "mcnemar_p", key].value),
                    p_value(n[first, "mcnemar_p_holm", key].value),
                    chip(verdict(n, first, second)),
                ]
            )
    head = ["Same questions", "Points", "95 % interval", "Only first right", "Only second right"]
    return table(
        [*head, "p", "p, Holm", "Verdict"],
        rows,
        note="Exact McNemar test on the questions that only one system gets right; Holm's adjustment "
        "within each family of comparisons; paired bootstrap interval. A verdict needs an adjusted p "
        f"below 0.05{_or_more(least)}.",
        optional=("Only first right", "Only second right", "p"),
    )


def _or_more(least: int) -> str:
    return (
        f" and at least {least} questions, with fewer of which the test can find none"
        if least
        else ""
    )


def slices(view: EvaluationView, key: str) -> Table:
    """Accuracy by one property of the questions."""
    n, scored = numbers(view.metrics), view.scored
    rivals = [s for s in scored.outcomes if s.startswith("maj-")]
    # One system per role: with more of them the table would not fit a page.
    ir, dr = (
        next((s for s in names if s in scored.outcomes), "")
        for names in (("ir-greedy", "ir-sampled"), ("dr-kg-knowledge", "dr-sampled"))
    )
    shown = [s for s in (ir, dr, scored.headline, *rivals) if s in scored.outcomes]
    values = list(
        dict.fromkeys(m.slice for m in view.metrics if m.slice and m.slice.startswith(f"{key}="))
    )
    rows = []
    for label in values:
        found = {s: n.get((s, "accuracy", label)) for s in shown}
        count = next((m.n for m in found.values() if m is not None), 0)
        cells = [f"{share(m)} [{interval(m)}]" if m is not None else "–" for m in found.values()]
        rows.append([label.partition("=")[2], f"{count:,}", *cells])
    return table(
        [key.replace("_", " "), "n", *shown],
        rows,
        note="No cell is tested against another: intervals that overlap show no difference."
        if rows
        else "",
    )


def sliced_by(view: EvaluationView) -> list[str]:
    """The properties that the questions differ in."""
    return [k for k in SLICES if any((m.slice or "").startswith(f"{k}=") for m in view.metrics)]


def graders(view: EvaluationView) -> Table:
    """The headline's sensitivity to the grader."""
    n = numbers(view.metrics)
    names = list(
        dict.fromkeys(m.slice for m in view.metrics if (m.slice or "").startswith("grader="))
    )
    rows = [
        [s, share(n.get((s, "accuracy", None))), *(share(n.get((s, "accuracy", g))) for g in names)]
        for s in view.scored.outcomes
    ]
    return table(
        ["System", "Ours", *((g or "").partition("=")[2] for g in names)],
        rows,
        note="The same answers under other graders; how answers were chosen does not change.",
    )


def grading(view: EvaluationView) -> Table:
    """What became of the comparisons of distinct answers with gold answers."""
    n = numbers(view.metrics)
    names = ("equal", "different", "unparsed", "timeout")
    found = [n["grader", m, None] for m in names]
    return table(
        ["Comparisons", *(m.capitalize() for m in names)],
        [[f"{found[0].n:,}", *(share(m, 2) for m in found)]],
        note="Distinct answers of each question against its gold answer. Unparsed and timeout are "
        "shown as ungradable, apart from wrong.",
    )


def knowledge(view: EvaluationView) -> Table:
    """The knowledge ablation: DR with each knowledge, against the best-informed one."""
    n = numbers(view.metrics)
    pairs = families(view.scored)["knowledge"]
    rows = []
    for first, second in pairs:
        key = f"vs={second}"
        rows.append(
            [
                second,
                describe(second),
                share(n[second, "accuracy", None]),
                interval(n[second, "accuracy", None]),
                points(n[first, "difference", key].value),
                points_interval(n[first, "difference", key]),
                p_value(n[first, "mcnemar_p_holm", key].value),
                chip(verdict(n, first, second)),
            ]
        )
    first = pairs[0].first if pairs else ""
    return table(
        ["System", "What it is", "Accuracy", "95 % interval", f"{first} above it", "Interval",
         "p, Holm", f"{first} is"],
        rows,
        note=f"{first}: {share(n[first, 'accuracy', None])}." if first else "",
    )  # fmt: skip
