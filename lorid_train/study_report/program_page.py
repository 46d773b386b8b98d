"""The page of a study in which programs have a say: tables and plots, in HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.page import figure, page, paragraph, section, table_scripts
from lorid_data.pages.scatter import Mark, scatter_chart
from lorid_data.pages.svg import both
from lorid_data.pages.table import Table, markdown, table, table_html, table_markdown
from lorid_train.metrics.rows import Metric
from lorid_train.study_report.programs import (
    ProgramStudy,
    Row,
    accuracy,
    differences,
    mean_tokens,
)

TITLE = "Programs beside two reasoners"
PLOTTED = ("ir-greedy", "cg-greedy", "lorid@T", "cg-alone@T", "any-two@T", "cg-votes@T")
"""Systems whose accuracy is plotted by scale."""
IN_TOKENS = (
    "ir-greedy", "dr-kg-knowledge", "cg-greedy", "cg-alone@T", "lorid@T", "maj-ir@K", "any-two@T", "cg-votes@T",
)  # fmt: skip
"""Systems whose accuracy is plotted against their tokens."""
_ABOUT = (
    "All systems are decided on the same stored draws. Intervals are 95 %, over problems: a problem's "
    "draws under all seeds are one cluster. Rows by scale and by steps describe; the comparisons are what was planned."
)


def render_html(study: ProgramStudy) -> str:
    """The page; it asks nothing of any network."""
    body, (first, *others) = [paragraph(_ABOUT)], _tables(study)
    plot = _plot(study)
    # The plot's table unfolds beneath it: the same rows once.
    shown = figure(plot, first, _ABOUT) if plot else table_html(first)
    body += [_tokens(study), section("scale", first.caption, shown)]
    body += [section(f"t{i}", t.caption, table_html(t)) for i, t in enumerate(others)]
    return page(TITLE, body, scripts=table_scripts())


def render_markdown(study: ProgramStudy) -> str:
    """The same tables as Markdown."""
    parts = [f"# {TITLE}", "", markdown(_ABOUT, 2_000), ""]
    return "\n".join([*parts, *(table_markdown(t) for t in _tables(study))])


def _tables(study: ProgramStudy) -> Iterator[Table]:
    yield by_scale(study)
    yield by_steps(study)
    yield by_cell(study)
    yield _comparisons(study)
    yield _agreements(study)
    yield _programs(study)
    yield _votes(study)
    if study.notes:
        yield table(
            ("Cell, system", "Note"), list(study.notes.items()), caption="Left out, and matched"
        )


def _columns(
    study: ProgramStudy, values: Sequence[object], name: str, of: Callable[[Row], object]
) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: each system's accuracy over all problems, at each value, and its tokens."""
    named = [str(v) if name.lower().rstrip("s") in str(v) else f"{name} {v}" for v in values]
    head = ["System", "All", *named, "Tokens per problem"]
    rows = []
    for system in study.rows:
        cells = [accuracy(study, system)]
        cells += [accuracy(study, system, lambda r, v=v: of(r) == v) for v in values]  # type: ignore[misc]
        rows.append([system, *map(_shown, cells), f"{mean_tokens(study, system):.0f}"])
    return head, rows


def by_scale(study: ProgramStudy) -> Table:
    """Accuracy of every system at each scale."""
    scales = sorted({r.scale for rows in study.rows.values() for r in rows if r.scale is not None})
    head, rows = _columns(study, scales, "Scale", lambda r: r.scale)
    return table(head, rows, caption="Accuracy by scale" if scales else "Accuracy")


def by_steps(study: ProgramStudy) -> Table:
    """Accuracy of every system by the number of steps that a problem takes."""
    steps = sorted({r.steps for rows in study.rows.values() for r in rows if r.steps})
    head, rows = _columns(study, steps, "Steps", lambda r: r.steps)
    return table(head, rows, caption="Accuracy by number of steps")


def by_cell(study: ProgramStudy) -> Table:
    """Accuracy of every system in each cell."""
    cells = list(dict.fromkeys(r.cell for rows in study.rows.values() for r in rows))
    head, rows = _columns(study, cells, "Cell", lambda r: r.cell)
    return table(head, rows, caption="Accuracy, cell by cell")


