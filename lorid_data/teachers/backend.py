"""What a provider's API looks like to the rest: send one request once, and say what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lorid_data.errors import LoridError, StageError, TeacherError
from lorid_data.http.redaction import redact
from lorid_data.http.redirects import is_redirect, redirect_said
from lorid_data.http.retrying import TRANSIENT_STATUSES, Transient, retry_after_s
from lorid_data.schema import RejectReason
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.usage import Usage

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
        note: where the text stood, if not where it belongs; for people.
    """

    text: str
    finish_reason: str
    model: str
    usage: Usage = field(default_factory=Usage)
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


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


@dataclass(frozen=True, slots=True)
class Place:
    """Who was asked, and how, for what is said of a failure.

    Attributes:
        where: the provider, for people.
        rung: how structure was asked for.
        key_name: the environment variable that holds the key.
        request: what was asked, where it is known: an error that repeats its words says nothing by
            them.
    """

    where: str
    rung: Rung
    key_name: str
    request: TeacherRequest | None = None

    def asked(self) -> str:
        """The words of the request, in lower case."""
        messages = self.request.messages if self.request else ()
        return "\n".join(m.content for m in messages).lower()


_NO_MONEY = (
    "insufficient_quota", "insufficient balance", "insufficient credit", "credit balance is too low",
    "billing_hard_limit", "billing hard limit", "exceeded your current quota", "check your plan and billing",
)  # fmt: skip
_TOO_LONG = ("context_length", "context length", "maximum context", "prompt is too long", "too many tokens")  # fmt: skip
_STRUCTURE = (
    "response_format", "json_schema", "json_object", "output_config", "output_format", "tool_choice",
    "tools", "tool use", "guided", "grammar", "structured output", "function call",
)  # fmt: skip
_REFUSED = ("content_filter", "content_policy", "content management policy", "usage policies")
_AGAIN = re.compile(r"(?:retry|try again) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|h|m|s)\s*)+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


_ADDRESS = {"OPENAI_API_KEY": "OPENAI_BASE_URL", "ANTHROPIC_API_KEY": "ANTHROPIC_BASE_URL"}
"""Where the address is named that a key goes to."""


def failure(
    status: int | None, message: str, headers: Mapping[str, str], place: Place
) -> Exception:
    """The error for a reply that is an error.

    Args:
        status: HTTP status, or the one that an error in a reply of status 200 names.
        message: what the provider says.
        headers: names in lower case.
        place: who was asked, and how.
    """
    if is_redirect(status):
        assert status is not None
        where = _ADDRESS.get(place.key_name, "--teacher")
        said = redirect_said(status, headers)
        return StageError(f"{place.where} {said}; name that address in {where} instead")
    text = redact(message).strip()[:500] or "no explanation"
    said, low = f"{place.where} answered {status or 'with an error'}: {text}", text.lower()
    wait_s = retry_after_s(headers)
    wait_s = _again_s(low) if wait_s is None else wait_s

    asked = place.asked()

    def says(words: tuple[str, ...]) -> bool:
        return any(word in low and word not in asked for word in words)

    # A quota that comes back in seconds is a limit of the rate, whatever it is called.
    spent = says(_NO_MONEY) and (wait_s is None or says(("insufficient_quota",)))
    if status == 402 or (status in (400, 403, 429) and spent):
        return StageError(f"{said}; add credit there, then run the same command again")
    if status is None or status in TRANSIENT_STATUSES:
        maybe_paid = status in (408, 504)
        return Transient(said, status=status, retry_after_s=wait_s, maybe_paid=maybe_paid, headers=headers)  # fmt: skip
    if status in (401, 403):
        return StageError(
            f"{said}; set {place.key_name} to a key that may use this model, then run the same command again"
        )
    if status in (400, 404, 422) and place.rung != "prompt" and says(_STRUCTURE):
        return Unsupported(said)
    if status == 404:
        return StageError(
            f"{said}; check the model's name and the URL (an OpenAI-compatible one ends in /v1)"
        )
    if status in (400, 422) and says(_REFUSED):
        return TeacherError(RejectReason.TEACHER_REFUSED, said)
    if status == 413 or says(_TOO_LONG):
        said += "; the question is too long for this model: take one with a longer context"
    return TeacherError(RejectReason.TEACHER_FAILED, said, is_refusal=True)


def _again_s(text: str) -> float | None:
    """The seconds of "please retry in 2s" and "try again in 6m0s"; None where no text says so."""
    found = _AGAIN.search(text)
    if found is None:
        return None
    return sum(float(n) * _UNIT_S[unit] for n, unit in _PART.findall(found[1]))
