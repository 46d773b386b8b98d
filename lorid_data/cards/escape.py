"""Hostile text in a Markdown card: shown as it is, with its LaTeX, and nothing that it can start.

Markdown's own characters are escaped outside of LaTeX; `<`, `>` and `&` are entities everywhere,
which Markdown turns back into the characters before anything else reads them, so that a formula
stays what it was. A text is always one line.
"""

from __future__ import annotations

import re

from lorid_data.pages.text import visible

LIMIT = 400
"""Characters of one text in a card."""
_MATH = re.compile(r"\$\$[^$`]+\$\$|\$(?=\S)[^$`]*?(?<=\S)\$(?!\d)")
"""Formulas, by pandoc's rule for a single `$`: two prices in a sentence are none."""
_LINK = re.compile(r"\]\s*[(\[:]|!\[")
"""What a renderer without formulas could take for a link: such a formula is escaped like text."""
_SPECIAL = re.compile(r"[\\`*\[\]#~$!]|(?<![^\W_])_|_(?![^\W_])")
"""An underscore within a word starts nothing."""
_SPACE = re.compile(r"\s+")
_BREAK = re.compile(r"[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]")


def one_line(text: str) -> str:
    """The text with every line break and tab as one space, without hidden characters."""
    return visible(_SPACE.sub(_joined, text), limit=10**9).strip()


def _joined(space: re.Match[str]) -> str:
    return " " if _BREAK.search(space[0]) else space[0]


def md(text: object, limit: int = LIMIT) -> str:
    """A text of a model, dataset or user as one line of Markdown, also within a table cell."""
    line = one_line(str(text))
    if len(line) > limit:
        line = line[:limit].rstrip() + " …"
    parts = []
    end = 0
    for match in _MATH.finditer(line):
        if _LINK.search(match[0]):
            continue
        parts += [_plain(line[end : match.start()]), _entities(match[0])]
        end = match.end()
    return "".join([*parts, _plain(line[end:])])


def _plain(text: str) -> str:
    escaped = _SPECIAL.sub(lambda m: "\\" + m[0], text)
    # A line must not begin a list, a quote, a heading or a rule, whatever stands before it.
    return re.sub(r"^(\d*)([-+=.)])(?=\s|$|[-=])", r"\1\\\2", _entities(escaped))


def _entities(text: str) -> str:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;")):
        text = text.replace(char, entity)
    return text


def code(text: object) -> str:
    """A name or hash of ours as a code span; backticks and line breaks cannot end it."""
    line = one_line(str(text)).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(text: str, language: str = "") -> str:
    """Several lines as a fenced block that its content cannot end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text, limit=10**9)}\n{fence}"
