"""Formulas of a text: between `$ … $` and its like, or plain, as people type them (`x^2+1`, `C(n, k)`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_MARKED = re.compile(
    r"\$\$?(.+?)\$\$?|\\\(((?:(?!\\\().)+?)\\\)|\\\[((?:(?!\\\[).)+?)\\\]", re.DOTALL
)
_INSIDE = r"\((?:[^()]|\([^()]{0,60}\)){1,80}\)"
_CALL = rf"(?<![A-Za-z\\])[A-Za-z]{{1,4}}'*(?!\((?:s|es|ies)\)){_INSIDE}"
"""`f(x)`, `gcd(a, b)`; `item(s)` is none."""
_ATOM = (
    rf"(?:{_CALL}|\d+(?:\.\d+)?[A-Za-z]?(?![A-Za-z])|(?<![A-Za-z])[A-Za-z](?:_\w|_\([^()]{{1,60}}\))?'*(?![A-Za-z'’])"
    rf"|{_INSIDE})(?:\^(?:\w+|\([^()]{{1,60}}\)))?!?"
)
_SIGN = r"(?:[-/]| ?[+*=<>≤≥≠±∓≡∈∘·|∤] ?)-?"
_PLAIN = re.compile(
    rf"{_ATOM}(?:{_SIGN}{_ATOM})+|{_CALL}|(?<![A-Za-z])[A-Za-z](?:\^|_)(?:\w|\([^()]{{1,60}}\))|\)\^(?:\w|\([^()]{{1,60}}\))"
)
_MODULUS = re.compile(r" ?\(?mod \w+\)?(?: ?[=≡] ?\w+)?")
_BEFORE, _AFTER = re.compile(r"\S*\Z"), re.compile(r"\S*")
_ENDS = ".,;:?!\"'”’"
_MOST = 2_000
"""Characters of a text that are read for plain formulas."""


def formulas(text: str) -> list[str]:
    """Every formula of a text, marked ones first; plain ones of its first 2,000 characters."""
    marked = [a or b or c for a, b, c in _MARKED.findall(text)]
    return marked + [text[start:end] for start, end in plain_spans(text)]


@lru_cache(maxsize=1 << 14)
def plain_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Where formulas without a mark begin and end, in order.

    An operator between letters and numbers, a power, an index or a call makes one, if a letter that
    stands for something is in it; `and/or`, `x-axis`, `3/4` and `item(s)` are none. What stands
    beside it without a space belongs to it, and so does a modulus behind it.
    """
    text = text[:_MOST]
    marked = [m.span() for m in _MARKED.finditer(text)]
    spans: list[tuple[int, int]] = []
    for start, end in _found(text):
        if any(a < end and start < b for a, b in marked):
            continue
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)


def _found(text: str) -> Iterator[tuple[int, int]]:
    for m in _PLAIN.finditer(text):
        if not re.search(r"[A-Za-z]", m[0]):
            continue
        before, after = (
            _BEFORE.search(text, max(0, m.start() - 60), m.start()),
            _AFTER.match(text, m.end()),
        )
        start = before.start() if before else m.start()
        end = after.end() if after else m.end()
        end = m.end() + len(text[m.end() : end].rstrip(_ENDS))
        modulus = _MODULUS.match(text, end)
        yield start, modulus.end() if modulus else end
