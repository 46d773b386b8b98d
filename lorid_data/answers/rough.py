"""What an expression is worth, roughly: at fixed points, where two that differ are not the same."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

from lorid_data.answers.nodes import Node
from lorid_data.answers.results import LimitError

Points = tuple[complex | None, ...]
"""Rough values at the fixed points; None where the expression is not defined there."""
N_POSITIVE = 3
N_SMALL = 5
"""At two of them, symbols are negative: there √(x²) is not x."""
N_REAL = 7
"""At the next two, symbols are large: there the cube root of x - 10 has one meaning."""
N_POINTS = 8
"""At the last, symbols are whole numbers: n!! and gcd have a meaning at those alone."""
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
    if node.op == "call":
        called = f"call_{node.name}"
        return sum((a * _at(f"{called}{j}", point) for j, a in enumerate(args)), _at(called, point))
    return _ROUGH[node.op](*args)


def _at(name: str, point: int) -> complex:
    """Where a symbol stands: ±0.3 to ±2.3, or 52 to 132; the same in every process."""
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
    if point >= N_REAL:
        return complex(3 + h % 11)
    if point >= N_SMALL:
        return complex(40.0 * (1 + size))
    return complex(size if point < N_POSITIVE else -size)


def _real(x: complex) -> float:
    if abs(x.imag) > 1e-12 * max(1.0, abs(x)):
        raise ValueError
    return x.real


def _rough_factorial(x: complex) -> complex:
    return complex(math.gamma(_real(x) + 1))


def _whole(x: complex) -> int:
    value = _real(x)
    if value != round(value) or not 0 <= value <= _MAX_WHOLE:
        raise ValueError
    return int(value)


_MAX_WHOLE = 300


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
    if index % 2 and x.imag == 0 and x.real < 0:
        raise ValueError  # -2 is meant by the cube root of -8, or 1 + √3·i
    return x ** (1 / index)


def _rough_power(x: complex, e: complex) -> complex:
    if x.imag == 0 and x.real < 0 and (e.imag or e.real % 1):
        raise ValueError  # of several values one is meant
    return x**e


_ROUGH: dict[str, Callable[..., complex]] = {
    "add": lambda *a: sum(a, 0j),
    "mul": _product,
    "neg": lambda a: -a,
    "inv": lambda a: 1 / a,
    "pow": _rough_power,
    "root": _rough_root,
    "abs": lambda a: complex(abs(a)),
    "floor": _floor,
    "ceil": lambda a: -_floor(-a),
    "factorial": _rough_factorial,
    "binom": lambda n, k: _rough_factorial(n) / _rough_factorial(k) / _rough_factorial(n - k),
    "degree": lambda a: a * math.pi / 180,
    "double_factorial": lambda n: complex(math.prod(range(_whole(n), 0, -2))),
    "gcd": lambda *a: complex(math.gcd(*map(_whole, a))),
    "lcm": lambda *a: complex(math.lcm(*map(_whole, a))),
    "mod": lambda a, n: complex(_whole(a) % _whole(n)),
    "max": lambda *a: complex(max(_real(x) for x in a)),
    "min": lambda *a: complex(min(_real(x) for x in a)),
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
    pairs = zip((*a[:N_POSITIVE], *a[N_REAL:]), (*b[:N_POSITIVE], *b[N_REAL:]), strict=True)
    return any(
        x is not None and y is not None and abs(x - y) > 1e-7 * max(abs(x), abs(y), 1e-12)
        for x, y in pairs
    )


def agree(a: Points, b: Points) -> bool:
    """Whether two expressions have the same value at every point, as only an identity has.

    With negative symbols they need not be defined: ln(xy) is ln x + ln y. Where they are not even with
    small positive ones, large ones decide.
    """
    is_small = None not in a[:N_POSITIVE] and None not in b[:N_POSITIVE]
    if not is_small and (None in a[N_SMALL:N_REAL] or None in b[N_SMALL:N_REAL]):
        return False
    end = N_SMALL if is_small else N_REAL
    pairs = [
        (x, y) for x, y in zip(a[:end], b[:end], strict=True) if x is not None and y is not None
    ]
    return all(abs(x) > MIN_SIZE and abs(x - y) <= 1e-10 * abs(x) for x, y in pairs)
