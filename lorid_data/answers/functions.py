"""Names in an expression: symbols, functions with and without brackets, values of unknown functions.

A letter before a bracket is a factor or a function, f(0) and x(x+1) look the same; see `nodes.resolved`.
"""

from __future__ import annotations

from typing import Protocol

from lorid_data.answers.nodes import (
    CALLED,
    CHOICES,
    CONSTANTS,
    FUNCTIONS,
    GREEK,
    PLAIN_NAMES,
    PLAIN_SYMBOLS,
    POWER_FIRST,
    Node,
    choice,
    num,
    sym,
)
from lorid_data.answers.results import table
from lorid_data.answers.tokens import ParseError, Tok, partner, plain, split_at

_MANY = frozenset({"gcd", "lcm", "max", "min"})
_TWO = frozenset({"binom", "mod", "perm"})
_ONE = frozenset({"abs", "floor", "ceil", "factorial"})


_ENGLISH = frozenset(table("for all any the are not and but has was its one two is of if"))
"""Short words that are no products of letters."""


class Grammar(Protocol):
    """The parser of expressions, as the functions here are handed it."""

    toks: list[Tok]
    i: int
    in_function: int
    is_short: bool
    has_calls: bool

    def peek(self, ahead: int = 0) -> str: ...  # noqa: D102
    def kind(self, ahead: int = 0) -> str: ...  # noqa: D102
    def take(self, text: str) -> bool: ...  # noqa: D102
    def expect(self, text: str) -> None: ...  # noqa: D102
    def whole(self) -> Node: ...  # noqa: D102
    def sum(self) -> Node: ...  # noqa: D102
    def signed(self) -> Node: ...  # noqa: D102
    def power(self) -> Node: ...  # noqa: D102
    def exponent(self) -> Node: ...  # noqa: D102
    def postfix(self) -> Node: ...  # noqa: D102
    def atom(self) -> Node: ...  # noqa: D102
    def short_argument(self) -> Node: ...  # noqa: D102


def named(p: Grammar, name: str) -> Node:
    """A symbol, or the value of a function: x, a_1, f(0), P(A, B), f'(2), f^{-1}(3)."""
    if p.peek() == "_":
        p.i += 1
        name += "_" + _subscript(p)
    elif name in CHOICES and p.peek() == "^" and (power := _power_first(p, name)) is not None:
        return power
    marked = _marked(p)
    if marked:
        return Node("call", _bracketed(p), name=name + marked)
    if p.peek() != "(" or p.kind() != "op" or name in CONSTANTS:
        return sym(name)
    if p.is_short and name not in CALLED:
        return sym(name)
    args = _bracketed(p)
    if name == "C" and len(args) == 2:
        return Node("binom", args)
    p.has_calls = True
    return Node("call", args, name=name)


def chosen(p: Grammar) -> Node | None:
    """_{10}C_3, {}^5P_2: combinations and permutations with a number on either side; None where none begin."""
    start = p.i
    if p.peek() == "{" and p.peek(1) == "}":
        p.i += 2
    if p.peek() in ("_", "^") and p.kind() == "op":
        p.i += 1
        n = p.short_argument()
        letter = p.peek()
        if letter in ("C", "P") and p.peek(1) == "_":
            p.i += 2
            return choice(letter, n, p.short_argument())
    p.i = start
    return None


def _power_first(p: Grammar, name: str) -> Node | None:
    """C^5_{10} as C_{10}^5; None where no subscript follows."""
    start = p.i
    p.i += 1
    exponent = p.exponent()
    if p.take("_"):
        return Node("pow", (sym(name + "_" + _subscript(p)), exponent), name=POWER_FIRST)
    p.i = start
    return None


def _marked(p: Grammar) -> str:
    """A derivative's prime or the ^{-1} of an inverse, where a bracket follows; else the empty text."""
    texts = [p.peek(j) for j in range(6)]
    if p.toks[p.i - 1].text in CALLED and texts == ["^", "{", "-", "1", "}", "("]:
        p.i += 5
        return "^-1"
    n = 0
    while texts[n : n + 1] == ["'"]:
        n += 1
    if n and p.peek(n) == "(":
        p.i += n
        return "'" * n
    return ""


def _bracketed(p: Grammar) -> tuple[Node, ...]:
    """The arguments in the bracket that opens here."""
    p.expect("(")
    was, p.is_short = p.is_short, False
    if (event := _event(p)) is not None:
        return (event,)
    args = [p.whole()]
    while p.take(","):
        args.append(p.whole())
    p.expect(")")
    p.is_short = was
    return tuple(args)


def _in_braces(p: Grammar) -> tuple[Node, ...]:
    r"""The numbers in \max\{3, 5\}."""
    p.expect(r"\{")
    args = [p.whole()]
    while p.take(","):
        args.append(p.whole())
    p.expect(r"\}")
    return tuple(args)


_OF_EVENTS = frozenset({r"\cap", r"\cup", r"\mid", "|"})


