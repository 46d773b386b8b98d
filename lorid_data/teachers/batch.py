"""The batch APIs: half the price, within a day. One batch is submitted once and read by its id."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from lorid_data.errors import ConfigError
from lorid_data.http.retrying import Transient
from lorid_data.teachers.anthropic import AnthropicBackend, message_body, read_message
from lorid_data.teachers.backend import Answered, Backend, Rung, failure
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.chat import read_chat
from lorid_data.teachers.openai import OpenAIBackend

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI

TOKEN = "lorid"  # noqa: S105  (the name under which a batch carries our mark, no secret)
Result = Answered | Exception


class BatchApi(Protocol):
    """A provider's batches. Requests are told apart by their keys."""

    max_requests: int
    max_bytes: int

    async def submit(self, requests: Sequence[TeacherRequest], rung: Rung, token: str) -> str:
        """Submit a batch that carries a mark; its id."""
        ...

    async def find(
        self, token: str, keys: Collection[str], made_s: float, known: Collection[str]
    ) -> str | None:
        """The batch with this mark or these keys, made at about that time and not known yet."""
        ...

    async def results(self, batch_id: str, rung: Rung) -> dict[str, Result] | None:
        """What came of each request, by key; None while it is not over."""
        ...


def batches_of(backend: Backend) -> BatchApi:
    """The batches of a provider.

    Raises:
        ConfigError: it has none.
    """
    if isinstance(backend, OpenAIBackend):
        return OpenAIBatches(backend)
    if isinstance(backend, AnthropicBackend):
        return AnthropicBatches(backend)
    raise ConfigError(f"--mode batch: {backend.kind} does not have it")


class OpenAIBatches:
    """A file of requests, and a batch that carries its mark as metadata."""

    max_requests, max_bytes = 50_000, 200_000_000

    def __init__(self, backend: OpenAIBackend) -> None:
        self._backend = backend

    async def submit(self, requests: Sequence[TeacherRequest], rung: Rung, token: str) -> str:
        """See `BatchApi.submit`."""
        lines = (
            {
                "custom_id": r.key,
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": self._backend.body(r, rung),
            }
            for r in requests
        )
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        with self._backend.errors(rung) as client:
            file = await client.files.create(file=("requests.jsonl", data), purpose="batch")
            batch = await client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={TOKEN: token},
            )
            return batch.id

    async def find(
        self, token: str, keys: Collection[str], made_s: float, known: Collection[str]
    ) -> str | None:
        """See `BatchApi.find`."""
        del keys
        with self._backend.errors("prompt") as client:
            async for batch in client.batches.list(limit=100):
                if (batch.metadata or {}).get(TOKEN) == token and batch.id not in known:
                    return batch.id
                if batch.created_at < made_s - 3600:
                    return None
        return None

    async def results(self, batch_id: str, rung: Rung) -> dict[str, Result] | None:
        """See `BatchApi.results`."""
        with self._backend.errors(rung) as client:
            batch = await client.batches.retrieve(batch_id)
            if batch.status not in ("completed", "failed", "expired", "cancelled"):
                return None
            texts = [await _text(client, f) for f in (batch.output_file_id, batch.error_file_id) if f]  # fmt: skip
        lines = [json.loads(line) for text in texts for line in text.splitlines() if line]
        return {line["custom_id"]: _openai_result(line, rung) for line in lines}


async def _text(client: AsyncOpenAI, file_id: str) -> str:
    return (await client.files.content(file_id)).text


def _openai_result(line: dict[str, Any], rung: Rung) -> Result:
    response = line.get("response") or {}
    status, body = response.get("status_code"), response.get("body") or {}
    try:
        if status == 200:
            return read_chat(body, {}, "OpenAI")
    except Transient as e:
        return e
    if status is None:
        return Transient(f"OpenAI: {line.get('error')}")
    error = body.get("error") or {}
    said = f"{error.get('message')} {error.get('code') or ''}"
    return failure(status, said, {}, where="OpenAI", rung=rung, key_name="OPENAI_API_KEY")


class AnthropicBatches:
    """Message batches. They carry no metadata: an orphan is known by its time and its keys."""

    max_requests, max_bytes = 100_000, 256_000_000

    def __init__(self, backend: AnthropicBackend) -> None:
        self._backend = backend

    async def submit(self, requests: Sequence[TeacherRequest], rung: Rung, token: str) -> str:
        """See `BatchApi.submit`."""
        del token
        lines: Any = [{"custom_id": r.key, "params": message_body(r, rung)} for r in requests]  # fmt: skip
        with self._backend.errors(rung) as client:
            return (await client.messages.batches.create(requests=lines)).id

    async def find(
        self, token: str, keys: Collection[str], made_s: float, known: Collection[str]
    ) -> str | None:
        """See `BatchApi.find`."""
        del token
        with self._backend.errors("prompt") as client:
            async for batch in client.messages.batches.list(limit=100):
                counts = batch.request_counts
                n = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired  # fmt: skip
                if _seconds(batch.created_at) < made_s - 3600:
                    return None
                if batch.id in known or n != len(keys):
                    continue
                # While it is not over its keys cannot be read; should it be another's, none is answered.
                if batch.processing_status != "ended" or await _has(client, batch.id, keys):
                    return batch.id
        return None

    async def results(self, batch_id: str, rung: Rung) -> dict[str, Result] | None:
        """See `BatchApi.results`."""
        with self._backend.errors(rung) as client:
            batch = await client.messages.batches.retrieve(batch_id)
            if batch.processing_status != "ended":
                return None
            found: dict[str, Result] = {}
            async for line in await client.messages.batches.results(batch_id):
                found[line.custom_id] = _anthropic_result(
                    line.result.model_dump(warnings=False), rung
                )
            return found


async def _has(client: AsyncAnthropic, batch_id: str, keys: Collection[str]) -> bool:
    found = [line.custom_id async for line in await client.messages.batches.results(batch_id)]
    return set(found) == set(keys)


def _anthropic_result(result: dict[str, Any], rung: Rung) -> Result:
    if result["type"] == "succeeded":
        try:
            return read_message(result["message"], {})
        except Transient as e:
            return e
    if result["type"] != "errored":
        return Transient(f"Anthropic: the request was {result['type']} in its batch")
    error = (result.get("error") or {}).get("error") or {}
    kind, said = str(error.get("type")), str(error.get("message"))
    if kind in ("api_error", "overloaded_error", "rate_limit_error", "timeout_error"):
        return Transient(f"Anthropic: {kind}: {said}")
    status = {"authentication_error": 401, "permission_error": 403, "not_found_error": 404}
    return failure(status.get(kind, 400), said, {}, where="Anthropic", rung=rung, key_name="ANTHROPIC_API_KEY")  # fmt: skip


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
