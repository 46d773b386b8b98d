"""The teacher `scripted:FILE`: replies written beforehand, for tests and rehearsals.

Each line of the file is one JSON object:

* `{"output": [rule, …]}`, or `{"text": "any raw reply"}`: answers the row of the same number;
* with `"problem_id"` (or `"id"`): answers that problem, wherever it stands;
* optionally `"finish_reason"`, and `"latency_s"`: how long the reply takes.

`{"id": …, "knowledge": […]}`, the layout of recorded replies, is read too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import InputError, TeacherError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.tables import Table, read_table
from lorid_data.schema import RejectReason, TeacherReply, canonical_json
from lorid_data.teachers.base import TeacherRequest, make_reply

_KEYS = frozenset({"output", "text", "knowledge", "problem_id", "id", "finish_reason", "latency_s"})


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    finish_reason: str
    latency_s: float | None


class ScriptedTeacher:
    """Replies from a file. A row that no line answers is refused as exhausted.

    Raises:
        InputError: the file cannot be read, or a line is no reply.
    """

    kind = "scripted"

    def __init__(self, path: Path) -> None:
        table = read_table(path, number=float) if path.suffix == ".jsonl" else None
        if table is None:
            raise InputError(f"{path}: a script is a .jsonl file, one reply a line")
        self.model = f"script-{sha256_file(path)[:12]}"
        self._path = path
        self._by_position: list[_Line] = []
        self._by_problem: dict[str, _Line] = {}
        for i in range(len(table.rows)):
            problem, line = _line(table, i)
            if problem is None:
                self._by_position.append(line)
            elif self._by_problem.setdefault(problem, line) is not line:
                raise InputError(f"{table.place(i)}: a second reply for problem {problem!r}")

    async def ask(self, request: TeacherRequest) -> TeacherReply:
        """The reply of the script, after its latency.

        Raises:
            TeacherError: the script holds none for this row.
        """
        line = self._by_problem.get(request.problem_id)
        if line is None:
            if request.position >= len(self._by_position):
                raise TeacherError(
                    RejectReason.SCRIPT_EXHAUSTED,
                    f"{self._path}: no line for problem {request.problem_id[:12]}…, row {request.position} of those asked",
                )
            line = self._by_position[request.position]
        if line.latency_s:
            await asyncio.sleep(line.latency_s)
        return make_reply(
            request,
            line.text,
            finish_reason=line.finish_reason,
            latency_s=line.latency_s,
            cost_usd=0.0,
        )


def _line(table: Table, i: int) -> tuple[str | None, _Line]:
    row = {k: v for k, v in table.rows[i].items() if v is not None}
    unknown = sorted(set(row) - _KEYS)
    if unknown:
        raise InputError(
            f"{table.place(i)}: unknown keys {unknown}; known: {', '.join(sorted(_KEYS))}"
        )
    if isinstance(row.get("text"), str):
        text = row["text"]
    elif "output" in row or "knowledge" in row:
        text = canonical_json({"output": row.get("output", row.get("knowledge"))})
    else:
        raise InputError(f'{table.place(i)}: neither "output" nor "text"; a line is one reply')
    latency = row.get("latency_s")
    if latency is not None and not (isinstance(latency, (int, float)) and 0 <= latency < 3600):
        raise InputError(
            f"{table.place(i)}: latency_s is {latency!r}; seconds from 0 to 3600 are expected"
        )
    problem = row.get("problem_id", row.get("id"))
    return problem, _Line(text, str(row.get("finish_reason", "stop")), latency)
