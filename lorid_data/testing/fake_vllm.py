"""A vLLM server with LoRA adapters on 127.0.0.1: completions from token ids, and failures as told.

    with FakeVllm(adapters=("ir", "kg", "dr")) as server:
        subprocess.run(["lorid-train", "evaluate", "--engine", "server", "--server", server.url, …])

What it writes follows from the model's name, the prompt's ids and, above temperature 0, the seed
alone, so that runs can be compared. It has no chat: who asks for it gets a 404.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from aiohttp import web

BASE = "base"
_LARGEST_SEED = 2**63 - 1


def words_for(body: dict[str, Any]) -> str:
    """What the fake model writes for a request: a few words, then a small number as its answer."""
    seed = body["seed"] if body["temperature"] > 0 else None
    digest = hashlib.sha256(repr((body["model"], body["prompt"], seed)).encode()).digest()
    words = " ".join(f"w{byte}" for byte in digest[: 3 + digest[0] % 5])
    return f"{words}\n--> {digest[1] % 3} END"


@dataclass(slots=True)
class FakeVllm:
    """The server; a context manager. What it does may be changed while it runs.

    Attributes:
        adapters: names of its LoRA modules.
        text: what a model writes for a request body; `words_for` by default. Tokens are words.
        max_model_len: longest prompt and text together, as /v1/models states it.
        statuses: HTTP statuses of the first requests in order of arrival; 200 answers, 0 cuts the
            connection. After them every request is answered.
        dies_after: so many completions are asked for, then it stops as in `die`.
        latency_s: how long a reply takes.
        key: the bearer token that it wants, if any.
        seen: the body of every completion asked for.
        port: where it listens; 0 takes a free one.
    """

    adapters: Sequence[str] = ("ir", "kg", "dr")
    text: Callable[[dict[str, Any]], str] = words_for
    max_model_len: int = 4096
    statuses: Iterable[int] = ()
    dies_after: int | None = None
    latency_s: float = 0.0
    key: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    most_in_flight: int = 0
    port: int = 0
    _n_in_flight: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _ended: asyncio.Event | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        ready = threading.Event()
        self.statuses = iter(self.statuses)
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        while not ready.wait(0.2):
            if not self._thread.is_alive():
                raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        self.die()

    def die(self) -> None:
        """Stop at once: open connections break, new ones are refused."""
        if self._loop is None or self._ended is None or self._thread is None:
            return
        with suppress(RuntimeError):  # it has stopped by itself
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop = self._ended = self._thread = None

    @property
    def url(self) -> str:
        """Its base URL, `/v1` included."""
        return f"http://127.0.0.1:{self.port}/v1"

    def _run(self, ready: threading.Event) -> None:
        from aiohttp import web

        loop = self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        ended = self._ended = asyncio.Event()
        app = web.Application(client_max_size=2**26)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/completions", self._complete)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0)

        async def serve() -> None:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self.port, backlog=1024).start()
            self.port = runner.addresses[0][1]
            ready.set()
            await ended.wait()
            server = runner.server
            await runner.cleanup()
            # What was being accepted meanwhile is closed too, or its client would wait for ever.
            for _ in range(5):
                await asyncio.sleep(0)
            if server is not None:
                await server.shutdown(0.0)

        loop.run_until_complete(serve())
        loop.close()

    async def _models(self, request: web.Request) -> web.Response:
        from aiohttp import web

        if not self._may(request):
            return _error(401, "Unauthorized")
        names = [BASE, *self.adapters]
        data = [{"id": n, "object": "model", "max_model_len": self.max_model_len} for n in names]
        return web.json_response({"object": "list", "data": data})

    def _may(self, request: web.Request) -> bool:
        return self.key is None or request.headers.get("Authorization") == f"Bearer {self.key}"

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append(body)
        if self.dies_after is not None and len(self.seen) > self.dies_after:
            assert self._ended is not None
            self._ended.set()
        self._n_in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._n_in_flight)
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self._n_in_flight -= 1
        status = next(iter(self.statuses), 200)
        if status == 0:
            assert request.transport is not None
            request.transport.close()
        if status != 200:
            return _error(status or 500, "scripted fault")
        if not self._may(request):
            return _error(401, "Unauthorized")
        if body.get("model") not in (BASE, *self.adapters):
            return _error(404, f"The model `{body.get('model')}` does not exist.")
        wrong = wrong_with(body, self.max_model_len)
        return _error(400, wrong) if wrong else _reply(body, self.text(body))


def wrong_with(body: dict[str, Any], max_model_len: int) -> str:
    """What a real server would refuse in a request; empty where nothing."""
    prompt, room = body.get("prompt"), body.get("max_tokens")
    if not isinstance(prompt, list) or not all(type(i) is int for i in prompt):
        return "prompt: token ids are expected here"
    if type(room) is not int or room < 1:
        return f"max_tokens must be at least 1, got {room!r}"
    if len(prompt) + room > max_model_len:
        return f"This model's maximum context length is {max_model_len} tokens."
    if not body.get("top_k", 0) >= -1 or not 0 < body.get("top_p", 1.0) <= 1:
        return "top_k or top_p is out of range"
    if not 0 <= body.get("seed", 0) <= _LARGEST_SEED:
        return "seed: must fit 64 bits"
    return ""


def _error(status: int, message: str) -> web.Response:
    from aiohttp import web

    body = {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}
    return web.json_response(body, status=status)


def _reply(body: dict[str, Any], text: str) -> web.Response:
    """The text, cut to `max_tokens` words; a text that ends has its end token counted."""
    from aiohttp import web

    words = text.split(" ")
    room = body["max_tokens"]
    is_cut = len(words) >= room
    choice = {
        "index": 0,
        "text": " ".join(words[:room]),
        "logprobs": None,
        "finish_reason": "length" if is_cut else "stop",
        "stop_reason": None if is_cut else (body.get("stop_token_ids") or [None])[0],
    }
    n_prompt, n_tokens = len(body["prompt"]), min(len(words) + 1, room)
    usage = {
        "prompt_tokens": n_prompt,
        "completion_tokens": n_tokens,
        "total_tokens": n_prompt + n_tokens,
    }
    content = {"id": "cmpl-fake", "object": "text_completion", "model": body["model"]}
    return web.json_response({**content, "choices": [choice], "usage": usage})
