"""Which number of a step is the result of an earlier one: by value, and only where there is no doubt; pure.

Solutions write numbers, not names. A number that both the question and an earlier step hold may be either;
it is settled where only one of them is left without a use, since neither a step nor a number of the
question stands there for nothing. What that does not settle is an ambiguous link.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from fractions import Fraction

from lorid_data.programs.equations import Step

LITERAL = -1
"""The number is written out: it is the question's, or a constant."""


@dataclass(frozen=True, slots=True)
class Links:
    """What each number of each step is.

    Attributes:
        of: by (step, token): the step that it is the result of, or `LITERAL`.
        ambiguous: the numbers that may be either; linked to the latest step, all the same.
    """

    of: dict[tuple[int, int], int]
    ambiguous: tuple[tuple[int, int], ...]


def link(steps: Sequence[Step], given: Set[Fraction], common: Set[Fraction]) -> Links:
    """Link the numbers of steps.

    Args:
        steps: in their order; the last one gives the answer.
        given: numbers of the question.
        common: constants that need no source, such as 100 or the days of a week.
    """
    options = _options(steps, given | common)
    settled = {at: found[0] for at, found in options.items() if len(found) == 1}
    open_links = {at: found for at, found in options.items() if len(found) > 1}
    used = set(settled.values())
    spoken = {_value(steps, at) for at, to in settled.items() if to == LITERAL}
    chosen, ambiguous = dict(settled), []
    for at, found in open_links.items():
        value = _value(steps, at)
        rivals = {r for other, results in open_links.items() if other != at for r in results}
        waiting = [r for r in found if r != LITERAL and r not in used | rivals]
        needs_literal = LITERAL in found and value in given and value not in spoken
        if len(waiting) == 1 and not needs_literal:
            chosen[at] = waiting[0]
        elif not waiting and needs_literal and set(found) - {LITERAL} <= used:
            chosen[at] = LITERAL
        else:
            chosen[at] = max(found)
            ambiguous.append(at)
    return Links(chosen, tuple(ambiguous))


def _options(steps: Sequence[Step], literal: Set[Fraction]) -> dict[tuple[int, int], list[int]]:
    """For each number what it may be: earlier steps with this result, and the question."""
    found = {}
    for i, step in enumerate(steps):
        for k, token in enumerate(step.tokens):
            if not token[-1].isdigit() and not token[0].isdigit():
                continue
            value = Fraction(token.rstrip("."))
            results = [j for j in range(i) if value in (steps[j].shown, steps[j].value)]
            if value in literal or not results:
                results.append(LITERAL)
            found[i, k] = results
    return found


def _value(steps: Sequence[Step], at: tuple[int, int]) -> Fraction:
    return Fraction(steps[at[0]].tokens[at[1]].rstrip("."))
