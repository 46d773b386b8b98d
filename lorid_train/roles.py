"""The roles of LoRID: what each reads and what it is trained to write.

| role | reads                  | writes                 |
| ---- | ---------------------- | ---------------------- |
| ir   | question               | rationale and answer   |
| kg   | question               | knowledge              |
| dr   | question and knowledge | rationale and answer   |

A further role is one more entry of `ROLES` and one more file under `prompts/roles/`; engines and
the loop know roles by name only. Texts follow the official repository (commit 284c947,
src/train.py and src/predict.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lorid_data import prompts, role_texts
from lorid_data.errors import ConfigError
from lorid_data.role_texts import knowledge_text
from lorid_data.schema import Disposition, Record, Reject, RejectReason

__all__ = ["ROLES", "Role", "RoleExample", "examples", "knowledge_text", "role", "solution"]


@dataclass(frozen=True, slots=True)
class RoleExample:
    """One training example: the role's text before any format, and what it must write."""

    row_id: str
    content: str
    target: str


@dataclass(frozen=True, slots=True)
class Role:
    """What a role reads and writes."""

    name: str
    prompt_id: str
    reads_knowledge: bool
    needs_knowledge: bool
    """Whether a record without knowledge can be an example of this role."""
    target: Callable[[Record], str]

    def content(self, question: str, knowledge: str = "") -> str:
        """The role's text for one question; nothing is stripped."""
        prompt = prompts.load(self.prompt_id)
        if self.reads_knowledge:
            return prompt.fill(question=question, knowledge=knowledge)
        return prompt.fill(question=question)


def solution(record: Record) -> str:
    """Rationale and answer as IR and DR write them; see `lorid_data.role_texts.solution`."""
    return role_texts.solution(record.rationale, record.answer)


def _knowledge(record: Record) -> str:
    return knowledge_text(record.knowledge)


ROLES: dict[str, Role] = {
    "ir": Role(
        "ir",
        role_texts.PROMPTS["ir"],
        reads_knowledge=False,
        needs_knowledge=False,
        target=solution,
    ),
    "kg": Role(
        "kg",
        role_texts.PROMPTS["kg"],
        reads_knowledge=False,
        needs_knowledge=True,
        target=_knowledge,
    ),
    "dr": Role(
        "dr", role_texts.PROMPTS["dr"], reads_knowledge=True, needs_knowledge=True, target=solution
    ),
}


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
    """Training examples of one role, and the records that can be none, with the reason."""
    made: list[RoleExample] = []
    rejects: list[Reject] = []
    for r in records:
        reason = None
        if role.needs_knowledge and not r.knowledge:
            reason = RejectReason.KNOWLEDGE_EMPTY
        elif role.target is solution and not r.answer:
            reason = RejectReason.ANSWER_MISSING
        if reason:
            rejects.append(
                Reject(
                    row_id=r.row_id,
                    stage=f"sft:{role.name}",
                    disposition=Disposition.DROP,
                    reason=reason,
                    detail=reason.sentence,
                    problem_id=r.problem_id,
                    split=r.split,
                )
            )
            continue
        content = role.content(r.question, knowledge_text(r.knowledge))
        made.append(RoleExample(r.row_id, content, role.target(r)))
    return made, rejects
