"""Cells of a table that are more than plain text: a verdict with its colour, a text with formulas.

Each is a string (what Markdown, CSV and the sorting see), and knows how it is written as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lorid_data.pages.latex import Dialect, pieces
from lorid_data.pages.mathml import ATTRIBUTES, TAGS
from lorid_data.pages.text import esc


class Chip(str):
    """A word on a coloured ground.

    Attributes:
        tone: its class: `correct`, `wrong`, `ungradable`; '' for none.
    """

    __slots__ = ("tone",)
    tone: str

    def __new__(cls, word: str, tone: str = "") -> Chip:
        """The word and its tone."""
        made = super().__new__(cls, word)
        made.tone = tone
        return made


class Formulas(str):
    """A text in which LaTeX may stand.

    Attributes:
        how: how its formulas are told from prices.
    """

    __slots__ = ("how",)
    how: Dialect

    def __new__(cls, text: str, how: Dialect) -> Formulas:
        """The text, as it stands in the data."""
        made = super().__new__(cls, text)
        made.how = how
        return made


def cell_html(cell: str) -> str:
    """A cell as HTML, escaped; formulas as MathML from its closed list of elements."""
    if isinstance(cell, Chip):
        return (
            f'<span class="chip {esc(cell.tone)}">{esc(str(cell))}</span>'
            if cell.tone
            else esc(cell)
        )
    if isinstance(cell, Formulas):
        return rich_html(pieces(str(cell), cell.how))
    return esc(cell)


def rich_html(found: Sequence[Any]) -> str:
    """The pieces of `latex.pieces` as HTML: what `rich.js` makes of them, where no script runs."""
    return "".join(_piece(p) for p in found)


def _piece(piece: Any) -> str:
    if isinstance(piece, str):
        return esc(piece)
    if "m" not in piece:
        return esc(piece["s"])
    block = ' display="block"' if piece.get("b") else ""
    inner = _nodes(piece["m"])
    return f'<math alttext="{esc(piece["s"])}"{block}>{inner}</math>'


def _node(node: Any) -> str:
    if isinstance(node, str):
        return esc(node)
    tag, attributes, *children = node
    tag = tag if tag in TAGS else "mrow"
    known = {k: v for k, v in attributes.items() if k in ATTRIBUTES}
    said = "".join(f' {k}="{esc(v)}"' for k, v in known.items())
    return f"<{tag}{said}>{_nodes(children)}</{tag}>"


_FENCES = frozenset("()[]{}|‖⟨⟩⌊⌋⌈⌉∣∥")


def _nodes(children: Sequence[Any]) -> str:
    """Children in order; brackets beside a table are stretched by the style, as `rich.js` has it."""
    made = []
    for i, child in enumerate(children):
        beside = [children[j] for j in (i - 1, i + 1) if 0 <= j < len(children)]
        n = max((len(t) - 2 for t in beside if isinstance(t, list) and t[0] == "mtable"), default=0)
        if (
            n > 1
            and isinstance(child, list)
            and child[0] == "mo"
            and child[2:3]
            and child[2] in _FENCES
        ):
            mo = _node(["mo", {**child[1], "stretchy": "false"}, *child[2:]])
            made.append(f'<mo class="tall-{min(n, 9)}"{mo.removeprefix("<mo")}')
        else:
            made.append(_node(child))
    return "".join(made)
