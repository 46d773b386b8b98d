"""Rounds and solutions as lines for a terminal; what a model wrote is made harmless first."""

from __future__ import annotations

import textwrap

from lorid_data.execution.executed import Status
from lorid_data.pages.text import visible
from lorid_train.interaction.draws import How
from lorid_train.solve.solution import Program, Round, Solution

_LONGEST = 2_000
"""Characters of one text that are shown."""
_WITHHELD = "withheld, as too likely to be wrong"
_AGREED = "IR and DR agreed"
_HOW = {
    How.CONSENSUS: _AGREED,
    How.FALLBACK: "IR and DR never agreed; the fallback answers",
    How.NONE: "IR and DR never agreed, and the fallback has no answer",
    How.ABSTAINED: _WITHHELD,
}
_CONSENSUS = {
    "weighed": "the weighed votes are likely enough",
    "cg_alone": "CG's program gave it",
    "cg_repeat": "two programs of CG gave it",
    "cg_must_agree": "CG's program and IR or DR agreed",
    "any_two": "two of IR, DR and CG agreed",
    "cg_votes": "the votes of IR, DR and CG are far enough ahead",
}
"""What a rule of its own has found where it stops."""
_LACKS = {
    "weighed": "the weighed votes never became likely enough",
    "cg_alone": "no program of CG gave an answer",
    "cg_repeat": "no two programs of CG gave the same answer",
    "cg_must_agree": "CG never agreed with IR or DR",
    "any_two": "no two of IR, DR and CG ever agreed",
    "cg_votes": "no answer's votes ever were far enough ahead",
}
"""What it has not found where it does not."""
_FAILURES = {
    Status.UNPARSABLE: "is no program",
    Status.ERROR: "failed",
    Status.LIMIT: "ran into a limit",
    Status.CRASHED: "the sandbox failed on it",
    Status.NO_ANSWER: "left no answer",
}


def round_lines(r: Round) -> list[str]:
    """A round: what IR wrote, the rules of KG, what DR wrote with them, CG's program and what it gave, and who agrees."""
    lines = [f"round {r.number}"]
    if r.ir is not None:
        lines += _text("IR", r.ir.text, _said(r.ir_answer))
    if r.kg is not None:
        rules = [visible(rule, _LONGEST) for rule in r.rules] or ["(no rule)"]
        lines += _labelled("KG", [f"- {rule}" for rule in rules])
    if r.dr is not None:
        lines += _text("DR", r.dr.text, _said(r.dr_answer))
    if r.program is not None:
        lines += _labelled(
            "CG", [*visible(r.program.text.strip("\n"), _LONGEST).split("\n"), *_ran(r.program)]
        )
    n_asked = sum(d is not None for d in (r.ir, r.dr, r.cg))
    if n_asked < 2:  # drawn alone
        return lines
    if r.cg is None:
        return [*lines, "  agreed" if r.agreed else "  not agreed"]
    return [*lines, f"  {_listed(r.agreeing)} agreed" if r.agreed else "  not agreed"]


def _ran(program: Program) -> list[str]:
    """What running a program gave: its answer or which failure, what it printed, and whether it is grounded."""
    ran = program.draw.executed
    if ran is None:
        return ["(not run)"]
    if ran.answer is not None:
        said = f"→ {visible(ran.answer, _LONGEST)}"
    else:
        failure = _FAILURES.get(Status(ran.status), ran.status)
        said = f"no answer: {failure}{f' ({visible(ran.error, 200)})' if ran.error else ''}"
    grounded = (
        "grounded"
        if ran.is_grounded
        else "not grounded: its numbers are not those of the question, all of them"
    )
    lines = [f"{said} ({ran.status}, {grounded})"]
    if ran.output:
        lines.insert(0, f"printed: {visible(ran.output.strip(), _LONGEST)}")
    return lines


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]])


def _how(s: Solution) -> str:
    """How the answer came about, in words."""
    if s.how == How.ABSTAINED:
        return _WITHHELD
    if s.rule not in _LACKS:
        return _HOW[s.how]
    if s.how == How.CONSENSUS:
        return _CONSENSUS[s.rule]
    if s.how == How.NONE:
        return _LACKS[s.rule] + ("" if s.rule == "weighed" else ", and the fallback has no answer")
    who = (
        "the likeliest answers"
        if s.rule == "weighed"
        else "the leader answers"
        if s.rule == "cg_votes"
        else "the fallback answers"
    )
    return f"{_LACKS[s.rule]}; {who}"


def solution_line(s: Solution) -> str:
    """The answer, how it came about, and what it cost."""
    answer = "none" if s.answer is None else visible(s.answer, _LONGEST)
    many = f"{s.rounds} round{'s' * (s.rounds != 1)}"
    how = _how(s)
    chance = "" if s.probability is None else f"; right with probability {s.probability:.2f}"
    return f"answer: {answer} ({how}{chance}; {many}, {s.n_tokens:,} tokens, {s.seconds:.1f} s)"


def _said(answer: str | None) -> str:
    return "no answer" if answer is None else f"→ {visible(answer, _LONGEST)}"


def _text(role: str, text: str, said: str) -> list[str]:
    return _labelled(role, [*visible(text.strip(), _LONGEST).splitlines(), said])


def _labelled(role: str, lines: list[str]) -> list[str]:
    wrapped = [part for line in lines for part in textwrap.wrap(line, 96) or [""]]
    return [f"  {role if i == 0 else '  '}  {line}" for i, line in enumerate(wrapped)]
