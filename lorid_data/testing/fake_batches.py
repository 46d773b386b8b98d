"""The batch APIs of the fake teacher: files and batches of OpenAI, message batches of Anthropic."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aiohttp import web


class Answers(Protocol):
    """Who answers the lines of a batch."""

    def answer_line(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for one line."""
        ...


@dataclass(slots=True)
class FakeBatch:
    """A submitted batch; it ends `ends_s` after it was made."""

    id: str
    made_s: float
    lines: list[tuple[str, str, dict[str, Any]]]
    metadata: dict[str, str] = field(default_factory=dict)
    base: str = ""
    results: list[tuple[str, int, dict[str, Any]]] | None = None
    error: tuple[str, str] | None = None
    """Code and message, where it failed as a whole."""


class FakeBatches:
    """Batches that end after `ends_s` seconds.

    Attributes:
        batches: all that were submitted, oldest first.
        drop_replies: so many submissions are taken, but their reply is lost.
        most_lines: a batch of more lines fails, because too many tokens are enqueued; so does one
            that comes while another is under way.
        fails: the code and message of the error with which the next batches fail, one each.
        gone: what answers 404 from now on: ids of batches and files; "all" is every batch.
        archived: whether results can no longer be read (Anthropic).
        raw_lines: whether results hold U+2028 and the like as they are, not as escapes.
        prefix: bytes that each file of results begins with.
    """

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.ends_s = 0.0
        self.drop_replies = 0
        self.most_lines: int | None = None
        self.fails: list[tuple[str, str]] = []
        self.gone: set[str] = set()
        self.archived = False
        self.raw_lines = False
        self.prefix = b""
        self.batches: list[FakeBatch] = []
        self.files: dict[str, bytes] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add every path."""
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files/{id}/content", self._content)
        router.add_post("/v1/batches", self._create)
        router.add_get("/v1/batches", self._list)
        router.add_get("/v1/batches/{id}", self._retrieve)
        router.add_post("/v1/messages/batches", self._create_messages)
        router.add_get("/v1/messages/batches", self._list_messages)
        router.add_get("/v1/messages/batches/{id}", self._retrieve_messages)
        router.add_get("/v1/messages/batches/{id}/results", self._results_messages)

    # --- OpenAI ---

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload: Any = form["file"]
        name = f"file-{len(self.files)}"
        self.files[name] = upload.file.read()
        return _json({"id": name, "object": "file", "bytes": len(self.files[name]), "created_at": 1, "filename": "b.jsonl", "purpose": "batch", "status": "processed"})  # fmt: skip

    async def _content(self, request: web.Request) -> web.Response:
        from aiohttp import web

        name = request.match_info["id"]
        if name in self.gone:
            return _not_found(f"No such File object: {name}")
        return web.Response(body=self.files[name])

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        text = self.files[body["input_file_id"]].decode()
        lines = [json.loads(x) for x in text.splitlines()]
        parsed = [(x["custom_id"], x["url"], x["body"]) for x in lines]
        under_way = any(self._now(b).results is None and b.error is None for b in self.batches)
        taken = self._take(request, parsed, body.get("metadata") or {}, _openai)
        if self.most_lines is not None and (under_way or len(parsed) > self.most_lines):
            said = f"Enqueued token limit reached for m in organization o. Limit: {self.most_lines} enqueued tokens."
            self.batches[-1].error = ("token_limit_exceeded", said)
        return taken

    async def _list(self, _: web.Request) -> web.Response:
        data = [_openai(self._now(b)) for b in reversed(self.batches)]
        return _json({"object": "list", "data": data, "has_more": False})

    async def _retrieve(self, request: web.Request) -> web.Response:
        if self._is_gone(request):
            return _not_found("No batch found with that id")
        batch = self._now(self._find(request))
        if batch.results is not None:
            self.files[f"{batch.id}-out"] = self.prefix + _lines(
                batch, good=True, raw=self.raw_lines
            )
            self.files[f"{batch.id}-err"] = _lines(batch, good=False, raw=self.raw_lines)
        return _json(_openai(batch))

    # --- Anthropic ---

    async def _create_messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        lines = [(x["custom_id"], "/v1/messages", x["params"]) for x in body["requests"]]
        return self._take(request, lines, {}, _anthropic)

    async def _list_messages(self, _: web.Request) -> web.Response:
        data = [_anthropic(self._now(b)) for b in reversed(self.batches)]
        return _json({"data": data, "has_more": False, "first_id": None, "last_id": None})

    async def _retrieve_messages(self, request: web.Request) -> web.Response:
        if self._is_gone(request):
            return _not_found("Batch not found")
        shown = _anthropic(self._now(self._find(request)))
        if self.archived and shown["ended_at"]:
            shown |= {"archived_at": shown["ended_at"], "results_url": None}
        return _json(shown)

    async def _results_messages(self, request: web.Request) -> web.Response:
        from aiohttp import web

        out = []
        for custom_id, status, body in self._now(self._find(request)).results or []:
            result = {"type": "succeeded", "message": body} if status == 200 else {"type": "errored", "error": _named(status, body)}  # fmt: skip
            out.append(_dumps({"custom_id": custom_id, "result": result}, raw=self.raw_lines))
        content = self.prefix + ("\n".join(out) + "\n").encode()
        return web.Response(body=content, content_type="application/x-jsonl")

    # --- both ---

    def _take(
        self, request: web.Request, lines: list[Any], metadata: dict[str, str], show: Any
    ) -> web.StreamResponse:
        batch = FakeBatch(f"batch_{len(self.batches)}", time.time(), lines, metadata)
        batch.base = str(request.url.origin())
        batch.error = self.fails.pop(0) if self.fails else None
        self.batches.append(batch)
        if self.drop_replies:
            self.drop_replies -= 1
            assert request.transport is not None
            request.transport.close()
        return _json(show(batch))

    def _is_gone(self, request: web.Request) -> bool:
        return bool({"all", request.match_info["id"]} & self.gone)

    def _find(self, request: web.Request) -> FakeBatch:
        return next(b for b in self.batches if b.id == request.match_info["id"])

    def _now(self, batch: FakeBatch) -> FakeBatch:
        if (
            batch.error is None
            and batch.results is None
            and time.time() - batch.made_s >= self.ends_s
        ):
            # In another order than they came: results are told apart by their custom_id alone.
            batch.results = [
                (custom_id, *self.answers.answer_line(path, body))
                for custom_id, path, body in reversed(batch.lines)
            ]
        return batch


def _named(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """An error as Anthropic names it."""
    kind = "invalid_request_error" if status < 500 else "api_error"
    return {"type": "error", "error": {"type": kind, "message": body["error"]["message"]}, "request_id": "r"}  # fmt: skip


def _json(body: Any) -> web.Response:
    from aiohttp import web

    return web.json_response(body)


def _not_found(message: str) -> web.Response:
    from aiohttp import web

    return web.json_response({"type": "error", "error": {"type": "not_found_error", "message": message}}, status=404)  # fmt: skip


def _dumps(row: Any, *, raw: bool) -> str:
    return json.dumps(row, ensure_ascii=not raw)


def _lines(batch: FakeBatch, *, good: bool, raw: bool) -> bytes:
    rows = [
        {"id": "r", "custom_id": c, "response": {"status_code": s, "request_id": "q", "body": b}, "error": None}
        for c, s, b in batch.results or []
        if (s == 200) is good
    ]  # fmt: skip
    return "".join(_dumps(r, raw=raw) + "\n" for r in rows).encode()


def _openai(batch: FakeBatch) -> dict[str, Any]:
    done = batch.results is not None
    failed = {} if batch.error is None else {
        "status": "failed",
        "errors": {"object": "list", "data": [{"code": batch.error[0], "message": batch.error[1], "line": None, "param": None}]},
    }  # fmt: skip
    return {
        "id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "f",
        "completion_window": "24h", "status": "completed" if done else "in_progress", "created_at": int(batch.made_s),
        "output_file_id": f"{batch.id}-out" if done else None, "error_file_id": f"{batch.id}-err" if done else None,
        "metadata": batch.metadata, **failed,
    }  # fmt: skip


def _anthropic(batch: FakeBatch) -> dict[str, Any]:
    from datetime import UTC, datetime

    done = batch.results is not None
    made = datetime.fromtimestamp(batch.made_s, UTC).isoformat().replace("+00:00", "Z")
    n = len(batch.lines)
    return {
        "id": batch.id, "type": "message_batch", "processing_status": "ended" if done else "in_progress",
        "request_counts": {"processing": 0 if done else n, "succeeded": n if done else 0, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": made, "expires_at": made, "ended_at": made if done else None, "archived_at": None,
        "cancel_initiated_at": None, "results_url": f"{batch.base}/v1/messages/batches/{batch.id}/results" if done else None,
    }  # fmt: skip
