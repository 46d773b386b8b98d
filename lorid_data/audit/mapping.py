"""Whether a list of rules belongs to its question.

A variant that asks for another unknown than its original (`What is the value of unknown variable
X?`) cannot use the original's rules. Joins show it without any wording: the variants of one
question must share their answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lorid_data.schema import Record
from lorid_data.texts.backward import BACKWARD_TEXT, asks_backward


def is_backward(row: Record) -> bool:
    """Whether the row asks for a number of its original question, as MetaMathQA's SV and FOBAR rows do."""
    return asks_backward(row.question, (row.subject or "", row.split, row.source))


def backward_question(row: Record) -> str | None:
    """The row asks backwards and carries knowledge."""
    if not row.knowledge or not is_backward(row):
        return None
    found = BACKWARD_TEXT.search(row.question)
    return row.question[found.start() :][:90] if found else f"type {row.subject}"


class Member(NamedTuple):
    """What is known of one of the rows that share an original question and a list."""

    n: int
    """Its place in the folder."""
    answer: str
    is_backward: bool
    is_original: bool


def answer_conflicts(members: Sequence[Member]) -> dict[int, str]:
    """Of rows that share their original question and its list, those whose answer is not that question's.

    The original itself, where it is among them, says which answer is right; else the variants
    that do not ask backwards, by majority.

    Args:
        members: rows with knowledge and an answer, in the order of the folder.

    Returns:
        Places of rows, each with what it and the others say.
    """
    from lorid_data.answers import group

    spellings = list(dict.fromkeys(m.answer for m in members))
    if len(spellings) == 1:
        return {}
    number = dict(zip(spellings, group(spellings), strict=True))
    right = _right(members, number)
    shown = next(m.answer for m in members if number[m.answer] == right)
    return {
        m.n: f"answer {m.answer[:40]}, others with this list {shown[:40]}"
        for m in members
        if number[m.answer] != right
    }


def _right(members: Sequence[Member], number: Mapping[str, int]) -> int:
    forward = [m for m in members if not m.is_backward]
    originals = [m for m in forward if m.is_original]
    counts = Counter(number[m.answer] for m in originals or forward or members)
    return min(counts, key=lambda n: (-counts[n], n))
