"""The tree that an expression is read into, and the names that mean something in one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lorid_data.answers.results import table


@dataclass(frozen=True, slots=True)
class Node:
    """An operation and its arguments."""

    op: str
    """num, sym, add, mul, neg, inv, pow, root (argument, index), call (of the function `name`), or what is computed"""
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
    det gcd lcm max min Re Im arg deg dim bmod
    """)
)  # fmt: skip
PLAIN_NAMES = {
    **{w: w for w in FUNCTIONS - {"deg", "dim"}},
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sqrt": "sqrt",
    "cbrt": "cbrt",
    **{w: w for w in ("abs", "floor", "ceil", "factorial", "binom", "mod")},
    **dict.fromkeys(("ceiling",), "ceil"),
    **dict.fromkeys(("binomial", "nCr", "comb"), "binom"),
    **dict.fromkeys(("nPr", "perm"), "perm"),
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
CONSTANTS = frozenset({"pi", "e", "i", "oo"})
CALLED = frozenset("fghFGH")
"""Before a bracket these are always functions."""


# --- combinations and permutations -------------------------------------------------------------

CHOICES = frozenset("CPA")
"""Combinations, permutations, and as some call these, arrangements."""
POWER_FIRST = "^_"
"""The name of a power that was written before its base's subscript: C^5_2."""


def choice(letter: str, n: Node, k: Node) -> Node:
    """C: the combinations of k out of n. P, A: the permutations."""
    if letter == "C":
        return Node("binom", (n, k))
    below = Node("factorial", (Node("add", (n, Node("neg", (k,)))),))
    return Node("mul", (Node("factorial", (n,)), Node("inv", (below,))))


def chosen(node: Node) -> Node:
    r"""The tree with C_{10}^3 and P(10, 3) read as combinations and permutations.

    In C^{10}_3 the first of the two numbers is what is chosen from, in C^3_{10} the larger.
    """
    letter, _, below = node.args[0].name.partition("_") if node.op == "pow" else ("", "", "")
    power = node.args[1] if letter in CHOICES and below.isdigit() else None
    if power is not None and power.op == "num" and power.value.denominator == 1:
        n, k = num(int(below)), power
        if node.name == POWER_FIRST and k.value > n.value:
            n, k = k, n
        return choice(letter, n, k) if 0 <= k.value <= n.value else node
    args = tuple(map(chosen, node.args))
    if node.op == "call" and node.name in CHOICES and [a.op for a in args] == ["num", "num"]:
        return choice(node.name, *args)
    return Node(node.op, args, node.value, node.name) if args else node


# --- a letter before a bracket -----------------------------------------------------------------


def bare(node: Node) -> frozenset[str]:
    """The symbols that occur by themselves."""
    found = frozenset({node.name}) if node.op == "sym" else frozenset[str]()
    return found.union(*map(bare, node.args)) if node.args else found


def called(node: Node, *, of_numbers: bool = False) -> frozenset[str]:
    """The letters that stand before a bracket with one argument, or with a plain number, as functions."""
    is_call = (
        node.op == "call" and len(node.args) == 1 and node.name not in CALLED
        and (not of_numbers or node.args[0].op == "num")
    )  # fmt: skip
    found = frozenset({node.name}) if is_call else frozenset[str]()
    return found.union(*(called(a, of_numbers=of_numbers) for a in node.args))


def resolved(node: Node) -> Node:
    """P(0) stays the value of a function; x(x+1) and a(b+c) become products.

    A letter is a factor where it also occurs by itself, and a lower-case one before a sum. Another
    answer may say more: see `multiplied`.
    """
    return multiplied(node, (called(node) & bare(node)) | _before_sums(node))


def _before_sums(node: Node) -> frozenset[str]:
    is_factor = (
        node.op == "call" and len(node.args) == 1 and node.name not in CALLED
        and node.name.islower() and node.args[0].op == "add"
    )  # fmt: skip
    found = frozenset({node.name}) if is_factor else frozenset[str]()
    return found.union(*map(_before_sums, node.args)) if node.args else found


def f_before_sums(node: Node) -> frozenset[str]:
    """Which of f, g and h stand before a bracket that holds a sum: h in h(b_1 + b_2)."""
    is_open = node.op == "call" and node.name in CALLED and [a.op for a in node.args] == ["add"]
    found = frozenset({node.name}) if is_open else frozenset[str]()
    return found.union(*map(f_before_sums, node.args)) if node.args else found


_TIGHTER = frozenset({"pow", "factorial", "double_factorial"})
"""What stands behind a bracket belongs to the bracket: a(b+c)^2 is a·(b+c)^2, but P(x)^2 is P(x)·P(x)."""


def is_call(node: Node) -> bool:
    """Whether a tree is a call, to a power or not."""
    while node.op in _TIGHTER:
        node = node.args[0]
    return node.op == "call"


def multiplied(node: Node, letters: frozenset[str]) -> Node:
    """The tree with these letters before brackets read as factors."""
    if not letters or not node.args:
        return node
    head = node
    while head.op in _TIGHTER:
        head = head.args[0]
    if head.op == "call" and head.name in letters and len(head.args) == 1:
        return Node("mul", (sym(head.name), _inside(node, letters)))
    if node.op == "inv":
        inner = multiplied(node.args[0], letters)
        if inner.op == "mul" and node.args[0].op != "mul":  # 1/a(b+c) is (1/a)·(b+c)
            return Node("mul", (Node("inv", (inner.args[0],)), inner.args[1]))
        return Node("inv", (inner,))
    return Node(node.op, tuple(multiplied(a, letters) for a in node.args), node.value, node.name)


def _inside(node: Node, letters: frozenset[str]) -> Node:
    """Behind the letter: the bracket, with the powers and factorials that stand behind it."""
    if node.op == "call":
        return multiplied(node.args[0], letters)
    rest = tuple(multiplied(a, letters) for a in node.args[1:])
    return Node(node.op, (_inside(node.args[0], letters), *rest))
