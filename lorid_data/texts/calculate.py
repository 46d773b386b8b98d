"""Plain arithmetic in text, computed with exact fractions by a parser of its own: no eval."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from lorid_data.texts.characters import plain

_MOST_CHARS = 1_000
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)(%?)|([-+*/()]))", re.ASCII)


def number(text: str) -> Fraction | None:
    """A plain number (`1,234`, `-0.5`, `.5`, `$3`, `20%` as 20) as an exact fraction, or None.

    More than 1,000 characters are no plain number: what is computed with it would grow without end.
    """
    if len(text) > _MOST_CHARS:
        return None
    bare = plain(text).strip().removeprefix("$").removesuffix("%").replace(",", "")
    return Fraction(bare) if re.fullmatch(r"-?(?:\d+(?:\.\d*)?|\.\d+)", bare, re.ASCII) else None


def agrees(value: Fraction, shown: Fraction, written: str) -> bool:
    """Whether `shown`, written with so many digits, is `value` exactly, rounded or cut."""
    if value == shown:
        return True
    digits = len(plain(written).strip().partition(".")[2])
    return abs(value - shown) < Fraction(1, 10**digits)


def calculate(text: str) -> Fraction | None:
    """The exact value of plain arithmetic (+ - * / % and brackets), or None where it is none.

    At most 200 characters and 20 nested brackets are read.
    """
    tokens = list(_tokens(plain(text))) if len(text) <= 200 else [None]
    if None in tokens or not tokens:
        return None
    try:
        value, rest = _sum([t for t in tokens if t is not None], 20)
    except (ValueError, ZeroDivisionError):
        return None
    return None if rest else value


def _tokens(text: str) -> Iterator[str | Fraction | None]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            yield None
            return
        if match[1]:
            yield Fraction(match[1].rstrip(".")) / (100 if match[2] else 1)
        else:
            yield match[3]
        at = match.end()


_Tokens = list["str | Fraction"]


def _sum(tokens: _Tokens, depth: int) -> tuple[Fraction, _Tokens]:
    value, tokens = _product(tokens, depth)
    while tokens and tokens[0] in ("+", "-"):
        more, rest = _product(tokens[1:], depth)
        value, tokens = (value + more if tokens[0] == "+" else value - more), rest
    return value, tokens


def _product(tokens: _Tokens, depth: int) -> tuple[Fraction, _Tokens]:
    value, tokens = _factor(tokens, depth)
    while tokens and tokens[0] in ("*", "/"):
        more, rest = _factor(tokens[1:], depth)
        value, tokens = (value * more if tokens[0] == "*" else value / more), rest
    return value, tokens


def _factor(tokens: _Tokens, depth: int) -> tuple[Fraction, _Tokens]:
    if not tokens or depth == 0:
        raise ValueError
    head, rest = tokens[0], tokens[1:]
    if isinstance(head, Fraction):
        return head, rest
    if head in ("-", "+"):
        value, rest = _factor(rest, depth - 1)
        return (-value if head == "-" else value), rest
    if head != "(":
        raise ValueError
    value, rest = _sum(rest, depth - 1)
    if not rest or rest[0] != ")":
        raise ValueError
    return value, rest[1:]
