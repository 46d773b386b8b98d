"""The report's charts."""

from __future__ import annotations

from collections.abc import Sequence

from lorid_data.pages.charts import Estimate, Row, bar_chart, interval_chart
from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.scale import percent
from lorid_data.pages.svg import both
from lorid_train.metrics.curves import CURVE
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.wins import SYSTEM
from lorid_train.report.question_tables import part_differences
from lorid_train.report.run_tables import by_kind
from lorid_train.report.verdicts import ruling
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import Numbers, numbers


def accuracies(views: Sequence[EvaluationView], only: Sequence[str] | None = None) -> str:
    """Accuracy of every system, or of those named, with its interval, one series per run."""
    tops = {v.scored.headline for v in views}
    if len(views) > 1:
        of = [by_kind(v) for v in views]
    else:
        n = numbers(views[0].metrics)
        of = [{s: n[s, "accuracy", None] for s in views[0].scored.outcomes}]
    names = dict.fromkeys(s for found in of for s in found)
    rows = []
    for s in names if only is None else only:
        estimates = []
        for i, found in enumerate(of):
            m = found.get(s)
            if m is None or m.value is None:
                estimates.append(Estimate(None, series=i, note="left out"))
            else:
                series = i if len(views) > 1 else _colour(s)
                estimates.append(Estimate(m.value, m.ci_low, m.ci_high, series, f"(n = {m.n:,})"))
        rows.append(Row(s, tuple(estimates), strong=s in tops))
    return both(
        lambda width: interval_chart(
            "Accuracy by system with 95 % intervals",
            rows,
            series=[v.name for v in views],
            width=width,
        )
    )


def _colour(system: str) -> int:
    """The same colour for the same kind of system in every chart of one run."""
    kinds = {"lorid": 0, "maj-ir": 1, "maj-both": 2, "maj-dr": 3, "early-stop-ir": 4}
    return kinds.get(system.partition("@")[0], 5)


def against_tokens(view: EvaluationView) -> str:
    """Accuracy against all generated tokens per question."""
    n = numbers(view.metrics)
    lines = [
        _curve(n, "lorid", "loop, t = 1, 2, …"),
        _curve(n, "maj-ir", "majority of IR"),
        _curve(n, "maj-dr", "majority of DR"),
        _curve(n, "maj-both", "majority of both"),
        _point(n, "ir-greedy"),
        _curve(n, "early-stop-ir", "IR until m votes agree", start=2),
    ]
    return both(
        lambda width: line_chart(
            "Accuracy against generated tokens per question",
            [s for s in lines if s.points],
            x_label="generated tokens per question",
            y_label="accuracy",
            width=width,
        )
    )


def _curve(n: Numbers, family: str, name: str, *, start: int = 1) -> Series:
    points, labels, band = [], [], []
    k = start
    while (accuracy := n.get((f"{family}@{k}", "accuracy", CURVE))) is not None:
        tokens = n[f"{family}@{k}", "tokens_per_problem", CURVE].value
        if accuracy.value is not None and tokens is not None:
            points.append((tokens, accuracy.value))
            band.append(_ends(accuracy))
            labels.append(f"{family}@{k}: {percent(accuracy.value)} at {tokens:,.0f} tokens")
        k += 1
    shaded = tuple(band) if family == "lorid" else ()
    if len(points) < 2:
        return Series(name, ())
    return Series(name, tuple(points), tuple(labels), shaded, _colour(family))


def _ends(m: Metric) -> tuple[float, float] | None:
    """An interval, or None where it is unknown."""
    if m.ci_low is None or m.ci_high is None or m.ci_low == m.ci_high:
        return None
    return m.ci_low, m.ci_high


def _point(n: Numbers, system: str) -> Series:
    accuracy = n.get((system, "accuracy", None))
    tokens = n.get((system, "tokens_per_problem", None))
    if accuracy is None or tokens is None or accuracy.value is None or tokens.value is None:
        return Series(system, ())
    said = f"{system}: {percent(accuracy.value)} at {tokens.value:,.0f} tokens"
    return Series(system, ((tokens.value, accuracy.value),), (said,), series=_colour(system))


