"""Whether two answers are the same: exact stages first, the verifier for what they leave open.

`True`, `False` and a `Verdict` that says why nothing is known travel as one type, `Comparison`. Every
rule here looks at both answers in the same way, so no verdict depends on their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from lorid_data.answers import algebra, units
from lorid_data.answers.forms import Form, of_node
from lorid_data.answers.names import is_symbol
from lorid_data.answers.nodes import choice, chosen
from lorid_data.answers.relations import scaled
from lorid_data.answers.rendered import rendered
from lorid_data.answers.results import Verdict
from lorid_data.answers.rough import agree, differ

Comparison = bool | Verdict
Ask = Callable[[str, str], Verdict]
"""The verifier: two LaTeX texts, in any order, to a verdict."""

MIN_RATIONAL_DECIMALS = 3
"""0.333 is 1/3, 0.33 is not."""
MIN_IRRATIONAL_DECIMALS = 5
"""3.14159 is π, 3.14 is not."""
_CHOICE = re.compile(r"\b[CPA]_\d|@call_[PA]\(")
_VECTORS = frozenset({"()", "[]"})


def compare(a: Form, b: Form, ask: Ask) -> Comparison:
    """Compare two answers as they were read."""
    if units.conflict(a.unit, b.unit):
        return False
    a, b = _as_choice(a, b), _as_choice(b, a)
    if a.name and b.name and a.name != b.name:
        return _other_names(a, b, ask)
    if a.name and not b.name and b.equation is not None and a.equation is not None:
        return _equations(a, b)
    if b.name and not a.name and a.equation is not None and b.equation is not None:
        return _equations(b, a)
    return _values(a, b, ask)


def _as_choice(form: Form, other: Form) -> Form:
    """Beside a number, the point C(10, 5) and the power C_{10}^5 are binomial coefficients; P and A permute."""
    if other.kind != "expression" or other.name:
        return form
    if form.node is not None:
        is_meant = form.number is None and other.number is not None and _CHOICE.search(form.key)
        return of_node(chosen(form.node), form) if is_meant else form
    if form.name not in ("C", "P") or form.kind != "tuple":
        return form
    nodes = [p.node for p in form.parts if p.node is not None]
    if form.mark != "()" or len(nodes) != 2 or len(form.parts) != 2:
        return form
    return of_node(choice(form.name, *nodes), form)


def _other_names(a: Form, b: Form, ask: Ask) -> Comparison:
    """Y = 5 is not x = 5, but 'Area = 5' and 'A = 5' only say the same in other words."""
    if a.equation is not None and b.equation is not None and "(" not in a.name + b.name:
        return _equations(a, b)
    if is_symbol(a.name) and is_symbol(b.name):
        return False
    return _values(a, b, ask)


def _equations(a: Form, b: Form) -> bool:
    assert a.equation is not None
    assert b.equation is not None
    return scaled(a.equation) == scaled(b.equation)


def _values(a: Form, b: Form, ask: Ask) -> Comparison:
    if a.key == b.key:
        return True
    if a.kind == b.kind == "expression":
        return _expressions(a, b, ask)
    if {a.kind, b.kind} <= {"list", "tuple", "matrix", "expression"}:
        return _collections(a, b, ask)
    if a.kind == b.kind and a.kind in ("set", "ratio", "joined"):
        return a.mark == b.mark and len(a.parts) == len(b.parts) and _each(a.parts, b.parts, ask)
    if "opaque" in (a.kind, b.kind):
        return _opaque(a, b, ask)
    if a.kind == b.kind == "relation":
        return _relations(a, b, ask)
    return bool(a.plain) and a.plain == b.plain and "text" in (a.kind, b.kind)


def _collections(a: Form, b: Form, ask: Ask) -> Comparison:
    """Lists, tuples and matrices; a list of one is its element."""
    kinds = {a.kind, b.kind}
    if kinds <= {"list", "expression"}:
        return _unordered(_as_list(a), _as_list(b), ask)
    if kinds == {"list", "tuple"}:
        return _list_and_tuple(*((a, b) if a.kind == "list" else (b, a)), ask)
    if not kinds <= {"tuple", "matrix"}:
        return False
    return (
        _ordered(_rows(a), b, ask)
        if b.kind == "matrix"
        else _ordered(a, _rows(b) if a.kind == "matrix" else b, ask)
    )


def _list_and_tuple(listed: Form, ordered: Form, ask: Ask) -> Comparison:
    """That x = 1, y = 2 is (1, 2), and that [1, 2, 3], which is no interval, is the list 1, 2, 3."""
    if len(listed.parts) != len(ordered.parts):
        return False
    names = [p.name for p in listed.parts]
    if (
        ordered.mark == "()"
        and len(set(names)) == len(names)
        and names == sorted(names)
        and all(names)
    ):
        return _each([p.with_name("") for p in listed.parts], ordered.parts, ask)
    if ordered.mark == "[]" and len(ordered.parts) > 2:
        return _unordered(listed.parts, ordered.parts, ask)
    return False


def _rows(form: Form) -> Form:
    """[[1, 2], [3, 4]] as a matrix."""
    rows = form.parts
    if form.kind != "tuple" or not all(
        r.kind == "tuple" and len(r.parts) == len(rows[0].parts) for r in rows
    ):
        return form
    cells = tuple(c for r in rows for c in r.parts)
    return Form(
        "matrix",
        form.key,
        form.plain,
        form.latex,
        mark=f"{len(rows)}x{len(rows[0].parts)}",
        parts=cells,
    )


def _as_list(form: Form) -> tuple[Form, ...]:
    return form.parts if form.kind == "list" else (form,)


# --- leaves ------------------------------------------------------------------------------------


def _expressions(a: Form, b: Form, ask: Ask) -> Comparison:
    if "@call_" in a.key or "@call_" in b.key:
        a, b = a.multiplied(a.f_before_sums & b.bare), b.multiplied(b.f_before_sums & a.bare)
    calls = a.called, b.called
    if any(calls):
        return _with_calls(a, b, *calls, ask)
    return _read_alike(a, b, ask)


def _with_calls(
    a: Form, b: Form, called_a: frozenset[str], called_b: frozenset[str], ask: Ask
) -> Comparison:
    """P(0) is a function's value, unless P is a symbol of the other answer: P(1 + r) is P + Pr.

    Where both have P before a bracket, or one has P before a plain number, and they are equal only with
    P as a factor, nothing is known.
    """
    first = a.multiplied((called_a - a.called_with_number) & b.bare)
    second = b.multiplied((called_b - b.called_with_number) & a.bare)
    found = _read_alike(first, second, ask)
    open_a, open_b = (
        first.called & (second.called | b.bare),
        second.called & (first.called | a.bare),
    )
    if found is True or not (open_a or open_b):
        return found
    as_factors = _read_alike(first.multiplied(open_a), second.multiplied(open_b), ask)
    return Verdict.UNPARSED if as_factors is True else found


def _read_alike(a: Form, b: Form, ask: Ask) -> Comparison:
    assert a.quotient is not None
    assert b.quotient is not None
    if algebra.is_same(a.quotient, b.quotient):
        return True
    if a.number is not None and b.number is not None:
        return _rounds_to(a, b.number) or _rounds_to(b, a.number)
    if a.decimals >= 0 or b.decimals >= 0:
        if _is_rounded_irrational(a, b):
            return True
        exact = a.quotient.is_exact and b.quotient.is_exact
        return False if exact or differ(a.points, b.points) else _asked(a, b, ask)
    if (a.quotient.is_exact and b.quotient.is_exact) or differ(a.points, b.points):
        return False
    return True if agree(a.points, b.points) else _asked(a, b, ask)


def _asked(a: Form, b: Form, ask: Ask) -> Comparison:
    """The verifier's verdict; nothing is known of what cannot be put to it as it is meant."""
    assert a.node is not None
    assert b.node is not None
    first, second = rendered(a.node), rendered(b.node)
    return Verdict.UNPARSED if first is None or second is None else ask(first, second)


