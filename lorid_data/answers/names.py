"""What may stand before `=` as a name: one symbol, a call, or words. x + y = 7 is an equation."""

from __future__ import annotations

import re

from lorid_data.answers.nodes import FUNCTIONS, GREEK
from lorid_data.answers.tokens import Tokens, partner, split_at
from lorid_data.answers.words import is_word

MAX_TOKENS = 24
_PREFIXES = frozenset({r"\angle", r"\measuredangle", r"\triangle", r"\overline"})
_AMONG_WORDS = frozenset("()_,'{}-/.:")


def is_name(toks: Tokens) -> bool:
    """Letters, words, f(x), a_1, AB, m∠A, sin θ, (x, y); no number of its own."""
    if not toks or len(toks) > MAX_TOKENS:
        return False
    if toks[0].text == "(" and partner(toks, 0) == len(toks) - 1:
        return all(map(is_one, split_at(toks[1:-1], lambda t: t.text == ",")))
    return is_one(toks) or _is_wordy(toks)


def is_one(toks: Tokens) -> bool:
    """One symbol or one call."""
    return bool(toks) and _end_of_one(toks, 0) == len(toks)


def _end_of_one(toks: Tokens, i: int) -> int:
    """Where the symbol or call that begins here ends; -1 where none begins."""
    n = len(toks)
    if i < n and toks[i].text in FUNCTIONS | {"\\" + f for f in FUNCTIONS} and i + 1 < n:
        i = _end_of_marks(toks, i + 1)
        return (
            partner(toks, i) + 1 or -1
            if toks[i : i + 1] and toks[i].text == "("
            else _end_of_one(toks, i)
        )
    if toks[i : i + 1] and toks[i].text == "(":  # (f ∘ g)(2)
        i = partner(toks, i) + 1
        return _end_of_calls(toks, i) if 0 < i < n and toks[i].text == "(" else -1
    if [t.text for t in toks[i : i + 1]] == ["|"]:
        return (
            i + 3
            if [t.text for t in toks[i + 2 : i + 3]] == ["|"] and _is_segment(toks, i + 1)
            else -1
        )
    if i + 1 < n and toks[i].text == "m" and toks[i + 1].text in _PREFIXES:
        i += 1
    has_prefix = i < n and toks[i].text in _PREFIXES
    i += has_prefix
    if has_prefix and i < n and toks[i].text == "{":
        return partner(toks, i) + 1 or -1
    if i >= n or not (toks[i].kind == "let" or toks[i].text[1:] in GREEK or _is_segment(toks, i)):
        is_letter = i < n and toks[i].kind == "text" and len(toks[i].text) == 1
        if not is_letter:
            return -1
    return _end_of_calls(toks, _end_of_marks(toks, i + 1))


def _is_segment(toks: Tokens, i: int) -> bool:
    """AB or ABC, in capitals."""
    return i < len(toks) and re.fullmatch("[A-Z]{2,4}'?", toks[i].text) is not None


def _end_of_marks(toks: Tokens, i: int) -> int:
    """Behind subscripts, primes and the ^{-1} of an inverse."""
    while i + 1 <= len(toks) and i < len(toks):
        texts = [t.text for t in toks[i : i + 5]]
        if texts[0] in ("'", r"\prime"):
            i += 1
        elif texts[0] == "^" and texts[1:2] == [r"\prime"]:
            i += 2
        elif texts[:5] == ["^", "{", "-", "1", "}"]:
            i += 5
        elif texts[0] == "_" and texts[1:2] == ["{"]:
            i = partner(toks, i + 1) + 1 or len(toks) + 1
        elif texts[0] == "_" and len(texts) > 1:
            i += 2
        else:
            break
    return i


def _end_of_calls(toks: Tokens, i: int) -> int:
    while i < len(toks) and toks[i].text == "(" and partner(toks, i) > i:
        i = partner(toks, i) + 1
    return i


def _is_wordy(toks: Tokens) -> bool:
    """Total cost, the area of triangle ABC, x-coordinate, cost in $."""
    if not any(is_word(t) for t in toks):
        return False
    depth = 0
    for before, tok in zip([None, *toks], toks, strict=False):
        depth += tok.text in ("(", "{")
        depth -= tok.text in (")", "}")
        if tok.kind == "num" and depth == 0 and (before is None or before.text != "_"):
            return False
        if tok.kind == "op" and tok.text not in _AMONG_WORDS and not (depth and tok.text == "="):
            return False
        if tok.kind == "cmd" and tok.text not in _PREFIXES and tok.text[1:] not in GREEK:
            return False
    return True


def is_variable(toks: Tokens) -> bool:
    """x, x_1, (x, y), or x ∈ ℝ: what stands before the bar of a set."""
    before = split_at(toks, lambda t: t.text == r"\in")[0]
    return is_name(before) and all(t.kind != "word" or len(t.text) < 3 for t in before)


def is_symbol(name: str) -> bool:
    """A name that is one variable, or a segment such as AB, so that another such name contradicts it."""
    head = name.split("_")[0]
    if head.startswith("\\"):
        return head[1:].isalpha()
    return head.isalpha() and (len(head) == 1 or (len(head) <= 3 and head.isupper()))


def name_of(toks: Tokens) -> str:
    """A name as it is compared: without spaces, and a_{1} as a_1."""
    return re.sub(r"\{(\w)\}", r"\1", "".join(t.text for t in toks))
