"""The roles of LoRID: what each reads and what it is trained to write.

| role | reads                  | writes                 |
| ---- | ---------------------- | ---------------------- |
| ir   | question               | rationale and answer   |
| kg   | question               | knowledge              |
| dr   | question and knowledge | rationale and answer   |

Two controls, which the loop does not use:

| role | reads    | writes                          | asks                                          |
| ---- | -------- | ------------------------------- | --------------------------------------------- |
| ks   | question | knowledge, rationale and answer | does one adapter do what KG and DR do?        |
| ird  | question | rationale and answer            | does IR gain from training on knowledge too?  |

One whose answer is that of a program, which the loop's two do not need:

| role | reads    | writes                                |
| ---- | -------- | ------------------------------------- |
| cg   | question | a program that assigns it to `answer` |

A further role is one more entry of `ROLES`, and one more file under `prompts/roles/` unless it is
asked with another role's prompt; engines and the loop know roles by name only. Texts follow the
official repository (commit 284c947, src/train.py and src/predict.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lorid_data import role_texts
from lorid_data.errors import ConfigError
from lorid_data.prompts import Prompt
from lorid_data.role_texts import knowledge_text
from lorid_data.schema import Disposition, Record, Reject, RejectReason

__all__ = [
    "ROLES",
    "SELF_STANDING",
    "Role",
    "RoleExample",
    "examples",
    "knowledge_text",
    "role",
    "solution",
    "stage_of",
]


@dataclass(frozen=True, slots=True)
class RoleExample:
    """One training example: the role's text before any format, and what it must write."""

    row_id: str
    part: str
    """The role whose text it is: the role itself, or one of those that it is also trained on."""
    content: str
    target: str


@dataclass(frozen=True, slots=True)
class Role:
    """What a role reads and writes."""

    name: str
    prompt_id: str
    reads_knowledge: bool
    needs_knowledge: bool
    """Whether a record without knowledge can be no example of this role."""
    states_answer: bool
    """Whether it writes an answer, by which it is graded; a record without one is no example."""
    target: Callable[[Record], str]
    answer_from: Literal["text", "execution"] = "text"
    """Whether its answer is what its text states, or what the program gives that its text is."""
    also: tuple[str, ...] = ()
    """Roles whose examples of the same records are this role's too, beside its own."""

    def content(self, question: str, knowledge: str = "", prompt: Prompt | None = None) -> str:
        """The role's text for one question; nothing is stripped.

        Args:
            question: the question.
            knowledge: what a role that reads knowledge reads.
            prompt: a text in the place of the role's own, with the same placeholders.
        """
        if prompt is not None:
            values = {"question": question}
            return prompt.fill(
                **values | ({"knowledge": knowledge} if self.reads_knowledge else {})
            )
        return role_texts.filled(
            self.prompt_id, question, knowledge if self.reads_knowledge else None
        )


def solution(record: Record) -> str:
    """Rationale and answer as IR and DR write them; see `lorid_data.role_texts.solution`."""
    return role_texts.solution(record.rationale, record.answer)


def _program(record: Record) -> str:
    return record.program or ""


def _knowledge(record: Record) -> str:
    return knowledge_text(record.knowledge)


def _knowledge_then_solution(record: Record) -> str:
    return f"{_knowledge(record)}\n{solution(record)}"


_IR, _KG, _DR = (role_texts.PROMPTS[name] for name in ("ir", "kg", "dr"))
ROLES: dict[str, Role] = {
    r.name: r
    for r in (
        Role("ir", _IR, reads_knowledge=False, needs_knowledge=False, states_answer=True,
             target=solution),
        Role("kg", _KG, reads_knowledge=False, needs_knowledge=True, states_answer=False,
             target=_knowledge),
        Role("dr", _DR, reads_knowledge=True, needs_knowledge=True, states_answer=True,
             target=solution),
        Role("ks", "roles/ks.v1", reads_knowledge=False, needs_knowledge=True, states_answer=True,
             target=_knowledge_then_solution),
        Role("ird", _IR, reads_knowledge=False, needs_knowledge=False, states_answer=True,
             target=solution, also=("kg",)),
        Role("cg", "roles/cg.v1", reads_knowledge=False, needs_knowledge=False, states_answer=True,
             target=_program, answer_from="execution"),
    )
}  # fmt: skip
"""By name, in the order in which they are trained and shown."""
SELF_STANDING = tuple(r.name for r in ROLES.values() if r.states_answer and not r.reads_knowledge)
"""Roles that answer from the question alone."""


def role(name: str) -> Role:
    """The role of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in ROLES:
        msg = f"unknown role {name!r}; there are {', '.join(ROLES)}"
        raise ConfigError(msg)
    return ROLES[name]


def examples(role: Role, records: Sequence[Record]) -> tuple[list[RoleExample], list[Reject]]:
    """Training examples of one role, and the records that can be none, with the reason.

    A record gives one of the two for the role itself and one for each role in `also`: examples
    and rejects together are (1 + number of those) times the records. A reject's stage names both
    roles (`sft:ird:kg`) where they differ.
    """
    made: list[RoleExample] = []
    rejects: list[Reject] = []
    parts = [role, *(ROLES[name] for name in role.also)]
    for r in records:
        for part in parts:
            reason = _unfit(part, r)
            if reason is None:
                content = part.content(r.question, knowledge_text(r.knowledge))
                made.append(RoleExample(r.row_id, part.name, content, part.target(r)))
                continue
            rejects.append(
                Reject(
                    row_id=r.row_id,
                    stage=stage_of(role, part.name),
                    disposition=Disposition.DROP,
                    reason=reason,
                    detail=reason.sentence,
                    problem_id=r.problem_id,
                    split=r.split,
                )
            )
    return made, rejects


def stage_of(role: Role, part: str) -> str:
    """How a reject names where it arose: `sft:ir`, or `sft:ird:kg` for another role's example."""
    return f"sft:{role.name}" if part == role.name else f"sft:{role.name}:{part}"


def _unfit(part: Role, record: Record) -> RejectReason | None:
    """Why a record can be no example of a role, or None."""
    if part.needs_knowledge and not record.knowledge:
        return RejectReason.KNOWLEDGE_EMPTY
    if part.states_answer and not record.answer:
        return RejectReason.ANSWER_MISSING
    if part.answer_from == "execution" and not record.program:
        return RejectReason.PROGRAM_MISSING
    return None
