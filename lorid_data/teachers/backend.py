"""What a provider's API looks like to the rest: send one request once, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lorid_data.errors import LoridError, StageError, TeacherError
from lorid_data.http.redaction import redact
from lorid_data.http.retrying import TRANSIENT_STATUSES, Transient, retry_after_s
from lorid_data.schema import RejectReason
from lorid_data.teachers.base import TeacherRequest

Rung = Literal["schema", "tool", "json_object", "prompt"]
"""How structure is asked for: the provider's own JSON schema, a tool's arguments, any JSON, words."""
RUNGS: tuple[Rung, ...] = ("schema", "tool", "json_object", "prompt")
Tier = Literal["online", "flex"]


@dataclass(frozen=True, slots=True)
class Answered:
    """A good reply, not yet parsed.

    Attributes:
        finish_reason: stop, length, refusal, or the provider's own word.
        headers: names in lower case.
    """

    text: str
    finish_reason: str
    model: str
    n_input: int | None = None
    n_cached: int | None = None
    n_output: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Unsupported(LoridError):  # noqa: N818  (not the last word)
    """The provider does not know this way of asking for structure."""


class Backend(Protocol):
    """A provider's API."""

    @property
    def kind(self) -> str:
        """openai, anthropic or server."""
        ...

    @property
    def model(self) -> str:
        """The model as the user named it."""
        ...

    @property
    def endpoint(self) -> str | None:
        """The endpoint as the user named it; None is the provider's own."""
        ...

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Ways to ask for structure, best first."""
        ...

    async def send(self, request: TeacherRequest, rung: Rung) -> Answered:
        """Send a request once.

        Raises:
            Transient: a failure that may pass.
            Unsupported: another rung may be understood.
            TeacherError: this request cannot be answered.
            StageError: no request can be answered.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


_NO_MONEY = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")
_TOO_LONG = ("context_length", "context length", "maximum context", "prompt is too long", "too many tokens")  # fmt: skip
_STRUCTURE = (
    "response_format", "json_schema", "json_object", "output_config", "output_format", "tool_choice",
    "tools", "guided", "grammar", "structured output", "function call",
)  # fmt: skip
_REFUSED = ("content_filter", "content_policy", "content management policy", "usage policies")


def failure(
    status: int, message: str, headers: Mapping[str, str], *, where: str, rung: Rung, key_name: str
) -> Exception:
    """The error for a reply of another status than 200.

    Args:
        status: HTTP status.
        message: what the provider says.
        headers: names in lower case.
        where: the provider, for people.
        rung: how structure was asked for.
        key_name: the environment variable that holds the key.
    """
    text = redact(message).strip()[:500] or "no explanation"
    said, low = f"{where} answered {status}: {text}", text.lower()
    if status in (402, 429) and any(word in low for word in _NO_MONEY):
        return StageError(f"{said}; add credit there, then run the same command again")
    if status in TRANSIENT_STATUSES:
        wait_s = retry_after_s(headers)
        return Transient(
            said,
            status=status,
            retry_after_s=wait_s,
            maybe_paid=status in (408, 504),
            headers=headers,
        )
    if status in (401, 403):
        return StageError(
            f"{said}; set {key_name} to a key that may use this model, then run the same command again"
        )
    if status == 404:
        return StageError(
            f"{said}; check the model's name and the URL (an OpenAI-compatible one ends in /v1)"
        )
    if status in (400, 422) and any(word in low for word in _REFUSED):
        return TeacherError(RejectReason.TEACHER_REFUSED, said)
    if status == 413 or any(word in low for word in _TOO_LONG):
        return TeacherError(
            RejectReason.TEACHER_FAILED,
            f"{said}; the question is too long for this model: take one with a longer context",
        )
    if status in (400, 422) and rung != "prompt" and any(word in low for word in _STRUCTURE):
        return Unsupported(said)
    return TeacherError(RejectReason.TEACHER_FAILED, said)
