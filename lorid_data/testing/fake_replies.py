"""What the replies of the fake teacher look like on the wire, and how other servers dress them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

Shape = Literal[
    "plain", "parts", "tool_object", "reasoning_only", "think", "think_end", "fence", "fence_words"
]

PARAMETER = {
    "schema": "response_format.json_schema",
    "tool": "tools",
    "json_object": "response_format",
    "prompt": "messages",
}


def last_prompt(body: Mapping[str, Any]) -> str:
    """Text of the last message of a request."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def rung_of(body: Mapping[str, Any]) -> str:
    """How a request asks for structure."""
    kind = (body.get("response_format") or {}).get("type")
    if kind == "json_schema" or (body.get("output_config") or {}).get("format"):
        return "schema"
    if body.get("tools"):
        return "tool"
    return "json_object" if kind == "json_object" else "prompt"


def allowed_tokens(body: Mapping[str, Any]) -> int:
    """Most tokens that a request allows."""
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 0)


def error_body(message: str, code: str | None = None) -> dict[str, Any]:
    """An error as both APIs say it."""
    return {"type": "error", "error": {"message": message, "type": "error", "code": code}}


def chat_reply(body: Mapping[str, Any], text: str, finish: str) -> dict[str, Any]:
    """A chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if finish == "refusal":
        message, finish = {"role": "assistant", "content": None, "refusal": text}, "stop"
    elif rung_of(body) == "tool":
        call = {"name": body["tools"][0]["function"]["name"], "arguments": text}
        message["content"] = None
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
        finish = "tool_calls" if finish == "stop" else finish
    n_in, n_out = len(last_prompt(body)) // 4 + 1, len(text) // 4 + 1
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
        "model": f"{body['model']}-2026-01-01",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out,
                  "prompt_tokens_details": {"cached_tokens": 0}},
    }  # fmt: skip


def message_reply(body: Mapping[str, Any], text: str, finish: str) -> dict[str, Any]:
    """A message of Anthropic's."""
    reason = {"stop": "end_turn", "length": "max_tokens"}.get(finish, finish)
    block: dict[str, Any] = {"type": "text", "text": text}
    if rung_of(body) == "tool" and finish == "stop":
        given = json.loads(text)
        block = {"type": "tool_use", "id": "t1", "name": body["tools"][0]["name"], "input": given}
        reason = "tool_use"
    n_in, n_out = len(last_prompt(body)) // 4 + 1, len(text) // 4 + 1
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": f"{body['model']}-20260101",
        "content": [block], "stop_reason": reason, "stop_sequence": None,
        "usage": {"input_tokens": n_in, "output_tokens": n_out,
                  "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    }  # fmt: skip


def error_inside(status: int, message: str, *, in_choice: bool = False) -> dict[str, Any]:
    """An error in a reply of status 200, as OpenRouter sends it."""
    error = {"code": status, "message": message, "metadata": {"raw": f"upstream: {message}"}}
    if not in_choice:
        return {"error": error, "user_id": "u"}
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "error", "error": error}  # fmt: skip
    return {"id": "gen-1", "object": "chat.completion", "model": "m", "choices": [choice]}


def dress(reply: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """A chat completion as other servers send it; a message of Anthropic's stays as it is.

    `parts` (Mistral: a list of thoughts and texts), `tool_object` (the tool's arguments as an
    object), `reasoning_only` (all of it under `reasoning_content`), `think` (thoughts in the text),
    `think_end` (only their end), `fence`, `fence_words` (a code fence, with words around it).
    """
    if "choices" not in reply or shape == "plain":
        return reply
    message = reply["choices"][0]["message"]
    calls = message.get("tool_calls")
    text = calls[0]["function"]["arguments"] if calls else message["content"]
    if shape == "tool_object":
        call = {"name": "write_output", "arguments": json.loads(text)}
        message |= {"content": None, "tool_calls": [{"type": "function", "function": call}]}
        return reply
    message.pop("tool_calls", None)
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "{hm}"}]}, {"type": "text", "text": text}]  # fmt: skip
    dressed: dict[str, Any] = {
        "parts": parts,
        "reasoning_only": None,
        "think": f"<think>\nIs it {{this}}?\n</think>\n\n{text}",
        "think_end": f"It is {{this}}.\n</think>\n{text}",
        "fence": f"```json\n{text}\n```",
        "fence_words": f"Here are the rules:\n\n```json\n{text}\n```\nAnything else?",
    }
    message["content"] = dressed[shape]
    if shape == "reasoning_only":
        message["reasoning_content"] = text
    return reply
