"""Rounds and solutions as lines for a terminal; what a model wrote is made harmless first."""

from __future__ import annotations

import textwrap

from lorid_data.pages.text import visible
from lorid_train.interaction.draws import How
from lorid_train.solve.solution import Round, Solution

_LONGEST = 2_000
"""Characters of one text that are shown."""
_HOW = {
    How.CONSENSUS: "IR and DR agreed",
    How.FALLBACK: "IR and DR never agreed; the fallback answers",
    How.NONE: "IR and DR never agreed, and the fallback has no answer",
    How.ABSTAINED: "withheld, as too likely to be wrong",
}
_HOW_WEIGHED = {
    **_HOW,
    How.CONSENSUS: "the weighed votes are likely enough",
    How.FALLBACK: "the weighed votes never became likely enough; the likeliest answers",
    How.NONE: "the weighed votes never became likely enough",
}


def round_lines(r: Round) -> list[str]:
    """A round: what IR wrote, the rules of KG, what DR wrote with them, and whether both agree."""
    lines = [f"round {r.number}"]
    if r.ir is not None:
        lines += _text("IR", r.ir.text, _said(r.ir_answer))
    if r.kg is not None:
        rules = [visible(rule, _LONGEST) for rule in r.rules] or ["(no rule)"]
        lines += _labelled("KG", [f"- {rule}" for rule in rules])
    if r.dr is not None:
        lines += _text("DR", r.dr.text, _said(r.dr_answer))
    if r.ir is None or r.dr is None:  # drawn alone, under the rule that weighs votes
        return lines
    return [*lines, "  agreed" if r.agreed else "  not agreed"]


def solution_line(s: Solution) -> str:
    """The answer, how it came about, and what it cost."""
    answer = "none" if s.answer is None else visible(s.answer, _LONGEST)
    many = f"{s.rounds} round{'s' * (s.rounds != 1)}"
    how = (_HOW if s.decision.n_ir is None else _HOW_WEIGHED)[s.how]
    chance = "" if s.probability is None else f"; right with probability {s.probability:.2f}"
    return f"answer: {answer} ({how}{chance}; {many}, {s.n_tokens:,} tokens, {s.seconds:.1f} s)"


def _said(answer: str | None) -> str:
    return "no answer" if answer is None else f"→ {visible(answer, _LONGEST)}"


def _text(role: str, text: str, said: str) -> list[str]:
    return _labelled(role, [*visible(text.strip(), _LONGEST).splitlines(), said])


def _labelled(role: str, lines: list[str]) -> list[str]:
    wrapped = [part for line in lines for part in textwrap.wrap(line, 96) or [""]]
    return [f"  {role if i == 0 else '  '}  {line}" for i, line in enumerate(wrapped)]
