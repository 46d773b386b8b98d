"""Hostile text made harmless: what a model or a dataset wrote, as HTML that shows it faithfully."""

from __future__ import annotations

import html

from lorid_data.texts.visible import spelled_out

LIMIT = 20_000
"""Characters of one text that a page shows."""


def visible(text: str, limit: int = LIMIT) -> str:
    """The text with everything that hides or reorders text spelled out, cut to `limit` characters.

    Control characters become their symbols (␀, ␛), bidirectional and zero-width characters and
    lone surrogates their code points (⟨U+202E⟩). Line feed and tab stay. Where it is cut, a
    notice says how long it was.
    """
    shown = spelled_out(text[:limit])
    if len(text) > limit:
        shown += f"\n… [shortened: the first {limit:,} of {len(text):,} characters are shown]"
    return shown


def esc(text: object, limit: int = LIMIT) -> str:
    """`visible`, escaped for HTML text and for attribute values in double quotes."""
    return html.escape(visible(str(text), limit), quote=True)
