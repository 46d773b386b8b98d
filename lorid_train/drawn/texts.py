"""A drawn text as the rationale and answer of a record, so that training writes the same text again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lorid_data.role_texts import READS_KNOWLEDGE, solution
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import SAMPLED, answer_of

Round = tuple[int, int]
"""Seed and round."""


def parted(text: str) -> tuple[str, str] | None:
    """Rationale and answer of a text; None where it states no answer.

    `roles.solution` of the two is the text itself where that ends as the roles are taught to end
    (`--> ANSWER END`, or an answer in a box); of any other text it is the text with such an end.
    """
    answer = answer_of(text)
    if answer is None:
        return None
    head, mark, rest = text.rstrip().rpartition("\n--> ")
    written = rest.removesuffix("END").strip() if rest.endswith("END") else ""
    if mark and solution(head, written) == text.rstrip():
        return head, written
    return text.rstrip(), answer


def target(text: str) -> str | None:
    """The text as a role is trained to write it; None where it states no answer."""
    found = parted(text)
    return None if found is None else solution(*found)


def is_whole(draw: Draw) -> bool:
    """Whether a draw came to its end and states an answer."""
    return draw.finish_reason == "stop" and answer_of(draw.text) is not None


def key_text(draw: Draw) -> str:
    """A draw's key within its question, as provenance names it: `ir/sampled/0/3`."""
    return f"{draw.role}/{draw.condition}/{draw.seed}/{draw.round}"


def rules_of(text: str) -> tuple[str, ...]:
    """The rules that KG wrote: one a line, as it was taught."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def knowledge_by_round(draws: Iterable[Draw]) -> dict[Round, tuple[str, ...]]:
    """What KG wrote for a question in each round."""
    of = (d for d in draws if d.role == "kg" and d.condition == SAMPLED)
    return {(d.seed, d.round): rules_of(d.text) for d in of}


def read_by(draw: Draw, knowledge: Mapping[Round, tuple[str, ...]]) -> tuple[str, ...]:
    """The knowledge that a draw was made from; none for a role that reads none."""
    return knowledge.get((draw.seed, draw.round), ()) if draw.role in READS_KNOWLEDGE else ()
