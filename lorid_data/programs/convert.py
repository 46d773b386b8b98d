"""A rationale as a program that computes its answer, or the reason why there is none; pure, nothing is run.

    convert("… 48 clips … half as many …", "48/2 = <<48/2=24>>24 … 48+24 = <<48+24=72>>72", "72")
    → a = 48 / 2
      answer = 48 + a

Steps that the answer does not need are left out. Where the answer comes out only with the roundings of the
rationale, the program rounds too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lorid_data.execution.grounding import brought_along, common_constants, grounding
from lorid_data.execution.literals import numbers
from lorid_data.programs.equations import Step, all_steps, annotated, has_annotations
from lorid_data.programs.linking import LITERAL, Links, link
from lorid_data.schema import RejectReason
from lorid_data.texts.calculate import calculate

NAMES = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Made:
    """A program.

    Attributes:
        program: its text.
        made_of: annotations, or equations where those of the text are read too.
        ambiguous: numbers of it that may come from the question or from an earlier step.
        from_nowhere: numbers of it that nothing explains, see `execution.grounding`.
        flagged: doubts that an earlier run kept this program with.
    """

    program: str
    made_of: str
    ambiguous: tuple[str, ...] = ()
    from_nowhere: tuple[str, ...] = ()
    flagged: tuple[RejectReason, ...] = ()


@dataclass(frozen=True, slots=True)
class NotMade:
    """Why there is no program, and what exactly is missing."""

    reason: RejectReason
    detail: str


def convert(question: str, rationale: str, is_answer: Callable[[str], bool]) -> Made | NotMade:
    """The program of a rationale: of its annotations, else of its plain equations too.

    Args:
        question: whose numbers need no step.
        rationale: with its annotations, where it has some.
        is_answer: whether a number is the reference answer.
    """
    more = all_steps(rationale)
    tried = ((annotated(rationale), "annotations"), (more, "equations"))
    made = [
        m for steps, name in tried if (m := _made(question, steps, is_answer, name)) is not None
    ]
    if made:
        # A number that the annotations leave unexplained may be the result of a plain equation.
        return min(made, key=lambda m: (len(m.from_nowhere), len(m.ambiguous)))
    if more:
        shown = ", ".join(_text(s.shown) for s in more[-3:])
        return NotMade(
            RejectReason.WRONG_ANSWER, f"no step gives the answer; the last give {shown}"
        )
    if has_annotations(rationale):
        return NotMade(RejectReason.UNPARSABLE, "no annotation is arithmetic with numbers alone")
    return NotMade(RejectReason.NO_STEPS, "")


def _made(
    question: str, steps: Sequence[Step], is_answer: Callable[[str], bool], made_of: str
) -> Made | None:
    """The program whose last step is the last that gives the answer."""
    steps = _distinct(steps)
    ends = [
        i for i, s in enumerate(steps) if is_answer(_text(s.shown)) or is_answer(_text(s.value))
    ]
    if not ends:
        return None
    steps = steps[: ends[-1] + 1]
    given = set(numbers(question))
    links = link(steps, given, common_constants() | brought_along(question))
    for rounds in (False, True):
        written = _written(steps, links, rounds=rounds)
        if written is not None and is_answer(_text(written.value)):
            doubts = tuple(steps[i].tokens[k] for i, k in links.ambiguous if i in written.needed)
            nowhere = grounding(question, written.program).from_nowhere
            return Made(written.program, made_of, doubts, tuple(map(_text, nowhere)))
    return None


def _distinct(steps: Sequence[Step]) -> list[Step]:
    """The calculations, each where it stands first: a solution may repeat one."""
    kept: dict[tuple[str, ...], Step] = {}
    for s in steps:
        if s.is_calculation:
            kept.setdefault(s.tokens, s)
    return list(kept.values())


@dataclass(frozen=True, slots=True)
class _Written:
    program: str
    value: Fraction
    needed: frozenset[int]


def _written(steps: Sequence[Step], links: Links, *, rounds: bool) -> _Written | None:
    """The text of the program, what it is worth, and the steps that it needs."""
    needed = _needed(steps, links)
    names: dict[int, str] = {}
    values: dict[int, Fraction] = {}
    lines: list[str] = []
    for i in sorted(needed):
        name = "answer" if i == len(steps) - 1 else _name(len(names))
        side, worth = [], []
        for k, token in enumerate(steps[i].tokens):
            to = links.of.get((i, k), LITERAL)
            side.append(_number(token) if to == LITERAL else names[to])
            worth.append(_number(token) if to == LITERAL else f"({_exact(values[to])})")
        value = calculate_exactly(worth)
        if value is None:
            return None
        text = _spaced(side)
        if rounds and value != steps[i].shown:
            text, value = _rounded(text, value, steps[i])
        lines.append(f"{name} = {text}")
        names[i], values[i] = name, value
    program = "\n".join(lines)
    if "math." in program:
        program = f"import math\n{program}"
    return _Written(program, values[len(steps) - 1], frozenset(needed))


def _needed(steps: Sequence[Step], links: Links) -> set[int]:
    """The last step, and every step that one of them uses."""
    needed, left = set(), [len(steps) - 1]
    while left:
        i = left.pop()
        if i not in needed:
            needed.add(i)
            left += [to for (at, _), to in links.of.items() if at == i and to != LITERAL]
    return needed


def _name(n: int) -> str:
    return NAMES[n] if n < len(NAMES) else f"{NAMES[n % 26]}{n // 26}"


def calculate_exactly(tokens: Sequence[str]) -> Fraction | None:
    """What tokens are worth; fractions in brackets stand for exact values."""
    return calculate("".join(tokens))


def _exact(value: Fraction) -> str:
    return (
        f"{value.numerator}/{value.denominator}" if value.denominator > 1 else str(value.numerator)
    )


def _rounded(text: str, value: Fraction, step: Step) -> tuple[str, Fraction]:
    """The step as its rationale rounds it: to nearest, down or up; unchanged where none gives what is shown."""
    if round(value, step.digits) == step.shown:
        return (f"round({text}, {step.digits})" if step.digits else f"round({text})"), step.shown
    if not step.digits and math.floor(value) == step.shown:
        return f"math.floor({text})", step.shown
    if not step.digits and math.ceil(value) == step.shown:
        return f"math.ceil({text})", step.shown
    return text, value


def _number(token: str) -> str:
    """A number as Python reads it: `.5` is 0.5, `007` is 7; signs and brackets as they are."""
    if not any(c.isdigit() for c in token):
        return token
    whole, point, rest = token.partition(".")
    return f"{int(whole or 0)}{point}{rest}" if rest else str(int(whole or 0))


def _spaced(side: Sequence[str]) -> str:
    """Blanks around signs between two operands; none behind a sign in front of one, nor in brackets."""
    text = ""
    before = "("
    for token in side:
        if token in ("+", "-", "*", "/") and before not in ("(", "+", "-", "*", "/"):
            text += f" {token} "
        else:
            text += token
        before = token
    return text


def _text(value: Fraction) -> str:
    """A number as an answer: whole, a decimal of 12 digits at most, or a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.12g}"
