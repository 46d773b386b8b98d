"""The report as Markdown: the same sentences and tables as the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lorid_data.pages.table import Table, markdown, table_markdown
from lorid_train.metrics.trained import warning
from lorid_train.report import (
    compared,
    confidence,
    contrast_tables,
    loop_tables,
    program_tables,
    question_tables,
    run_tables,
    tables,
)
from lorid_train.report.comparing import compare_all, side_of
from lorid_train.report.findings import findings
from lorid_train.report.first_screen import lead
from lorid_train.report.page import TITLE, subtitle
from lorid_train.report.view import EvaluationView


def render_markdown(evaluations: Sequence[EvaluationView]) -> str:
    """The same sentences and tables as Markdown."""
    lines = [f"# {TITLE}", "", markdown(subtitle(evaluations)), ""]
    for view in evaluations:
        if said := warning(view.metrics):
            name = f"{view.name}: " if len(evaluations) > 1 else ""
            lines += [f"**{markdown(name + said, 2_000)}**", ""]
    lines += _first(evaluations)
    for heading, build in _MARKDOWN:
        for view in evaluations:
            name = f": {markdown(view.name)}" if len(evaluations) > 1 else ""
            parts = [p for p in build(view) if p]
            if parts:
                lines += [f"## {heading}{name}", "", *parts]
    if len(evaluations) > 1:
        lines += ["## Side by side", "", table_markdown(run_tables.side_by_side(evaluations))]
    out = run_tables.left_out(evaluations)
    if out.rows:
        lines += ["## Left out", "", table_markdown(out)]
    lines += ["## Settings", "", table_markdown(run_tables.settings(evaluations))]
    return "\n".join(lines)


def _first(views: Sequence[EvaluationView]) -> list[str]:
    """The verdict; of several runs what keeps them from being compared, A − B, and what flipped."""
    found = compare_all([side_of(v) for v in views])
    if not found:
        return [f"**{markdown(lead(views[0]), 2_000)}**", ""]
    lines = []
    for c in found:
        said = compared.warning(c)
        lines += [f"> **Warning:** {markdown(said, 2_000)}", ""] if said else []
    if len(found) > 1:
        lines += _md(compared.matrix(found))
    for c in found:
        lines += [f"**{markdown(compared.sentence(c), 2_000)}**", ""]
        flips = [compared.flipped(c, side) for side in (0, 1)]
        lines += _md(compared.systems(c), *flips)
    return lines


def _md(*found: Table) -> list[str]:
    return [table_markdown(t) for t in found if t.rows]


def _confidence(view: EvaluationView) -> list[str]:
    said = "\n".join(f"- {markdown(s, 2_000)}" for s in confidence.sentences(view)) + "\n"
    names = confidence.systems(view)
    tables_of = [confidence.reliability(view, s) for s in names]
    return [said, *_md(confidence.coverage(view), *tables_of)] if names else []


def _contrasts(view: EvaluationView) -> list[str]:
    said = contrast_tables.sentence(view)
    return [f"{markdown(said, 2_000)}\n", *_md(contrast_tables.contrasts(view))] if said else []


_MARKDOWN: tuple[tuple[str, Callable[[EvaluationView], list[str]]], ...] = (
    (
        "What the numbers say",
        lambda v: ["\n".join(f"- {markdown(s, 2_000)}" for s in findings(v)) + "\n"],
    ),
    ("Accuracy", lambda v: _md(tables.systems(v))),
    ("Reported by others", lambda v: _md(question_tables.targets(v))),
    ("Paired comparisons", lambda v: _md(tables.comparisons(v), loop_tables.two_by_two(v))),
    ("Does DR use its knowledge?", lambda v: _md(tables.knowledge(v))),
    ("Forgetting", lambda v: _md(question_tables.text_loss(v))),
    ("The loop at every t", lambda v: _md(loop_tables.thresholds(v), loop_tables.consensus(v))),
    ("Programs", lambda v: _md(program_tables.programs(v), program_tables.agreements(v))),
    ("Stopping round", lambda v: _md(loop_tables.stopping(v))),
    ("Other rules and fallbacks", lambda v: _md(question_tables.rules(v))),
    ("How sure the answers are", _confidence),
    (
        "Which questions each wins",
        lambda v: [*_md(question_tables.wins(v)), *_contrasts(v)],
    ),
    (
        "Breakdown",
        lambda v: _md(
            *(tables.slices(v, k) for k in tables.sliced_by(v)),
            tables.graders(v),
            tables.grading(v),
        ),
    ),
    ("Without consensus", lambda v: _md(loop_tables.named_list(v, "no_consensus"))),
    ("False consensus", lambda v: _md(loop_tables.named_list(v, "false_consensus"))),
    ("Only IR is right", lambda v: _md(loop_tables.named_list(v, "only_ir"))),
    ("Only DR is right", lambda v: _md(loop_tables.named_list(v, "only_dr"))),
)
