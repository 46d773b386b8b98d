"""Whether a list of rules belongs to its question.

A variant that asks for another unknown than its original (`What is the value of unknown variable
X?`) cannot use the original's rules. Joins show it without any wording: the variants of one
question must share their answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

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


def answer_conflicts(rows: Sequence[Record]) -> dict[str, str]:
    """Rows whose answer is not that of their original question, although they carry its list.

    The original itself, where it is among the rows, says which answer is right; else the variants
    that do not ask backwards, by majority.
    """
    from lorid_data.answers import group

    lists: dict[tuple[str, tuple[str, ...]], list[Record]] = defaultdict(list)
    for row in rows:
        if row.knowledge and row.answer.strip():
            lists[row.original_id, row.knowledge].append(row)
    found: dict[str, str] = {}
    for members in lists.values():
        spellings = list(dict.fromkeys(r.answer for r in members))
        if len(spellings) == 1:
            continue
        number = dict(zip(spellings, group(spellings), strict=True))
        right = _right(members, number)
        shown = next(r.answer for r in members if number[r.answer] == right)
        for row in members:
            if number[row.answer] != right:
                found[row.row_id] = f"answer {row.answer[:40]}, others with this list {shown[:40]}"
    return found


def _right(members: Sequence[Record], number: Mapping[str, int]) -> int:
    forward = [r for r in members if not is_backward(r)]
    originals = [r for r in forward if r.problem_id == r.original_id]
    counts = Counter(number[r.answer] for r in originals or forward or members)
    return min(counts, key=lambda n: (-counts[n], n))


def shared_lists(rows: Sequence[Record]) -> dict[tuple[str, ...], int]:
    """Lists that stand under several original questions, with the number of those."""
    under: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in rows:
        if row.knowledge:
            under[row.knowledge].add(row.original_id)
    return {rules: len(ids) for rules, ids in under.items() if len(ids) > 1}


# --- rationales -----------------------------------------------------------------------------------
