"""An answer's text as tokens, and the few things that are asked of token lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lorid_data.answers.results import LimitError
from lorid_data.answers.spelling import closing

MAX_TOKENS = 1500


class ParseError(ValueError):
    """The tokens are no expression that the parser knows."""


class Tok(NamedTuple):
    """A token and whether white space stands before it."""

    kind: str
    """num, let (one letter), word (two and more), text (from \\text{}), cmd, op"""
    text: str
    gap: bool


_TOKEN = re.compile(
    r"(?P<num>\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<cmd>\\[A-Za-z]+|\\.)"
    r"|(?P<word>[A-Za-z][A-Za-z]+(?:'[A-Za-z]+)?)"
    r"|(?P<let>[A-Za-z])"
    r"|(?P<op>\S)"
    r"|(?P<gap>\s+)"
)
_DROPPED = re.compile(r"[\s\"'.]")
_LONE = re.compile(r"\{(\w)\}")
_WORDS_ONLY = re.compile(r"[A-Za-z .,;'\-/]*")
_OPEN = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\langle": r"\rangle", r"\begin": r"\end"}
_CLOSE = {v: k for k, v in _OPEN.items()}
OPENERS = frozenset(_OPEN)
CLOSERS = frozenset(_CLOSE)

Tokens = Sequence[Tok]


def tokenise(text: str) -> list[Tok]:
    r"""Tokens of a respelled answer. What stands in \text{} is words, unless it holds numbers.

    Raises:
        LimitError: too many of them.
    """
    toks = list(_scan(text))
    if len(toks) > MAX_TOKENS:
        msg = f"an answer of {len(toks)} tokens"
        raise LimitError(msg)
    return toks


def _scan(text: str) -> Iterator[Tok]:
    i, gap = 0, False
    while i < len(text):
        if text.startswith(r"\text", i) and (m := re.compile(r"\\text\s*\{").match(text, i)):
            end = closing(text, m.end() - 1)
            if end > 0:
                yield from _inside_text(text[m.end() : end], gap=gap)
                i, gap = end + 1, text[end - 1 : end] == " "
                continue
        found = _TOKEN.match(text, i)
        if found is None:  # unreachable: every character is an op at least
            break
        i = found.end()
        kind = found.lastgroup or "op"
        if kind == "gap":
            gap = True
            continue
        yield Tok(kind, found[0], gap)
        gap = False


def _inside_text(content: str, *, gap: bool) -> Iterator[Tok]:
    inner = content.strip()
    if not inner:
        return
    gap = gap or content[:1] == " "
    if _WORDS_ONLY.fullmatch(inner):
        yield Tok("text", inner, gap)
        return
    for i, tok in enumerate(_scan(inner)):
        kind = "text" if tok.kind in ("word", "let") else tok.kind
        yield Tok(kind, tok.text, tok.gap or (i == 0 and gap))


def partner(toks: Tokens, start: int) -> int:
    """The index of the bracket that closes the one at `start`, or -1.

    Round and square ones may close one another: (0, 1] is an interval.
    """
    depth = 0
    for i in range(start, len(toks)):
        if toks[i].kind not in ("op", "cmd"):
            continue
        depth += toks[i].text in OPENERS
        depth -= toks[i].text in CLOSERS
        if depth == 0:
            return i
    return -1


def split_at(toks: Tokens, is_separator: Callable[[Tok], bool]) -> list[list[Tok]]:
    """The pieces between separators that stand outside all brackets; separators are left out."""
    parts: list[list[Tok]] = [[]]
    depth = 0
    for tok in toks:
        if tok.kind in ("op", "cmd"):
            depth += tok.text in OPENERS
            depth -= tok.text in CLOSERS
        if depth == 0 and tok.text not in CLOSERS and is_separator(tok):
            parts.append([])
        else:
            parts[-1].append(tok)
    return parts


def holds(toks: Tokens, texts: frozenset[str]) -> bool:
    """Whether one of these texts is among the tokens: asked before anything is split at them."""
    return any(t.text in texts for t in toks)


def is_balanced(toks: Tokens) -> bool:
    """Every bracket has a partner of a kind that can close it."""
    stack: list[str] = []
    for tok in toks:
        if tok.kind not in ("op", "cmd"):
            continue
        if tok.text in OPENERS:
            stack.append(tok.text)
        elif tok.text in CLOSERS:
            opened = stack.pop() if stack else ""
            if _OPEN.get(opened) != tok.text and {opened, tok.text} not in ({"(", "]"}, {"[", ")"}):
                return False
    return not stack


def latex(toks: Tokens) -> str:
    r"""The tokens as LaTeX again; text goes back into \text{}."""
    out = []
    for tok in toks:
        if tok.gap:
            out.append(" ")
        if tok.kind == "text":
            out.append(rf"\text{{{tok.text}}}")
        elif tok.kind == "cmd":
            out.append(tok.text + " " if tok.text[-1:].isalpha() else tok.text)
        else:
            out.append(tok.text)
    return "".join(out).strip()


def plain(toks: Tokens) -> str:
    """Letters, digits and operators, case folded: by this text is compared.

    White space, quotes and full stops go, and braces around one character; two numbers stay apart.
    An exclamation mark behind a word goes, a factorial stays.
    """
    out = []
    for before, tok in zip([None, *toks], toks, strict=False):
        if before is not None and before.kind == tok.kind == "num":
            out.append(" ")
        if tok.text == "!" and (before is None or before.kind in ("word", "text")):
            continue
        out.append(tok.text if tok.kind == "num" else _DROPPED.sub("", tok.text))
    return _LONE.sub(r"\1", "".join(out)).casefold()
