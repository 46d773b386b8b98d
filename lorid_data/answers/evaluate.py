"""What an expression is worth: exactly as a quotient of sums of monomials, and roughly at fixed points."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from fractions import Fraction

from lorid_data.answers import algebra
from lorid_data.answers.algebra import Quotient
from lorid_data.answers.nodes import Node
from lorid_data.answers.results import LimitError

MAX_FACTORIAL = 3000
_CALLS = frozenset({"call_f", "call_g", "call_h"})


def exact(node: Node) -> Quotient:
    """The expression's value; what has no form in `algebra` becomes an opaque base.

    Raises:
        LimitError: a number or an expansion that is too large.
        ZeroDivisionError: it divides by zero.
    """
    rule = _EXACT.get(node.op)
    if rule is not None:
        return rule(node)
    return _opaque(node.op, *(exact(a) for a in node.args))


def _opaque(name: str, *args: Quotient) -> Quotient:
    return algebra.symbol(f"@{name}({','.join(a.key() for a in args)})")


def _add(node: Node) -> Quotient:
    total = exact(node.args[0])
    for a in node.args[1:]:
        total = algebra.add(total, exact(a))
    return total


def _mul(node: Node) -> Quotient:
    product = exact(node.args[0])
    for a in node.args[1:]:
        product = algebra.mul(product, exact(a))
    return product


def _pow(node: Node) -> Quotient:
    base, exponent = exact(node.args[0]), exact(node.args[1])
    e = exponent.number
    if e is not None:
        found = algebra.power(base, e)
        return found if found is not None else _opaque("pow", base, exponent)
    circle = _unit_circle(base, exponent)
    if circle is not None:
        return circle
    constant = exponent.num.get((), Fraction(0)) if len(exponent.den) == 1 else Fraction(0)
    rest = algebra.add(exponent, algebra.number(-constant))
    c, unit = algebra.content(rest)
    if constant.denominator != 1 or c.denominator != 1 or not base.num:
        return _opaque("pow", base, exponent)
    front = algebra.power(base, constant)
    back = algebra.power(_opaque("pow", base, unit), c)
    if front is None or back is None:
        return _opaque("pow", base, exponent)
    return algebra.mul(front, back)


def _root(node: Node) -> Quotient:
    arg, index = exact(node.args[0]), exact(node.args[1]).number
    if index is None or index.denominator != 1 or index < 1:
        return _opaque("root", arg, exact(node.args[1]))
    n = int(index)
    found = algebra.root(arg, n)
    if found is not None:
        return found
    c, rest = algebra.content(arg)
    front = algebra.root(algebra.number(c), n)
    if front is None or rest.den != {(): Fraction(1)}:
        return _opaque("root", arg, algebra.number(n))
    return algebra.mul(front, _opaque("root", rest, algebra.number(n)))


def _small_integer(q: Quotient) -> int | None:
    value = q.number
    if value is None or value.denominator != 1 or value < 0:
        return None
    if value > MAX_FACTORIAL:
        msg = "a factorial that is too large"
        raise LimitError(msg)
    return int(value)


def _factorial(node: Node) -> Quotient:
    arg = exact(node.args[0])
    n = _small_integer(arg)
    return _opaque("factorial", arg) if n is None else algebra.number(math.factorial(n))


def _binom(node: Node) -> Quotient:
    top, bottom = (exact(a) for a in node.args)
    n, k = _small_integer(top), _small_integer(bottom)
    return (
        _opaque("binom", top, bottom) if n is None or k is None else algebra.number(math.comb(n, k))
    )


def _abs(node: Node) -> Quotient:
    arg = exact(node.args[0])
    value = arg.number
    return _opaque("abs", arg) if value is None else algebra.number(abs(value))


def _rounded(node: Node) -> Quotient:
    arg = exact(node.args[0])
    if arg.number is None:
        return _opaque(node.op, arg)
    return algebra.number(math.floor(arg.number) if node.op == "floor" else math.ceil(arg.number))


def _exp(node: Node) -> Quotient:
    return exact(Node("pow", (Node("sym", name="e"), node.args[0])))


_SINES = {
    Fraction(0): (0, 1), Fraction(1, 6): (1, 1), Fraction(1, 4): (1, 2), Fraction(1, 3): (1, 3), Fraction(1, 2): (2, 1),
}  # fmt: skip
"""sin of these multiples of π is k·√n/2."""


def _turns(q: Quotient) -> Fraction | None:
    """c, where the quotient is c·π."""
    if not q.num:
        return Fraction(0)
    ((m, c), *more) = q.num.items()
    return c if not more and m == (("pi", Fraction(1)),) and len(q.den) == 1 else None


def _sine(turns: Fraction) -> Quotient | None:
    """sin(c·π), where it is 0, ±1/2, ±√2/2, ±√3/2 or ±1."""
    turns %= 2
    sign = 1
    if turns > 1:
        turns, sign = turns - 1, -1
    found = _SINES.get(min(turns, 1 - turns))
    if found is None:
        return None
    k, n = found
    surd = algebra.root(algebra.number(n), 2)
    return algebra.mul(algebra.number(Fraction(sign * k, 2)), surd) if surd else None


def _trig(node: Node) -> Quotient:
    arg = exact(node.args[0])
    turns = _turns(arg)
    if turns is not None:
        sine, cosine = _sine(turns), _sine(turns + Fraction(1, 2))
        if sine and cosine:
            over = {"sin": (sine, _ONE), "cos": (cosine, _ONE), "tan": (sine, cosine), "cot": (cosine, sine),
                    "sec": (_ONE, cosine), "csc": (_ONE, sine)}[node.op]  # fmt: skip
            return algebra.mul(over[0], algebra.invert(over[1]))
    return _opaque(node.op, arg)


_ONE = algebra.number(1)


def _degree(node: Node) -> Quotient:
    return algebra.mul(
        exact(node.args[0]), algebra.mul(algebra.symbol("pi"), algebra.number(Fraction(1, 180)))
    )


def _unit_circle(base: Quotient, exponent: Quotient) -> Quotient | None:
    """e^(i·c·π), where its sine and cosine are known."""
    turns = _turns(algebra.mul(exponent, algebra.negate(algebra.symbol("i"))))
    if base.key() != "e" or not turns:
        return None
    cosine, sine = _sine(turns + Fraction(1, 2)), _sine(turns)
    return algebra.add(cosine, algebra.mul(algebra.symbol("i"), sine)) if sine and cosine else None


_EXACT: dict[str, Callable[[Node], Quotient]] = {
    "num": lambda n: algebra.number(n.value),
    "sym": lambda n: algebra.symbol(n.name),
    "add": _add,
    "mul": _mul,
    "neg": lambda n: algebra.negate(exact(n.args[0])),
    "inv": lambda n: algebra.invert(exact(n.args[0])),
    "pow": _pow,
    "root": _root,
    "factorial": _factorial,
    "binom": _binom,
    "abs": _abs,
    "floor": _rounded,
    "ceil": _rounded,
    "exp": _exp,
    "degree": _degree,
    **dict.fromkeys(("sin", "cos", "tan", "cot", "sec", "csc"), _trig),
}


# --- roughly -----------------------------------------------------------------------------------

Points = tuple[complex | None, ...]
"""Rough values at the fixed points; None where the expression is not defined there."""
N_POSITIVE = 3
N_POINTS = 5
"""At the last two, symbols are negative: there √(x²) is not x."""
MIN_SIZE = 1e-6
"""Below it, a value may be what cancellation left of zero."""


def at_points(node: Node) -> Points:
    """The value with each symbol at a fixed number of its own, at `N_POINTS` points.

    None where it is not defined there, or uses something that has no one meaning (log without a base).
    """
    values: list[complex | None] = []
    for point in range(N_POINTS):
        try:
            value = _rough(node, point)
        except (ValueError, OverflowError, ZeroDivisionError, KeyError, LimitError):
            values.append(None)
            continue
        values.append(value if cmath.isfinite(value) else None)
    return tuple(values)


def _rough(node: Node, point: int) -> complex:
    if node.op == "num":
        return complex(float(node.value))
    if node.op == "sym":
        return _at(node.name, point)
    args = [_rough(a, point) for a in node.args]
    if node.op in _CALLS:
        return args[0] * _at(node.op, point) + _at(node.op + "0", point)
    return _ROUGH[node.op](*args)


def _at(name: str, point: int) -> complex:
    """Where a symbol stands: ±0.3 to ±2.3, the same in every process."""
    fixed = {"pi": complex(math.pi), "e": complex(math.e), "i": 1j}
    if name in fixed:
        return fixed[name]
    if name == "oo":
        raise ValueError
    h = 1469598103934665603 + point
    for c in name:
        h = ((h ^ ord(c)) * 1099511628211) % (1 << 64)
    h ^= h >> 29
    size = 0.3 + 2.0 * ((h * 11400714819323198485) % (1 << 64)) / (1 << 64)
    return complex(size if point < N_POSITIVE else -size)


def _real(x: complex) -> float:
    if abs(x.imag) > 1e-12 * max(1.0, abs(x)):
        raise ValueError
    return x.real


def _rough_factorial(x: complex) -> complex:
    return complex(math.gamma(_real(x) + 1))


def _rough_ln(x: complex) -> complex:
    if x.imag == 0 and x.real <= 0:
        raise ValueError
    return cmath.log(x)


def _rough_log(x: complex, *base: complex) -> complex:
    if not base:
        raise ValueError  # 10, e and 2 are all meant by it
    return _rough_ln(x) / _rough_ln(base[0])


def _floor(x: complex) -> complex:
    near = round(_real(x))
    return complex(near if abs(x.real - near) < 1e-9 else math.floor(x.real))


def _product(*args: complex) -> complex:
    out = 1 + 0j
    for a in args:
        out *= a
    return out


def _rough_root(x: complex, n: complex) -> complex:
    index = round(_real(n))
    if index % 2 and abs(x.imag) < 1e-12 and x.real < 0:
        return complex(-((-x.real) ** (1 / index)))
    return x ** (1 / index)


_ROUGH: dict[str, Callable[..., complex]] = {
    "add": lambda *a: sum(a, 0j),
    "mul": _product,
    "neg": lambda a: -a,
    "inv": lambda a: 1 / a,
    "pow": lambda a, b: a**b,
    "root": _rough_root,
    "abs": lambda a: complex(abs(a)),
    "floor": _floor,
    "ceil": lambda a: -_floor(-a),
    "factorial": _rough_factorial,
    "binom": lambda n, k: _rough_factorial(n) / _rough_factorial(k) / _rough_factorial(n - k),
    "degree": lambda a: a * math.pi / 180,
    "exp": cmath.exp,
    "ln": _rough_ln,
    "log": _rough_log,
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "cot": lambda a: 1 / cmath.tan(a),
    "sec": lambda a: 1 / cmath.cos(a),
    "csc": lambda a: 1 / cmath.sin(a),
    "arcsin": cmath.asin,
    "arccos": cmath.acos,
    "arctan": cmath.atan,
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
}


def differ(a: Points, b: Points) -> bool:
    """Whether two expressions certainly have different values for some positive symbols."""
    return any(
        x is not None and y is not None and abs(x - y) > 1e-7 * max(abs(x), abs(y), 1e-12)
        for x, y in zip(a[:N_POSITIVE], b[:N_POSITIVE], strict=True)
    )


def agree(a: Points, b: Points) -> bool:
    """Whether two expressions have the same value at every point, as only an identity has.

    With negative symbols they need not be defined: ln(xy) is ln x + ln y.
    """
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    defined = None not in a[:N_POSITIVE] and None not in b[:N_POSITIVE]
    return defined and all(abs(x) > MIN_SIZE and abs(x - y) <= 1e-10 * abs(x) for x, y in pairs)
