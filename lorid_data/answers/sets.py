"""Sets of numbers: unions, the real line without some points, and ±."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lorid_data.answers import forms
from lorid_data.answers.forms import Form, Span
from lorid_data.answers.quantities import expression
from lorid_data.answers.reader import Reader
from lorid_data.answers.tokens import Tok, Tokens, holds, latex, plain, split_at, tokenise


def all_reals() -> Form:
    """The real line."""
    ends = (expression(tokenise(r"-\infty")), expression(tokenise(r"\infty")))
    return forms.spans([Span(*ends, "()")], r"\mathbbr", r"(-\infty, \infty)")


_OPERATORS = frozenset(
    {r"\cup", "union", "U", r"\cap", "intersection", r"\setminus", r"\backslash", "\\"}
)


def set_operation(reader: Reader, toks: Tokens) -> Form | None:
    """Unions, and differences such as ℝ without a point."""
    if not holds(toks, _OPERATORS):
        return None

    def joins(tok: Tok) -> bool:
        return tok.text in (r"\cup", "union") or (tok.text == "U" and tok.kind == "let")

    parts = split_at(toks, joins)
    if len(parts) > 1 and all(parts):
        found = [reader.answer(p) for p in parts]
        pieces = [as_spans(f) for f in found]
        if any(p is None for p in pieces):
            return _joined("U", sorted(found, key=lambda f: f.key), toks)
        return forms.spans([s for p in pieces for s in p or ()], plain(toks), latex(toks))
    parts = split_at(toks, lambda t: t.text in (r"\cap", "intersection"))
    if len(parts) > 1 and all(parts):
        return _common([reader.answer(p) for p in parts], toks)
    parts = split_at(toks, lambda t: t.text in (r"\setminus", r"\backslash", "\\"))
    if len(parts) == 2 and all(parts):
        left, right = (reader.answer(p) for p in parts)
        whole, holes = as_spans(left), as_spans(right)
        rest = difference(whole, holes) if whole and holes else None
        if rest is not None:
            return forms.spans(rest, plain(toks), latex(toks))
        return _joined("minus", [left, right], toks)
    return None


def _common(found: Sequence[Form], toks: Tokens) -> Form:
    pieces = [as_spans(f) for f in found]
    if len(pieces) == 2 and all(p is not None and len(p) == 1 for p in pieces):
        both = intersection([s for p in pieces for s in p or ()])
        if both is not None:
            return forms.spans([both], plain(toks), latex(toks))
    return _joined("cap", sorted(found, key=lambda f: f.key), toks)


def _joined(mark: str, found: Sequence[Form], toks: Tokens) -> Form:
    key = f" {mark} ".join(f.key for f in found)
    return Form("joined", key, plain(toks), latex(toks), mark=mark, parts=tuple(found))


def intersection(pieces: Sequence[Span]) -> Span | None:
    """What two intervals have in common, or None where that is nothing or cannot be told."""
    a, b = pieces
    lows = sorted((a, b), key=lambda s: (forms.real_value(s.low) or 0.0, s.brackets[0] == "("))
    highs = sorted((a, b), key=lambda s: (forms.real_value(s.high) or 0.0, s.brackets[1] == "]"))
    low, high = lows[-1], highs[0]
    bottom, top = forms.real_value(low.low), forms.real_value(high.high)
    if bottom is None or top is None or bottom >= top:
        return None
    return Span(low.low, high.high, low.brackets[0] + high.brackets[1])


def without(holes: Sequence[Span], line: Span, toks: Tokens) -> Form | None:
    """The real line without some points, or None where a hole is no point."""
    points = {s.low.key: s.low for s in holes}
    values = {k: forms.real_value(p) for k, p in points.items()}
    if any(s.low.key != s.high.key for s in holes) or any(v is None for v in values.values()):
        return None
    inner = sorted(points.values(), key=lambda p: values[p.key] or 0.0)
    ends = [line.low, *inner, line.high]
    return forms.spans([Span(a, b, "()") for a, b in pairwise(ends)], plain(toks), latex(toks))


def difference(whole: Sequence[Span], holes: Sequence[Span]) -> list[Span] | None:
    """What is left of the first without the second, or None where an end cannot be placed on the line."""
    if any(forms.real_value(end) is None for s in (*whole, *holes) for end in (s.low, s.high)):
        return None
    rest = list(whole)
    for hole in holes:
        rest = [piece for span in rest for piece in _cut(span, hole)]
    return rest


def _cut(span: Span, hole: Span) -> list[Span]:
    """The part of an interval below a hole and the part above it."""
    below = Span(span.low, hole.low, span.brackets[0] + (")" if hole.brackets[0] == "[" else "]"))
    above = Span(hole.high, span.high, ("(" if hole.brackets[1] == "]" else "[") + span.brackets[1])
    if _value(hole.low) > _value(span.high) or _value(hole.high) < _value(span.low):
        return [span]
    low = [below] if _value(hole.low) <= _value(span.high) else [span]
    return [s for s in (*low, above) if _is_proper(s, span)]


def _value(end: Form) -> float:
    return forms.real_value(end) or 0.0


def _is_proper(piece: Span, span: Span) -> bool:
    """Whether a piece holds anything: an interval, or a point that belongs to it."""
    low, high = _value(piece.low), _value(piece.high)
    if low == high:
        return piece.brackets == "[]"
    return low < high and low >= _value(span.low) and high <= _value(span.high)


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


def plus_minus(reader: Reader, toks: Tokens) -> Form | None:
    """The two values of an expression with ±."""
    if not any(t.text in (r"\pm", r"\mp") for t in toks):
        return None
    both = []
    for pm, mp in (("+", "-"), ("-", "+")):
        signs = {r"\pm": pm, r"\mp": mp}
        both.append(
            reader.single([Tok("op", signs[t.text], t.gap) if t.text in signs else t for t in toks])
        )
    return forms.listed(both, plain(toks), latex(toks))
