"""A recursive descent parser for the expressions that answers are made of, in LaTeX or typed plainly.

It understands numbers, mixed numbers, fractions, roots, powers, sums, products with or without a
sign, named functions, absolute values, factorials and binomials. It refuses everything else: what
it refuses is compared as text or by the verifier. Nothing is evaluated here.
"""

from __future__ import annotations

from fractions import Fraction

from lorid_data.answers import functions, progressions
from lorid_data.answers.nodes import FUNCTIONS, GREEK, Node, choice, is_call, num, resolved
from lorid_data.answers.results import LimitError
from lorid_data.answers.tokens import ParseError, Tok, Tokens

MAX_DEPTH = 120


_TIMES = frozenset({r"\cdot", r"\times", r"\ast"})
_TIMES_OR_DOTS = _TIMES | {r"\cdots"}
_BEGINS_DOTS = progressions.DOTS | {"."}


def parse_expression(toks: Tokens) -> Node:
    """The expression that all the tokens make.

    Raises:
        ParseError: they make none.
        LimitError: nested too deeply.
    """
    parser = _Parser(list(toks))
    node = parser.whole()
    if parser.i != len(parser.toks):
        raise ParseError
    return resolved(node) if parser.has_calls else node


class _Parser:
    def __init__(self, toks: list[Tok]) -> None:
        self.toks = toks
        self.i = 0
        self.depth = 0
        self.bars = 0
        self.in_function = 0
        self.has_calls = False
        self.is_short = False
        """Inside an argument without brackets, a letter takes no bracket behind it: 2^n(n+1)."""

    # --- tokens ---

    def peek(self, ahead: int = 0) -> str:
        j = self.i + ahead
        return self.toks[j].text if j < len(self.toks) else ""

    def kind(self, ahead: int = 0) -> str:
        j = self.i + ahead
        return self.toks[j].kind if j < len(self.toks) else ""

    def take(self, text: str) -> bool:
        if self.peek() == text and self.kind() in ("op", "cmd"):
            self.i += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise ParseError

    # --- grammar ---

    def whole(self) -> Node:
        r"""A sum, or two of them around \over or \choose."""
        node = self.sum()
        if self.take(r"\over"):
            return Node("mul", (node, Node("inv", (self.sum(),))))
        return Node("binom", (node, self.sum())) if self.take(r"\choose") else node

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            msg = "an expression nested too deeply"
            raise LimitError(msg)
        terms = [self.term()]
        before: list[Node] = []
        while self.peek() in ("+", "-") and self.kind() == "op":
            minus = self.peek() == "-"
            self.i += 1
            if self.peek() in _BEGINS_DOTS and self.dots():
                before, terms = _opened(before, terms), []
                continue
            term = self.term()
            terms.append(Node("neg", (term,)) if minus else term)
        self.depth -= 1
        if before:
            return progressions.sum_of(before, terms)
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def dots(self) -> bool:
        """An ellipsis."""
        length = progressions.length_of_dots(self.toks, self.i)
        self.i += length
        return length > 0

    def next_factor(self, before: list[Node], factors: list[Node]) -> tuple[list[Node], list[Node]]:
        r"""Behind a sign of multiplication, or \cdots by itself: the factors before an ellipsis and behind it."""
        start = self.i
        is_open = self.take(r"\cdots")
        if is_open:
            self.i += self.peek() in _TIMES
        elif self.peek(1) in _BEGINS_DOTS:
            self.i += 1
            is_open = self.dots() and self.peek() in _TIMES
        if is_open:
            self.i += self.peek() in _TIMES
            return _opened(before, factors), [self.signed()]
        self.i = start + 1
        factors.append(self.signed())
        return before, factors

    def term(self) -> Node:
        factors = [self.signed()]
        before: list[Node] = []
        while self.i < len(self.toks):
            if self.peek() in _TIMES_OR_DOTS:
                before, factors = self.next_factor(before, factors)
            elif self.peek() in ("/", r"\div") and self.kind() in ("op", "cmd"):
                self.i += 1
                factors.append(Node("inv", (self.signed(),)))
            elif self.peek() in ("mod", r"\bmod") and self.kind() in ("word", "text", "cmd"):
                self.i += 1
                value = factors[0] if len(factors) == 1 else Node("mul", tuple(factors))
                factors = [Node("mod", (value, self.signed()))]
            elif self.peek() == "choose" and self.kind() in ("word", "text"):
                self.i += 1
                factors[-1] = Node("binom", (factors[-1], self.signed()))
            elif self.starts_factor():
                factors.append(self.power())
            else:
                break
        if before:
            return progressions.product_of(before, factors)
        return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))

    def signed(self) -> Node:
        minus = False
        while self.peek() in ("-", "+") and self.kind() == "op":
            minus ^= self.peek() == "-"
            self.i += 1
        node = self.power()
        return Node("neg", (node,)) if minus else node

    def starts_factor(self) -> bool:
        """Whether a factor follows without a sign of multiplication. Two numbers never multiply so."""
        kind, text = self.kind(), self.peek()
        if kind == "num":
            return (
                self.toks[self.i - 1].text in (")", "}", "]") and self.toks[self.i - 1].kind == "op"
            )
        if kind in ("let", "word"):
            return text not in ("mod", "choose")
        if kind == "op":
            return text in ("(", "{") or (text == "|" and self.bars == 0)
        return kind == "cmd" and (
            text[1:] in (GREEK | FUNCTIONS) - {"bmod"}
            or text
            in (r"\frac", r"\sqrt", r"\pi", r"\binom", r"\lfloor", r"\lceil", r"\infty", r"\imath")
        )

    def power(self) -> Node:
        base = self.postfix()
        if not self.take("^"):
            return base
        if self.take(r"\circ"):
            return Node("degree", (base,)) if self.in_function else base
        node = Node("pow", (base, self.exponent()))
        return self.factorials(node)

    def exponent(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            msg = "powers nested too deeply"
            raise LimitError(msg)
        minus = False
        while self.peek() in ("-", "+"):
            minus ^= self.peek() == "-"
            self.i += 1
        node = self.short_atom()
        if self.take("^"):
            node = Node("pow", (node, self.exponent()))
        self.depth -= 1
        return Node("neg", (node,)) if minus else node

    def postfix(self) -> Node:
        return self.factorials(self.atom())

    def factorials(self, node: Node) -> Node:
        """N! and n!!, the double factorial; n!!! has no one meaning."""
        n = 0
        while self.take("!"):
            n += 1
        if n > 2:
            raise ParseError
        return Node(("factorial", "double_factorial")[n - 1], (node,)) if n else node

    def short_atom(self) -> Node:
        was, self.is_short = self.is_short, True
        node = self.atom()
        self.is_short = was
        return node

    def atom(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            msg = "an expression nested too deeply"
            raise LimitError(msg)
        node = self.any_atom()
        self.depth -= 1
        return node

    def any_atom(self) -> Node:
        kind, text = self.kind(), self.peek()
        if kind == "num":
            return self.numeral()
        if kind == "let":
            self.i += 1
            return functions.named(self, text)
        if kind == "word":
            return functions.word(self)
        if kind == "cmd":
            return functions.command(self)
        if (
            kind == "op"
            and text in ("_", "^", "{")
            and (node := functions.chosen(self)) is not None
        ):
            return node
        if kind == "op" and text in ("(", "{"):
            return self.group()
        if kind == "op" and text == "|":
            return self.absolute()
        raise ParseError

    def group(self) -> Node:
        close = {"(": ")", "{": "}"}.get(self.peek())
        if close is None:
            raise ParseError
        self.i += 1
        bars, self.bars, was, self.is_short = self.bars, 0, self.is_short, False
        node = self.whole()
        self.expect(close)
        self.bars, self.is_short = bars, was
        # One factor: what is read as a call until `resolved` may be x(x + 1), and 1/(x(x + 1)) no (x + 1)/x.
        return Node("mul", (node,)) if is_call(node) else node

    def absolute(self) -> Node:
        self.i += 1
        self.bars += 1
        node = self.sum()
        self.bars -= 1
        self.expect("|")
        return Node("abs", (node,))

    # --- numbers ---

    def numeral(self) -> Node:
        text = self.peek()
        self.i += 1
        value = num(Fraction(text))
        if "." in text:
            return value
        if self.peek() in ("C", "P") and self.kind(1) == "num" and self.peek(1).isdigit():
            letter, below = self.peek(), num(int(self.peek(1)))
            self.i += 2
            return choice(letter, value, below)  # 5C2
        part = self.mixed()
        return value if part is None else Node("add", (value, part))

    def mixed(self) -> Node | None:
        r"""The proper fraction behind a whole number: 2\frac{1}{2} or 2 1/2."""
        start = self.i
        if self.peek() == r"\frac":
            part = functions.command(self)
            if part.op == "mul" and _is_proper(part.args[0], part.args[1].args[0]):
                return part
        elif (
            self.kind() == "num" and self.toks[start].gap and self.peek(1) == "/" and self.kind(2) == "num"
            and self.peek().isdigit() and self.peek(2).isdigit()
        ):  # fmt: skip
            top, bottom = num(int(self.peek())), num(int(self.peek(2)))
            if _is_proper(top, bottom):
                self.i += 3
                return Node("mul", (top, Node("inv", (bottom,))))
        self.i = start
        return None

    def short_argument(self) -> Node:
        r"""One argument of \frac or \sqrt: a group, a command or the next digit."""
        if self.peek() == "{":
            return self.group()
        if self.kind() == "num" and self.peek().isdigit() and len(self.peek()) > 1:
            tok = self.toks[self.i]
            self.toks[self.i : self.i + 1] = [
                Tok("num", tok.text[0], tok.gap),
                Tok("num", tok.text[1:], gap=False),
            ]
        if self.kind() == "num":
            value = num(Fraction(self.peek()))
            self.i += 1
            return value
        if self.kind() == "word":
            tok = self.toks[self.i]
            self.toks[self.i : self.i + 1] = [Tok("let", c, tok.gap) for c in tok.text]
        return self.short_atom()


def _opened(before: list[Node], terms: list[Node]) -> list[Node]:
    """The terms before an ellipsis; a second one makes no progression."""
    if before:
        raise ParseError
    return terms


def _is_proper(top: Node, bottom: Node) -> bool:
    return (
        top.op == bottom.op == "num" and 0 < top.value < bottom.value
        and top.value.denominator == bottom.value.denominator == 1
    )  # fmt: skip
