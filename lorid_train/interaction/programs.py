"""Programs that draws wrote: run once, when they are drawn; what they gave is kept in the draw.

So whatever replays a draw runs nothing, and needs no sandbox.
"""

from __future__ import annotations

from collections.abc import Callable

from lorid_data.execution.executed import Executor
from lorid_data.execution.grounding import grounding
from lorid_train.interaction.draws import Ran
from lorid_train.roles import ROLES

Run = Callable[[str, str], Ran]
"""(program, question) → what became of the program."""


def writes_programs(role: str) -> bool:
    """Whether a role's answer is what its program gives."""
    return role in ROLES and ROLES[role].answer_from == "execution"


def runner(executor: Executor) -> Run:
    """What runs a draw's program: in the sandbox, never by this interpreter."""

    def run(program: str, question: str) -> Ran:
        found = executor.run(program)
        return Ran(
            status=found.status.value,
            answer=found.answer,
            is_grounded=grounding(question, program).is_grounded,
            sandbox=executor.sandbox,
        )

    return run
