"""The report's tables, made once and written as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lorid_data.pages import Table, table
from lorid_train.draws import How, Verdict
from lorid_train.metrics import families
from lorid_train.metrics.curves import CURVE
from lorid_train.metrics.summary import SLICES
from lorid_train.report.findings import verdict
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import (
    VERDICTS,
    describe,
    interval,
    numbers,
    p_value,
    plain,
    points,
    points_interval,
    share,
)

LISTED = 50
"""Questions that a named list shows."""


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
    )


def left_out(views: Sequence[EvaluationView]) -> Table:
    """Systems without a result, and why."""
    rows = [
        [name, view.name, reason] for view in views for name, reason in view.scored.left_out.items()
    ]
    return table(["Left out", "Run", "Why"], rows)


def side_by_side(views: Sequence[EvaluationView]) -> Table:
    """Accuracies of several runs, one column each."""
    of = [numbers(v.metrics) for v in views]
    names = list(dict.fromkeys(s for v in views for s in v.scored.outcomes))
    rows = []
    for s in names:
        found = [n.get((s, "accuracy", None)) for n in of]
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
        note="Accuracy with its 95 % interval, in percent. Runs are not compared by a test here.",
        strong=[i for i, s in enumerate(names) if s in tops],
    )


def comparisons(view: EvaluationView) -> Table:
    """The planned paired comparisons with their tests."""
    n = numbers(view.metrics)
    rows = []
    for pairs in families(view.scored).values():
        for first, second in pairs:
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
                    VERDICTS[verdict(n, first, second)],
                ]
            )
    head = ["Same questions", "Points", "95 % interval", "Only first right", "Only second right"]
    return table(
        [*head, "p", "p, Holm", "Verdict"],
        rows,
        note="Exact McNemar test on the questions that only one system gets right; Holm's adjustment "
        "within each family of planned comparisons; paired bootstrap interval. A verdict needs an "
        "adjusted p below 0.05.",
    )


def thresholds(view: EvaluationView) -> Table:
    """The loop at every t: accuracy and cost."""
    n = numbers(view.metrics)
    rows = []
    for t in range(1, view.scored.rounds + 1):
        accuracy = n.get((f"lorid@{t}", "accuracy", CURVE))
        if accuracy is not None:
            tokens = n.get((f"lorid@{t}", "tokens_per_problem", CURVE))
            rows.append([str(t), share(accuracy), interval(accuracy), plain(tokens, 0)])
    return table(["t", "Accuracy", "95 % interval", "Tokens"], rows)


def consensus(view: EvaluationView) -> Table:
    """The loop at every t: how often it agrees, and how often that is right."""
    n = numbers(view.metrics)
    rows = []
    for t in range(1, view.scored.rounds + 1):
        agreed = n.get((f"lorid@{t}", "coverage", CURVE))
        if agreed is not None:
            right = n.get((f"lorid@{t}", "consensus_precision", CURVE))
            rows.append([str(t), share(agreed), share(right), interval(right)])
    return table(["t", "Agreed", "Right", "95 % interval"], rows)


def stopping(view: EvaluationView) -> Table:
    """Where the loop stops, and how right it is there."""
    n, top = numbers(view.metrics), view.scored.headline
    rows = []
    for r in range(1, view.scored.rounds + 1):
        stopped = n.get((top, "stopped", f"round={r}"))
        right = n.get((top, "consensus_precision", f"round={r}"))
        if stopped is not None and right is not None and right.n:
            rows.append([str(r), f"{right.n:,}", share(stopped), share(right), interval(right)])
    rest = n.get((top, "accuracy_without_consensus", None))
    coverage = n.get((top, "coverage", None))
    if rest is not None and rest.n and coverage is not None and coverage.value is not None:
        rows.append(
            [
                "none",
                f"{rest.n:,}",
                f"{(1 - coverage.value) * 100:.1f} %",
                share(rest),
                interval(rest),
            ]
        )
    return table(["Round", "Questions", "Share", "Right", "95 % interval"], rows)


def two_by_two(view: EvaluationView) -> Table:
    """Which questions IR and DR each get right."""
    n = numbers(view.metrics)
    rows = []
    for label, name in (("greedy", "greedy, KG's knowledge"), ("round=1", "sampled, round 1")):
        cells = [
            n.get(("ir-and-dr", m, label))
            for m in ("both_right", "only_ir_right", "only_dr_right", "neither_right")
        ]
        if cells[0] is not None:
            rows.append(
                [name, *(share(c) for c in cells), plain(n.get(("ir-and-dr", "kappa", label)), 2)]
            )
    return table(
        ["IR and DR", "Both right", "Only IR", "Only DR", "Neither", "κ"],
        rows,
        note="κ is 1 where the two are right and wrong together, 0 where they are so by chance.",
    )


def slices(view: EvaluationView, key: str) -> Table:
    """Accuracy by one property of the questions."""
    n, scored = numbers(view.metrics), view.scored
    rivals = [s for s in scored.outcomes if s.startswith("maj-")]
    shown = [
        s
        for s in (
            "ir-greedy",
            "dr-kg-knowledge",
            "ir-sampled",
            "dr-sampled",
            scored.headline,
            *rivals,
        )
        if s in scored.outcomes
    ]
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
        note="Cells of fewer than 50 questions carry no claim." if rows else "",
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


def named_list(view: EvaluationView, which: str) -> Table:
    """Questions by name: `no_consensus`, or `false_consensus` (agreed on a wrong answer)."""
    rows = view.scored.outcomes.get(view.scored.headline, [])
    if which == "no_consensus":
        chosen = [o for o in rows if o.how != How.CONSENSUS]
    else:
        chosen = [o for o in rows if o.how == How.CONSENSUS and o.verdict == Verdict.WRONG]
    cells = [
        [
            o.problem_id[:12],
            _short(view.records[o.problem_id].question, 110),
            _short(o.answer or "none", 24),
            _short(view.records[o.problem_id].answer, 24),
            str(o.round),
        ]
        for o in chosen[:LISTED]
    ]
    note = f"{len(chosen):,} in all"
    if len(chosen) > LISTED:
        note += f"; the first {LISTED} are listed, the filter of the question table shows the rest"
    return table(["Problem", "Question", "Answer", "Gold", "Round"], cells, note=note + ".")


def _short(text: str, n: int) -> str:
    one_line = " ".join(text[: 4 * n].split())
    return one_line if len(one_line) <= n else one_line[: n - 1] + "…"
