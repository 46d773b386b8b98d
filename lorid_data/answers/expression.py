"""A recursive descent parser for the expressions that answers are made of, in LaTeX or typed plainly.

It understands numbers, mixed numbers, fractions, roots, powers, sums, products with or without a
sign, named functions, absolute values, factorials and binomials. It refuses everything else: what
it refuses is compared as text or by the verifier. Nothing is evaluated here.
"""

from __future__ import annotations

from fractions import Fraction

from lorid_data.answers.nodes import FUNCTIONS, GREEK, PLAIN_NAMES, PLAIN_SYMBOLS, Node, num, sym
from lorid_data.answers.results import LimitError
from lorid_data.answers.tokens import Tok, Tokens

MAX_DEPTH = 120


class ParseError(ValueError):
    """The tokens are no expression that this parser knows."""


_MANY = frozenset({"gcd", "lcm", "max", "min"})
_TIMES = frozenset({r"\cdot", r"\times", r"\ast"})
_END = frozenset(")]}+-,;=<>|:")


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
    return node


class _Parser:
    def __init__(self, toks: list[Tok]) -> None:
        self.toks = toks
        self.i = 0
        self.depth = 0
        self.bars = 0
        self.in_function = 0

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
        while self.peek() in ("+", "-") and self.kind() == "op":
            minus = self.peek() == "-"
            self.i += 1
            term = self.term()
            terms.append(Node("neg", (term,)) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def term(self) -> Node:
        factors = [self.signed()]
        while self.i < len(self.toks):
            if self.peek() in _TIMES:
                self.i += 1
                factors.append(self.signed())
            elif self.peek() in ("/", r"\div") and self.kind() in ("op", "cmd"):
                self.i += 1
                factors.append(Node("inv", (self.signed(),)))
            elif self.starts_factor():
                factors.append(self.power())
            else:
                break
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
            return True
        if kind == "op":
            return text in ("(", "{") or (text == "|" and self.bars == 0)
        return kind == "cmd" and (
            text[1:] in GREEK | FUNCTIONS
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
        node = self.atom()
        if self.take("^"):
            node = Node("pow", (node, self.exponent()))
        self.depth -= 1
        return Node("neg", (node,)) if minus else node

    def postfix(self) -> Node:
        return self.factorials(self.atom())

    def factorials(self, node: Node) -> Node:
        while self.peek() == "!" and self.kind() == "op":
            self.i += 1
            node = Node("factorial", (node,))
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
            return self.named(text)
        if kind == "word":
            return self.word()
        if kind == "cmd":
            return self.command()
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
        bars, self.bars = self.bars, 0
        node = self.whole()
        self.expect(close)
        self.bars = bars
        return node

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
        part = self.mixed()
        return value if part is None else Node("add", (value, part))

    def mixed(self) -> Node | None:
        r"""The proper fraction behind a whole number: 2\frac{1}{2} or 2 1/2."""
        start = self.i
        if self.peek() == r"\frac":
            part = self.command()
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
        return self.atom()

    # --- names ---

    def named(self, name: str) -> Node:
        if self.peek() == "_":
            self.i += 1
            name += "_" + self.subscript()
        if name in ("f", "g", "h") and self.peek() == "(":
            return Node("call_" + name, (self.group(),))
        return sym(name)

    def subscript(self) -> str:
        if not self.take("{"):
            text = self.peek()
            if self.kind() not in ("num", "let"):
                raise ParseError
            self.i += 1
            return text
        text = ""
        while self.peek() != "}":
            if self.kind() not in ("num", "let", "word", "op", "text") or self.peek() in ("{", ""):
                raise ParseError
            text += self.peek()
            self.i += 1
        self.i += 1
        return text

    def word(self) -> Node:
        text = self.peek()
        if text in PLAIN_SYMBOLS:
            self.i += 1
            return sym(PLAIN_SYMBOLS[text])
        if text in PLAIN_NAMES:
            self.i += 1
            return self.function(PLAIN_NAMES[text])
        for name in ("sqrt", "pi"):
            # "sqrtx", "xpi": typed without a space
            if text.startswith(name) or text.endswith(name):
                head, tail = (
                    (name, text[len(name) :])
                    if text.startswith(name)
                    else (text[: -len(name)], name)
                )
                gap = self.toks[self.i].gap
                self.toks[self.i : self.i + 1] = [_piece(head, gap=gap), _piece(tail, gap=False)]
                return self.atom()
        if len(text) > 3 or not text.isalpha():
            raise ParseError
        gap = self.toks[self.i].gap
        self.toks[self.i : self.i + 1] = [Tok("let", c, gap and j == 0) for j, c in enumerate(text)]
        return self.atom()

    def command(self) -> Node:
        name = self.peek()[1:]
        self.i += 1
        if name in ("pi", "infty", "imath"):
            return sym({"pi": "pi", "infty": "oo", "imath": "i"}[name])
        if name in GREEK:
            return self.named(name)
        if name in FUNCTIONS or name == "sqrt":
            return self.function(name)
        if name == "frac":
            top = self.short_argument()
            return Node("mul", (top, Node("inv", (self.short_argument(),))))
        if name == "binom":
            return Node("binom", (self.short_argument(), self.short_argument()))
        if name in ("lfloor", "lceil"):
            node = self.sum()
            self.expect("\\r" + name[1:])
            return Node("floor" if name == "lfloor" else "ceil", (node,))
        raise ParseError

    def function(self, name: str) -> Node:
        if name in ("sqrt", "cbrt"):
            index = num(3 if name == "cbrt" else 2)
            if self.take("["):
                index = self.sum()
                self.expect("]")
            return Node("root", (self.short_argument(), index))
        if name in _MANY:
            return self.many(name)
        base: tuple[Node, ...] = ()
        if name == "log" and self.take("_"):
            base = (self.short_argument(),)
        exponent = self.exponent() if self.take("^") else None
        self.in_function += 1
        node = Node(name, (self.argument(), *base))
        self.in_function -= 1
        if exponent is None:
            return node
        if exponent.op == "neg" and name in ("sin", "cos", "tan"):
            return Node("arc" + name, node.args)
        return Node("pow", (node, exponent))

    def many(self, name: str) -> Node:
        self.expect("(")
        args = [self.sum()]
        while self.take(","):
            args.append(self.sum())
        self.expect(")")
        return Node(name, tuple(args))

    def argument(self) -> Node:
        """What a function without brackets reaches: sin 2x is sin(2x), sin x cos y is two factors."""
        if self.peek() in ("(", "{"):
            node = self.postfix()
            if self.take("^"):
                if self.take(r"\circ"):
                    return Node("degree", (node,))
                raise ParseError  # sin(x)^2 and sin (x^2) are both meant by it
            return node
        factors = [self.signed()]
        while self.kind() in ("num", "let") or (
            self.kind() == "cmd" and self.peek()[1:] in GREEK | {"pi", "frac"}
        ):
            factors.append(self.power())
        return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))


def _piece(text: str, *, gap: bool) -> Tok:
    return Tok("let" if len(text) == 1 else "word", text, gap)


def _is_proper(top: Node, bottom: Node) -> bool:
    return (
        top.op == bottom.op == "num" and 0 < top.value < bottom.value
        and top.value.denominator == bottom.value.denominator == 1
    )  # fmt: skip
