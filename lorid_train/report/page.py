"""The report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lorid_data.pages.page import (
    figure,
    first_section,
    folded,
    page,
    page_scripts,
    paragraph,
    section,
)
from lorid_data.pages.rows import row_list
from lorid_data.pages.table import Table, table_html
from lorid_data.pages.text import esc
from lorid_train.metrics.trained import warning
from lorid_train.report import (
    compared,
    confidence,
    contrast_tables,
    first_screen,
    loop_tables,
    plots,
    program_tables,
    question_tables,
    run_tables,
    tables,
)
from lorid_train.report.comparing import Comparison, compare_all, side_of
from lorid_train.report.findings import findings
from lorid_train.report.question_tables import part_differences
from lorid_train.report.traces import data_blocks
from lorid_train.report.view import EvaluationView
from lorid_train.training.curves import charts

TITLE = "LoRID evaluation"
_STYLE = """
select { max-width: 100%; }
.rows .row.asked .a { white-space: normal; overflow-wrap: anywhere; }
.trained { color: var(--bad); background: var(--bad-bg); font-weight: 600; padding: 10px 14px; border-radius: 8px; max-width: none; }
"""
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
_KNOWLEDGE = (
    "Greedy answers. If DR uses its knowledge, it is best with the right rules and no better than "
    "without any where they are in disorder or another question's."
)
_FORGETTING = (
    "Loss of the base model and of each adapter on a text that has nothing to do with training."
)
_WINS = (
    "Right of zero System 2 (KG and DR) is better, left of it System 1 (IR), in points. Bars: 95 % "
    "intervals; coloured where the row has a winner."
)
_COVERAGE = "How often the answers are right if only the most probable ones are given. Bands: bootstrap over original questions."
_RELIABILITY = (
    "Ten groups of about equal size, by the probability that a fitted rule gives the answer. On the line it is true; "
    "above it answers are better than they say. The numbers are those of {}."
)
_SHARES = (
    "For each part four fractions that add up to one: only IR is right, only DR, both, neither."
)
_ACCURACY = (
    "Dots are accuracies, bars 95 % intervals (Wilson for one seed, by problem for several). A hollow dot's "
    "interval is unknown."
)


def render_html(evaluations: Sequence[EvaluationView]) -> str:
    """The report as one HTML page that asks nothing of any network.

    Args:
        evaluations: at least one; several are compared with one another.
    """
    nav = [("verdict", "Verdict"), ("findings", "Findings"), ("accuracy", "Accuracy")]
    nav += [
        ("comparisons", "Comparisons"),
        ("rounds", "Rounds"),
        ("confidence", "Confidence"),
        ("questions", "Questions"),
        ("breakdown", "Breakdown"),
        ("settings", "Settings"),
    ]
    return page(
        TITLE,
        _sections(evaluations),
        subtitle=subtitle(evaluations),
        nav=nav,
        scripts=page_scripts("lorid_train.report", "report.js", "rich.js", "rows.js"),
        data=data_blocks(evaluations),
        style=_STYLE,
    )


def subtitle(views: Sequence[EvaluationView]) -> str:
    """The runs' names and the number of questions."""
    n = len({pid for v in views for pid in v.records})
    runs = " against ".join(v.name for v in views)
    return f"{runs} · {n:,} questions"


def _trained(views: Sequence[EvaluationView]) -> Iterator[str]:
    """In red, before all else: questions that were trained on."""
    for view in views:
        if said := warning(view.metrics):
            said = f"{view.name}: {said}" if len(views) > 1 else said
            yield f'<p class="trained" role="alert">{esc(said)}</p>'


