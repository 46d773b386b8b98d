"""Hostile text made harmless: what a model or a dataset wrote, as HTML that shows it faithfully."""

from __future__ import annotations

import html
import re

LIMIT = 20_000
"""Characters of one text that a page shows."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def visible(text: str, limit: int = LIMIT) -> str:
    """The text with everything that hides or reorders text spelled out, cut to `limit` characters.

    Control characters become their symbols (␀, ␛), bidirectional and zero-width characters and
    lone surrogates their code points (⟨U+202E⟩). Line feed and tab stay. Where it is cut, a
    notice says how long it was.
    """
    shown = _HIDDEN.sub(_name, text[:limit])
    if len(text) > limit:
        shown += f"\n… [shortened: the first {limit:,} of {len(text):,} characters are shown]"
    return shown


def esc(text: object, limit: int = LIMIT) -> str:
    """`visible`, escaped for HTML text and for attribute values in double quotes."""
    return html.escape(visible(str(text), limit), quote=True)
