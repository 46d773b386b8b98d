"""Text → `Form`: takes an answer apart at its separators, brackets and relations, from the outside in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lorid_data.answers import forms, relations
from lorid_data.answers.algebra import number
from lorid_data.answers.evaluate import exact
from lorid_data.answers.expression import FUNCTIONS, Node, ParseError, parse_expression
from lorid_data.answers.forms import Form, Span
from lorid_data.answers.results import LimitError
from lorid_data.answers.spelling import respell
from lorid_data.answers.tokens import Tok, Tokens, is_balanced, latex, partner, plain, split_at, tokenise
from lorid_data.answers.units import CURRENCY, canonical, unit_suffix
from lorid_data.answers.words import SCALES, spelled_fraction, spelled_number

_LEAD = frozenset("about approximately approx exactly roughly around only option choice".split())
_LEAD_COMMANDS = frozenset({r"\approx", r"\sim", r"\therefore", "=", ":"})
_MONEY = frozenset("us usd rs inr eur cad aud hk".split())
_PRODUCTS = frozenset("no yes odd six ten one two red all day dog cat sun mon tue wed thu fri sat may jan".split())
"""Words of up to three letters that are words; every other run of three is a product of variables."""
_EMPTY = frozenset({"nosolution", "nosolutions", "norealsolution", "norealsolutions", "emptyset", "none"})
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
    except RecursionError:
        msg = "an answer nested too deeply"
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
        return _unbalanced(toks)
    if any(t.text.lower() == "hundred" for t in toks) and (value := _words(toks)) is not None:
        return value  # "two hundred and five" is no list
    parts, words = _split_list(toks)
    if len(parts) > 1:
        return relations.combine([answer(p) for p in parts], words, plain(toks), latex(toks))
    toks = parts[0] if parts else toks
    return single(toks).with_unit(unit)


def _unbalanced(toks: Tokens) -> Form:
    texts = [t.text for t in toks]
    if len(texts) == 2 and texts[1] == ")" and len(texts[0]) == 1:
        return single(toks[:1])
    return forms.opaque(plain(toks), latex(toks))


def _lead(toks: Tokens) -> tuple[list[Tok], str]:
    """Without currency, "about", "≈" and the like in front; and the currency."""
    toks = list(toks)
    unit = ""
    marks = [i for i, t in enumerate(toks) if t.kind == "op" and t.text in CURRENCY]
    if marks:
        first = [t.text for t in toks[: marks[0]] if t.text not in ("+", "-") and t.text.lower() not in _MONEY]
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
    return {r"\lor": "or", r"\vee": "or", r"\land": "and", r"\wedge": "and", r"\&": "and"}.get(tok.text, "")


def _split_list(toks: Tokens) -> tuple[list[list[Tok]], set[str]]:
    words: set[str] = set()

    def separates(tok: Tok) -> bool:
        word = connective(tok)
        if word:
            words.add(word)
        return bool(word) or _is_comma(tok)

    return [p for p in split_at(toks, separates) if p], words


def single(toks: Tokens) -> Form:
    """An answer that is no list."""
    for rule in (_enclosed, _words, relations.relation, _set_operation, _plus_minus, _matrix, _based, _ratio,
                 _quantity, _remark):  # fmt: skip
        found = rule(toks)
        if found is not None:
            return found
    return _expression(toks)


# --- brackets ----------------------------------------------------------------------------------


def _enclosed(toks: Tokens) -> Form | None:
    """(a, b), [a, b), {a, b}, <a, b>, and brackets around a single thing."""
    opener = toks[0].text
    if opener not in ("(", "[", "{", r"\{", r"\langle") or toks[0].kind not in ("op", "cmd"):
        return None
    if partner(toks, 0) != len(toks) - 1:
        return None
    inner = toks[1:-1]
    if opener == r"\{":
        return _braces(inner, toks)
    if not inner:
        return None
    parts = [p for p in split_at(inner, _is_comma) if p]
    if len(parts) < 2:
        return answer(inner) if opener in ("(", "{") or toks[-1].text == "]" else None
    if opener == "{":
        return answer(inner)
    brackets = "()" if opener == r"\langle" else opener + toks[-1].text
    return forms.ordered([answer(p) for p in parts], brackets, plain(toks), latex(toks))


def _braces(inner: Tokens, toks: Tokens) -> Form:
    if not inner:
        return forms.listed([], "", r"\emptyset")
    for bar in (":", "|"):
        parts = split_at(inner, lambda t, bar=bar: t.text == bar)  # type: ignore[misc]
        if len(parts) == 2 and parts[1] and relations.is_variable(parts[0]):
            return answer(parts[1])
    parts, _ = _split_list(inner)
    return forms.listed([answer(p) for p in parts], plain(toks), latex(toks))


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
    return Form("matrix", key, plain(toks), latex(toks), mark=f"{len(lines)}x{columns}", parts=parts)


# --- words -------------------------------------------------------------------------------------


def _words(toks: Tokens) -> Form | None:
    said = plain(toks)
    if said in _EMPTY or said == r"\emptyset":
        return forms.listed([], said, r"\emptyset")
    if said in _ALL_REALS:
        return all_reals()
    if not all(t.kind in ("word", "text", "let") or t.text in ("-", "'", ".", "!", "?") for t in toks):
        return None
    value = _spelled(toks)
    if value is not None:
        return value
    if len(toks) == 1 and len(toks[0].text) == 1:
        return None
    if any(_is_word(t) for t in toks) and not any(_is_mathematical(t) for t in toks):
        if len(toks) > 1 and toks[0].text.lower() in ("the", "a", "an"):
            said = plain(toks[1:])
        return forms.text(said, latex(toks))
    return None


def _spelled(toks: Tokens) -> Form | None:
    """Numbers in words, also before a unit that is known: "twelve dollars"."""
    said = [t.text for t in toks]
    whole = spelled_number(" ".join(said)) or spelled_fraction(" ".join(said))
    if whole is not None:
        return forms.number_form(whole)
    for i in range(len(said) - 1, 0, -1):
        value = spelled_number(" ".join(said[:i])) or spelled_fraction(" ".join(said[:i]))
        unit = canonical([w.lower() for w in said[i:]])
        if value is not None and unit:
            return forms.number_form(value).with_unit(unit)
    return None


def all_reals() -> Form:
    """The real line."""
    ends = (single(tokenise(r"-\infty")), single(tokenise(r"\infty")))
    return forms.spans([Span(*ends, "()")], r"\mathbbr", r"(-\infty, \infty)")


def _is_word(tok: Tok) -> bool:
    if tok.kind == "text":
        return len(tok.text) > 1
    if tok.kind != "word":
        return False
    return len(tok.text) > 3 or tok.text.isupper() or tok.text[:1].isupper() or tok.text.lower() in _PRODUCTS


def _is_mathematical(tok: Tok) -> bool:
    return tok.kind == "word" and tok.text in FUNCTIONS | {"pi", "sqrt", "theta", "infinity", "inf"}


# --- sets --------------------------------------------------------------------------------------


def _set_operation(toks: Tokens) -> Form | None:
    def joins(tok: Tok) -> bool:
        return tok.text in (r"\cup", "union") or (tok.text == "U" and tok.kind == "let")

    parts = split_at(toks, joins)
    if len(parts) > 1 and all(parts):
        found = [answer(p) for p in parts]
        pieces = [as_spans(f) for f in found]
        if any(p is None for p in pieces):
            return _joined("U", sorted(found, key=lambda f: f.key), toks)
        return forms.spans([s for p in pieces for s in p or ()], plain(toks), latex(toks))
    parts = split_at(toks, lambda t: t.text in (r"\setminus", r"\backslash", "\\"))
    if len(parts) == 2 and all(parts):
        left, right = (answer(p) for p in parts)
        whole = as_spans(left)
        if whole and left.key == "(-1*oo, oo)" and (holes := as_spans(right)):
            return without(holes, whole[0], toks)
        return _joined("minus", [left, right], toks)
    return None


def _joined(mark: str, found: Sequence[Form], toks: Tokens) -> Form:
    key = f" {mark} ".join(f.key for f in found)
    return Form("joined", key, plain(toks), latex(toks), mark=mark, parts=tuple(found))


def without(holes: Sequence[Span], line: Span, toks: Tokens) -> Form | None:
    """The real line without some points, or None where a hole is no point."""
    points = {s.low.key: s.low for s in holes}
    values = {k: forms.real_value(p) for k, p in points.items()}
    if any(s.low.key != s.high.key for s in holes) or any(v is None for v in values.values()):
        return None
    inner = sorted(points.values(), key=lambda p: values[p.key] or 0.0)
    ends = [line.low, *inner, line.high]
    pairs = zip(ends[:-1], ends[1:], strict=True)
    return forms.spans([Span(a, b, "()") for a, b in pairs], plain(toks), latex(toks))


def as_spans(form: Form) -> list[Span] | None:
    """The intervals and points of a form, or None where it is no set of numbers."""
    if form.kind == "tuple" and len(form.parts) == 2 and form.mark in ("()", "[]", "(]", "[)"):
        return [Span(form.parts[0], form.parts[1], form.mark)]
    if form.kind == "list" and all(p.kind == "expression" for p in form.parts):
        return [Span(p, p, "[]") for p in form.parts]
    if form.kind == "set":
        ends = form.parts
        return [Span(ends[2 * i], ends[2 * i + 1], b) for i, b in enumerate(form.mark.split())]
    return [Span(form, form, "[]")] if form.kind == "expression" else None


def _plus_minus(toks: Tokens) -> Form | None:
    if not any(t.text in (r"\pm", r"\mp") for t in toks):
        return None
    both = []
    for pm, mp in (("+", "-"), ("-", "+")):
        signs = {r"\pm": pm, r"\mp": mp}
        both.append(single([Tok("op", signs[t.text], t.gap) if t.text in signs else t for t in toks]))
    return forms.listed(both, plain(toks), latex(toks))


# --- numbers with something beside them --------------------------------------------------------


def _based(toks: Tokens) -> Form | None:
    """1011_2, (1011)_{two}, 2A3_{16}, 1011 base 2."""
    marks = [i for i, t in enumerate(toks) if t.text == "_" or t.text.lower() == "base"]
    if len(marks) != 1:
        return None
    digits = [t for t in toks[: marks[0]] if t.text not in "()"]
    below = [t for t in toks[marks[0] + 1 :] if t.text not in "{}()"]
    if not digits or len(below) != 1 or digits[0].text == "-" or not any(t.kind == "num" for t in digits):
        return None
    if not all(t.kind in ("num", "let", "word") and t.text.isalnum() for t in digits):
        return None
    base = int(below[0].text) if below[0].text.isdigit() else spelled_number(below[0].text)
    if base is None or not 2 <= base <= 36:
        return None
    shown = "".join(t.text for t in digits).upper().lstrip("0") or "0"
    return Form("based", f"{shown}_{base}", plain(toks), latex(toks), mark=str(base))


def _ratio(toks: Tokens) -> Form | None:
    parts = split_at(toks, lambda t: t.text in (":", r"\colon") or (t.kind in ("word", "text") and t.text == "to"))
    if len(parts) < 2 or not all(parts):
        return None
    suffix = unit_suffix(parts[-1]) if len(parts[-1]) > 1 else None
    unit = suffix[1] if suffix else ""
    if suffix:
        parts[-1] = parts[-1][: suffix[0]]
    found = tuple(single(p) for p in parts)
    is_time = all(len(p) == 1 and len(p[0].text) == 2 for p in parts[1:])
    key = ":".join(p.key for p in found)
    first = found[0].quotient
    if not is_time and first is not None and first.number and all(p.number is not None for p in found):
        key = ":".join(str((p.number or 0) / first.number) for p in found)
    return Form("ratio", key, plain(toks), latex(toks), parts=found, unit=unit)


def _quantity(toks: Tokens) -> Form | None:
    suffix = unit_suffix(toks)
    if suffix is None:
        return None
    start, unit = suffix
    if unit == "deg" and any(t.text[1:] in FUNCTIONS for t in toks if t.kind == "cmd"):
        return None
    return single(toks[:start]).with_unit(unit)


def _remark(toks: Tokens) -> Form | None:
    """A bracket of words behind the answer says nothing about its value: 72 (clips)."""
    if len(toks) < 4 or toks[-1].text != ")":
        return None
    opened = max(i for i, t in enumerate(toks) if t.text == "(")
    inner = toks[opened + 1 : -1]
    if opened == 0 or not all(t.kind in ("word", "text") for t in inner):
        return None
    return answer(toks[:opened]) if any(len(t.text) > 3 for t in inner) else None


def _expression(toks: Tokens) -> Form:
    said, shown = plain(toks), latex(toks)
    scale = 1
    while len(toks) > 1 and toks[-1].kind in ("word", "text") and toks[-1].text.lower() in SCALES:
        scale *= SCALES[toks[-1].text.lower()]
        toks = toks[:-1]
    try:
        node = parse_expression([Tok("let", t.text, t.gap) if t.kind == "text" and len(t.text) == 1 else t for t in toks])
        if scale > 1:
            node = Node("mul", (node, Node("num", value=number(scale).number or node.value)))
        quotient = exact(node)
    except (ParseError, ZeroDivisionError):
        if any(a.kind == b.kind == "num" for a, b in zip(toks, toks[1:], strict=False)):
            return forms.text(said, shown)  # "1 2" is no product, and no number that could be agreed on
        wordy = any(_is_word(t) for t in toks) and not any(t.kind == "cmd" for t in toks)
        return (forms.text if wordy else forms.opaque)(said, shown)
    digits = toks[-1].text
    signed = [t.text for t in toks[:-1]]
    is_decimal = toks[-1].kind == "num" and all(s in "+-" for s in signed) and "." in digits and scale == 1
    decimals = len(digits) - digits.index(".") - 1 if is_decimal else -1
    return forms.expression(node, quotient, latex=shown, plain=said, decimals=decimals)
