"""Who may speak to the labelling page: this machine, with the token, from the page itself.

A page of another site that is open in the same browser can send requests to 127.0.0.1. So every
request must name this host (a name rebound to 127.0.0.1 does not) and the token; what changes
anything must come from the page's own origin, as JSON, and be small.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 16_384
"""Bytes of a request's body."""
_BODY_S = 5.0
"""Seconds that each part of a body may take: all of it is sent at once by a browser on this machine."""
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: int
    sentence: str


def refusal(
    method: str, path: str, headers: Mapping[str, str], *, port: int, token: str
) -> Refusal | None:
    """Why a request is refused; None where it is not. Pure.

    Args:
        method: GET, POST, …
        path: with the leading slash; its first part must be the token.
        headers: by lower-case name.
        port: where this server listens.
        token: the secret of the page's address.
    """
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    if headers.get("host", "") not in hosts:
        return Refusal(421, "this server answers to 127.0.0.1 only")
    given = path.split("/")[1] if "/" in path else ""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return Refusal(404, "nothing here: open the address that lorid-data label has printed")
    if method in ("GET", "HEAD"):
        return None
    if method != "POST":
        return Refusal(405, "only GET and POST")
    if headers.get("origin", "") not in {f"http://{host}" for host in hosts}:
        return Refusal(403, "refused: not sent by the labelling page")
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return Refusal(403, "refused: sent by another site")
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return Refusal(415, "refused: not JSON")
    length = headers.get("content-length", "")
    # In pieces, a body may be longer than is said of it.
    if not length.isdecimal() or "transfer-encoding" in headers:
        return Refusal(411, "refused: the length of the body is missing")
    if int(length[:12]) > MAX_BODY:
        return Refusal(413, f"refused: more than {MAX_BODY:,} bytes")
    return None


def _in_time(receive: Receive) -> Receive:
    """The body of a request, or the end of the connection where it does not come: nobody waits for it."""

    async def timed() -> Message:
        try:
            return await asyncio.wait_for(receive(), _BODY_S)
        except TimeoutError:
            return {"type": "http.disconnect"}

    return timed


class Guard:
    """ASGI middleware: refuses, or passes on without the token, and sets the headers."""

    def __init__(self, app: ASGIApp, *, port: int, token: str, policy: str) -> None:
        self._app, self._port, self._token = app, port, token
        self._headers = [*HEADERS, (b"content-security-policy", policy.encode("ascii"))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        refused = refusal(
            scope["method"], scope["path"], headers, port=self._port, token=self._token
        )
        if refused is not None:
            await _say(refused, with_headers)
            return
        receive = _in_time(receive)
        path = scope["path"][len(self._token) + 1 :] or "/"
        try:
            await self._app(
                {**scope, "path": path, "raw_path": path.encode()}, receive, with_headers
            )
        except (ClientDisconnect, asyncio.CancelledError):
            await _say(Refusal(408, "refused: the body has not come"), with_headers)


async def _say(refused: Refusal, send: Send) -> None:
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refused.status, "headers": plain})
    await send({"type": "http.response.body", "body": refused.sentence.encode()})
