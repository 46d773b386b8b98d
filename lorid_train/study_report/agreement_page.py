"""The page of the study `agreement`: a table and a plot for each setting, as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from lorid_data.pages.page import page, paragraph, section, table_scripts
from lorid_data.pages.scatter import Mark, scatter_chart
from lorid_data.pages.svg import WIDTH, both
from lorid_data.pages.table import Table, table, table_html, table_markdown
from lorid_data.pages.text import esc
from lorid_train.report.words import describe, p_value
from lorid_train.study_report.agreement_numbers import CONSENSUS, Numbers, verdict
from lorid_train.study_report.agreement_reading import GREEDY, Row, loop_of
from lorid_train.study_report.agreement_sentences import change, estimate, missing, sentences

TITLE = "Training the agreement in"
SUBTITLE = "IR trained further on its own draws: is one pass then as good as the loop was, and where does it harm?"
_RULES = (
    "A question counts the mean over the seeds. Intervals are 95 %, from a bootstrap over questions (over subjects "
    "where these are told apart); p is of the same resamples, adjusted by Holm over the ten comparisons that were "
    "written down beforehand, made or not. Tokens count everything generated for a question."
)
_PLOT = "Accuracy against generated tokens per question, before and after; bars are 95 % intervals."


def render_html(found: Sequence[Numbers], rows: Sequence[Row]) -> str:
    """The page; it asks nothing of any network."""
    return page(
        TITLE, _sections(found, rows), subtitle=SUBTITLE, scripts=table_scripts(),
        nav=[(f"setting-{i}", n.read.name) for i, n in enumerate(found)],
    )  # fmt: skip


def _sections(found: Sequence[Numbers], rows: Sequence[Row]) -> Iterator[str]:
    for i, n in enumerate(found):
        said = [*sentences(n), missing(n, [r.name for r in rows])]
        parts = [f"<ul>{''.join(f'<li>{esc(s)}</li>' for s in said if s)}</ul>"]
        if n.accuracy:
            parts.append(f'<div class="wide">{both(partial(plot, n))}</div>')
            parts.append(paragraph(_PLOT, "note"))
            parts += [table_html(t) for t in tables(n, rows)]
        yield section(f"setting-{i}", n.read.name, *parts)
    yield section("how", "How to read this", paragraph(_RULES))


def render_markdown(found: Sequence[Numbers], rows: Sequence[Row]) -> str:
    """The same sentences and tables as Markdown."""
    lines = [f"# {TITLE}", "", SUBTITLE, ""]
    for n in found:
        lines += [f"## {n.read.name}", ""]
        said = [*sentences(n), missing(n, [r.name for r in rows])]
        lines += [*(f"- {s}" for s in said if s), ""]
        if n.accuracy:
            for t in tables(n, rows):
                lines += [table_markdown(t), ""]
    return "\n".join([*lines, _RULES, ""])


def tables(n: Numbers, rows: Sequence[Row]) -> list[Table]:
    """Before and after, what was trained, and the comparisons."""
    return [_accuracies(n, rows), _trainings(n, rows), _comparisons(n)]


def _accuracies(n: Numbers, rows: Sequence[Row]) -> Table:
    made = [
        (f"before: {name}", describe(name), estimate(n.accuracy[f"before:{name}"]), "", "", f"{n.tokens[f'before:{name}']:,.0f}")
        for name in before_shown(n)
    ]  # fmt: skip
    for row in rows:
        if row.name not in n.read.greedy:
            continue
        by_seed = _by_seed(n, row.name)
        made.append(
            (row.name, row.says, estimate(n.accuracy[f"greedy:{row.name}"]), by_seed,
             estimate(n.accuracy[f"sampled:{row.name}"]), f"{n.tokens[f'greedy:{row.name}']:,.0f}")
        )  # fmt: skip
    if n.read.loop_after is not None:
        said = f"the loop with IR as {CONSENSUS} trained it"
        made.append(("after: " + loop_of(n.read), said, estimate(n.accuracy["after:lorid"]), "", "", f"{n.tokens['after:lorid']:,.0f}"))  # fmt: skip
    head = ("system", "what", "greedy, or as named", "seed by seed", "one sampled pass", "tokens")
    return table(head, made, caption="Accuracy on the test questions")


def before_shown(n: Numbers) -> list[str]:
    """The systems of before that the table has."""
    votes = [x for x in n.read.before if x.startswith("maj-ir@")]
    wanted = [GREEDY, "ir-sampled", loop_of(n.read), *votes[:1], "oracle"]
    return [x for x in wanted if x in n.read.before]


def _by_seed(n: Numbers, system: str) -> str:
    said = n.read.greedy[system]
    n_problems = len(said.by_problem)
    shares = [
        sum(of[i][0] for of in said.by_problem.values()) / n_problems for i in range(said.n_seeds)
    ]
    return ", ".join(f"{s * 100:.1f}" for s in shares)


def _trainings(n: Numbers, rows: Sequence[Row]) -> Table:
    made = []
    for row in rows:
        t = n.read.trained.get(row.name)
        if t is None:
            continue
        kept = n.read.kept.get(row.name)
        even = n.break_even.get(row.name)
        made.append(
            (
                row.name, "yes" if row.reads_gold else "no",
                "–" if t.coverage is None else f"{t.coverage * 100:.1f} %",
                "–" if t.precision is None else f"{t.precision * 100:.1f} %",
                f"{t.n_rows:,}", f"{t.n_steps:,}", f"{t.n_tokens:,.0f}",
                "–" if t.cpu_s is None else f"{t.cpu_s:,.0f}",
                "–" if kept is None else f"{sum(kept)} of {len(kept)}",
                "never" if even is None else f"{even:,.0f}",
            )
        )  # fmt: skip
    head = ("system", "labels", "questions kept", "rows right", "rows", "steps", "tokens trained", "CPU-s", "kept by the stop rule", "break-even questions")  # fmt: skip
    return table(head, made, caption="What each further training was made of")


def _comparisons(n: Numbers) -> Table:
    made = [
        (c.name, change(c.found), p_value(c.p_holm) if c.found else "–", verdict(c))
        for c in n.comparisons
    ]
    return table(
        ("same questions", "difference (95 %)", "p, Holm", "verdict"), made,
        caption="The ten comparisons that were written down beforehand",
    )  # fmt: skip


def plot(n: Numbers, width: int = WIDTH) -> str:
    """Accuracy against tokens per question: the systems of before, and one pass after each training."""
    marks = []
    for name in before_shown(n):
        if name != "oracle":
            marks.append(_mark(n, f"before:{name}", f"before: {name}", 0))
    for name in n.read.greedy:
        if "@" not in name:
            marks.append(_mark(n, f"greedy:{name}", f"after: {name}", 2 if name == CONSENSUS else 4))  # fmt: skip
    if "after:lorid" in n.accuracy:
        marks.append(_mark(n, "after:lorid", f"after: {loop_of(n.read)}", 2))
    return scatter_chart(
        f"Accuracy against tokens per question, {n.read.name}", marks, x_label="generated tokens per question",
        y_label="accuracy", width=width,
    )  # fmt: skip


def _mark(n: Numbers, line: str, name: str, series: int) -> Mark:
    e = n.accuracy[line]
    return Mark(name, max(1.0, n.tokens[line]), e.value or 0.0, e.low, e.high, series)
