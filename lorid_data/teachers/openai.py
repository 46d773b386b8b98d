"""The teacher `openai:MODEL`: chat completions through OpenAI's own client, without its retries."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_data.http import Transient, allow_many_files
from lorid_data.teachers.backend import RUNGS, Answered, Rung, Tier, failure
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.chat import chat_body, read_chat

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEY_NAME = "OPENAI_API_KEY"
WHERE = "OpenAI"


class OpenAIBackend:
    """Chat completions of OpenAI, or of what OPENAI_BASE_URL names.

    Args:
        model: the model.
        timeout_s: most that a reply may take.
        tier: `flex` asks for half the price, and waits longer.

    Raises:
        ConfigError: OPENAI_API_KEY is not set.
    """

    kind = "openai"
    rungs = RUNGS

    def __init__(self, model: str, *, timeout_s: float = 600.0, tier: Tier = "online") -> None:
        if not os.environ.get(KEY_NAME):
            raise ConfigError(f"teacher 'openai:{model}': {KEY_NAME} is not set; put the key there")
        self.model = model
        self.endpoint = os.environ.get("OPENAI_BASE_URL") or None
        self._timeout_s = timeout_s if tier == "online" else max(timeout_s, 900.0)
        self._tier = tier
        self._client: AsyncOpenAI | None = None

    def body(self, request: TeacherRequest, rung: Rung) -> dict[str, Any]:
        """The body of a request."""
        body = chat_body(request, rung, tokens_field="max_completion_tokens")
        return body if self._tier == "online" else {**body, "service_tier": self._tier}

    async def send(self, request: TeacherRequest, rung: Rung) -> Answered:
        """Send a request once; see `Backend.send`."""
        async with self.errors(rung) as client:
            # The raw reply: the client's own reading of it costs more than the request does.
            raw = await client.chat.completions.with_raw_response.create(**self.body(request, rung))
            headers = {k.lower(): v for k, v in raw.headers.items()}
            content = raw.http_response.json()
        return read_chat(content, headers, WHERE)

    @asynccontextmanager
    async def errors(self, rung: Rung) -> AsyncIterator[AsyncOpenAI]:
        """The client; its errors become those of `Backend.send`."""
        import openai

        try:
            yield self._open()
        except openai.APIStatusError as e:
            headers = {k.lower(): v for k, v in e.response.headers.items()}
            said = f"{e.message} {e.code or ''}"
            raise failure(
                e.status_code, said, headers, where=WHERE, rung=rung, key_name=KEY_NAME
            ) from None
        except openai.APITimeoutError as e:
            raise Transient(
                f"{WHERE}: no reply within {self._timeout_s:g} s", maybe_paid=True
            ) from e
        except openai.APIConnectionError as e:
            raise Transient(
                f"{WHERE}: no connection ({type(e.__cause__ or e).__name__})", maybe_paid=True
            ) from e
        except ValueError as e:
            raise Transient(f"{WHERE}: the reply is not JSON", maybe_paid=True) from e

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            allow_many_files()
            from openai import AsyncOpenAI, DefaultAioHttpClient

            self._client = AsyncOpenAI(
                max_retries=0,
                timeout=self._timeout_s,
                http_client=DefaultAioHttpClient(timeout=self._timeout_s, limits=_no_limits()),
            )
        return self._client


def _no_limits() -> Any:
    """How many requests are in flight is decided elsewhere."""
    import httpx2

    return httpx2.Limits(max_connections=None, max_keepalive_connections=None)
