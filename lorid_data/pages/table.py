"""One table, written as HTML or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lorid_data.pages.text import esc, visible

_NUMBER = re.compile(r"(?:[\d.,+−±–<> %\[\]-]|to|none)*")
"""Figures, their ranges, signs and units: what stands better to the right."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are plain text; they are escaped when the table is written."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    note: str = ""
    """Shown below, in small type."""
    strong: frozenset[int] = frozenset()
    """Rows to set apart."""

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
) -> Table:
    """A `Table` of anything that has a text."""
    cells = tuple(tuple(str(c) for c in row) for row in rows)
    return Table(tuple(head), cells, caption, note, frozenset(strong))


def _numeric(t: Table) -> list[bool]:
    """Which columns hold numbers only (the first one never counts as such)."""
    return [i > 0 and all(_NUMBER.fullmatch(row[i]) for row in t.rows) for i in range(len(t.head))]


def table_html(t: Table) -> str:
    """The table as HTML, in a box that scrolls sideways where it is too wide."""
    numeric = _numeric(t)
    css = [' class="num"' if n else "" for n in numeric]
    head = "".join(f'<th scope="col"{c}>{esc(h)}</th>' for h, c in zip(t.head, css, strict=True))
    body = []
    for i, row in enumerate(t.rows):
        cells = "".join(
            f'<th scope="row">{esc(cell)}</th>' if j == 0 else f"<td{css[j]}>{esc(cell)}</td>"
            for j, cell in enumerate(row)
        )
        body.append(f'<tr class="strong">{cells}</tr>' if i in t.strong else f"<tr>{cells}</tr>")
    caption = f"<caption>{esc(t.caption)}</caption>" if t.caption else ""
    note = f'<p class="note">{esc(t.note)}</p>' if t.note else ""
    return (
        f'<div class="table"><table>{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>{note}"
    )


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
