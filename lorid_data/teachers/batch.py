"""The batch APIs: half the price, within a day. One batch is submitted once and read by its id."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.http.redaction import redact
from lorid_data.http.retrying import Transient
from lorid_data.http.transport import read_json
from lorid_data.teachers.anthropic import KEY_NAME as ANTHROPIC_KEY
from lorid_data.teachers.anthropic import AnthropicBackend, message_body, read_message
from lorid_data.teachers.backend import Answered, Backend, Place, Rung, failure
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.chat import read_chat
from lorid_data.teachers.openai import KEY_NAME as OPENAI_KEY
from lorid_data.teachers.openai import OpenAIBackend
from lorid_data.teachers.provider_errors import ErrorInside, status_of, words_of

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

TOKEN = "lorid"  # noqa: S105  (the name under which a batch carries our mark, no secret)
Result = Answered | Exception
Asked = Mapping[str, TeacherRequest]
"""The requests of a batch, by key."""
_FULL = ("token_limit_exceeded", "enqueued token limit", "enqueued tokens", "batch_queue_limit")


class BatchFailed(Exception):  # noqa: N818  (its requests are asked again)
    """A batch that has no results, and never will.

    Attributes:
        maybe_paid: whether its requests may have been answered, and charged, all the same.
    """

    def __init__(self, message: str, *, maybe_paid: bool = False) -> None:
        self.maybe_paid = maybe_paid
        super().__init__(redact(message))


class BatchFull(BatchFailed):
    """It was not begun, because the provider holds as many requests as it takes."""


class BatchApi(Protocol):
    """A provider's batches. Requests are told apart by their keys."""

    max_requests: int
    max_bytes: int

    def n_bytes(self, request: TeacherRequest, rung: Rung) -> int:
        """Bytes that a request takes in a batch."""
        ...

    async def submit(self, requests: Sequence[TeacherRequest], rung: Rung, token: str) -> str:
        """Submit a batch that carries a mark; its id."""
        ...

    async def newest(self) -> str | None:
        """The id of the batch that was made last, whoever made it; None where there is none."""
        ...

    async def find(
        self, token: str, keys: Collection[str], before: str | None, known: Collection[str]
    ) -> str | None:
        """The batch with this mark or these keys that is newer than `before`, and not known yet.

        No clock has a part in it: that of this machine may be wrong.
        """
        ...

    async def results(self, batch_id: str, rung: Rung, asked: Asked) -> dict[str, Result] | None:
        """What came of each request, by key; None while it is not over.

        Raises:
            BatchFailed: nothing will come of it.
        """
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

    max_requests, max_bytes = 50_000, 199_000_000

    def __init__(self, backend: OpenAIBackend) -> None:
        self._backend = backend

    def _line(self, request: TeacherRequest, rung: Rung) -> bytes:
        body = self._backend.body(request, rung)
        line = {"custom_id": request.key, "method": "POST", "url": "/v1/chat/completions", "body": body}  # fmt: skip
        return json.dumps(line).encode() + b"\n"

    def n_bytes(self, request: TeacherRequest, rung: Rung) -> int:
        """See `BatchApi.n_bytes`."""
        return len(self._line(request, rung))

    async def submit(self, requests: Sequence[TeacherRequest], rung: Rung, token: str) -> str:
        """See `BatchApi.submit`."""
        data = b"".join(self._line(r, rung) for r in requests)
        with self._backend.errors(rung) as client:
            file = await client.files.create(file=("requests.jsonl", data), purpose="batch")
            batch = await client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={TOKEN: token},
            )
            return batch.id

    async def newest(self) -> str | None:
        """See `BatchApi.newest`."""
        with self._backend.errors("prompt") as client:
            async for batch in client.batches.list(limit=1):
                return batch.id
        return None

    async def find(
        self, token: str, keys: Collection[str], before: str | None, known: Collection[str]
    ) -> str | None:
        """See `BatchApi.find`."""
        del keys
        with self._backend.errors("prompt") as client:
            async for batch in client.batches.list(limit=100):
                if batch.id == before:
                    return None
                if (batch.metadata or {}).get(TOKEN) == token and batch.id not in known:
                    return batch.id
        return None

    async def results(self, batch_id: str, rung: Rung, asked: Asked) -> dict[str, Result] | None:
        """See `BatchApi.results`."""
        import openai

        with self._backend.errors(rung) as client:
            try:
                batch = await client.batches.retrieve(batch_id)
            except openai.NotFoundError as e:
                raise BatchFailed(f"OpenAI: the batch {batch_id} is not there any more ({e.message})", maybe_paid=True) from None  # fmt: skip
            if batch.status not in ("completed", "failed", "expired", "cancelled"):
                return None
            files = [f for f in (batch.output_file_id, batch.error_file_id) if f]
            if batch.status == "failed" and not files:
                raise _openai_failed(batch_id, batch.errors)
            contents: list[bytes] = []
            gone: list[str] = []
            for file in files:
                try:
                    contents.append((await client.files.content(file)).content)
                except openai.NotFoundError as e:
                    gone.append(f"{file} ({e.message})")
            if gone and not any(contents):
                raise BatchFailed(f"OpenAI: the results of the batch {batch_id} are not there any more: {', '.join(gone)}", maybe_paid=True)  # fmt: skip
        lines = chain.from_iterable(map(_lines, contents))
        return _by_key(lines, lambda line, key: _openai_result(line, _place("OpenAI", rung, asked, key)))  # fmt: skip


def _openai_failed(batch_id: str, errors: Any) -> BatchFailed:
    found = list(getattr(errors, "data", None) or [])
    said = "; ".join(
        " ".join(str(x) for x in (e.code, e.message, f"(line {e.line})" if e.line else None) if x)
        for e in found[:5]
    )
    text = f"OpenAI: the batch {batch_id} failed: {said or 'it does not say why'}"
    is_full = any(word in text.lower() for word in _FULL)
    return BatchFull(text) if is_full else BatchFailed(text)