def consensus(view: EvaluationView) -> str:
    """Coverage and precision of the consensus reached by each round."""
    n = numbers(view.metrics)
    lines = []
    for i, (metric, name) in enumerate(
        (("coverage", "agreed by round t"), ("consensus_precision", "right where agreed"))
    ):
        points, band = [], []
        for t in range(1, view.scored.rounds + 1):
            m = n.get((f"lorid@{t}", metric, CURVE))
            if m is not None and m.value is not None:
                points.append((float(t), m.value))
                band.append(_ends(m))
        lines.append(Series(name, tuple(points), band=tuple(band), series=i))
    return both(
        lambda width: line_chart(
            "Coverage and precision of consensus by round",
            [s for s in lines if s.points],
            x_label="threshold t (rounds)",
            y_label="fraction of questions",
            width=width,
        )
    )


def rounds(view: EvaluationView) -> str:
    """In which round the loop stops."""
    n, top = numbers(view.metrics), view.scored.headline
    last = view.scored.rounds
    counts, right = [], []
    for r in range(1, last + 1):
        m = n.get((top, "consensus_precision", f"round={r}"))
        counts.append(float(m.n if m is not None else 0))
        right.append(float(round((m.value or 0) * m.n) if m is not None else 0))
    rest = n.get((top, "accuracy_without_consensus", None))
    counts.append(float(rest.n if rest is not None else 0))
    right.append(float(round((rest.value or 0) * rest.n) if rest is not None else 0))
    labels = [*map(str, range(1, last + 1)), "none"]
    series = [("questions", counts), ("of them right", right)]
    return both(
        lambda width: bar_chart(
            "Stopping round",
            labels,
            series,
            x_label="stopping round",
            nested=True,
            colours=(5, 2),
            width=width,
        )
    )


def wins(view: EvaluationView) -> str:
    """DR's accuracy minus IR's, by what the questions are like."""
    found, n = part_differences(view), numbers(view.metrics)
    rows = []
    for m in found:
        name = (m.slice or "").replace("_", " ").replace("=", " ")
        found_is = ruling(m, n[SYSTEM, "mcnemar_p_holm", m.slice])
        colour = {"better": 2, "worse": 0}.get(found_is, 5)
        rows.append(Row(name, (Estimate(m.value, m.ci_low, m.ci_high, colour, f"(n = {m.n:,})"),)))
    return both(
        lambda width: interval_chart(
            "DR's accuracy minus IR's, by part", rows, signed=True, width=width
        )
    )


_SHARES = {"only_ir_right": "only IR", "only_dr_right": "only DR", "both_right": "both", "neither_right": "neither"}  # fmt: skip
"""Who gets a question right."""


def won(view: EvaluationView, key: str) -> str:
    """Who gets which fraction of the questions right, by one property of theirs."""
    n = numbers(view.metrics)
    parts = [m.slice for m in part_differences(view) if (m.slice or "").startswith(f"{key}=")]
    series = [
        (name, [n[SYSTEM, metric, part].value or 0.0 for part in parts])
        for metric, name in _SHARES.items()
    ]
    labels = [(part or "").partition("=")[2] for part in parts]
    return both(
        lambda width: bar_chart(
            f"Who gets the questions right, by {key.replace('_', ' ')}", labels, series, show=percent,
            x_label=key.replace("_", " "), colours=(0, 2, 4, 5), width=width,
        )
    )  # fmt: skip


def text_loss(view: EvaluationView) -> str:
    """Loss of the base and of each adapter on the user's text."""
    losses = [m for m in view.metrics if m.metric == "text_loss"]
    return both(lambda width: bar_chart(
        "Loss on the text by model", [m.system for m in losses],
        [("nats per token", [m.value or 0.0 for m in losses])], x_label="model", width=width))  # fmt: skip


def knowledge(view: EvaluationView) -> str:
    """Greedy DR by whose knowledge it reads, with greedy IR."""
    n = numbers(view.metrics)
    names = [s for s in view.scored.outcomes if _is_of_knowledge(s)]
    found = [n[s, "accuracy", None] for s in names]
    rows = [
        Row(s, (Estimate(m.value, m.ci_low, m.ci_high, 5 if s == "ir-greedy" else 2),))
        for s, m in zip(names, found, strict=True)
    ]
    return both(
        lambda width: interval_chart("Accuracy of greedy DR by its knowledge", rows, width=width)
    )


def _is_of_knowledge(system: str) -> bool:
    return system == "ir-greedy" or (system.startswith("dr-") and system != "dr-sampled")
