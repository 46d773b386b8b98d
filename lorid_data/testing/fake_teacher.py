"""A paid model on 127.0.0.1: it speaks the APIs of OpenAI and Anthropic, and fails as told.

    with FakeTeacher(faults=[Fault("status", status=429, retry_after="1")]) as teacher:
        subprocess.run([...], env={**os.environ, **teacher.environment})

It answers chat completions, messages and models, and the batch APIs of both providers (`batches`). A reply follows
from the question alone, so that two runs can be compared.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from lorid_data.testing.fake_replies import (
    PARAMETER,
    Shape,
    allowed_tokens,
    chat_reply,
    dress,
    error_body,
    error_inside,
    last_prompt,
    message_reply,
    rung_of,
)

if TYPE_CHECKING:
    from aiohttp import web

    from lorid_data.testing.fake_batches import FakeBatches

KEY = "sk-fake-0123456789abcdef"
"""The key that the server expects where `check_key` is set."""
Kind = Literal[
    "status", "slow", "cut", "bad_json", "wrong_shape", "refusal", "truncated", "duplicate_keys",
    "not_http_json", "empty", "finish", "error_inside", "text", "body",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: `status` (an HTTP error), `slow` (the reply comes after `delay_s`), `cut` (the
            connection ends without a reply), `bad_json` and `wrong_shape` (the model's text is not
            as asked), `refusal`, `truncated` (unless at least `enough_tokens` are allowed),
            `duplicate_keys`, `not_http_json` (a proxy's page instead of an API's reply), `empty` (no
            text), `finish` (the text ends for the reason `message`), `error_inside` (status 200 and
            an error with `status` and `message`; in the choice where `code` is "choice"), `text` (the
            model writes `message`), `body` (the reply is `payload`, bytes or JSON, with `headers`).
    """

    kind: Kind
    status: int = 500
    retry_after: str | None = None
    message: str = "scripted fault"
    code: str | None = None
    delay_s: float = 0.0
    enough_tokens: int = 4000
    payload: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket over requests: `per_s`, with `burst` at once; `stated` in the headers or not."""

    per_s: float
    burst: int = 10
    stated: bool = True
    retry_after: str | None = "0.1"


@dataclass(slots=True)
class Seen:
    """One request that arrived.

    Attributes:
        prompt: text of the last user message.
        status: HTTP status that was sent; 0 where the connection was cut.
    """

    at_s: float
    path: str
    prompt: str
    body: dict[str, Any]
    headers: dict[str, str]
    status: int = 0


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def rules_for(prompt: str) -> list[str]:
    """What the fake model writes for a prompt."""
    digest = hashlib.sha256(prompt.encode()).hexdigest()[:8]
    return [f"Rule {digest}: read the quantities.", "Combine them in order."]


@dataclass(slots=True)
class FakeTeacher:
    """The server; a context manager. What it does may be changed while it runs.

    Attributes:
        latency_s: how long each good reply takes.
        faults: one per request in the order of arrival, None for a good reply; then good replies.
            Or a function of the number of the request and of its prompt.
        rungs: ways to ask for a schema that it understands; others are refused with status 400.
        check_key: whether to refuse another key than `KEY` with status 401.
        limit: a rate limit.
        text: what the model writes for a prompt; by default JSON of `rules_for`.
        usage: what stands under `usage` of each reply, made of the true counts.
        shape: how each reply is dressed, see `fake_replies.dress`.
        keep_requests: whether to keep `seen`; a long benchmark does without.
        seen: every request for a completion, lines of batches included.
    """

    latency_s: float = 0.0
    faults: Iterable[Fault | None] | Callable[[int, str], Fault | None] = ()
    rungs: frozenset[str] = frozenset({"schema", "tool", "json_object", "prompt"})
    check_key: bool = False
    limit: Limit | None = None
    text: Callable[[str], str] | None = None
    usage: Callable[[dict[str, Any]], Any] | None = None
    shape: Shape = "plain"
    keep_requests: bool = True
    seen: list[Seen] = field(default_factory=list)
    n_requests: int = 0
    n_in_flight: int = 0
    most_in_flight: int = 0
    port: int = 0
    batches: FakeBatches | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _level: float = 0.0
    _filled_at: float = 0.0

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        while not ready.wait(0.2):
            if not self._thread.is_alive():
                raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """Base URL of its OpenAI-compatible API, `/v1` included."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to take this for OpenAI and for Anthropic."""
        return {
            "OPENAI_BASE_URL": self.url,
            "OPENAI_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}",
            "ANTHROPIC_API_KEY": KEY,
            "LORID_SERVER_API_KEY": KEY,
        }

    def count(self) -> Counter[str]:
        """How many requests came with each prompt."""
        return Counter(s.prompt for s in self.seen)

    def _run(self, ready: threading.Event) -> None:
        from aiohttp import web

        from lorid_data.http.transport import allow_many_files

        allow_many_files()
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)

        async def start() -> None:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
            await site.start()
            self.port = runner.addresses[0][1]

        self._loop.run_until_complete(start())
        # Not before: a stop that came while starting would be forgotten.
        self._loop.call_soon(ready.set)
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.run_until_complete(_cancel_others())  # replies that nobody waits for any more
        self._loop.close()

    def _app(self) -> web.Application:
        from aiohttp import web

        from lorid_data.testing.fake_batches import FakeBatches

        self.batches = self.batches or FakeBatches(self)
        app = web.Application(client_max_size=256 * 2**20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/messages", self._complete)
        app.router.add_get("/v1/models", self._models)
        self.batches.add_routes(app.router)
        return app

    async def _models(self, _: web.Request) -> web.Response:
        from aiohttp import web

        return web.json_response({"object": "list", "data": [{"id": "fake", "object": "model"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        body = await request.json()
        prompt = last_prompt(body)
        number, self.n_requests = self.n_requests, self.n_requests + 1
        seen = Seen(time.monotonic(), request.path, prompt, body, dict(request.headers))
        if self.keep_requests:
            self.seen.append(seen)
        self.n_in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.n_in_flight)
        try:
            status, payload, headers = await self._decide(request, number, prompt, body)
        finally:
            self.n_in_flight -= 1
        seen.status = status
        if status == 0:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(payload, str):
            return web.Response(text=payload, status=status, headers=headers)
        if isinstance(payload, bytes):
            named = {"Content-Type": "application/json", **headers}
            return web.Response(body=payload, status=status, headers=named)
        return web.json_response(payload, status=status, headers=headers)

    async def _decide(
        self, request: web.Request, number: int, prompt: str, body: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, payload and headers; status 0 is a cut connection."""
        if self.check_key and not _has_key(request.headers):
            return 401, error_body(f"Incorrect API key provided: {_given(request.headers)}"), {}
        headers, allowed = self._take()
        if not allowed:
            assert self.limit is not None
            if self.limit.retry_after is not None:
                headers["Retry-After"] = self.limit.retry_after
            return 429, error_body("Rate limit reached", "rate_limit_exceeded"), headers
        rung = rung_of(body)
        if rung not in self.rungs:
            return 400, error_body(f"unsupported parameter for {rung}: {PARAMETER[rung]}"), headers
        fault = self._fault(number, prompt)
        await asyncio.sleep(fault.delay_s if fault and fault.kind == "slow" else self.latency_s)
        if fault is not None and fault.kind == "status":
            if fault.retry_after is not None:
                headers["Retry-After"] = fault.retry_after
            return fault.status, error_body(fault.message, fault.code), headers
        if fault is not None and fault.kind == "cut":
            return 0, None, {}
        if fault is not None and fault.kind == "not_http_json":
            return 200, "<html>a proxy says hello</html>", headers
        if fault is not None and fault.kind == "body":
            return fault.status, fault.payload, {**headers, **fault.headers}
        return 200, self.reply(request.path, body, fault), headers

    def answer_line(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for one line of a batch."""
        prompt = last_prompt(body)
        number, self.n_requests = self.n_requests, self.n_requests + 1
        seen = Seen(time.monotonic(), path, prompt, body, {})
        self.seen.append(seen)
        fault, rung = self._fault(number, prompt), rung_of(body)
        seen.status = fault.status if fault is not None and fault.kind == "status" else 200
        if rung not in self.rungs:
            seen.status = 400
            return 400, error_body(f"unsupported parameter for {rung}: {PARAMETER[rung]}")
        if fault is not None and fault.kind == "status":
            return fault.status, error_body(fault.message, fault.code)
        return 200, self.reply(path, body, fault)

    def reply(self, path: str, body: dict[str, Any], fault: Fault | None = None) -> dict[str, Any]:
        """The good reply to a request's body, or one with a fault of the model."""
        if fault is not None and fault.kind == "error_inside":
            return error_inside(fault.status, fault.message, in_choice=fault.code == "choice")
        prompt = last_prompt(body)
        text = self.text(prompt) if self.text else json.dumps({"output": rules_for(prompt)})
        text, finish = written(text, prompt, body, fault)
        make = message_reply if path.endswith("/messages") else chat_reply
        reply = dress(make(body, text, finish), self.shape)
        if self.usage is not None:
            reply["usage"] = self.usage(reply["usage"])
        return reply

    def _fault(self, number: int, prompt: str) -> Fault | None:
        if callable(self.faults):
            return self.faults(number, prompt)
        if not isinstance(self.faults, list):
            self.faults = list(self.faults)
        return self.faults[number] if number < len(self.faults) else None

    def _take(self) -> tuple[dict[str, str], bool]:
        """Take one from the rate limit's bucket: headers that state it, and whether there was one."""
        if self.limit is None:
            return {}, True
        now, limit = time.monotonic(), self.limit
        if self._filled_at == 0:
            self._level, self._filled_at = limit.burst, now
        self._level = min(limit.burst, self._level + (now - self._filled_at) * limit.per_s)
        self._filled_at = now
        allowed = self._level >= 1
        self._level -= allowed
        reset_s = (limit.burst - self._level) / limit.per_s
        stated = {
            "x-ratelimit-limit-requests": str(limit.burst),
            "x-ratelimit-remaining-requests": str(int(self._level)),
            "x-ratelimit-reset-requests": f"{reset_s:.3f}s",
        }
        return (stated if limit.stated else {}), allowed


def written(
    text: str, prompt: str, body: Mapping[str, Any], fault: Fault | None
) -> tuple[str, str]:
    """What the model writes instead of a good text, and why it ends."""
    match fault and fault.kind:
        case "bad_json":
            return "Sure! " + text[:-2], "stop"
        case "wrong_shape":
            return json.dumps({"rules": rules_for(prompt)}), "stop"
        case "duplicate_keys":
            return text[:-1] + ', "output": ["again"]}', "stop"
        case "refusal":
            return "I cannot help with that.", "refusal"
        case "truncated" if fault and allowed_tokens(body) < fault.enough_tokens:
            return text[: len(text) // 2], "length"
        case "empty":
            return "", "stop"
        case "finish" if fault:
            return text, fault.message
        case "text" if fault:
            return fault.message, "stop"
    return text, "stop"


def _has_key(headers: Mapping[str, str]) -> bool:
    return _given(headers) == KEY


def _given(headers: Mapping[str, str]) -> str:
    return headers.get("x-api-key") or headers.get("Authorization", "").removeprefix("Bearer ")
