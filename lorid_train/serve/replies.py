"""What comes back, in OpenAI's shapes, with one field more: `lorid`."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from lorid_train.engines.base import GenResult
from lorid_train.serve.jobs import Part, RoleAnswer
from lorid_train.serve.wanted import Wanted
from lorid_train.solve.shown import round_lines
from lorid_train.solve.solution import Round, Solution

Text = Solution | RoleAnswer | GenResult
"""A part that is a whole answer."""


def content_of(part: Text, stop: Sequence[str]) -> tuple[str, str]:
    """The text of an answer, ended before the first of `stop`, and its finish reason.

    A loop without an answer has an empty text.
    """
    text, reason = _said(part)
    cut = min((at for s in stop if (at := text.find(s)) >= 0), default=None)
    return (text, reason) if cut is None else (text[:cut], "stop")


def _said(part: Text) -> tuple[str, str]:
    if not isinstance(part, Solution):
        return part.text, part.finish_reason
    draw = part.stated_by
    return part.rationale or "", "stop" if draw is None else draw.finish_reason


def usage_of(parts: Sequence[Text]) -> dict[str, int]:
    """Tokens of all draws that led to the answers."""
    n_prompt, n = sum(p.n_prompt_tokens for p in parts), sum(p.n_tokens for p in parts)
    return {"prompt_tokens": n_prompt, "completion_tokens": n, "total_tokens": n_prompt + n}


def details_of(part: Part, seed: int) -> dict[str, Any]:
    """The field `lorid`: plain values, and the seed by which they can be had again."""
    if isinstance(part, Solution):
        return {**part.as_json(), "seed": seed}
    if isinstance(part, Round):
        return {"round": round_json(part), "seed": seed}
    if isinstance(part, RoleAnswer):
        own = {} if part.program is None else {"program": part.program.as_json()}
        return {**own, "draws": [d.model_dump(mode="json") for d in part.draws], "seed": seed}
    return {"seed": seed}


def round_json(r: Round) -> dict[str, Any]:
    """A round as plain values."""
    return {
        "number": r.number, "ir_answer": r.ir_answer, "dr_answer": r.dr_answer, "cg_answer": r.cg_answer,
        "rules": list(r.rules), "program": None if r.program is None else r.program.as_json(),
        "agreed": r.agreed, "draws": [d.model_dump(mode="json") for d in r.draws],
    }  # fmt: skip


def models(names: Sequence[str], created: int) -> dict[str, Any]:
    """The list of `/v1/models`."""
    return {"object": "list", "data": [model(name, created) for name in names]}


def model(name: str, created: int) -> dict[str, Any]:
    """One model of the list."""
    return {"id": name, "object": "model", "created": created, "owned_by": "lorid"}


class Reply:
    """The reply to one request, whole or in parts, under one id."""

    def __init__(self, wanted: Wanted, *, chat: bool) -> None:
        self._wanted, self._chat = wanted, chat
        kind = "chat.completion" if chat else "text_completion"
        self._kind, self._part_kind = kind, "chat.completion.chunk" if chat else kind
        prefix = "chatcmpl-" if chat else "cmpl-"
        self._head = {
            "id": prefix + secrets.token_hex(12), "created": int(time.time()), "model": wanted.model,
        }  # fmt: skip

    def whole(self, parts: Sequence[Text]) -> dict[str, Any]:
        """The body of a reply that comes at once; `parts` in the order of the prompts."""
        choices = [self._choice(i, *content_of(p, self._wanted.stop)) for i, p in enumerate(parts)]
        body = {**self._head, "object": self._kind, "choices": choices, "usage": usage_of(parts)}
        return {**body, "lorid": details_of(parts[0], self._wanted.seed)}

    def _choice(self, index: int, text: str, reason: str) -> dict[str, Any]:
        said = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        return {"index": index, **said, "logprobs": None, "finish_reason": reason}

    def events(self, part: Part) -> list[bytes]:
        """What a stream sends of a part: a round as reasoning, the answer as content, then the end."""
        details = {"lorid": details_of(part, self._wanted.seed)}
        if isinstance(part, Round):
            shown = "\n".join([*round_lines(part), ""])
            return [self._event(self._delta({"reasoning_content": shown}), details)]
        text, reason = content_of(part, self._wanted.stop)
        if self._chat:
            said = {"role": "assistant", "content": text}
            events = [self._event(self._delta(said), details), self._event(self._delta({}, reason))]
        else:
            events = [self._event(self._choice(0, text, reason), details)]
        if self._wanted.usage:
            events.append(self._event(None, {"usage": usage_of([part])}))
        return events

    def _delta(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}

    def _event(self, choice: dict[str, Any] | None, more: dict[str, Any] | None = None) -> bytes:
        choices = [] if choice is None else [choice]
        return event({**self._head, "object": self._part_kind, "choices": choices, **(more or {})})


END = b"data: [DONE]\n\n"


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event; ASCII, so that nothing in a text ends it."""
    return b"data: " + json.dumps(body).encode("ascii") + b"\n\n"
