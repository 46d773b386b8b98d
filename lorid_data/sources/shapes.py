r"""Sets that people train on, known by their columns, and rows of chat: how their cells are read.

| set | question | rationale | answer | subject, level |
| --- | --- | --- | --- | --- |
| MetaMathQA | query | response | behind "The answer is:" | type |
| OpenMathInstruct-2 | problem | generated_solution | expected_answer | problem_source |
| OpenR1-Math | problem | solution | answer | problem_type |
| DeepMath-103K | question | r1_solution_1 | final_answer | topic, difficulty |
| NuminaMath-CoT | problem | solution | its `\boxed{}` | source |
| Orca-Math | question | answer | what it states | |
| chat: messages, conversations | the user's turn | the assistant's turn | what it states | |

Orca-Math's two columns are those of many tables, so it is known by its name. GSM8K's `socratic`
has the columns of `main` and needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lorid_data.errors import InputError
from lorid_data.folders.table_rows import Table
from lorid_data.schema import problem_id

Cells = dict[str, Any]
"""What a row holds: question, rationale, …"""
_STATED = "The answer is"
_USER = frozenset({"user", "human", "prompter"})
_ASSISTANT = frozenset({"assistant", "gpt", "model", "bot", "chatgpt"})
_BEFORE = frozenset({"system", "developer"})
"""Roles of turns before the question, which are no part of it."""


def split_response(response: str) -> tuple[str, str]:
    """Rationale and answer of a response of MetaMathQA.

    It ends in "The answer is: X", in rows of GSM8K after a line `#### X`; both marks are cut off.
    """
    head, mark, stated = response.rpartition(_STATED)
    answer = stated.removeprefix(":").strip()
    if not mark or not answer or "\n" in answer:
        return response, ""
    rationale = head.rstrip()
    before, _, last = rationale.rpartition("\n")
    return (before.rstrip() if last.lstrip().startswith("####") else rationale), answer


def _metamath(cells: Cells) -> Cells:
    """A variant names its original by its text, as `problem_id` does."""
    original, response = cells.get("original_id"), cells.get("rationale")
    if isinstance(response, str):
        cells["rationale"], cells["answer"] = split_response(response)
    cells["original_id"] = problem_id(original) if isinstance(original, str) else None
    return cells


def _chat(cells: Cells) -> Cells:
    """One question and one answer of a conversation."""
    turns = cells["question"]
    if not isinstance(turns, list) or not all(isinstance(t, Mapping) for t in turns):
        raise InputError(f"its turns are {turns!r:.80}, where a list of turns is expected")
    said = [(str(t.get("role", t.get("from"))).lower(), _content(t)) for t in turns]
    spoken = [(role, text) for role, text in said if role not in _BEFORE]
    roles = [role for role, _ in spoken]
    if len(roles) != 2 or roles[0] not in _USER or roles[1] not in _ASSISTANT:
        raise InputError(
            f"its turns are by {', '.join(roles) or 'nobody'}; one question of a user and one answer of an assistant are expected"
        )
    return {**cells, "question": spoken[0][1], "rationale": spoken[1][1]}


def _content(turn: Mapping[str, Any]) -> str:
    """The text of a turn, which may come in parts."""
    found = turn.get("content", turn.get("value"))
    if isinstance(found, list) and all(isinstance(p, Mapping) and p.get("type") == "text" for p in found):  # fmt: skip
        found = "".join(str(p.get("text", "")) for p in found)
    if not isinstance(found, str):
        raise InputError(f"a turn says {found!r:.80}, where text is expected")
    return found


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a known set are read.

    Attributes:
        name: what people call it.
        needs: the columns by which it is known: all of them.
        columns: which of its columns holds what; one that a table lacks is left out.
        read: what is in the cells, where it is more than a name.
        called: what stands in its name, where its columns are those of many tables.
        alone: whether it is taken only where no column is called a question.
    """

    name: str
    needs: frozenset[str]
    columns: Mapping[str, str]
    read: Callable[[Cells], Cells] = dict
    called: str = ""
    alone: bool = False

    def columns_of(self, table: Table) -> dict[str, str]:
        """Those that the table has; an answer that the rationale states has no column."""
        return {w: c for w, c in self.columns.items() if c in table.columns or not c}


SHAPES = (
    Shape(
        "MetaMathQA",
        frozenset({"query", "response", "original_question"}),
        {"question": "query", "rationale": "response", "original_id": "original_question", "subject": "type"},
        _metamath,
    ),
    Shape(
        "OpenMathInstruct-2",
        frozenset({"problem", "generated_solution", "expected_answer"}),
        {"question": "problem", "rationale": "generated_solution", "answer": "expected_answer", "subject": "problem_source"},
    ),
    Shape(
        "OpenR1-Math",
        frozenset({"problem", "solution", "answer", "generations"}),
        {"question": "problem", "rationale": "solution", "answer": "answer", "subject": "problem_type"},
    ),
    Shape(
        "DeepMath-103K",
        frozenset({"question", "final_answer", "r1_solution_1"}),
        {"question": "question", "rationale": "r1_solution_1", "answer": "final_answer", "subject": "topic", "level": "difficulty"},
    ),
    Shape(
        "NuminaMath-CoT",
        frozenset({"source", "problem", "solution", "messages"}),
        {"question": "problem", "rationale": "solution", "subject": "source"},
    ),
    Shape(
        "Orca-Math",
        frozenset({"question", "answer"}),
        {"question": "question", "rationale": "answer", "answer": ""},
        called="orca-math",
    ),
    Shape("chat", frozenset({"messages"}), {"question": "messages", "rationale": "messages"}, _chat, alone=True),
    Shape("chat", frozenset({"conversations"}), {"question": "conversations", "rationale": "conversations"}, _chat, alone=True),
)  # fmt: skip


def shape_of(table: Table, names: Mapping[str, str]) -> Shape | None:
    """The known set that a table is, by its columns; None for any other.

    Args:
        table: any table.
        names: what its columns hold, by their usual names.
    """
    has, where = set(table.columns), table.where.lower().replace("_", "-")
    for shape in SHAPES:
        is_known = shape.needs <= has and shape.called in where
        if is_known and not (shape.alone and "question" in names):
            return shape
    return None
