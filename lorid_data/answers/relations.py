"""Equations, inequalities and names: `x = 5`, `5 = x`, `2x + y = 3`, `1 < x ≤ 2`, `x = 2 or x = 3`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lorid_data.answers import algebra, forms, sets
from lorid_data.answers.algebra import Quotient
from lorid_data.answers.forms import Form, Span
from lorid_data.answers.names import is_name, is_one, is_symbol, name_of
from lorid_data.answers.reader import Reader
from lorid_data.answers.tokens import Tok, Tokens, holds, latex, plain, split_at

_ORDER = {"<": "<", ">": ">", r"\leq": "<=", r"\geq": ">="}
_SIGNS = frozenset({"=", "<", ">", r"\leq", r"\geq", r"\neq", r"\in"})
_CONGRUENT = frozenset({r"\equiv"})
_MODULO = frozenset({r"\pmod", r"\mod", r"\bmod", "mod"})
_APPROX = frozenset({r"\approx", r"\simeq", r"\doteq"})


def relation(reader: Reader, toks: Tokens) -> Form | None:
    """A relation, or None where the tokens hold none outside brackets."""
    if not holds(toks, _SIGNS | _APPROX):
        return None
    if (found := _approximate(reader, toks)) is not None:
        return found
    signs: list[str] = []

    def is_sign(tok: Tok) -> bool:
        if tok.text in _SIGNS and tok.kind in ("op", "cmd"):
            signs.append(tok.text)
            return True
        return False

    sides = split_at(toks, is_sign)
    if not signs:
        return None
    if not all(sides):
        return forms.opaque(plain(toks), latex(toks))
    if all(s == "=" for s in signs):
        return _equation(reader, sides, toks)
    if r"\in" not in signs:
        return _inequality(reader, sides, signs, toks)
    if len(signs) > 1:
        return forms.opaque(plain(toks), latex(toks))
    return reader.answer(sides[1]).with_name(name_of(sides[0])) if is_name(sides[0]) else None


def _approximate(reader: Reader, toks: Tokens) -> Form | None:
    """1/3 ≈ 0.33 says 1/3, x ≈ 5 says 5; None where nothing is approximate."""
    before, *after = split_at(toks, lambda t: t.text in _APPROX)
    if not after or not before:
        return None
    if is_name(before) and after[0]:
        return reader.answer(after[0]).with_name(name_of(before))
    return reader.single(before)


def congruence(reader: Reader, toks: Tokens) -> Form | None:
    r"""X \equiv 2 \pmod 7: a remainder to a modulus."""
    if not holds(toks, _CONGRUENT):
        return None
    sides = split_at(toks, lambda t: t.text in _CONGRUENT)
    if len(sides) != 2 or not all(sides):
        return None
    at = next((i for i, t in enumerate(sides[1]) if t.text in _MODULO), 0)
    modulus = [t for t in sides[1][at + 1 :] if t.text not in "(){}"]
    rest = [t for t in sides[1][:at] if t.text != "("]
    if not at or not modulus or not rest:
        return None
    left, right, n = reader.single(sides[0]), reader.single(rest), reader.single(modulus)
    key = right.key
    if right.number is not None and n.number and n.number.denominator == 1:
        key = str(right.number % n.number)
    said, mark = f"{left.key}=={key}", f"mod {n.key}"
    return Form(
        "relation", f"{said} {mark}", plain(toks), latex(toks), mark=mark, parts=(left, right)
    )


def _equation(reader: Reader, sides: Sequence[Tokens], toks: Tokens) -> Form:
    left, right = list(sides[0]), list(sides[-1])
    if len(sides) > 2 and all(map(is_one, sides[:-1])):
        return _all_named(reader, sides, toks)  # x = y = 0
    if len(sides) == 2 and not is_name(left) and is_name(right) and not _has_letters(left):
        left, right = right, left
    if is_name(left):
        value = reader.answer(right)
        return value.with_name(name_of(left), _difference(reader.single(left), value))
    first, last = reader.single(left), reader.single(right)
    if first.number is not None and last.number is not None:
        scale = 100 if last.unit == "percent" else 1
        if last.number in (first.number, first.number * scale):
            return last  # 2 + 3 = 5 says 5, 0.56 = 56% says 56%
    diff = _difference(first, last)
    if diff is None or diff.number is not None or len(sides) != 2:
        key = "=".join(reader.single(list(s)).key for s in sides)
        return Form("relation", key, plain(toks), latex(toks), mark="=", parts=(first, last))
    return Form(
        "relation",
        f"0={scaled(diff)}",
        plain(toks),
        latex(toks),
        mark="=",
        parts=(first, last),
        equation=diff,
    )


def _all_named(reader: Reader, sides: Sequence[Tokens], toks: Tokens) -> Form:
    parts = [_equation(reader, [s, sides[-1]], [*s, *sides[-1]]) for s in sides[:-1]]
    return combine(parts, set(), plain(toks), latex(toks))


def _has_letters(toks: Tokens) -> bool:
    return any(t.kind in ("let", "word") for t in toks)


def _difference(a: Form, b: Form) -> Quotient | None:
    if a.quotient is None or b.quotient is None:
        return None
    return algebra.add(a.quotient, algebra.negate(b.quotient))


def scaled(q: Quotient, *, keep_sign: bool = False) -> str:
    """The key of a quotient without its rational factor (a positive one, if the sign matters)."""
    _, unit = algebra.content(q if keep_sign else algebra.cleared(q))
    flipped = algebra.negate(unit)
    return unit.key() if keep_sign else min(unit.key(), flipped.key())


def _inequality(
    reader: Reader, sides: Sequence[Tokens], signs: Sequence[str], toks: Tokens
) -> Form:
    found = [reader.single(list(s)) for s in sides]
    names = [i for i, s in enumerate(sides) if is_name(s) and is_symbol(name_of(s))]
    values = [f for i, f in enumerate(found) if i not in names]
    if len(names) == 1 and all(forms.real_value(v) is not None for v in values):
        name = name_of(sides[names[0]])
        if signs == [r"\neq"]:
            line = sets.as_spans(sets.all_reals()) or []
            holes = sets.as_spans(values[0]) or []
            apart = sets.without(holes, line[0], toks)
            if apart is not None:
                return apart.with_name(name)
        span = _span(found, signs, names[0])
        if span is not None:
            return forms.spans([span], plain(toks), latex(toks)).with_name(name)
    return _linear(found, signs, toks) or _general(found, signs, toks)


def _linear(found: Sequence[Form], signs: Sequence[str], toks: Tokens) -> Form | None:
    """2x + 1 < 7 as x < 3, where one variable and rational numbers are all there is."""
    diff = _difference(found[0], found[1]) if len(found) == 2 and signs[0] in _ORDER else None
    if diff is None or len(diff.den) != 1:
        return None
    terms = {m: c for m, c in diff.num.items() if m}
    if len(terms) != 1 or not diff.is_exact:
        return None
    ((m, c),) = terms.items()
    if len(m) != 1 or m[0][1] != 1 or not m[0][0].isalpha() or m[0][0] in ("pi", "e", "i", "oo"):
        return None
    bound = forms.number_form(-diff.num.get((), c * 0) / c)
    order = _ORDER[signs[0]]
    ends = sets.all_reals().parts
    closed = len(order) == 2
    if (order[0] == "<") == (c > 0):
        span = Span(ends[0], bound, "(]" if closed else "()")
    else:
        span = Span(bound, ends[1], "[)" if closed else "()")
    return forms.spans([span], plain(toks), latex(toks)).with_name(m[0][0])


def _span(found: Sequence[Form], signs: Sequence[str], at: int) -> Span | None:
    """The interval that a chain of inequalities around one name says."""
    low, high = sets.all_reals().parts
    left, right = "(", ")"
    for i, sign in enumerate(signs):
        order = _ORDER.get(sign)
        if order is None or at not in (i, i + 1):
            return None
        other = found[i + 1] if at == i else found[i]
        is_upper = (order[0] == "<") == (at == i)
        closed = len(order) == 2
        if is_upper:
            high, right = other, "]" if closed else ")"
        else:
            low, left = other, "[" if closed else "("
    bottom, top = forms.real_value(low), forms.real_value(high)
    return (
        Span(low, high, left + right)
        if bottom is not None and top is not None and bottom < top
        else None
    )


def _general(found: Sequence[Form], signs: Sequence[str], toks: Tokens) -> Form:
    """Inequalities between expressions: everything on one side, up to a positive factor."""
    keys = []
    for i, sign in enumerate(signs):
        diff = _difference(found[i], found[i + 1])
        if diff is None:
            return forms.opaque(plain(toks), latex(toks))
        if sign in (r"\neq", "="):
            keys.append(("0!=" if sign == r"\neq" else "0=") + scaled(diff))
            continue
        order = _ORDER[sign]
        diff = algebra.negate(diff) if order[0] == "<" else diff
        keys.append(("0<=" if len(order) == 2 else "0<") + scaled(diff, keep_sign=True))
    return Form(
        "relation",
        " and ".join(sorted(keys)),
        plain(toks),
        latex(toks),
        mark="<",
        parts=tuple(found),
    )


# --- lists of relations ------------------------------------------------------------------------


def combine(parts: list[Form], words: set[str], said: str, shown: str) -> Form:
    """The parts of a list as one answer: `x = 2 or x = 3` is {2, 3} named x, `x < 1 or x > 2` a union."""
    names = {p.name for p in parts if p.name}
    rays = [p for p in parts if p.kind in ("tuple", "set") and p.name]
    if len(rays) == len(parts) and len(names) == 1 and words:
        pieces = [s for p in parts for s in sets.as_spans(p) or ()]
        if words == {"or"}:
            return forms.spans(pieces, said, shown).with_name(names.pop())
        both = sets.intersection(pieces) if len(pieces) == len(parts) == 2 else None
        if both is not None:
            return forms.spans([both], said, shown).with_name(names.pop())
    units = {p.unit for p in parts if p.unit}
    unit = units.pop() if len(units) == 1 else ""
    if len(names) == 1 and (parts[0].name or all(p.name for p in parts)):
        bare = [replace(p, name="", equation=None) for p in parts]
        return replace(forms.listed(_flat(bare), said, shown), name=names.pop(), unit=unit)
    return forms.listed(_flat(parts), said, shown).with_unit(unit)


def _flat(parts: Sequence[Form]) -> list[Form]:
    """Lists inside a list, such as the two values of ±3, are its own parts."""
    out: list[Form] = []
    for p in parts:
        out.extend(p.parts if p.kind == "list" and p.parts and not p.name else [p])
    return out
