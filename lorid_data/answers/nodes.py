"""The tree that an expression is read into, and the names that mean something in one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lorid_data.answers.results import table


@dataclass(frozen=True, slots=True)
class Node:
    """An operation and its arguments."""

    op: str
    """num, sym, add, mul, neg, inv, pow, root (argument, index), or a function's name"""
    args: tuple[Node, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""


def num(value: int | Fraction) -> Node:
    """A number."""
    return Node("num", value=Fraction(value))


def sym(name: str) -> Node:
    """A symbol."""
    return Node("sym", name=name)


GREEK = frozenset(
    table("""
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa
    lambda mu nu xi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta
    Lambda Xi Pi Sigma Phi Psi Omega ell hbar
    """)
)
FUNCTIONS = frozenset(
    table("""
    sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp
    det gcd lcm max min Re Im arg deg dim
    """)
)  # fmt: skip
PLAIN_NAMES = {
    **{w: w for w in FUNCTIONS - {"deg", "dim"}},
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sqrt": "sqrt",
    "cbrt": "cbrt",
}
"""What a function may be called without a backslash."""
PLAIN_SYMBOLS = {
    **{g: g for g in GREEK if len(g) > 2},
    "pi": "pi",
    "inf": "oo",
    "infinity": "oo",
    "oo": "oo",
    "infty": "oo",
}
"""What a symbol may be called without a backslash."""
