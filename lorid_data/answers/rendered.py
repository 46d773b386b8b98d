"""An expression's tree as LaTeX: what the verifier is asked, however the answer was typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lorid_data.answers.nodes import FUNCTIONS, GREEK, Node

_SHAPES: dict[str, Callable[..., str]] = {
    "add": lambda *a: "+".join(a),
    "mul": lambda *a: r" \cdot ".join(a),
    "neg": lambda a: f"-{a}",
    "inv": lambda a: rf"\frac{{1}}{{{a}}}",
    "pow": lambda a, b: f"{a}^{{{b}}}",
    "root": lambda a, n: rf"\sqrt[{n}]{{{a}}}" if n != "2" else rf"\sqrt{{{a}}}",
    "factorial": lambda a: f"{a}!",
    "binom": lambda a, b: rf"\binom{{{a}}}{{{b}}}",
    "abs": lambda a: rf"|{a}|",
    "floor": lambda a: rf"\lfloor {a} \rfloor",
    "ceil": lambda a: rf"\lceil {a} \rceil",
    "degree": lambda a: rf"{a}^\circ",
    "log": lambda a, *b: (rf"\log_{{{b[0]}}}" if b else r"\log") + f"({a})",
}
_NAMED = FUNCTIONS - {"log", "bmod", "det", "arg", "deg", "dim"}


def rendered(node: Node) -> str | None:
    """LaTeX of a tree, or None where LaTeX has no sign for it that the verifier reads as it is meant."""
    if node.op == "num":
        top, bottom = node.value.numerator, node.value.denominator
        return str(top) if bottom == 1 else rf"\frac{{{top}}}{{{bottom}}}"
    if node.op == "sym":
        return _symbol(node.name)
    if node.op == "mul" and len(node.args) == 2 and node.args[1].op == "inv":
        top_bottom = rendered(node.args[0]), rendered(node.args[1].args[0])
        return None if None in top_bottom else rf"\frac{{{top_bottom[0]}}}{{{top_bottom[1]}}}"
    args = [
        f"({shown})" if shown is not None and _needs_brackets(node, a, i) else shown
        for i, a in enumerate(node.args)
        for shown in [rendered(a)]
    ]
    known = [a for a in args if a is not None]
    if len(known) < len(args):
        return None
    return _operation(node.op, known)


_LOOSE = frozenset({"add", "neg"})


def _needs_brackets(node: Node, arg: Node, at: int) -> bool:
    """Whether an argument must stand in brackets: the operation reaches less far than it says."""
    is_negative = arg.op in _LOOSE or (arg.op == "num" and arg.value < 0)
    if node.op in ("mul", "neg"):
        return is_negative
    if node.op == "add":
        return is_negative and arg.op != "add" and at > 0
    if node.op in ("pow", "factorial", "degree") and at == 0:
        is_whole = arg.op == "num" and arg.value.denominator == 1 and arg.value >= 0
        return not (is_whole or arg.op == "sym")
    return False


def _symbol(name: str) -> str:
    head, _, below = name.partition("_")
    shown = {"oo": r"\infty", "pi": r"\pi"}.get(head, f"\\{head}" if head in GREEK else head)
    return f"{shown}_{{{below}}}" if below else f"{shown} "


def _operation(op: str, args: Sequence[str]) -> str | None:
    if shape := _SHAPES.get(op):
        return shape(*args)
    return rf"\{op}({','.join(args)})" if op in _NAMED else None