def _comparisons(study: ProgramStudy) -> Table:
    rows = [
        (d.first, d.second, _points(d.value), f"{_points(d.low)} to {_points(d.high)}", f"{d.p_holm:.2g}")
        for d in differences(study)
    ]  # fmt: skip
    head = ("First", "Second", "Points", "95 % interval", "p, Holm")
    return table(head, rows, caption="Planned comparisons: first less second")


def _agreements(study: ProgramStudy) -> Table:
    rows = []
    for name, metrics in (("All", study.draws), *((f"Scale {s}", m) for s, m in study.by_scale.items())):  # fmt: skip
        pairs = dict.fromkeys(m.system for m in metrics if "+" in m.system)
        rows += [
            (name, p, _of(metrics, p, "coverage"), _of(metrics, p, "precision")) for p in pairs
        ]
    head = ("Problems", "Agree in a round", "How often", "Right where they do")
    return table(head, rows, caption="Agreement of two and of three")


def _programs(study: ProgramStudy) -> Table:
    rows = []
    for name, metrics in (("All", study.draws), *((f"Scale {s}", m) for s, m in study.by_scale.items())):  # fmt: skip
        for m in metrics:
            if "+" not in m.system:
                what = m.metric + (f", {m.slice}" if m.slice else "")
                rows.append((name, what, _shown(m)))
    return table(("Problems", "Of the programs", "Share"), rows, caption="Programs")


def _votes(study: ProgramStudy) -> Table:
    rows = [
        (cell, *(f"{getattr(v, n):.2f}" for n in ("ir", "dr", "cg", "cg_ungrounded", "ahead")))
        for cell, v in study.votes.items()
    ]
    head = ("Cell", "IR", "DR", "CG, grounded", "CG, not grounded", "Closed at a lead of")
    return table(head, rows, caption="What votes count, from validation draws")


def _tokens(study: ProgramStudy) -> str:
    """Accuracy against tokens, as a section of the page; rules that repeat what another shows are left to the table."""

    def chart(width: int) -> str:
        marks = []
        for i, system in enumerate(s for s in IN_TOKENS if s in study.rows):
            m = accuracy(study, system)
            marks.append(Mark(system, max(1.0, mean_tokens(study, system)), m.value or 0.0, m.ci_low, m.ci_high, i))  # fmt: skip
        return scatter_chart(
            "Accuracy against tokens per problem", marks, x_label="generated tokens per problem", y_label="accuracy",
            width=width,
        )  # fmt: skip

    return section("tokens", "Accuracy against tokens", f'<div class="wide">{both(chart)}</div>')


def _plot(study: ProgramStudy) -> str:
    """Accuracy by scale of the systems of `PLOTTED`; empty with fewer than two scales."""
    scales = sorted({r.scale for rows in study.rows.values() for r in rows if r.scale is not None})
    if len(scales) < 2:
        return ""
    series = []
    for i, system in enumerate(s for s in PLOTTED if s in study.rows):
        found = [accuracy(study, system, lambda r, s=s: r.scale == s) for s in scales]  # type: ignore[misc]
        points = tuple((float(x), m.value or 0.0) for x, m in enumerate(found))
        series.append(Series(system, points, band=tuple(map(_ends, found)), series=i))
    return line_chart(
        "Accuracy by scale", series, x_label="scale", y_label="right", x_names=[str(s) for s in scales]
    )  # fmt: skip


def _ends(m: Metric) -> tuple[float, float] | None:
    return None if m.ci_low is None or m.ci_high is None else (m.ci_low, m.ci_high)


def _of(metrics: Sequence[Metric], system: str, name: str) -> str:
    return _shown(next(m for m in metrics if m.system == system and m.metric == name))


def _shown(m: Metric) -> str:
    if m.value is None:
        return "–"
    if m.ci_low is None or m.ci_high is None:
        return f"{m.value:.1%}"
    return f"{m.value:.1%} [{100 * m.ci_low:.0f}–{100 * m.ci_high:.0f}]"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")
