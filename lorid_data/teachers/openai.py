"""The teacher `openai:MODEL`: chat completions through OpenAI's own client, without its retries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError
from lorid_data.http.transport import allow_many_files
from lorid_data.teachers.backend import RUNGS, Answered, Place, Rung, Tier
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.chat import chat_body, read_chat
from lorid_data.teachers.sdk import connections, post, translated

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEY_NAME = "OPENAI_API_KEY"
WHERE = "OpenAI"


class OpenAIBackend:
    """Chat completions of OpenAI, or of what OPENAI_BASE_URL names.

    Args:
        model: the model.
        timeout_s: most that a reply may take.
        only_price: it will not be asked, and so needs no key.
        tier: `flex` asks for half the price, and waits longer.

    Raises:
        ConfigError: OPENAI_API_KEY is not set.
    """

    kind = "openai"
    rungs = RUNGS

    def __init__(
        self,
        model: str,
        *,
        timeout_s: float = 600.0,
        tier: Tier = "online",
        only_price: bool = False,
    ) -> None:
        if not only_price and not os.environ.get(KEY_NAME):
            raise ConfigError(f"teacher 'openai:{model}': {KEY_NAME} is not set; put the key there")
        import openai  # noqa: F401  (not in the middle of the first request)

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
        with self.errors(rung, request) as client:
            content, headers = await post(client, "/chat/completions", self.body(request, rung))
            return read_chat(content, headers, WHERE)

    @contextmanager
    def errors(self, rung: Rung, asked: TeacherRequest | None = None) -> Iterator[AsyncOpenAI]:
        """The client; its errors become those of `Backend.send`."""
        import openai

        with translated(openai, Place(WHERE, rung, KEY_NAME, asked), timeout_s=self._timeout_s):
            yield self._open()

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
                http_client=DefaultAioHttpClient(
                    timeout=self._timeout_s, limits=connections(), follow_redirects=False
                ),
            )
        return self._client
