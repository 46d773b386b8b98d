"""`doctor`: one cheap call that shows key, schema support, limits and price of a teacher."""

from __future__ import annotations

import asyncio
import json

from lorid_data import prompts
from lorid_data.errors import StageError
from lorid_data.http.retrying import RetryPolicy
from lorid_data.schema import TeacherReply, make_problem
from lorid_data.teachers.base import (
    KNOWLEDGE,
    SYSTEM,
    NoRules,
    Teacher,
    Unasked,
    make_request,
    read_reply,
)
from lorid_data.teachers.registry import AskOptions, open_teacher
from lorid_data.teachers.remote import RemoteTeacher
from lorid_data.teachers.unwrap import unwrap
from lorid_data.texts.counting import count

_PROBLEM = make_problem(
    source="doctor",
    split="train",
    question="Tom has 2 apples and buys 3 more. How many apples does he have?",
    rationale="2 + 3 = 5.",
    answer="5",
)


def examine(spec: str, options: AskOptions) -> list[str]:
    """What one call says of a teacher, one line per finding.

    Raises:
        ConfigError: there is no such teacher.
        TeacherError, StageError: it does not answer; the message says why and what to do.
    """
    teacher = open_teacher(spec, options)
    if isinstance(teacher, Unasked) or not isinstance(teacher, RemoteTeacher):
        return [f"{spec}: asks nobody over a network; nothing to examine"]
    teacher.policy = RetryPolicy(attempts=2, deadline_s=60)
    reply = asyncio.run(_ask(teacher))
    price = teacher.price
    rules = read_reply(reply)
    n_rules = None if isinstance(rules, NoRules) else len(rules)
    lines = [
        f"teacher: {teacher.kind}, model asked {reply.model_asked!r}, answered by {reply.model_answered!r}",
        f"key: accepted; reply after {reply.latency_s:.2f} s, {reply.n_attempts} attempt(s)",
        f"structure: asked for by {reply.rung}; "
        + (
            f"{count(n_rules, 'rule')} read"
            if n_rules
            else f"not as asked: {getattr(rules, 'detail', '')}"
        ),
        *_dress(reply, teacher),
        f"tokens: {reply.n_input_tokens} in, {reply.n_output_tokens} out, finish reason {reply.finish_reason!r}",
        "price: unknown (see --prices); --budget is refused"
        if price is None
        else f"price: ${price.input:g} in, ${price.cached_input:g} cached, ${price.output:g} out per million tokens; this call ${reply.cost_usd or 0:.6f}",
        f"limits: {_limits(teacher)}",
    ]
    if n_rules is None:
        text = json.dumps(reply.text[:200], ensure_ascii=False)
        raise StageError("\n".join([*lines, f"the reply holds no usable rules: {text}"]))
    return lines


def _dress(reply: TeacherReply, teacher: RemoteTeacher) -> list[str]:
    """Where the rules stood, if not where they belong; they are read from there."""
    found = [note for note in (teacher.last_note, unwrap(reply.text)[1]) if note]
    return [f"shape: {', '.join(found)}"] if found else []


async def _ask(teacher: RemoteTeacher) -> TeacherReply:
    as_teacher: Teacher = teacher
    try:
        return await teacher.ask(
            make_request(
                _PROBLEM,
                teacher=as_teacher,
                prompt=prompts.load(KNOWLEDGE),
                system=prompts.load(SYSTEM),
                position=0,
            )
        )
    finally:
        await teacher.close()


def _limits(teacher: RemoteTeacher) -> str:
    stated = teacher.gate.limits.stated()
    return stated or "none stated in the headers; they are learnt from refusals (HTTP 429)"