def _sections(views: Sequence[EvaluationView]) -> Iterator[str]:
    yield from _trained(views)
    found = compare_all([side_of(v) for v in views])
    first = first_screen.several(views, found) if found else first_screen.one(views[0])
    yield first_section("verdict", "Verdict", *first)
    yield section("findings", "What the numbers say", *_each(views, _findings))
    yield section("accuracy", "Accuracy", *_accuracy(views))
    across = [part for c in found for part in _between(c)]
    yield section("comparisons", "Paired comparisons", *across, *_each(views, _comparisons))
    yield section("rounds", "The loop, round by round", *_each(views, _rounds))
    yield section("confidence", "How sure the answers are", *_each(views, _confidence))
    if any(program_tables.programs(v).rows for v in views):
        yield section("programs", "Programs", *_each(views, _programs))
    yield section("questions", "Questions", _QUESTIONS)
    yield section("breakdown", "Breakdown", *_each(views, _breakdown))
    out = run_tables.left_out(views)
    rest = [table_html(out)] if out.rows else []
    asked = folded("What was asked for", table_html(run_tables.settings(views)))
    trained = [part for view in views for part in _training(view, many=len(views) > 1)]
    yield section("settings", "Settings", *rest, asked, *trained)


def _between(c: Comparison) -> Iterator[str]:
    """Two runs: every system, and the questions that flipped, to open in the list below."""
    if not c.systems:
        return
    yield table_html(compared.systems(c))
    for side in (0, 1):
        made = compared.flipped(c, side)
        if made.rows:
            yield folded(made.caption, table_html(made))
    if any(c.flips):
        yield paragraph(
            "The filters “Only … right” of the question list show these questions, to open draw by draw.",
            "note",
        )


def _training(view: EvaluationView, *, many: bool) -> Iterator[str]:
    """How the adapters were trained, where that is known: folded, for it is another story."""
    made = [
        part
        for _, title, parts in charts(view.training)
        for part in (f"<h3>{esc(title)}</h3>", *parts)
    ]
    if made:
        yield folded(f"{view.name}: training" if many else "How the adapters were trained", *made)


def _each(views: Sequence[EvaluationView], part: Part) -> Iterator[str]:
    """A part per run, under the run's name where there are several."""
    for view in views:
        if len(views) > 1:
            yield f"<h3>{esc(view.name)}</h3>"
        yield from part(view)


def _findings(view: EvaluationView) -> Iterator[str]:
    items = "".join(f"<li>{esc(s)}</li>" for s in findings(view))
    yield f'<ul class="findings">{items}</ul>'


def _accuracy(views: Sequence[EvaluationView]) -> Iterator[str]:
    plot = f'<div class="wide">{plots.accuracies(views)}</div>{paragraph(_ACCURACY, "note")}'
    if len(views) > 1:
        yield table_html(run_tables.side_by_side(views))
        for view in views:
            yield folded(f"{view.name}: every system", table_html(tables.systems(view)))
    else:
        yield table_html(tables.systems(views[0]))
    yield folded("Every system as a plot", plot)
    for view in views:
        yield from _reported(view)
        if not loop_tables.thresholds(view).rows:
            continue  # no loop was drawn: there is no curve
        if len(views) > 1:
            yield f"<h3>{esc(view.name)}: accuracy against cost</h3>"
        else:
            yield "<h3>Accuracy against cost</h3>"
        yield figure(plots.against_tokens(view), loop_tables.thresholds(view), _TOKENS)


def _above(chart: str, numbers: Table, caption: str) -> Iterator[str]:
    """A chart above its numbers, where the table is too wide to stand beside it."""
    yield f'<div class="wide">{chart}</div>'
    yield paragraph(caption, "note")
    yield table_html(numbers)


def _reported(view: EvaluationView) -> Iterator[str]:
    found = question_tables.targets(view)
    if found.rows:
        yield "<h3>Reported by others</h3>"
        yield table_html(found)


