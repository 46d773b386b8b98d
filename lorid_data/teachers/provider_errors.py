"""What a provider's error says, whatever its form, and the one that stands in a reply of status 200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lorid_data.texts import strict_json

_STATUS_OF = {
    "invalid_request_error": 400, "context_length_exceeded": 400, "bad_request": 400,
    "authentication_error": 401, "invalid_api_key": 401, "unauthenticated": 401,
    "billing_error": 402, "insufficient_quota": 402, "payment_required": 402,
    "permission_error": 403, "permission_denied": 403, "not_found_error": 404, "model_not_found": 404,
    "request_too_large": 413, "rate_limit_error": 429, "rate_limit_exceeded": 429,
    "too_many_requests": 429, "resource_exhausted": 429, "api_error": 500, "server_error": 500,
    "internal_error": 500, "internal_server_error": 500, "internal": 500, "unavailable": 503,
    "service_unavailable": 503, "timeout_error": 504, "timeout": 504, "overloaded_error": 529,
    "overloaded": 529,
}  # fmt: skip


class ErrorInside(Exception):  # noqa: N818  (not the last word: `failure` judges it)
    """An error that stands in a reply of status 200.

    Attributes:
        status: the status that it names; None where it names none.
        headers: of the reply.
    """

    def __init__(self, error: Any, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status_of(error), headers
        super().__init__(words_of(error))


def error_text(body: bytes) -> str:
    """What an error's body says."""
    text = body.decode("utf-8", "replace")
    try:
        content: Any = strict_json.parse(text)
    except ValueError:
        return text
    if isinstance(content, list) and len(content) == 1:
        content = content[0]  # as Google's endpoint wraps it
    error = content.get("error", content) if isinstance(content, dict) else content
    return words_of(error) or text


def words_of(error: Any) -> str:
    """The words of an error: its message, what the provider behind a proxy said, code and parameter."""
    if not isinstance(error, dict):
        return str(error)
    more = error.get("metadata")
    said = [error.get(k) for k in ("message", "detail", "code", "param")]
    if isinstance(more, dict):
        said += [more.get(k) for k in ("provider_name", "raw")]
    return " ".join(str(s) for s in said if s)


def status_of(error: Any) -> int | None:
    """The HTTP status that an error names, by number or by word; None where it names none."""
    if not isinstance(error, dict):
        return None
    for name in ("code", "status", "status_code", "type"):
        value = error.get(name)
        if isinstance(value, str) and value.strip().isdigit() and len(value) < 9:
            value = int(value)
        if isinstance(value, int) and 400 <= value <= 599:
            return value
        if isinstance(value, str) and value.lower() in _STATUS_OF:
            return _STATUS_OF[value.lower()]
    return None


def error_in(body: Any) -> Any:
    """The error that a reply of status 200 holds instead of a completion, or inside of it; else None."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    for place in (body, first, message):
        if isinstance(place, dict) and place.get("error"):
            return place["error"]
    is_error = body.get("object") == "error" or body.get("type") == "error"
    return body if is_error and "choices" not in body else None
