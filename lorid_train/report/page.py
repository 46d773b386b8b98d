"""The report, as one self-contained HTML page and as Markdown, from the same tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lorid_data import pages
from lorid_data.pages import Table
from lorid_train.report import loop_tables, plots, run_tables, tables
from lorid_train.report.findings import findings
from lorid_train.report.traces import data_blocks
from lorid_train.report.view import EvaluationView

TITLE = "LoRID evaluation"
Part = Callable[[EvaluationView], Iterator[str]]
_ROUNDS = "Consensus reached by round t, and how often it is right. Bands are 95 % intervals."
_TOKENS = (
    "Each point of the loop is a threshold t, of a majority a number of rounds, of IR until m votes "
    "agree an m, from 2 on. "
    "Tokens count everything generated: IR, KG and DR, failed rounds included."
)
_STOP = (
    "In which round IR and DR agreed, and how many of those answers are right; none: no consensus."
)
_ACCURACY = (
    "Dots are accuracies, bars 95 % intervals (Wilson for one seed, by problem for several)."
)


def render_html(evaluations: Sequence[EvaluationView]) -> str:
    """The report as one HTML page that asks nothing of any network.

    Args:
        evaluations: at least one; several are shown side by side.
    """
    script = pages.packaged("lorid_train.report", "report.js")
    nav = [("findings", "Findings"), ("accuracy", "Accuracy"), ("comparisons", "Comparisons")]
    nav += [
        ("rounds", "Rounds"),
        ("breakdown", "Breakdown"),
        ("questions", "Questions"),
        ("settings", "Settings"),
    ]
    return pages.page(
        TITLE,
        _sections(evaluations),
        subtitle=_subtitle(evaluations),
        nav=nav,
        scripts=[script],
        data=data_blocks(evaluations),
    )


def _subtitle(views: Sequence[EvaluationView]) -> str:
    n = len({pid for v in views for pid in v.records})
    runs = " against ".join(v.name for v in views)
    return f"{runs} · {n:,} questions"


def _sections(views: Sequence[EvaluationView]) -> Iterator[str]:
    yield pages.section("findings", "What the numbers say", *_each(views, _findings))
    yield pages.section("accuracy", "Accuracy", *_accuracy(views))
    between = [run_tables.between_runs(views[0], v) for v in views[1:]]
    across = [pages.table_html(t) for t in between if t.rows]
    yield pages.section("comparisons", "Paired comparisons", *across, *_each(views, _comparisons))
    yield pages.section("rounds", "The loop, round by round", *_each(views, _rounds))
    yield pages.section("breakdown", "Breakdown", *_each(views, _breakdown))
    yield pages.section("questions", "Questions", _QUESTIONS)
    out = run_tables.left_out(views)
    rest = [pages.table_html(out)] if out.rows else []
    yield pages.section("settings", "Settings", pages.table_html(run_tables.settings(views)), *rest)


def _each(views: Sequence[EvaluationView], part: Part) -> Iterator[str]:
    """A part per run, under the run's name where there are several."""
    for view in views:
        if len(views) > 1:
            yield f"<h3>{pages.esc(view.name)}</h3>"
        yield from part(view)


def _findings(view: EvaluationView) -> Iterator[str]:
    items = "".join(f"<li>{pages.esc(s)}</li>" for s in findings(view))
    yield f'<ul class="findings">{items}</ul>'


def _accuracy(views: Sequence[EvaluationView]) -> Iterator[str]:
    if len(views) > 1:
        yield f'<div class="wide">{plots.accuracies(views)}</div>'
        yield pages.paragraph(_ACCURACY, "note")
        yield pages.table_html(run_tables.side_by_side(views))
        for view in views:
            yield pages.folded(f"{view.name}: every system", pages.table_html(tables.systems(view)))
    else:
        yield f'<div class="wide">{plots.accuracies(views)}</div>'
        yield pages.paragraph(_ACCURACY, "note")
        yield pages.table_html(tables.systems(views[0]))
    for view in views:
        if len(views) > 1:
            yield f"<h3>{pages.esc(view.name)}: accuracy against cost</h3>"
        else:
            yield "<h3>Accuracy against cost</h3>"
        yield pages.figure(plots.against_tokens(view), loop_tables.thresholds(view), _TOKENS)