def _rounds_to(decimal: Form, value: Fraction) -> bool:
    """Whether a decimal number is a rational one that has no end as a decimal, rounded."""
    if decimal.decimals < MIN_RATIONAL_DECIMALS or decimal.number is None or _terminates(value):
        return False
    scale = 10**decimal.decimals
    significant = len(str(abs(decimal.number * scale).numerator))
    return significant >= MIN_RATIONAL_DECIMALS and abs(value - decimal.number) * 2 * scale <= 1


def _terminates(value: Fraction) -> bool:
    rest = value.denominator
    for p in (2, 5):
        while rest % p == 0:
            rest //= p
    return rest == 1


def _is_rounded_irrational(a: Form, b: Form) -> bool:
    decimal, other = (a, b) if a.decimals >= 0 else (b, a)
    if (
        decimal.decimals < MIN_IRRATIONAL_DECIMALS
        or decimal.number is None
        or other.number is not None
    ):
        return False
    if other.quotient is None or any(_is_variable(base) for base in other.quotient.bases()):
        return False
    value = other.points[0] if other.points else None
    if value is None or abs(value.imag) > 1e-12:
        return False
    return abs(value.real - float(decimal.number)) <= 0.5000001 * 10.0**-decimal.decimals


def _is_variable(base: str) -> bool:
    return not (base.isdigit() or base.startswith("@") or base in ("pi", "e"))


