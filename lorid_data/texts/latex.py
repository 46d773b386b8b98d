"""LaTeX in a text: the last box, matching braces, what does not pair up; and characters that are no text."""

from __future__ import annotations

import re
import unicodedata

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*")
_TOKEN = re.compile(r"\\[A-Za-z]+|[^\s{}$\\]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_boxed(text: str) -> str | None:
    r"""The content of the last `\boxed{…}` (or `\fbox{…}`), byte for byte, or None.

    `\boxed 7` has no braces: then it is the one token that follows.
    """
    marks = list(_BOXED.finditer(text))
    closes = closing_braces(text) if marks else {}
    for mark in reversed(marks):
        at = mark.end()
        if text[at : at + 1] == "{":
            if at in closes:
                return text[at + 1 : closes[at]]
        elif token := _TOKEN.match(text, at):
            return token[0]
    return None


def closing_braces(text: str) -> dict[int, int]:
    """For each opening brace that is closed, where. One pass; what a backslash escapes does not count."""
    closes: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            closes[opened.pop()] = brace.start()
    return closes


def control_characters(text: str) -> list[str]:
    """Characters that are no text: controls but tab and line breaks, and U+FFFD; as U+XXXX, once each."""
    bad = {
        c for c in text if c == "\ufffd" or (c not in "\t\n\r" and unicodedata.category(c) == "Cc")
    }
    return [f"U+{ord(c):04X}" for c in sorted(bad)]


_ASY = re.compile(r"\[(/?)asy\]", re.IGNORECASE)


def without_drawings(text: str, instead: str = "") -> str:
    """The text with every `[asy] … [/asy]` replaced: Asymptote's source is a program, not prose.

    In one pass, however many openings there are; one that is never closed stays.
    """
    parts, at, opened = [], 0, -1
    for mark in _ASY.finditer(text):
        if not mark[1] and opened < 0:
            opened = mark.start()
        elif mark[1] and opened >= 0:
            parts += [text[at:opened], instead]
            at, opened = mark.end(), -1
    return "".join([*parts, text[at:]])


_ESCAPED = re.compile(r"\\[\\{}$%&#_]")
_DELIMITERS = re.compile(r"\\([\[\]()])")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}]*)\}")


def unbalanced_latex(text: str) -> str | None:
    """What does not pair up in a text with LaTeX, or None.

    A text without a LaTeX command is not judged: its `$` are prices. Drawings (`[asy]`) and
    escaped signs are left out.
    """
    plain = without_drawings(text)
    if not re.search(r"\\[a-zA-Z\[\]()]", plain):
        return None
    # `\\[2pt]` is a line break with a gap, not the start of a formula: escaped signs go first.
    plain = _ESCAPED.sub("", plain)
    return (
        _unbalanced_braces(plain)
        or _unbalanced_environments(plain)
        or ("an odd number of $" if plain.count("$") % 2 else None)
        or _unbalanced_delimiters(plain)
    )


def _unbalanced_braces(plain: str) -> str | None:
    depth = 0
    for c in plain:
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return "a } without its {"
    return "a { without its }" if depth else None


def _unbalanced_environments(plain: str) -> str | None:
    still_open: list[str] = []
    for kind, name in _ENVIRONMENT.findall(plain):
        if kind == "begin":
            still_open.append(name)
        elif not still_open or still_open.pop() != name:
            return f"\\end{{{name}}} without its \\begin"
    return f"\\begin{{{still_open[-1]}}} without its \\end" if still_open else None


def _unbalanced_delimiters(plain: str) -> str | None:
    r"""`\[ \]` and `\( \)`, which do not nest."""
    inside = ""
    for sign in _DELIMITERS.findall(plain):
        if sign in "[(" and not inside:
            inside = sign
        elif {"]": "[", ")": "("}.get(sign) == inside:
            inside = ""
        else:
            return f"\\{sign} without its partner"
    return f"\\{inside} without its partner" if inside else None