def _comparisons(view: EvaluationView) -> Iterator[str]:
    yield pages.table_html(tables.comparisons(view))
    yield "<h3>Who gets what right</h3>"
    yield pages.table_html(loop_tables.two_by_two(view))


def _rounds(view: EvaluationView) -> Iterator[str]:
    yield pages.figure(plots.consensus(view), loop_tables.consensus(view), _ROUNDS)
    yield pages.figure(plots.rounds(view), loop_tables.stopping(view), _STOP)
    for which, name in _LISTS:
        found = loop_tables.named_list(view, which)
        if found.rows:
            yield pages.folded(name, pages.table_html(found))


def _breakdown(view: EvaluationView) -> Iterator[str]:
    for key in tables.sliced_by(view):
        yield f"<h3>By {pages.esc(key.replace('_', ' '))}</h3>"
        yield pages.table_html(tables.slices(view, key))
    yield "<h3>By grader</h3>"
    yield pages.table_html(tables.graders(view))
    yield pages.table_html(tables.grading(view))


_LISTS = (
    ("no_consensus", "Questions that reach the last round without consensus"),
    ("false_consensus", "Questions on which both agree on a wrong answer"),
)

_FILTERS = (
    ("all", "All"),
    ("wrong", "Not right"),
    ("differ", "Disagree in round 1"),
    ("false", "False consensus"),
    ("none", "No consensus"),
)

_QUESTIONS = (
    '<p class="note">Open a question to read every draw with its extracted answer and verdict. '
    "<kbd>/</kbd> searches, <kbd>j</kbd> and <kbd>k</kbd> move, <kbd>Enter</kbd> opens, "
    "<kbd>Esc</kbd> closes.</p>"
    '<div class="tools"><input type="search" id="search" placeholder="Search questions, answers, ids" '
    'aria-label="Search questions"><select id="run" aria-label="Run" hidden></select></div>'
    '<div class="tools"><div class="filters" role="group" aria-label="Filter">'
    + "".join(
        f'<button type="button" data-filter="{key}" aria-pressed="{"true" if key == "all" else "false"}">'
        f'{name} <span class="count"></span></button>'
        for key, name in _FILTERS
    )
    + '</div></div><p id="status" class="note" role="status">Opening…</p><ol class="rows" id="rows"></ol>'
    '<div class="pager"><button type="button" id="previous">Previous</button><span id="where"></span>'
    '<button type="button" id="next">Next</button></div>'
    "<noscript><p>The question table needs JavaScript; everything above does not.</p></noscript>"
)


def render_markdown(evaluations: Sequence[EvaluationView]) -> str:
    """The same sentences and tables as Markdown."""
    lines = [f"# {TITLE}", "", pages.markdown(_subtitle(evaluations)), ""]
    for heading, build in _MARKDOWN:
        for view in evaluations:
            name = f": {pages.markdown(view.name)}" if len(evaluations) > 1 else ""
            parts = [p for p in build(view) if p]
            if parts:
                lines += [f"## {heading}{name}", "", *parts]
    if len(evaluations) > 1:
        lines += ["## Side by side", "", pages.table_markdown(run_tables.side_by_side(evaluations))]
        lines += _md(*(run_tables.between_runs(evaluations[0], v) for v in evaluations[1:]))
    out = run_tables.left_out(evaluations)
    if out.rows:
        lines += ["## Left out", "", pages.table_markdown(out)]
    lines += ["## Settings", "", pages.table_markdown(run_tables.settings(evaluations))]
    return "\n".join(lines)


def _md(*found: Table) -> list[str]:
    return [pages.table_markdown(t) for t in found if t.rows]


_MARKDOWN: tuple[tuple[str, Callable[[EvaluationView], list[str]]], ...] = (
    (
        "What the numbers say",
        lambda v: ["\n".join(f"- {pages.markdown(s, 2_000)}" for s in findings(v)) + "\n"],
    ),
    ("Accuracy", lambda v: _md(tables.systems(v))),
    ("Paired comparisons", lambda v: _md(tables.comparisons(v), loop_tables.two_by_two(v))),
    ("The loop at every t", lambda v: _md(loop_tables.thresholds(v), loop_tables.consensus(v))),
    ("Stopping round", lambda v: _md(loop_tables.stopping(v))),
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
)
