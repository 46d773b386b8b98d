"""The list of rows that `rows.js` fills: its search, its filters, its pager."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lorid_data.pages.text import esc

ALL = "all"
"""The filter that every row passes; it is on at the start."""


def row_list(
    search: str,
    label: str,
    filters: Iterable[tuple[str, str]],
    *,
    tone: Callable[[str], str] | None = None,
    beside_search: Iterable[tuple[str, str]] = (),
    beside_filters: Iterable[tuple[str, str]] = (),
    without_script: str,
    heads: tuple[str, Sequence[str]] = ("", ()),
) -> str:
    """The list and its tools, as HTML; all arguments are plain text.

    Args:
        search: what stands in the empty search field.
        label: what the field is called for those who cannot see it.
        filters: key and label of each, `ALL` among them.
        tone: how loud what a filter finds is shown, by its key: the class of a chip.
        beside_search: id and name of selects, which the page's script fills and shows.
        beside_filters: the same, in the line of the filters.
        without_script: what is said where no script runs.
        heads: the class of the page's rows, which says how wide their parts are, and what those
            parts are, in their order; shown above the rows.
    """
    buttons = "".join(_button(key, name, tone) for key, name in filters)
    return (
        f'<div class="tools"><input type="search" id="search" placeholder="{esc(search)}" '
        f'aria-label="{esc(label)}">{_selects(beside_search)}</div>'
        f'<div class="tools"><div class="filters" role="group" aria-label="Filter">{buttons}</div>'
        f"{_selects(beside_filters)}</div>"
        '<p id="status" class="note" role="status">Opening…</p>'
        f'{_heads(*heads)}<ol class="rows" id="rows"></ol>'
        '<div class="pager"><button type="button" id="previous">Previous</button><span id="where"></span>'
        '<button type="button" id="next">Next</button></div>'
        f"<noscript><p>{esc(without_script)}</p></noscript>"
    )


def _heads(css: str, heads: Sequence[str]) -> str:
    names = "".join(f"<span>{esc(h)}</span>" for h in heads)
    return (
        f'<div class="rows heads"><div class="row {esc(css)}">{names}</div></div>' if names else ""
    )


def _button(key: str, name: str, tone: Callable[[str], str] | None) -> str:
    shown = "" if tone is None else f' data-tone="{esc(tone(key))}"'
    pressed = "true" if key == ALL else "false"
    return (
        f'<button type="button" data-filter="{esc(key)}"{shown} aria-pressed="{pressed}">'
        f'{esc(name)} <span class="count"></span></button>'
    )


def _selects(named: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<select id="{esc(key)}" aria-label="{esc(name)}" hidden></select>' for key, name in named
    )
