"""The teacher `anthropic:MODEL`: messages through Anthropic's own client, without its retries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_data.http.retrying import Transient
from lorid_data.http.transport import allow_many_files
from lorid_data.teachers.backend import Answered, Place, Rung, Tier
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.chat import TOOL
from lorid_data.teachers.finish import finish_of
from lorid_data.teachers.provider_errors import ErrorInside, error_in
from lorid_data.teachers.sdk import connections, post, translated
from lorid_data.teachers.usage import message_usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

KEY_NAME = "ANTHROPIC_API_KEY"
WHERE = "Anthropic"


class AnthropicBackend:
    """Messages of Anthropic, or of what ANTHROPIC_BASE_URL names.

    Args:
        model: the model.
        timeout_s: most that a reply may take.
        only_price: it will not be asked, and so needs no key.

    Raises:
        ConfigError: ANTHROPIC_API_KEY is not set, or the mode is flex, which Anthropic lacks.
    """

    kind = "anthropic"
    rungs: tuple[Rung, ...] = ("schema", "tool", "prompt")

    def __init__(
        self,
        model: str,
        *,
        timeout_s: float = 600.0,
        tier: Tier = "online",
        only_price: bool = False,
    ) -> None:
        if tier != "online":
            raise ConfigError(f"--mode {tier}: Anthropic does not have it")
        if not only_price and not os.environ.get(KEY_NAME):
            raise ConfigError(
                f"teacher 'anthropic:{model}': {KEY_NAME} is not set; put the key there"
            )
        import anthropic  # noqa: F401  (not in the middle of the first request)

        self.model = model
        self.endpoint = os.environ.get("ANTHROPIC_BASE_URL") or None
        self._timeout_s = timeout_s
        self._client: AsyncAnthropic | None = None

    async def send(self, request: TeacherRequest, rung: Rung) -> Answered:
        """Send a request once; see `Backend.send`."""
        with self.errors(rung, request) as client:
            content, headers = await post(client, "/v1/messages", message_body(request, rung))
            return read_message(content, headers)

    @contextmanager
    def errors(self, rung: Rung, asked: TeacherRequest | None = None) -> Iterator[AsyncAnthropic]:
        """The client; its errors become those of `Backend.send`."""
        import anthropic

        place = Place(WHERE, rung, KEY_NAME, asked)
        with translated(anthropic, place, timeout_s=self._timeout_s):
            yield self._open()

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _open(self) -> AsyncAnthropic:
        if self._client is None:
            allow_many_files()
            from anthropic import AsyncAnthropic, DefaultAioHttpClient

            self._client = AsyncAnthropic(
                max_retries=0,
                timeout=self._timeout_s,
                http_client=DefaultAioHttpClient(
                    timeout=self._timeout_s, limits=connections(), follow_redirects=False
                ),
            )
        return self._client


def message_body(request: TeacherRequest, rung: Rung) -> dict[str, Any]:
    """The body of a request on a rung of the ladder."""
    sampling = dict(request.sampling)
    effort = sampling.pop("reasoning_effort", None)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": sampling.pop("max_tokens", 2048),
        "messages": [
            {"role": m.role, "content": m.content} for m in request.messages if m.role != "system"
        ],
        **sampling,
    }
    system = "\n\n".join(m.content for m in request.messages if m.role == "system")
    if system:
        body["system"] = system
    if effort is not None:
        body["output_config"] = {"effort": effort}
    if rung == "schema":
        shape = {"type": "json_schema", "schema": request.output_schema}
        body["output_config"] = {**body.get("output_config", {}), "format": shape}
    elif rung == "tool":
        body["tools"] = [{"name": TOOL, "input_schema": request.output_schema}]
        body["tool_choice"] = {"type": "tool", "name": TOOL}
    return body


def read_message(body: Any, headers: Mapping[str, str]) -> Answered:
    """The reply of a message.

    Raises:
        ErrorInside: it holds an error instead.
        Transient: it is none.
    """
    error = error_in(body)
    if error is not None:
        raise ErrorInside(error, headers)
    try:
        parts = [
            json.dumps(block["input"], ensure_ascii=False)
            if block["type"] == "tool_use"
            else block["text"]
            for block in body["content"]
            if block["type"] in ("text", "tool_use")
        ]
        return Answered(
            text="".join(parts),
            finish_reason=finish_of(body.get("stop_reason")),
            model=str(body.get("model") or ""),
            usage=message_usage(body.get("usage")),
            headers=headers,
        )
    except (TypeError, KeyError, AttributeError, ValueError, RecursionError) as e:
        raise Transient(
            f"{WHERE}: the reply is no message ({type(e).__name__}: {e}): {str(body)[:200]}",
            maybe_paid=True,
        ) from e
