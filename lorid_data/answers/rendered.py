"""An expression's tree as LaTeX: what the verifier is asked, however the answer was typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lorid_data.answers.nodes import FUNCTIONS, GREEK, Node

_SHAPES: dict[str, Callable[..., str]] = {
    "add": lambda *a: "(" + "+".join(a) + ")",
    "mul": lambda *a: r" \cdot ".join(a),
    "neg": lambda a: f"(-{a})",
    "inv": lambda a: rf"\frac{{1}}{{{a}}}",
    "pow": lambda a, b: f"({a})^{{{b}}}",
    "root": lambda a, n: rf"\sqrt[{n}]{{{a}}}" if n != "2" else rf"\sqrt{{{a}}}",
    "factorial": lambda a: f"({a})!",
    "binom": lambda a, b: rf"\binom{{{a}}}{{{b}}}",
    "abs": lambda a: rf"|{a}|",
    "floor": lambda a: rf"\lfloor {a} \rfloor",
    "ceil": lambda a: rf"\lceil {a} \rceil",
    "degree": lambda a: rf"({a})^\circ",
    "log": lambda a, *b: (rf"\log_{{{b[0]}}}" if b else r"\log") + f"({a})",
}
_NAMED = FUNCTIONS - {"log", "bmod", "det", "arg", "deg", "dim"}


def rendered(node: Node) -> str | None:
    """LaTeX of a tree, or None where LaTeX has no sign for it that the verifier reads as it is meant."""
    if node.op == "num":
        top, bottom = node.value.numerator, node.value.denominator
        shown = str(top) if bottom == 1 else rf"\frac{{{top}}}{{{bottom}}}"
        return f"({shown})" if top < 0 else shown
    if node.op == "sym":
        return _symbol(node.name)
    args = [rendered(a) for a in node.args]
    known = [a for a in args if a is not None]
    if len(known) < len(args):
        return None
    return _operation(node.op, known)


def _symbol(name: str) -> str:
    head, _, below = name.partition("_")
    shown = {"oo": r"\infty", "pi": r"\pi"}.get(head, f"\\{head}" if head in GREEK else head)
    return f"{shown}_{{{below}}}" if below else f"{shown} "


def _operation(op: str, args: Sequence[str]) -> str | None:
    if shape := _SHAPES.get(op):
        return shape(*args)
    return rf"\{op}({','.join(args)})" if op in _NAMED else None
