"""Numbers and expressions, and what may stand beside them: a unit, a base, a ratio, a remark."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from lorid_data.answers import forms
from lorid_data.answers.algebra import number, symbol
from lorid_data.answers.evaluate import exact
from lorid_data.answers.expression import parse_expression
from lorid_data.answers.forms import Form
from lorid_data.answers.monomials import TermsError
from lorid_data.answers.nodes import FUNCTIONS, PLAIN_NAMES, Node
from lorid_data.answers.progressions import has_dots
from lorid_data.answers.reader import Reader
from lorid_data.answers.tokens import ParseError, Tok, Tokens, holds, latex, plain, split_at
from lorid_data.answers.units import canonical, unit_suffix
from lorid_data.answers.words import SCALES, is_word, part, spelled_number


def based(toks: Tokens) -> Form | None:
    """1011_2, (1011)_{two}, 2A3_{16}, 1011 base 2."""
    marks = [i for i, t in enumerate(toks) if t.text == "_" or t.text.lower() == "base"]
    if len(marks) != 1:
        return None
    digits = [t for t in toks[: marks[0]] if t.text not in "()"]
    sign = digits[0].text if digits and digits[0].text == "-" else ""
    digits = digits[len(sign) :]
    below = [t for t in toks[marks[0] + 1 :] if t.text not in "{}()"]
    if not digits or len(below) != 1 or not any(t.kind == "num" for t in digits):
        return None
    if not all(
        t.kind in ("num", "let", "word", "text") and t.text.replace(".", "").isalnum()
        for t in digits
    ):
        return None
    base = int(below[0].text) if below[0].text.isdigit() else spelled_number(below[0].text)
    if base is None:
        return None
    shown = sign + ("".join(t.text for t in digits).upper().lstrip("0") or "0")
    return Form("based", f"{shown}_{base}", plain(toks), latex(toks), mark=str(base))


_COLONS = frozenset({":", r"\colon", "to"})


def ratio(reader: Reader, toks: Tokens) -> Form | None:
    """3:2, 3 to 2, and times such as 11:00 a.m."""
    if not holds(toks, _COLONS):
        return None
    parts = split_at(
        toks,
        lambda t: t.text in (":", r"\colon") or (t.kind in ("word", "text") and t.text == "to"),
    )
    if len(parts) < 2 or not all(parts):
        return None
    suffix = unit_suffix(parts[-1]) if len(parts[-1]) > 1 else None
    unit = suffix[1] if suffix else ""
    if suffix:
        parts[-1] = parts[-1][: suffix[0]]
    found = tuple(reader.single(p) for p in parts)
    is_time = all(len(p) == 1 and len(p[0].text) == 2 for p in parts[1:])
    key = ":".join(p.key for p in found)
    first = found[0].quotient
    if (
        not is_time
        and first is not None
        and first.number
        and all(p.number is not None for p in found)
    ):
        key = ":".join(str((p.number or 0) / first.number) for p in found)
    return Form("ratio", key, plain(toks), latex(toks), parts=found, unit=unit)


def quantity(reader: Reader, toks: Tokens) -> Form | None:
    """A number with a unit or a count noun behind it."""
    suffix = unit_suffix(toks)
    if suffix is None:
        return None
    start, unit = suffix
    if unit == "deg" and any(t.text[1:] in FUNCTIONS for t in toks if t.kind == "cmd"):
        return None
    return reader.single(toks[:start]).with_unit(unit)


def mixed(whole: Tokens, part_of_one: Tokens) -> Form | None:
    """5 and 1/2: a whole number and a proper fraction, with a unit or without one."""
    if len(whole) != 1 or not whole[0].text.isdigit():
        return None
    suffix = unit_suffix(part_of_one)
    rest = part_of_one[: suffix[0]] if suffix else part_of_one
    if [t.text for t in rest if t.kind != "num" and t.text not in "{}"] not in (["/"], [r"\frac"]):
        return None
    found = expression(rest)
    if found.number is None or not 0 < found.number < 1 or found.number.denominator == 1:
        return None
    value = forms.number_form(int(whole[0].text) + found.number)
    return value.with_unit(suffix[1] if suffix else "")


def counted_parts(reader: Reader, toks: Tokens) -> Form | None:
    """7 tenths, 3 hundredths of a mile."""
    toks = _one_by_one(toks)
    at = next((i for i, t in enumerate(toks) if t.kind in ("word", "text")), 0)
    divisor = part(toks[at].text) if at else None
    if divisor is None or toks[at - 1].kind != "num":
        return None
    rest = toks[at + 1 :]
    if rest and rest[0].text != "of":
        return None
    whole = reader.single(toks[:at])
    if whole.node is None:
        return None
    unit = canonical([t.text.lower() for t in rest if t.text not in ("of", "a", "an", "the")])
    node = Node("mul", (whole.node, Node("num", value=Fraction(1, divisor))))
    value = exact(node)
    return forms.expression(node, value, latex=latex(toks), plain=plain(toks)).with_unit(unit)


def below_zero(reader: Reader, toks: Tokens) -> Form | None:
    """12 below zero, 12 degrees below zero: -12. 12 above zero is 12."""
    toks = _one_by_one(toks)
    said = [t.text.lower() for t in toks[-2:]]
    if len(toks) < 3 or said not in (["below", "zero"], ["above", "zero"]):
        return None
    value = reader.single(toks[:-2])
    if said[0] == "above" or value.node is None or value.quotient is None:
        return value
    node = Node("neg", (value.node,))
    negative = forms.expression(node, exact(node), latex=latex(toks), plain=plain(toks))
    return negative.with_unit(value.unit)


def _one_by_one(toks: Tokens) -> list[Tok]:
    r"""The words of a \text{} as tokens of their own."""
    return [
        Tok(t.kind, w, t.gap or j > 0)
        for t in toks
        for j, w in enumerate(t.text.split() if t.kind == "text" else [t.text])
    ]


def remark(reader: Reader, toks: Tokens) -> Form | None:
    """A bracket of words behind the answer says nothing about its value: 72 (clips)."""
    if len(toks) < 4 or toks[-1].text != ")":
        return None
    opened = max((i for i, t in enumerate(toks) if t.text == "("), default=0)
    inner = toks[opened + 1 : -1]
    if opened == 0 or not all(t.kind in ("word", "text") or t.text == "-" for t in inner):
        return None
    return reader.answer(toks[:opened]) if any(len(t.text) > 3 for t in inner) else None


def _no_number(a: Tok, b: Tok) -> bool:
    """1 2 is no product, 1_x no number: nothing that could be agreed on by computing."""
    return a.kind == "num" and (b.kind == "num" or b.text == "_")


def _is_unknown_call(a: Tok, b: Tok) -> bool:
    """Whether a word stands right before a bracket."""
    is_name = is_word(a) or (a.kind == "word" and len(a.text) == 3)
    return b.text == "(" and not b.gap and is_name and a.text.islower()


def expression(toks: Tokens) -> Form:
    """What the expression parser makes of the tokens; else words, or something opaque."""
    said, shown = plain(toks), latex(toks)
    scale = 1
    while len(toks) > 1 and toks[-1].kind in ("word", "text") and toks[-1].text.lower() in SCALES:
        scale *= SCALES[toks[-1].text.lower()]
        toks = toks[:-1]
    try:
        node = parse_expression(
            [
                Tok("let" if len(t.text) == 1 else "word", t.text, t.gap)
                if t.kind == "text" and (len(t.text) == 1 or t.text in PLAIN_NAMES)
                else t
                for t in toks
            ]
        )
        if scale > 1:
            node = Node("mul", (node, Node("num", value=number(scale).number or node.value)))
        try:
            quotient = exact(node)
        except TermsError:
            quotient = symbol("@" + said)
    except (ParseError, ZeroDivisionError):
        if any(_no_number(a, b) for a, b in pairwise(toks)):
            return forms.text(said, shown)
        if any(_is_unknown_call(a, b) for a, b in pairwise(toks)):
            return forms.opaque(said, "")  # nor does the verifier know what erf(1) is
        if has_dots(toks):
            return forms.opaque(said, "")  # nor what an ellipsis leaves out
        wordy = any(is_word(t) for t in toks) and not any(t.kind == "cmd" for t in toks)
        return (forms.text if wordy else forms.opaque)(said, shown)
    digits = toks[-1].text
    signed = [t.text for t in toks[:-1]]
    is_decimal = (
        toks[-1].kind == "num" and all(s in "+-" for s in signed) and "." in digits and scale == 1
    )
    decimals = len(digits) - digits.index(".") - 1 if is_decimal else -1
    return forms.expression(node, quotient, latex=shown, plain=said, decimals=decimals)
