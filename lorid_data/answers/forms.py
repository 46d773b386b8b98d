"""What an answer is, once read: a tree with a canonical key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from lorid_data.answers import algebra
from lorid_data.answers.algebra import Quotient
from lorid_data.answers.evaluate import exact
from lorid_data.answers.nodes import Node, bare, called, f_before_sums, multiplied
from lorid_data.answers.rough import at_points


@dataclass(frozen=True)
class Form:
    """An answer or a part of one.

    kind          holds
    expression    quotient and node
    text          words; compared by `plain`
    opaque        mathematics that only the verifier may understand
    list          parts without order, each as often as it stands there
    tuple         parts in order; `mark` is the pair of brackets: (), [], or <>
    set           intervals and points: `mark` holds their brackets, parts their ends
    matrix        rows of parts; `mark` is ROWSxCOLUMNS
    relation      left and right side; `mark` is = < <= != or a word such as "in"
    ratio         parts of a:b:c
    based         digits in a base; `mark` is the base
    joined        parts joined by `mark`, an operator between sets
    """

    kind: str
    key: str
    plain: str = ""
    latex: str = ""
    mark: str = ""
    parts: tuple[Form, ...] = ()
    quotient: Quotient | None = None
    node: Node | None = None
    decimals: int = -1
    """Digits behind the point where the answer is one decimal number, else -1."""
    unit: str = ""
    name: str = ""
    equation: Quotient | None = None
    """Left minus right side, where the answer is an equation of two expressions."""

    @cached_property
    def points(self) -> tuple[complex | None, ...]:
        """Rough values of an expression; see `rough.at_points`."""
        return at_points(self.node) if self.node is not None else ()

    @property
    def called(self) -> frozenset[str]:
        """The letters that stand before a bracket and are read as functions: P in P(0)."""
        return called(self.node) if self.node is not None and "@call_" in self.key else frozenset()

    @property
    def called_with_number(self) -> frozenset[str]:
        """Those of them whose bracket holds a plain number: R in R(1)."""
        return called(self.node, of_numbers=True) if self.called and self.node else frozenset()

    @property
    def f_before_sums(self) -> frozenset[str]:
        """Which of f, g and h stand before a sum: factors, where the other answer has them by themselves."""
        return f_before_sums(self.node) if self.node and "@call_" in self.key else frozenset()

    @property
    def bare(self) -> frozenset[str]:
        """The symbols of an expression that are no functions."""
        return bare(self.node) if self.node is not None else frozenset()

    def multiplied(self, letters: frozenset[str]) -> Form:
        """An expression with these letters before brackets read as factors: P(1 + r) as P + Pr."""
        if not letters or self.node is None:
            return self
        node = multiplied(self.node, letters)
        quotient = exact(node)
        return replace(self, key=quotient.key(), node=node, quotient=quotient)

    @property
    def number(self) -> Fraction | None:
        """The value of an expression that is a rational number."""
        return self.quotient.number if self.quotient is not None else None

    def with_unit(self, unit: str) -> Form:
        """The same with the unit stated behind it."""
        return replace(self, unit=unit or self.unit)

    def with_name(self, name: str, equation: Quotient | None = None) -> Form:
        """The same with the name stated before it."""
        return replace(self, name=name, equation=equation)


def expression(
    node: Node, quotient: Quotient, *, latex: str, plain: str, decimals: int = -1
) -> Form:
    """A number, a polynomial, a surd or the like."""
    return Form(
        "expression",
        quotient.key(),
        plain=plain,
        latex=latex,
        quotient=quotient,
        node=node,
        decimals=decimals,
    )


def of_node(node: Node, shown: Form) -> Form:
    """A tree that was made from what an answer shows.

    Raises:
        LimitError, ZeroDivisionError: see `evaluate.exact`.
    """
    return expression(node, exact(node), latex=shown.latex, plain=shown.plain)


def text(plain: str, latex: str) -> Form:
    """Words."""
    return Form("text", f"'{plain}'", plain=plain, latex=latex)


def opaque(plain: str, latex: str) -> Form:
    """Something that is no words and that the parser refuses."""
    return Form("opaque", f"?{plain}", plain=plain, latex=latex)


def listed(parts: Sequence[Form], plain: str, latex: str) -> Form:
    """Parts without order."""
    keys = sorted(_full(p) for p in parts)
    return Form("list", "{" + ", ".join(keys) + "}", plain=plain, latex=latex, parts=tuple(parts))


def ordered(parts: Sequence[Form], brackets: str, plain: str, latex: str) -> Form:
    """Parts in order: a point, a vector, or an interval whose ends are the two parts."""
    inner = ", ".join(p.key for p in parts)
    return Form(
        "tuple",
        brackets[0] + inner + brackets[1],
        plain=plain,
        latex=latex,
        mark=brackets,
        parts=tuple(parts),
    )


def _full(part: Form) -> str:
    return f"{part.name}={part.key}" if part.name else part.key


@dataclass(frozen=True, slots=True)
class Span:
    """An interval of the real line: two ends and whether each belongs to it."""

    low: Form
    high: Form
    brackets: str

    @property
    def key(self) -> str:
        """[a, b), or {a} for a point."""
        if self.low.key == self.high.key:
            return "{" + self.low.key + "}"
        return f"{self.brackets[0]}{self.low.key}, {self.high.key}{self.brackets[1]}"


def spans(parts: Sequence[Span], plain: str, latex: str) -> Form:
    """A union of intervals, sorted, and joined where numbers show that they touch."""
    joined = _join(list(parts))
    if len(joined) == 1 and joined[0].low.key != joined[0].high.key:
        only = joined[0]
        return ordered([only.low, only.high], only.brackets, plain, latex)
    if joined and all(s.low.key == s.high.key for s in joined):
        return listed([s.low for s in joined], plain, latex)
    return Form(
        "set",
        " U ".join(s.key for s in joined),
        plain=plain,
        latex=latex,
        mark=" ".join(s.brackets for s in joined),
        parts=tuple(end for s in joined for end in (s.low, s.high)),
    )


def real_value(end: Form) -> float | None:
    """Where an end lies on the real line, or None where that cannot be told."""
    if end.key in ("oo", "-1*oo"):
        return float("inf") if end.key == "oo" else float("-inf")
    if end.quotient is None or not end.quotient.is_exact:
        return None
    if any(not b.isdigit() and b not in ("pi", "e") for b in end.quotient.bases()):
        return None
    value = end.points[0] if end.points else None
    return None if value is None or abs(value.imag) > 1e-12 else value.real


def _join(parts: list[Span]) -> list[Span]:
    lows = [real_value(s.low) for s in parts]
    highs = [real_value(s.high) for s in parts]
    if any(v is None for v in (*lows, *highs)):
        return sorted(parts, key=lambda s: s.key)
    order = sorted(
        range(len(parts)), key=lambda i: (lows[i] or 0.0, parts[i].brackets[0] == "(", parts[i].key)
    )
    out: list[Span] = []
    for i in order:
        span = parts[i]
        if out and _touch(out[-1], span):
            out[-1] = _merge(out[-1], span)
        else:
            out.append(span)
    return out


def _touch(a: Span, b: Span) -> bool:
    """Whether b, which begins no earlier than a, overlaps it or continues it."""
    if a.high.key == b.low.key:
        return a.brackets[1] == "]" or b.brackets[0] == "["
    high, low = real_value(a.high), real_value(b.low)
    return high is not None and low is not None and high > low


def _merge(a: Span, b: Span) -> Span:
    if a.high.key == b.high.key:
        right = "]" if "]" in (a.brackets[1], b.brackets[1]) else ")"
        return Span(a.low, a.high, a.brackets[0] + right)
    high_a, high_b = real_value(a.high) or 0.0, real_value(b.high) or 0.0
    last = a if high_a > high_b else b
    return Span(a.low, last.high, a.brackets[0] + last.brackets[1])


def number_form(value: int | Fraction) -> Form:
    """A number that was written in words, or computed."""
    node = Node("num", value=Fraction(value))
    return expression(node, algebra.number(value), latex=str(value), plain=str(value))
