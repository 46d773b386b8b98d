"""What every teacher is: one method that answers one request. And what its replies mean.

A request's key says which answers are interchangeable: it covers everything that can change the
answer and nothing else, so that a stored reply is found again whatever else has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import Field

from lorid_data.prompts import Prompt
from lorid_data.schema import (
    FrozenModel,
    Problem,
    RejectReason,
    TeacherReply,
    canonical_json,
    sha256_text,
    storable,
)
from lorid_data.teachers.unwrap import unwrap
from lorid_data.texts import strict_json
from lorid_data.texts.backslashes import controls, restore
from lorid_data.texts.counting import count
from lorid_data.texts.secrets import without_values

KNOWLEDGE, REWRITE = "teacher/knowledge.v1", "teacher/knowledge_and_rationale.v1"
SYSTEM = "teacher/system.v1"
"""The prompts that teachers read; a new wording is a new version, named here."""
REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"output": {"type": "array", "items": {"type": "string"}}},
    "required": ["output"],
    "additionalProperties": False,
}
"""JSON schema of a reply: `{"output": [rule, …]}`."""


class Message(FrozenModel):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class TeacherRequest(FrozenModel):
    """Everything that a teacher is asked with."""

    NOT_IN_KEY: ClassVar[frozenset[str]] = frozenset({"problem_id", "position", "prompt_id"})
    """Fields that cannot change the answer. All others, later ones too, are in the key."""

    problem_id: str
    """Which problem this is about; the messages hold its text."""
    position: int = 0
    """Number of the row among those that are asked, from 0; only the teacher `scripted` reads it."""
    prompt_id: str
    prompt_sha256: str
    teacher: str
    """Kind of teacher."""
    endpoint: str | None = None
    """The endpoint as the user named it, never the one that answered."""
    model: str
    messages: tuple[Message, ...]
    output_schema: dict[str, Any] = Field(default_factory=lambda: dict(REPLY_SCHEMA))
    sampling: dict[str, Any] = Field(default_factory=dict)
    """temperature, top_p, max_tokens, seed, …: as sent."""
    sample: int = 0
    """Number of the sample, where a teacher is asked for several."""

    @cached_property
    def key(self) -> str:
        """sha256 over every field but those of `NOT_IN_KEY`; a field that is None is left out.

        So a later version can add a field, None by default, and still finds the replies stored
        before it.
        """
        return sha256_text(
            canonical_json(
                self.model_dump(mode="json", exclude=set(self.NOT_IN_KEY), exclude_none=True)
            )
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with other values for some fields; its key is its own."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("key", None)
        return copy


class Teacher(Protocol):
    """A teacher that can be asked. Any number of requests may be in flight."""

    @property
    def kind(self) -> str:
        """recorded, scripted, …: the word before the colon of `--teacher`."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked for; part of the request's key."""
        ...

    async def ask(self, request: TeacherRequest) -> TeacherReply:
        """The raw reply to one request.

        Raises:
            TeacherError: there is none; its `reason` is what the row is rejected with.
            StageError: no request can be answered any more; the run ends.
        """
        ...


LONGER = 4
"""How many times as many tokens a reply that was cut off gets the second time."""


def longer(request: TeacherRequest) -> TeacherRequest | None:
    """The request with room for a longer reply; None where it has no limit of its own."""
    most = request.sampling.get("max_tokens")
    if not isinstance(most, int):
        return None
    return request.model_copy(
        update={"sampling": {**request.sampling, "max_tokens": LONGER * most}}
    )


@dataclass(frozen=True, slots=True)
class Unasked:
    """A choice of `--teacher` that asks nobody: `source` or `none`."""

    kind: Literal["source", "none"]


def make_request(
    problem: Problem, *, teacher: Teacher, prompt: Prompt, system: Prompt, position: int
) -> TeacherRequest:
    """The request for the knowledge of one problem, in the wording of a prompt."""
    text = prompt.fill(question=problem.question, rationale=problem.rationale)
    who = problem.problem_id
    return asking(who, text, teacher=teacher, prompt=prompt, system=system.text, position=position)


def asking(
    problem_id: str, text: str, *, teacher: Teacher, prompt: Prompt, system: str, position: int, **more: Any
) -> TeacherRequest:  # fmt: skip
    """The request that puts a filled prompt to a teacher; `more` are fields of `TeacherRequest`."""
    return TeacherRequest(
        problem_id=problem_id,
        position=position,
        prompt_id=prompt.id,
        prompt_sha256=prompt.sha256,
        teacher=teacher.kind,
        endpoint=getattr(teacher, "endpoint", None),
        model=teacher.model,
        sampling=dict(getattr(teacher, "sampling", {})),
        messages=(Message(role="system", content=system), Message(role="user", content=text)),
        **more,
    )


