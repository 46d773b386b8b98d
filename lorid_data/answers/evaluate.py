"""What an expression is worth, exactly: a quotient of sums of monomials."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from lorid_data.answers import algebra
from lorid_data.answers.algebra import Quotient
from lorid_data.answers.nodes import Node
from lorid_data.answers.results import LimitError

MAX_FACTORIAL = 3000


def exact(node: Node) -> Quotient:
    """The expression's value; what has no form in `algebra` becomes an opaque base.

    Raises:
        LimitError: a number or an expansion that is too large.
        ZeroDivisionError: it divides by zero.
    """
    rule = _EXACT.get(node.op)
    if rule is not None:
        return rule(node)
    name = f"call_{node.name}" if node.op == "call" else node.op
    return _opaque(name, *(exact(a) for a in node.args))


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
        return found if found is not None else _broken_power(base, e)
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


def _broken_power(base: Quotient, e: Fraction) -> Quotient:
    """(x-2)^{1/3} as the cube root of x-2, and its powers as powers of that."""
    if e.denominator == 1:
        return _opaque("pow", base, algebra.number(e))
    found = algebra.power(_rooted(base, e.denominator), Fraction(e.numerator))
    return found if found is not None else _opaque("pow", base, algebra.number(e))


def _root(node: Node) -> Quotient:
    arg, index = exact(node.args[0]), exact(node.args[1]).number
    if index is None or index.denominator != 1 or index < 1:
        return _opaque("root", arg, exact(node.args[1]))
    return _rooted(arg, int(index))


def _rooted(arg: Quotient, n: int) -> Quotient:
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


def _double_factorial(node: Node) -> Quotient:
    """n·(n-2)·(n-4)…, no factorial of a factorial."""
    arg = exact(node.args[0])
    n = _small_integer(arg)
    if n is None:
        return _opaque("double_factorial", arg)
    return algebra.number(math.prod(range(n, 0, -2)))


def _of_integers(node: Node) -> Quotient:
    """gcd, lcm, max, min and mod of plain numbers."""
    args = [exact(a) for a in node.args]
    values = [a.number for a in args]
    known = [v for v in values if v is not None]
    if len(known) == len(values):
        if node.op in ("max", "min"):
            return algebra.number(max(known) if node.op == "max" else min(known))
        if node.op == "mod" and known[1]:
            return algebra.number(known[0] % known[1])
        if node.op in ("gcd", "lcm") and all(v.denominator == 1 for v in known):
            whole = [int(v) for v in known]
            return algebra.number(math.gcd(*whole) if node.op == "gcd" else math.lcm(*whole))
    if node.op != "mod":  # in any order
        args.sort(key=lambda a: a.key())
    return _opaque(node.op, *args)


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


def _log(node: Node) -> Quotient:
    """ln(1/x) as -ln x, so that either says the same."""
    arg, *base = (exact(a) for a in node.args)
    if arg.num and arg.den != algebra.number(1).num:
        turned = algebra.invert(arg)
        if turned.den == algebra.number(1).num:
            return algebra.negate(_opaque(node.op, turned, *base))
    return _opaque(node.op, arg, *base)


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
    "double_factorial": _double_factorial,
    **dict.fromkeys(("gcd", "lcm", "max", "min", "mod"), _of_integers),
    "binom": _binom,
    "abs": _abs,
    "floor": _rounded,
    "ceil": _rounded,
    "exp": _exp,
    "ln": _log,
    "log": _log,
    "degree": _degree,
    **dict.fromkeys(("sin", "cos", "tan", "cot", "sec", "csc"), _trig),
}
