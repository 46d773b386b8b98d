"""Text → `Form`: takes an answer apart at its separators, brackets and relations, from the outside in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from lorid_data.answers import forms, progressions, quantities, relations, sets
from lorid_data.answers.evaluate import exact
from lorid_data.answers.forms import Form
from lorid_data.answers.monomials import TermsError
from lorid_data.answers.names import is_variable
from lorid_data.answers.nodes import FUNCTIONS
from lorid_data.answers.results import LimitError
from lorid_data.answers.spelling import respell
from lorid_data.answers.tokens import (
    ParseError,
    Tok,
    Tokens,
    is_balanced,
    latex,
    partner,
    plain,
    split_at,
    tokenise,
)
from lorid_data.answers.units import CURRENCY, canonical
from lorid_data.answers.words import is_word, spelled

_LEAD = frozenset(
    ["about", "approximately", "approx", "exactly", "roughly", "around", "only", "option", "choice"]
)
_LEAD_COMMANDS = frozenset({r"\approx", r"\sim", r"\therefore", "=", ":"})
_MONEY = frozenset(["us", "usd", "rs", "inr", "eur", "cad", "aud", "hk"])
_EMPTY = frozenset(
    {"nosolution", "nosolutions", "norealsolution", "norealsolutions", "emptyset", "none"}
)
_ALL_REALS = frozenset({"allrealnumbers", "allreals", r"\mathbbr", "realnumbers"})
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array"})


@lru_cache(maxsize=8192)
def read(text: str) -> Form:
    """What an answer says.

    Raises:
        LimitError: it is empty or over a limit of size.
    """
    source = respell(text)
    toks = tokenise(source)
    if not toks:
        msg = "an empty answer"
        raise LimitError(msg)
    try:
        return answer(toks)
    except (RecursionError, TermsError):
        msg = "an answer nested too deeply, or with too many terms"
        raise LimitError(msg) from None


_GROUPS = re.compile(r"[\s$]*(?:\\boxed\{)?[-+]?[1-9]\d{0,2}(?:,\d{3})+\}?[\s$.]*")


def read_as_list(text: str) -> Form | None:
    """100,200 as the list that it also is; None where commas do not group digits in this way."""
    if _GROUPS.fullmatch(text) is None:
        return None
    return read(text.replace(",", ", "))


def answer(toks: Tokens) -> Form:
    """A whole answer or a part of one: a list, or a single thing."""
    toks, unit = _lead(toks)
    if not toks or not is_balanced(toks):
        toks = _turned(toks)
        if not toks or not is_balanced(toks):
            return _unbalanced(toks)
    if any(t.text.lower() == "hundred" for t in toks) and (value := _words(toks)) is not None:
        return value  # "two hundred and five" is no list
    parts, words = _split_list(toks)
    if words == {"and"} and len(parts) == 2 and (mixed := quantities.mixed(*parts)) is not None:
        return mixed.with_unit(unit)  # 5 and 1/2
    if len(parts) > 1:
        found = _parts(parts)
        if found is None:
            return forms.opaque(plain(toks), "")
        return relations.combine(found, words, plain(toks), latex(toks))
    toks = parts[0] if parts else toks
    return single(toks).with_unit(unit)


def _turned(toks: Tokens) -> list[Tok]:
    """]a, b[ as (a, b): brackets that are turned outwards leave the ends out."""
    out: list[Tok] = []
    is_open = False
    for tok in toks:
        if tok.text in ("[", "]") and tok.kind == "op":
            outside = "]" if is_open else "["
            shown = tok.text if tok.text == outside else ")" if is_open else "("
            tok = Tok("op", shown, tok.gap)
            is_open = not is_open
        out.append(tok)
    return out


def _unbalanced(toks: Tokens) -> Form:
    texts = [t.text for t in toks]
    if len(texts) == 2 and texts[1] == ")" and len(texts[0]) == 1:
        return single(toks[:1])
    return forms.opaque(plain(toks), "")


def _lead(toks: Tokens) -> tuple[list[Tok], str]:
    """Without currency, "about", "≈" and the like in front; and the currency."""
    toks = list(toks)
    unit = ""
    marks = [i for i, t in enumerate(toks) if t.kind == "op" and t.text in CURRENCY]
    if marks:
        first = [
            t.text
            for t in toks[: marks[0]]
            if t.text not in ("+", "-") and t.text.lower() not in _MONEY
        ]
        if not first and (len(marks) % 2 or toks[marks[0]].text != "$"):
            unit = CURRENCY[toks[marks[0]].text]
        toks = [t for i, t in enumerate(toks) if i not in marks]
    while len(toks) > 1 and (
        toks[0].text.lower() in _LEAD or toks[0].text in _LEAD_COMMANDS
        or (toks[0].text.lower() in _MONEY and any(t.kind == "num" for t in toks[1:4]))
        or (toks[0].text == "." and toks[1].kind == "num")
    ):  # fmt: skip
        del toks[0]
    return toks, unit


def _is_comma(tok: Tok) -> bool:
    return tok.kind == "op" and tok.text in (",", ";")


def connective(tok: Tok) -> str:
    """and, or, or the empty string."""
    if tok.kind in ("word", "text") and tok.text.strip(" ,.").lower() in ("and", "or"):
        return tok.text.strip(" ,.").lower()
    if tok.kind == "op" and tok.text == "&":
        return "and"
    return {r"\lor": "or", r"\vee": "or", r"\land": "and", r"\wedge": "and", r"\&": "and"}.get(
        tok.text, ""
    )


def _split_list(toks: Tokens) -> tuple[list[list[Tok]], set[str]]:
    words: set[str] = set()

    def separates(tok: Tok) -> bool:
        word = connective(tok)
        if word:
            words.add(word)
        return bool(word) or _is_comma(tok)

    return [p for p in split_at(toks, separates) if p], words


def _parts(pieces: Sequence[Tokens]) -> list[Form] | None:
    """Each piece, and what an ellipsis among them leaves out; None where that is not certain."""
    at = [i for i, p in enumerate(pieces) if progressions.is_dots(p)]
    if not at:
        return [answer(p) for p in pieces]
    nodes = [answer(p).node for i, p in enumerate(pieces) if i != at[0]]
    known = [n for n in nodes if n is not None]
    if len(known) != len(nodes):
        return None
    try:
        filled = progressions.filled(known[: at[0]], known[at[0] :])
    except ParseError:
        return None
    values = [exact(n).number for n in filled]
    return None if None in values else [forms.number_form(v) for v in values if v is not None]


def single(toks: Tokens) -> Form:
    """An answer that is no list."""
    for rule in _RULES:
        found = rule(toks)
        if found is not None:
            return found
    return quantities.expression(toks)


# --- brackets ----------------------------------------------------------------------------------


def _enclosed(toks: Tokens) -> Form | None:
    """(a, b), [a, b), {a, b}, <a, b>, and brackets around a single thing."""
    opener = toks[0].text
    if opener not in ("(", "[", "{", r"\{", r"\langle") or toks[0].kind not in ("op", "cmd"):
        return None
    if partner(toks, 0) != len(toks) - 1:
        return None
    inner = toks[1:-1]
    is_builder = opener == "{" and any(t.text in (":", "|") for t in inner[1:])
    if opener == r"\{" or is_builder:
        return _braces(inner, toks)
    if not inner:
        return None
    parts = [p for p in split_at(inner, _is_comma) if p]
    if len(parts) < 2:
        matched = opener + toks[-1].text in ("()", "{}", "[]")
        return answer(inner) if matched else None
    if opener == "{":
        return answer(inner)
    brackets = "()" if opener == r"\langle" else opener + toks[-1].text
    found = _parts(parts)
    if found is None:
        return forms.opaque(plain(toks), "")
    return forms.ordered(found, brackets, plain(toks), latex(toks))


def _braces(inner: Tokens, toks: Tokens) -> Form:
    if not inner:
        return forms.listed([], "", r"\emptyset")
    for bar in (":", "|"):
        parts = split_at(inner, lambda t, bar=bar: t.text == bar)  # type: ignore[misc]
        if len(parts) == 2 and parts[1] and is_variable(parts[0]):
            return answer(parts[1])
    found = _parts(_split_list(inner)[0])
    if found is None:
        return forms.opaque(plain(toks), "")
    return forms.listed(found, plain(toks), latex(toks))


def _point(toks: Tokens) -> Form | None:
    """A(3, -4): a point with its name."""
    if len(toks) < 6 or toks[0].kind != "let" or not toks[0].text.isupper():
        return None
    found = _enclosed(toks[1:]) if toks[1].text == "(" else None
    return found.with_name(toks[0].text) if found is not None and found.kind == "tuple" else None


def _matrix(toks: Tokens) -> Form | None:
    names = [t.text for t in toks[1:4]]
    if toks[0].text != r"\begin" or len(names) < 3 or names[1] not in _MATRICES:
        return None
    close = partner(toks, 0)
    if close != len(toks) - 4:
        return None
    body = list(toks[4:close])
    if names[1] == "array" and body and body[0].text == "{":
        body = body[partner(body, 0) + 1 :]
    rows = [r for r in split_at(body, lambda t: t.text == r"\\") if r]
    cells = [split_at(r, lambda t: t.kind == "op" and t.text == "&") for r in rows]
    width = {len(r) for r in cells}
    if len(width) != 1 or any(not c for r in cells for c in r):
        return None
    parts = tuple(answer(c) for r in cells for c in r)
    columns = width.pop()
    lines = [parts[i : i + columns] for i in range(0, len(parts), columns)]
    key = "[" + "; ".join(" ".join(p.key for p in line) for line in lines) + "]"
    if columns == 1:
        key = "(" + ", ".join(p.key for p in parts) + ")"
    return Form(
        "matrix", key, plain(toks), latex(toks), mark=f"{len(lines)}x{columns}", parts=parts
    )


def _cases(toks: Tokens) -> Form | None:
    """Values under conditions, in any order; with one column a system, whose lines all hold."""
    if [t.text for t in toks[:4]] != [r"\begin", "{", "cases", "}"]:
        return None
    close = partner(toks, 0)
    if close != len(toks) - 4:
        return None
    rows = [r for r in split_at(toks[4:close], lambda t: t.text == r"\\") if r]
    cells = [split_at(r, lambda t: t.kind == "op" and t.text == "&") for r in rows]
    cells = [[c for c in map(_bare_condition, row) if c] for row in cells]
    if all(len(row) == 1 for row in cells):
        lines = [answer(row[0]) for row in cells]
        return relations.combine(lines, set(), plain(toks), latex(toks))
    if any(len(row) not in (1, 2) for row in cells):
        return None
    pairs = [
        forms.ordered([answer(c) for c in row], "<>", plain(toks), latex(toks)) for row in cells
    ]
    return forms.listed(pairs, plain(toks), latex(toks))


def _bare_condition(cell: Tokens) -> list[Tok]:
    """Without the comma at its end, and without "if"."""
    toks = list(cell)
    while toks and toks[-1].text in (",", ";", "."):
        del toks[-1]
    while toks and toks[0].text.strip().lower() in ("if", "for", "when", "otherwise", "else"):
        del toks[0]
    return toks


# --- words -------------------------------------------------------------------------------------


def _words(toks: Tokens) -> Form | None:
    said = plain(toks)
    if said in _EMPTY or said == r"\emptyset":
        return forms.listed([], said, r"\emptyset")
    if said in _ALL_REALS:
        return sets.all_reals()
    if not all(
        t.kind in ("word", "text", "let") or t.text in ("-", "'", ".", "!", "?") for t in toks
    ):
        return None
    value = _spelled(toks)
    if value is not None:
        return value
    if len(toks) == 1 and len(toks[0].text) == 1:
        return None
    if any(is_word(t) for t in toks) and not any(_is_mathematical(t) for t in toks):
        if len(toks) > 1 and toks[0].text.lower() in ("the", "a", "an"):
            said = plain(toks[1:])
        return forms.text(said, latex(toks))
    return None


def _spelled(toks: Tokens) -> Form | None:
    """Numbers in words, also before a unit that is known: "twelve dollars"."""
    said = [t.text for t in toks]
    whole = spelled(" ".join(said))
    if whole is not None:
        return forms.number_form(whole)
    for i in range(len(said) - 1, 0, -1):
        value = spelled(" ".join(said[:i]))
        unit = canonical([w.lower() for w in said[i:]])
        is_count = i == len(said) - 1 and re.fullmatch(r"[a-z]{2,}s", said[i]) is not None
        if value is not None and (unit or is_count):
            return forms.number_form(value).with_unit(unit)
    return None


def _is_mathematical(tok: Tok) -> bool:
    return tok.kind == "word" and tok.text in FUNCTIONS | {"pi", "sqrt", "theta", "infinity", "inf"}


# --- the rules, in order -----------------------------------------------------------------------


class _Reader:
    """This parser, as the rules of other modules are handed it."""

    answer = staticmethod(answer)
    single = staticmethod(single)


_RULES: tuple[Callable[[Tokens], Form | None], ...] = (
    _enclosed,
    _words,
    partial(relations.congruence, _Reader),
    partial(relations.relation, _Reader),
    partial(sets.set_operation, _Reader),
    partial(sets.plus_minus, _Reader),
    _matrix,
    _cases,
    _point,
    quantities.based,
    partial(quantities.ratio, _Reader),
    partial(quantities.counted_parts, _Reader),
    partial(quantities.below_zero, _Reader),
    partial(quantities.quantity, _Reader),
    partial(quantities.remark, _Reader),
)
