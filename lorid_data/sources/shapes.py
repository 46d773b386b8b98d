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
| TRL: prompt and completion, or chosen | prompt | completion, chosen | what it states | |
| Alpaca, Dolly | instruction, a blank line, input or context | output, response | what it states | category |

The reasoning of an assistant's turn, which some keep beside what it says, is the first part of the rationale.
Orca-Math's two columns are those of many tables, so it is known by its name. GSM8K's `socratic`
has the columns of `main` and needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
ABOUT = "about"
"""What an instruction is about: the second part of a question, in a column of its own."""
_REASONING = ("reasoning_content", "thinking", "reasoning")
"""Where a turn keeps what its author thought before it spoke."""


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
    return {**cells, **_asked(_turns(cells["question"]))}


def _pair(cells: Cells) -> Cells:
    """A prompt and what follows it, each a text or turns; what follows may repeat the prompt before it."""
    prompt, after = cells.get("question"), cells.get("rationale")
    if not isinstance(prompt, list) and not isinstance(after, list):
        return cells  # texts, or what is no text and is said to be none
    said = _turns(after, "assistant")
    before = [] if any(_role(turn) in _USER for turn in said) else _turns(prompt, "user")
    return {**cells, **_asked([*before, *said])}


def _turns(found: object, role: str | None = None) -> list[Mapping[str, Any]]:
    """The turns of a cell; where a role is named, a text is one turn of it."""
    if role is not None and isinstance(found, str):
        return [{"role": role, "content": found}]
    if not isinstance(found, list) or not all(isinstance(t, Mapping) for t in found):
        raise InputError(f"its turns are {found!r:.80}, where a list of turns is expected")
    return found


def _role(turn: Mapping[str, Any]) -> str:
    return str(turn.get("role", turn.get("from"))).lower()


def _asked(turns: list[Mapping[str, Any]]) -> Cells:
    """Question and rationale of the only two turns that count."""
    spoken = [t for t in turns if _role(t) not in _BEFORE]
    roles = [_role(t) for t in spoken]
    if len(roles) != 2 or roles[0] not in _USER or roles[1] not in _ASSISTANT:
        raise InputError(
            f"its turns are by {', '.join(roles) or 'nobody'}; one question of a user and one answer of an assistant are expected"
        )
    question, answer = spoken
    thought, said = _reasoning(answer), _content(answer)
    return {"question": _content(question), "rationale": _joined(thought, said)}


def _reasoning(turn: Mapping[str, Any]) -> str:
    """What the author of a turn thought before, of its own key or of parts of the content; or nothing."""
    found = next((v for key in _REASONING if (v := turn.get(key))), "")
    if not isinstance(found, str):
        raise InputError(f"the reasoning of a turn is {found!r:.80}, where text is expected")
    parts = _parts(turn) or ()
    thought = [next((t for key in (*_REASONING, "text") if (t := p.get(key))), "") for p in parts if p.get("type") in _REASONING]  # fmt: skip
    return found if found.strip() else "\n".join(map(str, thought))


