"""A study as one self-contained HTML page, and the same as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from lorid_data.pages.page import (
    Tile,
    first_section,
    folded,
    page,
    paragraph,
    section,
    table_scripts,
    tiles,
)
from lorid_data.pages.table import Table, markdown, table_html, table_markdown
from lorid_data.pages.text import esc
from lorid_train.report.words import FEW
from lorid_train.study_report import cell_tables, plots, sentences, tables
from lorid_train.study_report.bins import SEEN
from lorid_train.study_report.verdicts import Verdict
from lorid_train.study_report.view import StudyView
from lorid_train.study_report.words import interval, plain, share

TITLE = "When does knowledge help?"
_HEADS = {
    Verdict.SUPPORTED: "Supported",
    Verdict.CONTRADICTED: "Not supported: contradicted",
    Verdict.NOT_DECIDED: "Not supported: not decided",
    Verdict.TOO_FEW: "No verdict: too few groups",
    Verdict.LEFT_OUT: "Left out",
}
_STYLE = "tbody th { white-space: nowrap; }"
_BANDS = "Bands are 95 % intervals over groups."
_RULES = (
    "A claim that one system beats another is supported where the difference over seen problems is "
    "above zero with p below 0.05 after Holm's adjustment over all claims, contradicted where it is "
    "below zero with one, else not decided. No advantage is supported where the interval ends below "
    "+1 point. Fewer groups than the exact sign test needs to find anything give no verdict."
)
_REGISTERED = " All of this was written down before any number was seen."
_OWN = (
    " The comparisons are the program's, the same for every table; take what they say of this one as an "
    "exploration."
)
_COSTS = (
    "Tokens count everything generated, rounds without agreement and knowledge included; bars are 95 % "
    "intervals. Systems further left at the same height are the cheaper way to the same accuracy."
)


def render_html(view: StudyView) -> str:
    """The page; it asks nothing of any network, and its script sorts and saves tables."""
    nav = [
        ("first", "Verdict"), ("frequency", "Examples"), ("verdict", "Claims"), ("comparisons", "Comparisons"),
        ("consensus", "Consensus"), ("cost", "Cost"), ("decisions", "Decisions"), ("cells", "Cells"), ("settings", "Settings"),
    ]  # fmt: skip
    return page(
        TITLE,
        _sections(view),
        subtitle=subtitle(view),
        nav=nav,
        style=_STYLE,
        scripts=table_scripts(),
    )


def rules(view: StudyView) -> str:
    """How claims are decided; of a study that was announced, that it was."""
    return _RULES + (_REGISTERED if view.is_registered else _OWN)


def subtitle(view: StudyView) -> str:
    """What the numbers rest on."""
    worlds, bases = (len({getattr(c, a) for c in view.cells}) for a in ("world", "base"))
    return (
        f"{len(view.cells)} cell{_s(len(view.cells))} ({worlds} world{_s(worlds)}, {bases} "
        f"base{_s(bases)}) · {view.n_problems:,} problems · {view.n_groups:,} groups. A group is a value "
        f"of {view.group_by}; its examples are its training rows; it is seen if it has at least one."
    )


def _s(n: int) -> str:
    return "" if n == 1 else "s"


def _listed(items: list[str], css: str = "plain") -> str:
    return f'<ul class="{css}">{"".join(f"<li>{esc(i)}</li>" for i in items)}</ul>'


def _wide(chart: str, note: str) -> Iterator[str]:
    yield f'<div class="wide">{chart}</div>'
    yield paragraph(note, "note")


def _sections(view: StudyView) -> Iterator[str]:
    yield first_section("first", "Verdict", *_first(view))
    yield section("frequency", "Accuracy by examples per group", *_frequency(view))
    yield section("verdict", "What the numbers say", *_verdict(view))
    yield section("comparisons", "Comparisons", *_comparisons(view))
    yield section("consensus", "Does agreement notice ignorance?", *_consensus(view))
    cost = [*_wide(plots.costs(view), _COSTS), table_html(tables.systems(view))]
    yield section("cost", "Accuracy against cost", *cost)
    yield section("decisions", "Other ways to decide", *_decisions(view))
    yield section(
        "cells",
        "Cell by cell",
        folded("Accuracy of every system in every cell", table_html(cell_tables.accuracies(view))),
        folded("Every comparison in every cell", table_html(cell_tables.differences(view))),
    )
    out = cell_tables.left_out(view)
    rest = [table_html(out)] if out.rows else []
    asked = folded("What was asked for", table_html(cell_tables.settings(view)))
    yield section("settings", "Settings", *rest, asked)


_TILES = (
    ("ir-greedy", "IR alone"),
    ("dr-kg-knowledge", "KG, then DR"),
    ("lorid-dr@T", "The loop"),
)


def _first(view: StudyView) -> Iterator[str]:
    """The verdict, three numbers, the curves."""
    yield paragraph(sentences.headline(view)[0], "lead")
    yield tiles(_tile(view, key, name) for key, name in _TILES)
    yield from _wide(
        plots.frequencies(view, plots.ALONE),
        f"One greedy draw each, by training examples per group. {_BANDS}",
    )


def _tile(view: StudyView, key: str, name: str) -> Tile:
    accuracy, spent = (view.get(key, m, SEEN) for m in ("accuracy", "tokens_per_problem"))
    if accuracy is None or accuracy.value is None:
        return Tile(name, "–", ("not drawn",))
    few = (f"n = {accuracy.n}",) if accuracy.n < FEW else ()
    system = view.names.get(key, key)
    lines = (f"{system}, seen groups", f"95 %: {interval(accuracy)}", *few)
    return Tile(
        name, share(accuracy, with_n=False), (*lines, f"{plain(spent, 0, with_n=False)} tokens")
    )


def _verdict(view: StudyView) -> Iterator[str]:
    yield _listed(sentences.headline(view), "findings")
    for verdict, items in sentences.claims(view).items():
        if items:
            yield f"<h3>{_HEADS[verdict]}</h3>"
            yield _listed(items)
    yield "<h3>Other ways to decide</h3>"
    yield _listed(sentences.decisions(view))
    yield paragraph(rules(view), "note")


def _frequency(view: StudyView) -> Iterator[str]:
    if view.rounds:
        yield "<h3>The loop and majorities</h3>"
        yield from _wide(plots.frequencies(view, plots.TOGETHER), _BANDS)
    yield table_html(tables.by_frequency(view))


def _comparisons(view: StudyView) -> Iterator[str]:
    yield from _wide(
        plots.comparisons(view),
        "Right of zero the first system is better. Bars: 95 % intervals. No. 15 stands in the table only.",
    )
    yield table_html(tables.comparisons(view))
    yield "<h3>KG and DR less IR, by examples per group</h3>"
    yield from _wide(plots.sign(view), "Points; bars are 95 % intervals.")
    by = tables.differences_by_frequency(view)
    yield folded("Every comparison by examples per group", table_html(by))


def _consensus(view: StudyView) -> Iterator[str]:
    if not view.rounds:
        yield paragraph("The loop's rounds are not stored for every problem.", "note")
        return
    yield from _wide(plots.consensus(view), f"Averages over random pairings of rounds. {_BANDS}")
    yield table_html(tables.consensus(view))


def _decisions(view: StudyView) -> Iterator[str]:
    if not view.rounds:
        yield paragraph("They need the loop's rounds, which are not stored.", "note")
        return
    yield table_html(tables.decisions(view))
    learnt = tables.fitted(view)
    if learnt.rows:
        yield "<h3>What the stopping rule learnt</h3>"
        yield table_html(learnt)
    yield "<h3>Answering only where confident</h3>"
    yield from _wide(plots.abstaining(view), f"All problems, seen or not. {_BANDS}")
    yield table_html(tables.abstaining(view))


def render_markdown(view: StudyView) -> str:
    """The same sentences and tables as Markdown."""
    lines = [f"# {TITLE}", "", markdown(subtitle(view), 2_000), ""]
    lines += ["## What the numbers say", "", *_bullets(sentences.headline(view))]
    for verdict, items in sentences.claims(view).items():
        if items:
            lines += [f"### {_HEADS[verdict]}", "", *_bullets(items)]
    lines += ["### Other ways to decide", "", *_bullets(sentences.decisions(view))]
    lines += [rules(view), ""]
    for title, found in _tables(view):
        if found.rows:
            lines += [f"## {title}", "", table_markdown(found)]
    return "\n".join(lines)


def _bullets(items: list[str]) -> list[str]:
    return [*(f"- {markdown(i, 2_000)}" for i in items), ""]


def _tables(view: StudyView) -> list[tuple[str, Table]]:
    return [
        ("Accuracy by examples per group", tables.by_frequency(view)),
        ("Comparisons", tables.comparisons(view)),
        ("Comparisons by examples per group", tables.differences_by_frequency(view)),
        ("Does agreement notice ignorance?", tables.consensus(view)),
        ("Systems", tables.systems(view)),
        ("Decisions", tables.decisions(view)),
        ("What the stopping rule learnt", tables.fitted(view)),
        ("Answering only where confident", tables.abstaining(view)),
        ("Accuracy, cell by cell", cell_tables.accuracies(view)),
        ("Comparisons, cell by cell", cell_tables.differences(view)),
        ("Settings", cell_tables.settings(view)),
        ("Left out", cell_tables.left_out(view)),
    ]