def _lines(content: bytes) -> Iterator[Any]:
    """What the lines of a file of results hold; one that is no JSON is no result.

    Only a line feed ends a line: U+2028 and the like may stand in a text as they are.
    """
    for line in io.BytesIO(content):
        if line.strip():
            try:
                yield read_json(line)
            except ValueError:
                say(
                    "warning: a line of the batch's results is not JSON; its request is asked again"
                )


def _by_key(lines: Iterable[Any], read: Callable[[Any, str], Result]) -> dict[str, Result]:
    """The result of each request; an answer counts before a failure where there are two."""
    found: dict[str, Result] = {}
    for line in lines:
        key = line.get("custom_id") if isinstance(line, dict) else None
        if isinstance(key, str) and not isinstance(found.get(key), Answered):
            found[key] = read(line, key)
    return found


def _place(where: str, rung: Rung, asked: Asked, key: str) -> Place:
    return Place(where, rung, _KEYS[where], asked.get(key))


_KEYS = {"OpenAI": OPENAI_KEY, "Anthropic": ANTHROPIC_KEY}


def _openai_result(line: Mapping[str, Any], place: Place) -> Result:
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    status, body = response.get("status_code"), response.get("body")
    try:
        if status == 200:
            return read_chat(body, {}, "OpenAI")
    except ErrorInside as e:
        return failure(e.status, str(e), {}, place)
    except Transient as e:
        return e
    error = line.get("error") or body
    if not isinstance(status, int):
        return Transient(f"OpenAI: {words_of(error)}")
    inner = body.get("error") if isinstance(body, dict) else None
    return failure(status, words_of(inner or error), {}, place)


class AnthropicBatches:
    """Message batches. They carry no metadata: an orphan is known by its place in the list and its keys."""

    max_requests, max_bytes = 100_000, 255_000_000

    def __init__(self, backend: AnthropicBackend) -> None:
        self._backend = backend

    def n_bytes(self, request: TeacherRequest, rung: Rung) -> int:
        """See `BatchApi.n_bytes`; escapes and spaces that the client may leave out are counted."""
        return len(json.dumps(self._line(request, rung))) + 2

    @staticmethod
    def _line(request: TeacherRequest, rung: Rung) -> dict[str, Any]:
        return {"custom_id": request.key, "params": message_body(request, rung)}

    async def submit(self, requests: Sequence[TeacherRequest], rung: Rung, token: str) -> str:
        """See `BatchApi.submit`."""
        del token
        lines: Any = [self._line(r, rung) for r in requests]
        with self._backend.errors(rung) as client:
            return (await client.messages.batches.create(requests=lines)).id

    async def newest(self) -> str | None:
        """See `BatchApi.newest`."""
        with self._backend.errors("prompt") as client:
            async for batch in client.messages.batches.list(limit=1):
                return batch.id
        return None

    async def find(
        self, token: str, keys: Collection[str], before: str | None, known: Collection[str]
    ) -> str | None:
        """See `BatchApi.find`."""
        del token
        with self._backend.errors("prompt") as client:
            async for batch in client.messages.batches.list(limit=100):
                counts = batch.request_counts
                n = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired  # fmt: skip
                if batch.id == before:
                    return None
                if batch.id in known or n != len(keys):
                    continue
                # While it is not over its keys cannot be read; should it be another's, it is looked on.
                if batch.processing_status != "ended" or await _has(client, batch.id, keys):
                    return batch.id
        return None

    async def results(self, batch_id: str, rung: Rung, asked: Asked) -> dict[str, Result] | None:
        """See `BatchApi.results`."""
        import anthropic

        with self._backend.errors(rung) as client:
            try:
                batch = await client.messages.batches.retrieve(batch_id)
                if batch.processing_status != "ended":
                    return None
                if batch.archived_at is not None or batch.results_url is None:
                    raise BatchFailed(f"Anthropic: the results of the batch {batch_id} are archived, and cannot be read any more", maybe_paid=True)  # fmt: skip
                lines = await _anthropic_lines(client, batch_id)
            except anthropic.NotFoundError as e:
                raise BatchFailed(f"Anthropic: the batch {batch_id}, or its results, are not there any more ({e.message})", maybe_paid=True) from None  # fmt: skip
        return _by_key(lines, lambda line, key: _anthropic_result(line.get("result"), _place("Anthropic", rung, asked, key)))  # fmt: skip


async def _anthropic_lines(client: AsyncAnthropic, batch_id: str) -> Iterator[Any]:
    """The lines of a batch's results as they are: the client's types refuse what they do not know."""
    import httpx2

    raw = await client.get(f"/v1/messages/batches/{batch_id}/results", cast_to=httpx2.Response)
    return _lines(raw.content)


async def _has(client: AsyncAnthropic, batch_id: str, keys: Collection[str]) -> bool:
    lines = await _anthropic_lines(client, batch_id)
    return {line.get("custom_id") for line in lines if isinstance(line, dict)} == set(keys)


def _anthropic_result(result: Any, place: Place) -> Result:
    result = result if isinstance(result, dict) else {}
    kind = result.get("type")
    if kind == "succeeded":
        try:
            return read_message(result.get("message"), {})
        except ErrorInside as e:
            return failure(e.status, str(e), {}, place)
        except Transient as e:
            return e
    if kind != "errored":
        return Transient(f"Anthropic: the request was {kind} in its batch")
    error = result.get("error")
    inner = error.get("error") if isinstance(error, dict) else None
    return failure(status_of(inner) or 400, words_of(inner or error), {}, place)
