"""One table, written as HTML or as Markdown; `tables.js` sorts it and gives it out as CSV and JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lorid_data.pages.cells import cell_html
from lorid_data.pages.text import esc, visible

_NUMBER = re.compile(r"(?:[\d.,+−±–<> %\[\]-]|to|none|interval unknown|unknown|\(n = \d\))*")
"""Figures, their ranges, signs and units: what stands better to the right."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are plain text, or one of `cells`; they are escaped when the table is written."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    note: str = ""
    """Shown below, in small type."""
    strong: frozenset[int] = frozenset()
    """Rows to set apart."""
    optional: frozenset[int] = frozenset()
    """Columns that a small screen leaves out until it is asked for all of them."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                msg = f"table {self.caption!r}: a row of {len(row)} cells under {len(self.head)} heads"
                raise ValueError(msg)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    caption: str = "",
    note: str = "",
    strong: Iterable[int] = (),
    optional: Iterable[str] = (),
) -> Table:
    """A `Table` of anything that has a text; `optional` names heads."""
    cells = tuple(tuple(c if isinstance(c, str) else str(c) for c in row) for row in rows)
    less = frozenset(i for i, h in enumerate(head) if h in set(optional))
    return Table(tuple(head), cells, caption, note, frozenset(strong), less)


def _numeric(t: Table) -> list[bool]:
    """Which columns hold numbers only (the first one never counts as such)."""
    return [i > 0 and all(_NUMBER.fullmatch(row[i]) for row in t.rows) for i in range(len(t.head))]


def table_html(t: Table) -> str:
    """The table as HTML, in a box that scrolls sideways where it is too wide."""
    numeric = _numeric(t)
    css = [_css(is_number=n, less=i in t.optional) for i, n in enumerate(numeric)]
    head = "".join(f'<th scope="col"{c}>{esc(h)}</th>' for h, c in zip(t.head, css, strict=True))
    body = []
    for i, row in enumerate(t.rows):
        cells = "".join(
            f'<th scope="row">{cell_html(cell)}</th>'
            if j == 0
            else f"<td{css[j]}>{cell_html(cell)}</td>"
            for j, cell in enumerate(row)
        )
        body.append(f'<tr class="strong">{cells}</tr>' if i in t.strong else f"<tr>{cells}</tr>")
    caption = f"<caption>{esc(t.caption)}</caption>" if t.caption else ""
    note = f'<p class="note">{esc(t.note)}</p>' if t.note else ""
    return (
        f'<div class="table"><table>{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>{note}"
    )


def _css(*, is_number: bool, less: bool) -> str:
    names = " ".join(n for n, on in (("num", is_number), ("less", less)) if on)
    return f' class="{names}"' if names else ""


def aligned(t: Table) -> str:
    """The table as plain text in columns, for a terminal: head, a rule, rows; no caption, no note."""
    rows = [t.head, *t.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(t.head))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def table_markdown(t: Table) -> str:
    """The table as GitHub Markdown; no cell can break out of it."""
    numeric = _numeric(t)
    lines = [f"**{markdown(t.caption)}**", ""] if t.caption else []
    lines.append("| " + " | ".join(markdown(h) for h in t.head) + " |")
    lines.append("| " + " | ".join("---:" if n else "---" for n in numeric) + " |")
    for i, row in enumerate(t.rows):
        cells = [markdown(c) for c in row]
        if i in t.strong:
            cells[0] = f"**{cells[0]}**"
        lines.append("| " + " | ".join(cells) + " |")
    if t.note:
        lines += ["", markdown(t.note)]
    return "\n".join(lines) + "\n"


def markdown(text: str, limit: int = 300) -> str:
    """Any text as harmless Markdown on one line."""
    one_line = " ".join(visible(text, limit).split())
    return re.sub(r"([\\`*_{}\[\]<>|#$~&])", r"\\\1", one_line)