def _comparisons(view: EvaluationView) -> Iterator[str]:
    yield table_html(tables.comparisons(view))
    yield "<h3>Who gets what right</h3>"
    yield table_html(loop_tables.two_by_two(view))
    known = tables.knowledge(view)
    if known.rows:
        yield "<h3>Does DR use its knowledge?</h3>"
        yield from _above(plots.knowledge(view), known, _KNOWLEDGE)
    loss = question_tables.text_loss(view)
    if loss.rows:
        yield "<h3>Forgetting</h3>"
        yield figure(plots.text_loss(view), loss, _FORGETTING)


def _rounds(view: EvaluationView) -> Iterator[str]:
    if not loop_tables.thresholds(view).rows:
        yield paragraph("The interaction loop was not drawn, or not for every question.", "note")
        return
    yield figure(plots.consensus(view), loop_tables.consensus(view), _ROUNDS)
    yield figure(plots.rounds(view), loop_tables.stopping(view), _STOP)
    yield folded("Other rules and fallbacks", table_html(question_tables.rules(view)))
    yield from _lists(view, _LISTS)


def _confidence(view: EvaluationView) -> Iterator[str]:
    names = confidence.systems(view)
    if not names:
        yield paragraph("Too few answers carry a probability.", "note")
        return
    for said in confidence.sentences(view):
        yield paragraph(said)
    yield figure(confidence.coverage_plot(view), confidence.coverage(view), _COVERAGE)
    first = confidence.reliability(view, names[0])
    yield figure(confidence.reliability_plot(view), first, _RELIABILITY.format(names[0]))
    for name in names[1:]:
        yield folded(f"The bins of {name}", table_html(confidence.reliability(view, name)))


def _programs(view: EvaluationView) -> Iterator[str]:
    for found in (program_tables.programs(view), program_tables.agreements(view)):
        if found.rows:
            yield table_html(found)


def _lists(view: EvaluationView, lists: Sequence[tuple[str, str]]) -> Iterator[str]:
    for which, name in lists:
        found = loop_tables.named_list(view, which)
        if found.rows:
            yield folded(name, table_html(found))


def _breakdown(view: EvaluationView) -> Iterator[str]:
    won = question_tables.wins(view)
    if won.rows:
        yield "<h3>Which questions System 1 and System 2 each win</h3>"
        yield from _above(plots.wins(view), won, _WINS)
        keys = dict.fromkeys((m.slice or "").partition("=")[0] for m in part_differences(view))
        shares = [f'<div class="wide">{plots.won(view, key)}</div>' for key in keys]
        yield folded(
            "Only IR, only DR, both, neither: as plots", *shares, paragraph(_SHARES, "note")
        )
    planned = contrast_tables.contrasts(view)
    if planned.rows:
        yield "<h3>Do they suit different questions?</h3>"
        yield paragraph(contrast_tables.sentence(view))
        yield table_html(planned)
    yield from _lists(view, _WON)
    for key in tables.sliced_by(view):
        yield folded(f"By {key.replace('_', ' ')}", table_html(tables.slices(view, key)))
    graded = [table_html(t(view)) for t in (tables.graders, tables.grading)]
    yield folded("By grader", *graded)


_LISTS = (
    ("no_consensus", "Questions that reach the last round without consensus"),
    ("false_consensus", "Questions on which both agree on a wrong answer"),
)
_WON = (
    ("only_ir", "Questions that IR alone gets right, with DR's answer"),
    ("only_dr", "Questions that DR alone gets right, with IR's answer"),
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
    "<kbd>Esc</kbd> closes, <kbd>x</kbd> shows the LaTeX source. The address holds search, filters and the "
    "open question: copy it to show somebody else this row.</p>"
) + row_list(
    "Search questions, answers, ids",
    "Search questions",
    _FILTERS,
    beside_search=[("run", "Run")],
    beside_filters=[("system", "System"), ("verdict-is", "Verdict"), ("subject", "Subject")],
    heads=(
        "asked",
        ("Verdict", "Question", "Answer, and the reference where it differs", "Decided"),
    ),
    without_script="The question table needs JavaScript; everything above does not.",
)
