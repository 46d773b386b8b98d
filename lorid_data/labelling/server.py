"""The labelling page over HTTP on 127.0.0.1: thin routes over a `Session`."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from lorid_data.errors import ConfigError
from lorid_data.labelling.guard import Guard
from lorid_data.labelling.page import policy, render
from lorid_data.labelling.session import ConflictError, Session
from lorid_data.labelling.types import Wanted
from lorid_data.texts import strict_json

HOST = "127.0.0.1"
Handler = Callable[[Request], Awaitable[Response]]


class Server:
    """One page for one annotator, until it is told to end."""

    def __init__(self, session: Session, port: int = 0) -> None:
        """Take a port of 127.0.0.1; 0 is any free one.

        Raises:
            ConfigError: the port is taken.
        """
        self.session = session
        self.token = secrets.token_urlsafe(18)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen()  # from now on a browser waits instead of being refused
        except OSError as e:
            self._socket.close()
            msg = f"--port {port}: {e.strerror or e}; choose another, or leave it out"
            raise ConfigError(msg) from e
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}/{self.token}/"
        self.ended_by_page = False
        config = uvicorn.Config(
            Guard(_app(session, self._end), port=self.port, token=self.token, policy=policy()),
            # An access log would hold the token; sockets and start-up events are not needed.
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._uvicorn = uvicorn.Server(config)

    def _end(self) -> None:
        self.ended_by_page = True
        self._uvicorn.should_exit = True

    def run(self) -> None:
        """Serve until the page or a signal (SIGINT, SIGTERM) ends it; requests in flight finish."""
        try:
            asyncio.run(self._uvicorn.serve(sockets=[self._socket]))
        except KeyboardInterrupt:
            pass
        finally:
            self._socket.close()


def _app(session: Session, end: Callable[[], None]) -> Starlette:
    async def page(_: Request) -> Response:
        return HTMLResponse(render(session.folder.resolve().name, session.annotator))

    async def state(_: Request) -> Response:
        return _json(session.state())

    async def sample(request: Request) -> Response:
        return _json(session.sample(_index(request, session)))

    async def peek(request: Request) -> Response:
        return _json(session.peek(_index(request, session)))

    async def say(request: Request) -> Response:
        body = await request.body()
        try:
            wanted = strict_json.parse(body)
        except ValueError as e:
            return JSONResponse({"error": f"not a label: {e}"}, 422)
        return _json(session.say(Wanted.model_validate(wanted)))

    async def undo(_: Request) -> Response:
        return _json({"index": session.undo()})

    async def summary(_: Request) -> Response:
        return _json(session.report())

    async def finish(_: Request) -> Response:
        session.write()
        end()
        return _json({"ended": True})

    routes: list[tuple[str, Handler, str]] = [
        ("/", page, "GET"),
        ("/api/state", state, "GET"),
        ("/api/sample/{index}", sample, "GET"),
        ("/api/peek/{index}", peek, "POST"),
        ("/api/label", say, "POST"),
        ("/api/undo", undo, "POST"),
        ("/api/summary", summary, "GET"),
        ("/api/finish", finish, "POST"),
    ]
    return Starlette(
        routes=[Route(path, _told(handler), methods=[method]) for path, handler, method in routes]
    )


def _index(request: Request, session: Session) -> int:
    given = request.path_params["index"]
    if not re.fullmatch(r"[0-9]+", given, re.ASCII):
        raise HTTPException(404)
    # More digits than any sample has: not even read as a number.
    index = int(given) if len(given) < 10 else len(session.order)
    if index >= len(session.order):
        msg = f"there is no sample {given[:12]!r}, counted from 0: this folder's sample has {len(session.order)}"
        raise ConflictError(msg)
    return index


def _json(body: Any) -> Response:
    return Response(json.dumps(body, ensure_ascii=True), media_type="application/json")


def _told(handler: Handler) -> Handler:
    """The handler with its expected errors as answers: the page shows the sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValidationError as e:
            first = e.errors()[0]
            where = ".".join(map(str, first["loc"]))
            return JSONResponse({"error": f"not a label: {where}: {first['msg']}"}, 422)
        except ConflictError as e:
            return JSONResponse({"error": str(e)}, 409)
        except (OSError, sqlite3.Error) as e:
            return JSONResponse({"error": f"not saved: {e}"}, 507)

    return answer