def _parts(turn: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The parts of a turn's content, where it comes in parts of text and of reasoning."""
    found = turn.get("content", turn.get("value"))
    kinds = ("text", *_REASONING)
    are_parts = isinstance(found, list) and all(isinstance(p, Mapping) and p.get("type") in kinds for p in found)  # fmt: skip
    return found if are_parts else None


def _content(turn: Mapping[str, Any]) -> str:
    """The text of a turn, which may come in parts; nothing where an author has only thought."""
    found = turn.get("content", turn.get("value"))
    if (parts := _parts(turn)) is not None:
        found = "".join(str(p.get("text") or "") for p in parts if p.get("type") == "text")
    if found is None and _reasoning(turn).strip():
        return ""
    if not isinstance(found, str):
        raise InputError(f"a turn says {found!r:.80}, where text is expected")
    return found


def _instructed(cells: Cells) -> Cells:
    """The question is the instruction, a blank line, and what it is about, where there is anything."""
    question, about = cells.get("question"), cells.pop(ABOUT, None)
    if about is None or about != about:  # NaN is how pandas writes a missing text
        return cells
    if not isinstance(about, str):
        raise InputError(f"what its instruction is about is {about!r:.80}, where text is expected")
    if isinstance(question, str):
        cells["question"] = _joined(question, about)
    return cells


def _joined(first: str, second: str) -> str:
    """Two texts with a blank line between them; one alone where the other has no visible character."""
    return f"{first}\n\n{second}" if first.strip() and second.strip() else (first if first.strip() else second)  # fmt: skip


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
        own: what a user may not name otherwise, or the table is not read as this set.
        stays: whether it is still taken where its user names the very columns: their cells may be no texts.
        without: columns of which none may be there: they would make something else of it.
    """

    name: str
    needs: frozenset[str]
    columns: Mapping[str, str]
    read: Callable[[Cells], Cells] = dict
    called: str = ""
    alone: bool = False
    own: frozenset[str] = frozenset({"question", "rationale"})
    stays: bool = False
    without: frozenset[str] = frozenset()

    def columns_of(self, table: Table, given: Mapping[str, str]) -> dict[str, str]:
        """Those that the table has, and its user does not name for something else to be in it.

        An answer that the rationale states has no column.
        """
        used = given.values()
        return {
            w: c
            for w, c in self.columns.items()
            if (c in table.columns or not c) and not (w == ABOUT and c in used)
        }


_OTHER_PROMPTS = frozenset({"label", "row_id"})
"""With a label some completions are bad ones (KTO's); with a row_id a prompt is a role's, and no question."""
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
    Shape("TRL", frozenset({"prompt", "completion"}), {"question": "prompt", "rationale": "completion"}, _pair,
          alone=True, stays=True, without=_OTHER_PROMPTS),
    Shape("TRL, preference", frozenset({"prompt", "chosen", "rejected"}), {"question": "prompt", "rationale": "chosen"}, _pair,
          alone=True, stays=True, without=_OTHER_PROMPTS),
    Shape("chat, preference", frozenset({"chosen", "rejected"}), {"question": "chosen", "rationale": "chosen"}, _chat, alone=True,
          without=_OTHER_PROMPTS | {"prompt"}),
    Shape("Alpaca", frozenset({"instruction", "input"}), {"question": "instruction", ABOUT: "input", "rationale": "output"},
          _instructed, alone=True, own=frozenset({"question"})),
    Shape("Dolly", frozenset({"instruction", "context", "response"}),
          {"question": "instruction", ABOUT: "context", "rationale": "response", "subject": "category"},
          _instructed, alone=True, own=frozenset({"question"})),
)  # fmt: skip


def shape_of(
    table: Table, names: Mapping[str, str], given: Mapping[str, str] | None = None
) -> Shape | None:
    """The known set that a table is, by its columns; None for any other.

    Args:
        table: any table.
        names: what its columns hold, by their usual names.
        given: what its user says that they hold.
    """
    has, where = set(table.columns), table.where.lower().replace("_", "-")
    said = given or {}
    for shape in SHAPES:
        is_known = shape.needs <= has and shape.called in where and not shape.without & has
        is_free = not (shape.alone and "question" in names)
        if is_known and is_free and not _contradicted(shape, said):
            return shape
    return None


def _contradicted(shape: Shape, given: Mapping[str, str]) -> bool:
    """Whether a user names what the shape would name itself."""
    return any(not shape.stays or given[w] != shape.columns[w] for w in shape.own & given.keys())


def halves(columns: Sequence[str]) -> tuple[str, str] | None:
    """The two columns of which a known set makes its question, where both are there, in whatever case."""
    lower = {c.lower(): c for c in columns}
    pairs = ((s.columns["question"], s.columns[ABOUT]) for s in SHAPES if ABOUT in s.columns)
    return next(((lower[a], lower[b]) for a, b in pairs if a in lower and b in lower), None)
