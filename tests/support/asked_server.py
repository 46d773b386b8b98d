"""A `lorid-train serve` in this process, and plain HTTP to it. Loaded with `runpy.run_path`."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lorid_train.engines.base import Engine, GenRequest, Sampling
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.serve.server import Server
from lorid_train.serve.wanted import Defaults
from lorid_train.solve.question import LoopSettings

SAMPLING = Sampling(temperature=0.8, max_new_tokens=16)


def texts(
    ir: list[str], dr: list[str], kg: str = "Add.\nCount.", cg: tuple[str, ...] = ()
) -> Callable[[GenRequest], str]:
    """What each role writes in round 1, 2, …; the server keeps the draw's key in its own."""

    def script(request: GenRequest) -> str:
        _, key = request.key  # type: ignore[misc]
        if key.role == "kg":
            return kg
        said = {"ir": ir, "dr": dr, "cg": cg}[key.role]
        return said[min(key.round, len(said)) - 1]

    return script


@contextmanager
def serving(engine: Engine | None = None, **options: Any) -> Iterator[Server]:
    """A server in a thread, drained at the end."""
    engine = engine or ScriptedEngine(texts(["#### 1", "#### 2"], ["#### 2"]), batch_size=4)
    settings = options.pop("settings", LoopSettings(rounds=4))
    defaults = options.pop("defaults", Defaults(SAMPLING, seed=0, most_tokens=64))
    server = Server(engine, settings, defaults, **options)
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            server.run()
            ended.append(None)
        except Exception as e:  # noqa: BLE001
            ended.append(e)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    server.ended = ended  # type: ignore[attr-defined]
    server.thread = thread  # type: ignore[attr-defined]
    try:
        yield server
    finally:
        server.stop()
        thread.join(30)


def ask(
    server: Server,
    body: Any,
    path: str = "/v1/chat/completions",
    method: str = "POST",
    **headers: str,
) -> tuple[int, Any]:
    """Status and JSON of one request; a body that is bytes is sent as it is."""
    status, _, content = raw(server, body, path, method, **headers)
    return status, json.loads(content)


def raw(
    server: Server,
    body: Any,
    path: str = "/v1/chat/completions",
    method: str = "POST",
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {
        "Content-Type": "application/json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    connection.request(method, path, data if method == "POST" else None, given)
    reply = connection.getresponse()
    found = reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
    connection.close()
    return found


def chat(question: str = "1 + 1?", model: str = "lorid", **more: Any) -> dict[str, Any]:
    """The body of a question."""
    return {"model": model, "messages": [{"role": "user", "content": question}], **more}


def events(content: bytes) -> list[dict[str, Any]]:
    """The events of a stream, which ends as it should."""
    lines = [x.removeprefix(b"data: ") for x in content.split(b"\n\n") if x]
    assert lines[-1] == b"[DONE]"
    return [json.loads(x) for x in lines[:-1]]
