"""What an ellipsis leaves out: `1*3*...*9`, `1/2 + 1/4 + ... + 1/64`, `1, 2, ..., 10`.

It is filled in only where one progression alone goes through all terms that are written: arithmetic,
geometric, or of squares or cubes. Where two do (`1 + 4 + ... + 100`) or none, nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, product

from lorid_data.answers.evaluate import exact
from lorid_data.answers.nodes import Node, num
from lorid_data.answers.tokens import ParseError, Tokens

MAX_SIZE = 5000
"""Of what is filled in, in nodes."""
DOTS = frozenset({r"\ldots", r"\cdots", r"\dots", r"\dotsc", r"\dotsb", r"\dotsm"})

Numbers = tuple[Fraction, ...]


def length_of_dots(toks: Tokens, at: int) -> int:
    """How many tokens the ellipsis that begins here has; 0 where none begins."""
    if at >= len(toks):
        return 0
    if toks[at].text in DOTS:
        return 1
    if toks[at].text != ".":
        return 0
    end = at
    while end < len(toks) and toks[end].text == "." and toks[end].kind == "op":
        end += 1
    return end - at if end - at > 1 else 0


def has_dots(toks: Tokens) -> bool:
    """Whether an ellipsis is among the tokens."""
    return any(length_of_dots(toks, i) for i in range(len(toks)))


def is_dots(toks: Tokens) -> bool:
    """Whether the tokens are an ellipsis and nothing else."""
    is_begun = bool(toks) and (toks[0].text == "." or toks[0].text in DOTS)
    return is_begun and length_of_dots(toks, 0) == len(toks)


def sum_of(before: Sequence[Node], after: Sequence[Node]) -> Node:
    """The sum of the terms before and behind an ellipsis and of those that it leaves out.

    Raises:
        ParseError: which those are is not certain.
    """
    ends = _to_a_symbol(before, after)
    if ends is None:
        terms = filled(before, after)
        is_plain = all(t.op == "num" for t in terms)
        return num(sum(t.value for t in terms)) if is_plain else Node("add", tuple(terms))
    first, step, last = ends
    n_terms = _add(_times(_add(last, num(-first)), num(1 / step)), num(1))
    return _times(_times(n_terms, _add(num(first), last)), num(Fraction(1, 2)))


def product_of(before: Sequence[Node], after: Sequence[Node]) -> Node:
    """The product of the factors before and behind an ellipsis and of those that it leaves out.

    Raises:
        ParseError: which those are is not certain.
    """
    ends = _to_a_symbol(before, after)
    if ends is None:
        return Node("mul", tuple(filled(before, after)))
    first, step, last = ends
    if step != 1 or first < 1:
        raise ParseError
    below = Node("factorial", (num(first - 1),))
    return _times(Node("factorial", (last,)), Node("inv", (below,)))


def _add(a: Node, b: Node) -> Node:
    return Node("add", (a, b))


def _times(a: Node, b: Node) -> Node:
    return Node("mul", (a, b))


def _to_a_symbol(
    before: Sequence[Node], after: Sequence[Node]
) -> tuple[Fraction, Fraction, Node] | None:
    """First term, step and last term of 1 + 3 + ... + (2n - 1); None where the last term is a number."""
    last = exact(after[-1]) if after else None
    if last is None or last.number is not None or any(t.op != "num" for t in before):
        return None
    values = [t.value for t in before]
    steps = {b - a for a, b in pairwise(values)}
    if len(after) > 1 or len(steps) != 1 or values[0].denominator != 1:
        raise ParseError
    step = steps.pop()
    terms = {m: c for m, c in last.num.items() if m}
    is_linear = len(last.den) == 1 and len(terms) == 1 and not last.bases() & {"pi", "e", "i", "oo"}
    if not step or not is_linear:
        raise ParseError
    ((m, c),) = terms.items()
    n_steps = (last.num.get((), Fraction(0)) - values[0]) / step
    if len(m) != 1 or m[0][1] != 1 or (c / step).denominator != 1 or n_steps.denominator != 1:
        raise ParseError
    return values[0], step, after[-1]


def filled(before: Sequence[Node], after: Sequence[Node]) -> list[Node]:
    """All terms, those that the ellipsis between them leaves out as well.

    Terms of one shape, such as 1^2, 2^2 and 10^2, are filled in number by number. Others, such as
    1, 1/2 and 1/4, by their values, if there are three before the ellipsis.

    Raises:
        ParseError: which those are is not certain.
    """
    terms = [*before, *after]
    if len(before) < 2 or not after:
        raise ParseError
    if any(not _is_alike(t, terms[0]) for t in terms[1:]):
        values = [v for v in (exact(t).number for t in terms) if v is not None]
        if len(before) < 3 or len(values) < len(terms):
            raise ParseError
        terms = [num(v) for v in values]
    columns = list(zip(*map(_numbers, terms), strict=True))
    varying = [c for c in columns if len(set(c)) > 1]
    found = [list(_through(c, len(before))) for c in varying]
    ways = [way for way in product(*found) if len({len(s) for s in way}) == 1] if found else []
    if len(ways) != 1:
        raise ParseError
    sequences = iter(ways[0])
    length = len(ways[0][0])
    if length * len(columns) > MAX_SIZE:
        raise ParseError
    rows = [next(sequences) if len(set(c)) > 1 else (c[0],) * length for c in columns]
    return [_with_numbers(terms[0], iter(row)) for row in zip(*rows, strict=True)]


def _is_alike(a: Node, b: Node) -> bool:
    """Whether two trees differ in their numbers alone."""
    return (
        a.op == b.op and a.name == b.name and len(a.args) == len(b.args)
        and all(map(_is_alike, a.args, b.args))
    )  # fmt: skip


def _numbers(node: Node) -> Iterator[Fraction]:
    if node.op == "num":
        yield node.value
    for a in node.args:
        yield from _numbers(a)


def _with_numbers(node: Node, values: Iterator[Fraction]) -> Node:
    if node.op == "num":
        return num(next(values))
    return Node(node.op, tuple(_with_numbers(a, values) for a in node.args), name=node.name)


def _through(column: Sequence[Fraction], n_before: int) -> Iterator[Numbers]:
    """The progressions that begin with the first numbers of a column and end with the others."""
    start, end = tuple(column[:n_before]), tuple(column[n_before:])
    seen: set[Numbers] = set()
    for rule in (_arithmetic, _geometric, _squares, _cubes):
        whole = rule(start[0], start[1], end[-1])
        fits = (
            whole is not None and len(whole) > len(column) and whole not in seen
            and whole[: len(start)] == start and whole[-len(end) :] == end
        )  # fmt: skip
        if fits and whole is not None:
            seen.add(whole)
            yield whole
            if rule is _arithmetic and abs(start[1] - start[0]) == 1:
                return  # 1, 2, ..., 64 are the whole numbers: powers of 2 are shown by a third


def _arithmetic(first: Fraction, second: Fraction, last: Fraction) -> Numbers | None:
    step = second - first
    n_steps = (last - first) / step if step else Fraction(0)
    if n_steps.denominator != 1 or not 0 < n_steps < MAX_SIZE:
        return None
    return tuple(first + i * step for i in range(int(n_steps) + 1))


def _geometric(first: Fraction, second: Fraction, last: Fraction) -> Numbers | None:
    ratio = second / first if first else Fraction(0)
    if ratio in (0, 1, -1) or not last or last.numerator.bit_length() > MAX_SIZE:
        return None
    out = [first]
    while out[-1] != last and (abs(out[-1]) < abs(last)) == (abs(ratio) > 1):
        out.append(out[-1] * ratio)
    return tuple(out) if out[-1] == last else None


def _powers(degree: int) -> Callable[[Fraction, Fraction, Fraction], Numbers | None]:
    def rule(first: Fraction, second: Fraction, last: Fraction) -> Numbers | None:
        roots = [_root(v, degree) for v in (first, second, last)]
        bases = [r for r in roots if r is not None]
        whole = _arithmetic(bases[0], bases[1], bases[2]) if len(bases) == 3 else None
        return whole and tuple(b**degree for b in whole)

    return rule


def _root(value: Fraction, degree: int) -> Fraction | None:
    if value.denominator != 1 or not 0 <= value < 1 << 40:
        return None
    near = Fraction(round(float(value) ** (1 / degree)))
    return near if near**degree == value else None


_squares, _cubes = _powers(2), _powers(3)
