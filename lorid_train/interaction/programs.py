"""Programs that draws wrote: run once, when they are drawn; what they gave is kept in the draw.

So whatever replays a draw runs nothing, and needs no sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lorid_data.execution.executed import Executor
from lorid_data.execution.grounding import grounding
from lorid_train.interaction.draws import Ran
from lorid_train.roles import ROLES

Run = Callable[[str, str], Ran]
"""(what a draw wrote, question) → what became of the program in it."""
_FENCED = re.compile(r"^```(?:python|py)?[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def writes_programs(role: str) -> bool:
    """Whether a role's answer is what its program gives."""
    return role in ROLES and ROLES[role].answer_from == "execution"


def program_of(text: str) -> str:
    """The program in what a model wrote: its last fenced block, as chat models write one; else all of it."""
    blocks = _FENCED.findall(text)
    return str(blocks[-1]) if blocks else text


def runner(executor: Executor, *, for_people: bool = False) -> Run:
    """What runs a draw's program: in the sandbox, never by this interpreter.

    Args:
        executor: the sandbox.
        for_people: whether what the program printed, and what stopped it, is kept too.
    """

    def run(text: str, question: str) -> Ran:
        program = program_of(text)
        found = executor.run(program)
        return Ran(
            status=found.status.value,
            answer=found.answer,
            is_grounded=grounding(question, program).is_grounded,
            sandbox=executor.sandbox,
            output=(found.output or None) if for_people else None,
            error=(found.error or None) if for_people else None,
        )

    return run
