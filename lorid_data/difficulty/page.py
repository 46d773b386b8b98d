"""The page about how hard the questions of a dataset are, with those that nobody solves, for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lorid_data.difficulty.unsolved import TABLE, NeverSolved
from lorid_data.pages.page import (
    Tile,
    first_section,
    page,
    paragraph,
    section,
    table_scripts,
    tiles,
)
from lorid_data.pages.table import table, table_html
from lorid_data.pages.text import visible

PAGE = "difficulty.html"
MOST_ROWS = 500
_LONG = 600


def render(figures: Mapping[str, Any], unsolved: Sequence[NeverSolved]) -> str:
    """The page of a finished stage; every text of the dataset and of a model is escaped."""
    return page(
        "How hard the questions are",
        [_first(figures), _judges(figures), _unsolved(unsolved)],
        subtitle="Pass rates of the roles that were asked, and the questions that nobody solved",
        nav=(("judges", "Who was asked"), ("unsolved", "Never solved")),
        scripts=table_scripts(),
    )


def _first(figures: Mapping[str, Any]) -> str:
    found = [
        Tile("rows with a pass rate", f"{figures['n_measured']:,}"),
        Tile("rows that nobody was asked", f"{figures['n_unmeasured']:,}"),
        Tile("rows never solved", f"{figures['n_never_solved']:,}"),
    ]
    return first_section("first", "Numbers", tiles(found))


def _judges(figures: Mapping[str, Any]) -> str:
    rows = [
        (
            j["role"],
            f"{j['n_rows']:,}",
            f"{j['n_draws']:,}",
            f"{j['fewest_draws']:,} to {j['most_draws']:,}",
            f"{j['mean_pass_rate']:.3f}",
            f"{j['n_never']:,}",
            f"{j['n_always']:,}",
            j["judge_sha256"][:12],
            ", ".join(sha[:12] for sha in j["adapters_sha256"]),
        )
        for j in figures["judges"]
    ]
    head = (
        "role", "rows", "draws", "draws a row", "mean pass rate", "never right", "always right", "judge", "adapters",
    )  # fmt: skip
    note = "Judge: the hash of adapters, base model, format and sampling; a pass rate is theirs, not the question's alone."
    return section("judges", "Who was asked", table_html(table(head, rows, note=note)))


def _unsolved(unsolved: Sequence[NeverSolved]) -> str:
    if not unsolved:
        return section(
            "unsolved", "Never solved", paragraph("Every question was solved at least once.")
        )
    rows = [
        (
            str(u.rank),
            visible(u.question, _LONG),
            visible(u.answer, 200),
            "none" if u.other_answer is None else visible(u.other_answer, 200),
            f"{u.n_other} of {u.n_draws}",
            f"{u.doubt:.3f}",
            u.row_id[:12],
        )
        for u in unsolved[:MOST_ROWS]
    ]
    head = ("rank", "question", "reference", "given most often instead", "by", "doubt", "row")
    why = (
        "Look at these: a question is never solved because it is too hard, or because its reference is wrong. Where "
        "it is too hard, the answers differ from one another; where the reference is wrong, those who can solve it agree "
        "on another answer. Doubt is the lower end of the 95 % interval of the share that gives it."
    )
    more = len(unsolved) - MOST_ROWS
    note = f"{more:,} more stand in {TABLE}." if more > 0 else ""
    return section(
        "unsolved", "Never solved", paragraph(why), table_html(table(head, rows, note=note))
    )
