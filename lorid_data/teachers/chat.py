"""The body of a chat completion, and what its reply says: OpenAI's format, which others speak too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lorid_data.http.retrying import Transient
from lorid_data.teachers.backend import Answered, Rung
from lorid_data.teachers.base import TeacherRequest

TOOL = "write_output"


def chat_body(
    request: TeacherRequest, rung: Rung, *, tokens_field: str = "max_tokens"
) -> dict[str, Any]:
    """The body of a request on a rung of the ladder.

    Args:
        request: what to ask; its sampling options are sent as they are.
        rung: how to ask for structure.
        tokens_field: how the provider calls the most tokens of a reply.
    """
    sampling = dict(request.sampling)
    most = sampling.pop("max_tokens", None)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        **({} if most is None else {tokens_field: most}),
        **sampling,
    }
    if rung == "schema":
        shape = {"name": "output", "strict": True, "schema": request.output_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    elif rung == "json_object":
        body["response_format"] = {"type": "json_object"}
    elif rung == "tool":
        function = {"name": TOOL, "strict": True, "parameters": request.output_schema}
        body["tools"] = [{"type": "function", "function": function}]
        body["tool_choice"] = {"type": "function", "function": {"name": TOOL}}
    return body


def read_chat(body: Any, headers: Mapping[str, str], where: str) -> Answered:
    """The reply of a chat completion.

    Raises:
        Transient: it is none; a proxy's page, for one.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        usage = body.get("usage") or {}
        calls = message.get("tool_calls") or []
        refusal = message.get("refusal")
        text = calls[0]["function"]["arguments"] if calls else message.get("content")
        finish = str(choice.get("finish_reason") or "stop")
        details = usage.get("prompt_tokens_details") or {}
        return Answered(
            text=str(refusal or text or ""),
            finish_reason="refusal" if refusal else _FINISH.get(finish, finish),
            model=str(body.get("model") or ""),
            n_input=_count(usage.get("prompt_tokens")),
            n_cached=_count(details.get("cached_tokens")),
            n_output=_count(usage.get("completion_tokens")),
            headers=headers,
        )
    except (TypeError, KeyError, IndexError, AttributeError) as e:
        raise Transient(
            f"{where}: the reply is no chat completion ({type(e).__name__}: {e})", maybe_paid=True
        ) from e


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


_FINISH = {"content_filter": "refusal", "tool_calls": "stop", "function_call": "stop"}
