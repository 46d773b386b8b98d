"""The body of a chat completion, and what its reply says: OpenAI's format, which others speak too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lorid_data.http.retrying import Transient
from lorid_data.teachers.backend import Answered, Rung
from lorid_data.teachers.base import TeacherRequest, read_object
from lorid_data.teachers.finish import finish_of
from lorid_data.teachers.provider_errors import ErrorInside, error_in
from lorid_data.teachers.usage import chat_usage

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
        ErrorInside: it holds an error instead.
        Transient: it is none; a proxy's page, for one.
    """
    error = error_in(body)
    if error is not None:
        raise ErrorInside(error, headers)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        refusal = message.get("refusal")
        text, note = _text_of(message)
        finish = "refusal" if refusal else finish_of(choice.get("finish_reason"))
        return Answered(
            text=str(refusal or text),
            finish_reason=finish,
            model=str(body.get("model") or ""),
            usage=chat_usage(body.get("usage")),
            headers=headers,
            note=note,
        )
    except (TypeError, KeyError, IndexError, AttributeError, ValueError, RecursionError) as e:
        raise Transient(
            f"{where}: the reply is no chat completion ({type(e).__name__}: {e}): {str(body)[:200]}",
            maybe_paid=True,
        ) from e


def _text_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """The text of a message and, where it stands in another place than usual, where that is."""
    calls = message.get("tool_calls") or []
    call = calls[0]["function"] if calls else message.get("function_call")
    if call and call.get("arguments"):
        arguments = call["arguments"]
        if isinstance(arguments, str):
            return arguments, ""
        return json.dumps(arguments, ensure_ascii=False), "the tool's arguments as an object"
    content = message.get("content")
    if isinstance(content, str) and content.strip():
        return content, ""
    if isinstance(content, list):
        text = "".join(map(_part_text, content))
        if text.strip():
            return text, "the content as a list of parts"
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False), "the content as an object"
    # Some servers put all that a thinking model writes there, its answer too.
    for name in ("reasoning_content", "reasoning"):
        thought = message.get(name)
        if isinstance(thought, str) and isinstance(read_object(thought), dict):
            return thought, f"the JSON under {name} alone"
    return (content if isinstance(content, str) else ""), ""


def _part_text(part: Any) -> str:
    """The text of one part of a message; what a model thought is no part of its answer."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type") not in (None, "text", "output_text"):
        return ""
    text = part.get("text")
    return text if isinstance(text, str) else ""
