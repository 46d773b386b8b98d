"""`audit.html`: the gates, the rates, how far the checks can be trusted, and the rows, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lorid_data.audit import tables
from lorid_data.audit.acceptance import accept_probability
from lorid_data.audit.calibration import READER
from lorid_data.audit.catalogue import BY_NAME
from lorid_data.audit.page_rows import MOST_ROWS, PageRows, data_blocks, filters, tone
from lorid_data.audit.result import AUDIT_JSON, Audit, Rate
from lorid_data.folders.batches import iter_columns
from lorid_data.folders.files import write_text
from lorid_data.folders.names import RECORDS
from lorid_data.folders.picked import pick_rows
from lorid_data.pages.charts import Estimate, bar_chart, interval_chart
from lorid_data.pages.charts import Row as ChartRow
from lorid_data.pages.latex import Dialect, dialect
from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.page import figure, page, page_scripts, paragraph, section
from lorid_data.pages.rows import row_list
from lorid_data.pages.svg import both
from lorid_data.pages.table import table_html
from lorid_data.pages.text import esc
from lorid_data.schema import Record
from lorid_data.texts.counting import count

_PLANS = ((50, 2), (100, 4), (200, 10))


def write_page(path: Path, folder: Path, result: Audit, shown: PageRows) -> None:
    """Write the page of an audit.

    Args:
        path: the file.
        folder: what was audited; its rows are read again for those of the page.
        result: the audit.
        shown: the rows of the page.
    """
    rows = pick_rows(folder / RECORDS, Record, shown.row_ids)
    write_text(path, render(folder.resolve().name, result, shown, rows, _how(folder)))


def render(name: str, result: Audit, shown: PageRows, rows: Sequence[Record], how: Dialect) -> str:
    """The page as one HTML text that asks nothing of any network.

    Args:
        name: what the folder is called on the page.
        result: the audit.
        shown: which rows are on the page, and what was found in them.
        rows: those rows.
        how: the formulas of rules that stand under many questions.
    """
    nav = [("findings", "Findings"), ("rates", "Rates"), ("lists", "Lists"), ("trust", "Trust")]
    nav += [("judge", "Judge")] if result.judge is not None else []
    nav += [("reading", "Reading"), ("rows-section", "Rows"), ("settings", "Settings")]
    return page(
        "Audit of knowledge",
        _sections(result, shown, len(rows), how),
        subtitle=f"{name} · {count(result.n_rows, 'row')} of {result.n_questions:,} original questions · {count(result.n_rules, 'rule')}",
        nav=nav,
        scripts=page_scripts("lorid_data.audit", "audit.js", "rich.js", "rows.js"),
        data=data_blocks(result, shown, rows),
    )


def _how(folder: Path) -> Dialect:
    """How the rules of a folder write formulas: those that recur belong to no single row."""
    from_math = any("math" in t["source"].to_pylist() for t in iter_columns(folder, ["source"]))
    lists = (k for t in iter_columns(folder, ["knowledge"]) for k in t["knowledge"].to_pylist())
    return dialect("math" if from_math else "", (rule for rules in lists for rule in rules))


def _sections(result: Audit, shown: PageRows, n_here: int, how: Dialect) -> Iterator[str]:
    items = "".join(f"<li>{esc(s)}</li>" for s in findings(result))
    yield section(
        "findings",
        "What the audit found",
        f'<ul class="findings">{items}</ul>',
        "<h3>Gates</h3>",
        table_html(tables.gates(result)),
    )
    yield section("rates", "Rates", *_rates(result))
    yield section("lists", "Rules and lists", *_lists(result, how))
    yield section(
        "trust",
        "How far to trust the checks",
        paragraph(READER, "note"),
        table_html(tables.trust()),
    )
    if result.judge is not None:
        yield section("judge", "The judge", table_html(tables.judge(result.judge)))
    yield section("reading", "Reading by people", *_reading(result))
    yield section("rows-section", "Rows", _rows(shown, n_here))
    yield section("settings", "Settings", table_html(tables.settings(result)))


def findings(result: Audit) -> list[str]:
    """What matters, in sentences; the verdict first."""
    unmet = [g for g in result.gates if g.met is False]
    unapplied = [g.check for g in result.gates if g.met is None]
    n = len(result.gates) - len(unapplied)
    if not result.gates:
        said = ["No gate was set."]
    elif unmet:
        said = [f"{len(unmet)} of {n} gates are not met: {', '.join(g.check for g in unmet)}."]
    else:
        said = [f"All {n} gates are met."]
    if unapplied:
        said.append(f"Not applied, since no word list covers the language: {', '.join(unapplied)}.")
    n_rows = {r.check: r.n_rows_flagged for r in result.rates}
    said += [
        f"{g.check}, {count(n_rows[g.check], 'row')}: {BY_NAME[g.check].sentence}" for g in unmet
    ]
    n_flagged = result.n_with_findings
    said.append(
        f"{n_flagged:,} of {result.n_rows:,} rows have a finding; how often rules and lists recur is counted apart. What has no gate is for people to look at."
    )
    if result.n_questions < 30:
        said.append(
            f"Only {count(result.n_questions, 'original question')}: these are failures that exist, not rates that would hold elsewhere."
        )
    return said


def _rates(result: Audit) -> Iterator[str]:
    shown = [r for r in result.rates if r.n_flagged or BY_NAME[r.check].max_fraction is not None]
    limits = {g.check: g.max_fraction for g in result.gates}
    marks = [ChartRow(r.check, (_estimate(r),), limit=limits.get(r.check)) for r in shown]
    name = "Fraction of original questions that each check flags"
    chart = both(lambda width: interval_chart(name, marks, low=0.0, width=width))
    yield f'<div class="wide">{chart}</div>'
    gated = "the end of the bar" if result.options.get("gate_on") == "upper" else "the dot"
    said = f" Red marks are the gates: {gated} may lie at them or left of them." if limits else ""
    yield paragraph(
        "Dots are fractions of original questions, bars 95 % intervals (Wilson). Variants of one question carry one list and count once."
        + said,
        "note",
    )
    yield table_html(tables.rates(result))


def _estimate(rate: Rate) -> Estimate:
    if not rate.n:
        return Estimate(None, note="not applied")
    return Estimate(rate.fraction, rate.ci_low, rate.ci_high)


def _lists(result: Audit, how: Dialect) -> Iterator[str]:
    lengths = result.figures["n_rules_per_list"]
    labels = list(lengths)
    bars = [("", [float(lengths[n]) for n in labels])]
    chart = both(
        lambda width: bar_chart(
            "Rules per list", labels, bars, x_label="rules in a list", width=width
        )
    )
    caption = "Lists of original questions by their number of rules."
    yield figure(chart, tables.lengths(result), caption)
    frequent = tables.frequent(result, how)
    if frequent.rows:
        yield "<h3>Rules that stand most often</h3>"
        yield table_html(frequent)


def _reading(result: Audit) -> Iterator[str]:
    steps = [i / 200 for i in range(41)]
    series = [
        Series(
            f"read {n}, accept up to {c}",
            tuple((p * 100, accept_probability(n, c, p)) for p in steps),
            labels=tuple(
                f"{p:.1%} defective: accepted with {accept_probability(n, c, p):.1%}" for p in steps
            ),
            series=i,
        )
        for i, (n, c) in enumerate(_PLANS)
    ]
    chart = both(
        lambda width: line_chart(
            "How likely a dataset is accepted",
            series,
            x_label="defective original questions, in %",
            y_label="accepted with",
            width=width,
        )
    )
    caption = "How often a dataset with so many defective lists would pass each plan."
    yield paragraph(
        f"The rows of the filter “To read” are one row of each of {len(result.sample):,} original questions, drawn by chance. "
        "What the checks cannot see, a wrong rule above all, only shows there."
    )
    yield figure(chart, tables.claims(result), caption)


def _rows(shown: PageRows, n_here: int) -> str:
    note = (
        f"<p class='note'>{count(shown.n_wanted, 'row')} with a finding or to be read; {n_here:,} of them are here (at most {MOST_ROWS:,}), "
        f"some of every check and else drawn by chance: search and counts are of these. What was found in all is in {AUDIT_JSON}, beside this page.</p>"
        if shown.n_wanted > n_here
        else ""
    )
    found = row_list(
        "Search questions, rules, findings, ids",
        "Search rows",
        filters(shown.checks),
        tone=tone,
        without_script="The table of rows needs JavaScript; everything above does not.",
        heads=("found", ("Question", "Findings")),
    )
    return (
        '<p class="note">Open a row to read it. <kbd>/</kbd> searches, <kbd>j</kbd> and <kbd>k</kbd> move, '
        f"<kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes, <kbd>x</kbd> shows the LaTeX source.</p>{note}{found}"
    )