def make_reply(request: TeacherRequest, text: str, **more: Any) -> TeacherReply:
    """A reply to a request; `more` are fields of `TeacherReply`. Its texts can be stored anywhere.

    A secret of ours that it repeats is taken out: the text is stored, and may be published.
    """
    fields = {"model_answered": request.model, "finish_reason": "stop", **more}
    fields = {k: storable(v) if isinstance(v, str) else v for k, v in fields.items()}
    return TeacherReply(
        problem_id=request.problem_id,
        request_key=request.key,
        prompt_id=request.prompt_id,
        prompt_sha256=request.prompt_sha256,
        teacher=request.teacher,
        model_asked=request.model,
        text=storable(without_values(text)),
        **fields,
    )


@dataclass(frozen=True, slots=True)
class NoRules:
    """A reply that holds no usable list of rules, and why."""

    reason: RejectReason
    detail: str


def read_reply(reply: TeacherReply) -> tuple[str, ...] | NoRules:
    """The rules of a reply; a reply that was refused or cut off has none, whatever its text."""
    if reply.finish_reason == "refusal":
        return NoRules(RejectReason.TEACHER_REFUSED, "the teacher refused")
    if reply.finish_reason == "length":
        thought = "" if reply.text else ": all of its tokens went into thinking"
        hint = "allow more with --max-tokens, or let it think less with --reasoning-effort"
        return NoRules(
            RejectReason.REPLY_TRUNCATED,
            f"cut off after {len(reply.text)} characters{thought}; {hint}",
        )
    return parse_reply(reply.text)


MOST_RULES = 1_000
"""Rules that a reply may hold: what a model repeats without end is no knowledge."""


def parse_reply(text: str) -> tuple[str, ...] | NoRules:
    """The rules of `{"output": [rule, …]}`; never an empty list, an empty rule or a control character.

    See `unwrap` for what may stand around the object. Other keys beside `output` are ignored, but a
    key that stands twice makes the reply ambiguous. LaTeX that lost its backslash in the JSON gets it
    back where no doubt is possible, and line breaks around a rule are no part of it; nothing else of
    a rule is changed.
    """
    body = read_object(text)
    if isinstance(body, NoRules):
        return body
    if not isinstance(body, dict) or not isinstance(body.get("output"), list):
        return NoRules(RejectReason.REPLY_WRONG_SHAPE, f'no list under the key "output": {_kind(body)}')  # fmt: skip
    rules = []
    if not body["output"]:
        return NoRules(RejectReason.REPLY_WRONG_SHAPE, "the list of rules is empty")
    if (n := len(body["output"])) > MOST_RULES:
        return NoRules(RejectReason.REPLY_WRONG_SHAPE, f"{count(n, 'rule')}: a question needs few")
    for i, rule in enumerate(body["output"]):
        if not isinstance(rule, str):
            return NoRules(RejectReason.REPLY_WRONG_SHAPE, f"rule {i} is {rule!r:.80}, not a text")
        if not rule.strip():
            return NoRules(RejectReason.REPLY_WRONG_SHAPE, f"rule {i} is empty")
        if any("\ud800" <= c <= "\udfff" for c in rule):
            return NoRules(RejectReason.REPLY_WRONG_SHAPE, f"rule {i} holds half a character")
        rules.append(restore(rule).strip("\r\n\t"))
        if bad := controls(rules[-1]):
            return NoRules(RejectReason.KNOWLEDGE_FORMAT, f"rule {i} holds {', '.join(bad)}: {rules[-1]!r:.80}")  # fmt: skip
    return tuple(rules)


def read_object(text: str) -> Any | NoRules:
    """What the JSON of a reply holds; see `unwrap` for what is read as JSON."""
    inner, around = unwrap(text)
    try:
        return strict_json.parse(inner)
    except ValueError as e:
        said = str(e) or type(e).__name__
        came = f"; {around}" if around else ""
        return NoRules(
            RejectReason.REPLY_NOT_JSON, f"{said}{came}; it begins {inner.strip()[:40]!r}"
        )


def _kind(body: Any) -> str:
    """What a JSON value is, for people."""
    if isinstance(body, dict):
        return f"an object with the keys {sorted(body)[:5]}"
    names = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(body), "null")