def _event(p: Grammar) -> Node | None:
    r"""A and B, or A given B, in P(A \cap B) and P(A | B), as one symbol; None where the bracket holds no event."""
    end = p.i
    while end < len(p.toks) and p.toks[end].text not in "()":
        end += 1
    inner = p.toks[p.i : end]
    marks = [t.text for t in inner if t.text in _OF_EVENTS]
    if len(set(marks)) != 1 or (marks[0] == "|" and len(marks) > 1) or p.peek(end - p.i) != ")":
        return None
    mark = "|" if marks[0] == r"\mid" else marks[0]
    parts = [plain(part) for part in split_at(inner, lambda t: t.text in _OF_EVENTS)]
    if not all(parts):
        return None
    p.i = end + 1
    return sym(mark.join(parts if mark == "|" else sorted(parts)))


def _subscript(p: Grammar) -> str:
    if not p.take("{"):
        text = p.peek()
        if p.kind() not in ("num", "let"):
            raise ParseError
        p.i += 1
        return text
    text = ""
    while p.peek() != "}":
        if p.kind() not in ("num", "let", "word", "op", "text") or p.peek() in ("{", ""):
            raise ParseError
        text += p.peek()
        p.i += 1
    p.i += 1
    return text


def word(p: Grammar) -> Node:
    """A name of several letters: a function's, a symbol's, or a product of letters."""
    text = p.peek()
    if text in PLAIN_SYMBOLS:
        p.i += 1
        return sym(PLAIN_SYMBOLS[text])
    if text in PLAIN_NAMES:
        p.i += 1
        return function(p, PLAIN_NAMES[text])
    for name in ("sqrt", "pi"):
        # "sqrtx", "xpi": typed without a space
        if text.startswith(name) or text.endswith(name):
            head, tail = (
                (name, text[len(name) :]) if text.startswith(name) else (text[: -len(name)], name)
            )
            gap = p.toks[p.i].gap
            p.toks[p.i : p.i + 1] = [_piece(head, gap=gap), _piece(tail, gap=False)]
            return p.atom()
    if len(text) > 3 or not text.isalpha() or text in _ENGLISH or _is_unknown(p):
        raise ParseError
    gap = p.toks[p.i].gap
    p.toks[p.i : p.i + 1] = [Tok("let", c, gap and j == 0) for j, c in enumerate(text)]
    return p.atom()


def _is_unknown(p: Grammar) -> bool:
    """Three letters before a bracket that holds no sum: erf(1) is no product, abc(a + b) is one."""
    if len(p.peek()) != 3 or p.peek(1) != "(" or p.toks[p.i + 1].gap:
        return False
    inside = p.toks[p.i + 2 : partner(p.toks, p.i + 1)]
    return all(t.text not in ("+", "-") for t in inside)


def _piece(text: str, *, gap: bool) -> Tok:
    return Tok("let" if len(text) == 1 else "word", text, gap)


def command(p: Grammar) -> Node:
    """What begins with a backslash."""
    name = p.peek()[1:]
    p.i += 1
    if name in ("pi", "infty", "imath"):
        return sym({"pi": "pi", "infty": "oo", "imath": "i"}[name])
    if name in GREEK:
        return named(p, name)
    if name in FUNCTIONS or name == "sqrt":
        return function(p, name)
    if name == "frac":
        top = p.short_argument()
        return Node("mul", (top, Node("inv", (p.short_argument(),))))
    if name == "binom":
        return Node("binom", (p.short_argument(), p.short_argument()))
    if name in ("lfloor", "lceil"):
        node = p.sum()
        p.expect("\\r" + name[1:])
        return Node("floor" if name == "lfloor" else "ceil", (node,))
    raise ParseError


def function(p: Grammar, name: str) -> Node:
    """A known function and its arguments."""
    if name in ("sqrt", "cbrt"):
        index = num(3 if name == "cbrt" else 2)
        if p.take("["):
            index = p.sum()
            p.expect("]")
        return Node("root", (p.short_argument(), index))
    if name in _MANY | _TWO | _ONE:
        args = _in_braces(p) if name in _MANY and p.peek() == r"\{" else _bracketed(p)
        wanted = 1 if name in _ONE else 2
        if name not in _MANY and len(args) != wanted:
            raise ParseError
        return choice("P", *args) if name == "perm" else Node(name, args)
    base: tuple[Node, ...] = ()
    if name == "log" and p.take("_"):
        base = (p.short_argument(),)
    exponent = p.exponent() if p.take("^") else None
    p.in_function += 1
    node = Node(name, (_argument(p), *base))
    p.in_function -= 1
    if exponent is None:
        return node
    if exponent.op == "neg" and name in ("sin", "cos", "tan"):
        return Node("arc" + name, node.args)
    return Node("pow", (node, exponent))


def _argument(p: Grammar) -> Node:
    """What a function without brackets reaches: sin 2x is sin(2x), sin x cos y is two factors."""
    if p.peek() in ("(", "{"):
        node = p.postfix()
        if p.take("^"):
            if p.take(r"\circ"):
                return Node("degree", (node,))
            raise ParseError  # sin(x)^2 and sin (x^2) are both meant by it
        return node
    factors = [p.signed()]
    while p.kind() in ("num", "let") or (
        p.kind() == "cmd" and p.peek()[1:] in GREEK | {"pi", "frac"}
    ):
        factors.append(p.power())
    return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))
