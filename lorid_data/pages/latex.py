"""Text with LaTeX in it, cut into pieces that a page can show: plain text, formulas, drawings.

`$` is a price in GSM8K and a formula in MATH, so the row says which: see `dialect`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from lorid_data.pages.mathml import mathml
from lorid_data.pages.text import LIMIT, visible

_COMMAND = re.compile(r"\\(?:[a-zA-Z]{2,}|[(\[])")
_OPEN = re.compile(r"\\\\|\\[$%&#_{}]|\[asy\]|\\begin\{([a-z]{1,12}\*?)\}|\\\[|\\\(|\$\$|\$")
_DOLLAR = re.compile(r"(?:[^$\\]|\\.)*\$", re.DOTALL)
_DISPLAY = frozenset(
    f"{name}{star}"
    for name in ("align", "alignat", "equation", "eqnarray", "gather", "multline")
    for star in ("", "*")
)
_NOT_PROSE = re.compile(
    r"\\(?:text[a-z]*|mbox|hbox|operatorname|begin|end)\*?\s*\{[^{}]*\}|\\[a-zA-Z]+"
)
_PROSE = re.compile(r"[a-z]{2,}\s+[a-z]{2,}")
_BLANK_LINE = re.compile(r"\n\s*\n")


class Dialect(Enum):
    """How a row writes formulas."""

    PLAIN = "plain"
    """It writes none: `$` is money."""
    STRICT = "strict"
    """LaTeX occurs; a `$` opens a formula only where it cannot be a price."""
    LATEX = "latex"
    """Every unescaped `$` opens or closes a formula, as in MATH."""


def dialect(source: str, texts: Iterable[str]) -> Dialect:
    r"""How the row of a source writes formulas.

    GSM8K and the procedural source write none, MATH writes LaTeX; a row of any other source
    writes LaTeX if a command such as `\frac` or `\(` stands in one of its texts.
    """
    if source in ("gsm8k", "arithmetic"):
        return Dialect.PLAIN
    if source == "math":
        return Dialect.LATEX
    return Dialect.STRICT if any(_COMMAND.search(t) for t in texts) else Dialect.PLAIN


def pieces(text: str, how: Dialect) -> list[Any]:
    """A text as JSON for a page's script (`rich.js`), which shows it.

    Returns:
        In order: a string is plain text, already `visible`; `{"s": source, "m": tree}` a formula
        with its MathML tree (`"b": true` if it stands on a line of its own); `{"s": source}` a
        drawing in Asymptote. The sources and strings together are the text. A formula that
        cannot be converted is plain text.
    """
    shown = text[:LIMIT]
    found: list[Any] = []
    plain = ""
    for kind, source, inner in _cut(shown, how) if how is not Dialect.PLAIN else [("", shown, "")]:
        piece = _piece(kind, source, inner)
        if piece is None:
            plain += source
            continue
        if plain:
            found.append(visible(plain))
        found.append(piece)
        plain = ""
    # Said once, by the text that was cut.
    rest = visible(text)[len(visible(shown)) :] if len(text) > LIMIT else ""
    if plain or rest:
        found.append(visible(plain) + rest)
    return found


def shown(text: str, how: Dialect, limit: int = LIMIT) -> str | list[Any]:
    """The pieces of a text, or the text itself, `visible`, where no formula is in it.

    A text of more than `limit` characters is cut there, with the sign of it.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    found = pieces(cut, how)
    return found if any(not isinstance(p, str) for p in found) else "".join(found)


def _piece(kind: str, source: str, inner: str) -> dict[str, Any] | None:
    if kind == "asy":
        return {"s": visible(source)}
    if kind == "":
        return None
    display = kind == "display"
    tree = mathml(inner, display=display)
    if tree is None:
        return None
    return {"s": visible(source), "m": tree, **({"b": True} if display else {})}


def _is_formula(inner: str, after: str, how: Dialect) -> bool:
    """Whether what stands between two `$` is a formula, and not words between two prices."""
    if not inner.strip() or _BLANK_LINE.search(inner):
        return False
    # Behind a lost `$` every sentence would be taken for a formula.
    if _PROSE.search(_NOT_PROSE.sub("|", inner)):
        return False
    spaced = inner[0].isspace() or inner[-1].isspace()
    return how is Dialect.LATEX or not (spaced or after.isdigit())


def _cut(text: str, how: Dialect) -> Iterator[tuple[str, str, str]]:
    """(kind, source, inner) of each piece; kinds: "" text, "$" inline, "display", "asy"."""
    missing: set[str] = set()  # closings that do not occur any more: looked for once
    at = 0
    while (opening := _OPEN.search(text, at)) is not None:
        start, token = opening.start(), opening[0]
        if start > at:
            yield "", text[at:start], ""
        kind, closing, keep = _closing(token, opening[1])
        end = -1 if closing in missing else _end(text, opening.end(), closing)
        if closing and end < 0:
            missing.add(closing)
        whole = text[start:end] if end >= 0 else ""
        inner = whole if keep else whole[len(token) : len(whole) - len(closing)]
        if end < 0 or (closing == "$" and not _is_formula(inner, text[end : end + 1], how)):
            yield "", token, ""
            at = opening.end()
        else:
            yield kind, whole, inner
            at = end
    if at < len(text):
        yield "", text[at:], ""


def _closing(opening: str, environment: str | None) -> tuple[str, str, bool]:
    """(kind, closing text, whether the delimiters belong to the formula) of an opening text."""
    if opening == "[asy]":
        return "asy", "[/asy]", True
    if environment is not None:
        known = environment in _DISPLAY
        return "display", f"\\end{{{environment}}}" if known else "", True
    return {
        "\\[": ("display", "\\]", False),
        "\\(": ("inline", "\\)", False),
        "$$": ("display", "$$", False),
        "$": ("$", "$", False),
    }.get(opening, ("", "", False))


def _end(text: str, start: int, closing: str) -> int:
    """Where the piece that opened before `start` ends; -1 if it does not."""
    if not closing:
        return -1
    if closing == "$":
        found = _DOLLAR.match(text, start)
        return found.end() if found else -1
    place = text.find(closing, start)
    return place + len(closing) if place >= 0 else -1