def _opaque(a: Form, b: Form, ask: Ask) -> Comparison:
    if a.plain and a.plain == b.plain:
        return True
    if not a.latex or not b.latex:
        return Verdict.UNPARSED  # brackets that do not match
    if "text" in (a.kind, b.kind):
        return False
    return ask(a.latex, b.latex)


def _relations(a: Form, b: Form, ask: Ask) -> Comparison:
    if a.equation is not None and b.equation is not None:
        if a.equation.is_exact and b.equation.is_exact:
            return False
        return False if _not_proportional(a, b) else ask(a.latex, b.latex)
    is_exact = all(p.quotient is not None and p.quotient.is_exact for p in (*a.parts, *b.parts))
    return False if a.mark != b.mark or is_exact else ask(a.latex, b.latex)


def _not_proportional(a: Form, b: Form) -> bool:
    """Whether left minus right side of two equations has no constant ratio at the fixed points."""
    sides = []
    for form in (a, b):
        left, right = (p.points for p in form.parts)
        sides.append(
            [None if x is None or y is None else x - y for x, y in zip(left, right, strict=False)]
        )
    pairs = [(x, y) for x, y in zip(*sides, strict=False) if x is not None and y is not None]
    return any(
        abs(x * v - y * u) > 1e-7 * max(abs(x * v), abs(y * u)) for x, y in pairs for u, v in pairs
    )


# --- parts -------------------------------------------------------------------------------------


def _ordered(a: Form, b: Form, ask: Ask) -> Comparison:
    """Points, vectors and intervals. A matrix of one row or column is also a vector."""
    if len(a.parts) != len(b.parts):
        return False
    if a.kind == b.kind == "matrix":
        return a.mark == b.mark and _each(a.parts, b.parts, ask)
    if a.kind == b.kind == "tuple":
        if a.mark != b.mark and (len(a.parts) == 2 or not {a.mark, b.mark} <= _VECTORS):
            return False
        return _each(a.parts, b.parts, ask)
    matrix, vector = (a, b) if a.kind == "matrix" else (b, a)
    is_vector = vector.mark == "()" and "1" in matrix.mark.split("x")
    return is_vector and _each(a.parts, b.parts, ask)


def _each(a: Sequence[Form], b: Sequence[Form], ask: Ask) -> Comparison:
    """All pairs equal; the first that differs decides, exact comparisons before the verifier."""
    open_pairs = []
    for x, y in zip(a, b, strict=True):
        found = compare(x, y, declined)
        if found is False:
            return False
        if found is not True:
            open_pairs.append((x, y))
    unknown: Comparison = True
    for x, y in open_pairs:
        found = compare(x, y, ask)
        if found is False:
            return False
        if found is not True:
            unknown = found
    return unknown


def declined(_a: str, _b: str) -> Verdict:
    """No verifier: what the exact stages leave open stays open."""
    return Verdict.UNPARSED


def _unordered(a: Sequence[Form], b: Sequence[Form], ask: Ask) -> Comparison:
    """Whether the parts can be paired off, each with an equal one."""
    if len(a) != len(b):
        return False
    if _several_names(a) != _several_names(b) and len(a) > 1:
        return _each(a, b, ask)
    left = sorted(a, key=lambda f: (f.key, f.name))
    right = sorted(b, key=lambda f: (f.key, f.name))
    unpaired = []
    for x in left:
        match = next((y for y in right if y.key == x.key and compare(x, y, declined) is True), None)
        if match is None:
            unpaired.append(x)
        else:
            right.remove(match)
    if not unpaired:
        return True
    table = [[compare(x, y, declined) for y in right] for x in unpaired]
    if not _pairs(table, lambda f: f is not False):
        return False
    asked = [
        [f if isinstance(f, bool) else compare(x, y, ask) for f, y in zip(row, right, strict=True)]
        for x, row in zip(unpaired, table, strict=True)
    ]
    if _pairs(asked, lambda f: f is True):
        return True
    if not _pairs(asked, lambda f: f is not False):
        return False
    return next(f for row in asked for f in row if not isinstance(f, bool))


def _several_names(parts: Sequence[Form]) -> bool:
    return len({p.name for p in parts if p.name}) > 1


def _pairs(table: Sequence[Sequence[Comparison]], accept: Callable[[Comparison], bool]) -> bool:
    """Whether every row can be given a column of its own that it accepts (augmenting paths)."""
    taken: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for column, found in enumerate(table[row]):
            if accept(found) and column not in seen:
                seen.add(column)
                if column not in taken or place(taken[column], seen):
                    taken[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(table)))
