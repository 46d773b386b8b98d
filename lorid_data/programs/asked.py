"""A teacher's programs: what it is asked, and how its reply is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.asking.answering import answers_to
from lorid_data.asking.journal import open_journal
from lorid_data.errors import ConfigError, TeacherError
from lorid_data.programs.convert import Made, NotMade
from lorid_data.schema import Record, RejectReason, TeacherReply
from lorid_data.teachers.base import (
    SYSTEM,
    NoRules,
    Teacher,
    TeacherRequest,
    Unasked,
    asking,
    read_object,
)
from lorid_data.teachers.registry import AskOptions, Mode, open_teacher

PROMPT = "teacher/program.v1"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"program": {"type": "string"}},
    "required": ["program"],
    "additionalProperties": False,
}
"""JSON schema of a reply: `{"program": "…"}`."""


def open_writer(spec: str, asking: AskOptions) -> Teacher:
    """The teacher that writes programs.

    Raises:
        ConfigError: there is no such teacher, or it writes no programs.
    """
    if spec.partition(":")[0] in ("recorded", "source", "none"):
        raise ConfigError(
            f"--teacher {spec!r} writes no programs: name a model (openai:MODEL, anthropic:MODEL, server:MODEL@URL) "
            "or scripted:FILE; without --teacher, programs are made of the solutions"
        )
    teacher = open_teacher(spec, asking)
    assert not isinstance(teacher, Unasked)
    return teacher


def identity(teacher: Teacher) -> dict[str, Any]:
    """What of a teacher decides its programs."""
    prompt, system = prompts.load(PROMPT), prompts.load(SYSTEM)
    return {
        "teacher": teacher.kind,
        "model": teacher.model,
        "endpoint": getattr(teacher, "endpoint", None),
        "prompt": {"id": prompt.id, "sha256": prompt.sha256},
        "system_prompt": {"id": system.id, "sha256": system.sha256},
    }


def written(
    records: Iterable[Record],
    teacher: Teacher,
    journal: Path,
    *,
    mode: Mode,
    concurrency: int,
    poll_s: float,
) -> list[Made | NotMade]:
    """What the teacher wrote for each record; what the journal answers is not asked again."""
    requests = [_request(r, teacher, i) for i, r in enumerate(records)]
    with open_journal(journal) as opened:
        heard = answers_to(
            {r.key: r for r in requests}, teacher, opened, what="programs", mode=mode,
            concurrency=concurrency, poll_s=poll_s,
        )  # fmt: skip
    return [read_program(heard[r.key]) for r in requests]


def read_program(reply: TeacherReply | TeacherError) -> Made | NotMade:
    """The program of `{"program": "…"}`; a Markdown fence around it is no part of it."""
    if isinstance(reply, TeacherError):
        return NotMade(RejectReason(reply.reason), str(reply))
    if reply.finish_reason == "refusal":
        return NotMade(RejectReason.TEACHER_REFUSED, "the teacher refused")
    if reply.finish_reason == "length":
        return NotMade(RejectReason.REPLY_TRUNCATED, f"cut off after {len(reply.text)} characters")
    body = read_object(reply.text)
    if isinstance(body, NoRules):
        return NotMade(body.reason, body.detail)
    program = body.get("program") if isinstance(body, dict) else None
    if not isinstance(program, str) or not program.strip():
        return NotMade(RejectReason.REPLY_WRONG_SHAPE, 'no text under the key "program"')
    return Made(unfenced(program), f"teacher {reply.teacher}:{reply.model_asked}")


def unfenced(program: str) -> str:
    """Without a Markdown fence around it, and without empty lines at its ends."""
    lines = program.strip("\r\n").splitlines()
    if len(lines) > 1 and lines[0].strip().startswith("```") and lines[-1].strip() == "```":
        lines = lines[1:-1]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _request(record: Record, teacher: Teacher, position: int) -> TeacherRequest:
    prompt, system = prompts.load(PROMPT), prompts.load(SYSTEM)
    text = prompt.fill(question=record.question, rationale=record.rationale)
    return asking(
        record.problem_id, text, teacher=teacher, prompt=prompt, system=system.text, position=position,
        output_schema=SCHEMA,
    )  # fmt: skip
