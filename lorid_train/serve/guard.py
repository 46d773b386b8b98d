"""Who may speak to the server, and for how long: this machine, or whoever has the key.

A page that is open in a browser on this machine can send requests to 127.0.0.1. So a request must
name this host (a name rebound to 127.0.0.1 does not), come from no other origin, and be JSON, which
a page of another origin cannot send unasked.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lorid_train.serve.body import MOST_BYTES
from lorid_train.serve.refusals import RefusedError

_PART_S = 10.0
"""Seconds that each part of a body may take."""
_BODY_S = 30.0
"""Seconds that all of it may take."""
_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    hosts: frozenset[str] | None,
    key: str | None,
) -> RefusedError | None:
    """Why a request is refused; None where it is not. Pure.

    Args:
        method: GET, POST, …
        path: of the request.
        headers: by lower-case name.
        hosts: what the request may call this host; None where any name will do.
        key: that must be given as a bearer token; None where none is needed.
    """
    host = headers.get("host", "")
    if hosts is not None and host.lower() not in hosts:
        return RefusedError("this server answers to 127.0.0.1 and localhost only", status=421)
    origin = headers.get("origin")
    if origin is not None and urlsplit_netloc(origin) != host.lower():
        return RefusedError("refused: sent by a page of another origin", status=403)
    if path == "/health":
        return None
    if key is not None and not _has_key(headers.get("authorization", ""), key):
        msg = "the key is missing or wrong; send it as Authorization: Bearer KEY"
        return RefusedError(msg, status=401, code="invalid_api_key")
    if method != "POST":
        return None
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return RefusedError(
            "the body must be JSON; send Content-Type: application/json", status=415
        )
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or int(length[:12]) > MOST_BYTES:
        return _too_large()
    return None


def urlsplit_netloc(origin: str) -> str:
    """Host and port of an origin; empty where it has none, as `null`."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _has_key(given: str, key: str) -> bool:
    kind, _, value = given.partition(" ")
    right = hmac.compare_digest(value.strip().encode("utf-8", "replace"), key.encode())
    return right and kind.lower() == "bearer"


def _too_large() -> RefusedError:
    return RefusedError(f"the body is larger than {MOST_BYTES:,} bytes", status=413)


class Guard:
    """ASGI middleware: refuses, or passes on; limits the body in size and time."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str] | None, key: str | None) -> None:
        self._app, self._hosts, self._key = app, hosts, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        refused = refusal(scope["method"], scope["path"], headers, hosts=self._hosts, key=self._key)
        has_begun = False

        async def with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        if refused is None:
            try:
                await self._app(scope, _limited(receive), with_headers)
            except RefusedError as e:
                if has_begun:
                    raise
                refused = e
        if refused is not None:
            await _say(refused, with_headers)


def _limited(receive: Receive) -> Receive:
    """The body of a request, as long as it comes and is no longer than it may be.

    Raises (when called):
        RefusedError: it does not come (408), is too long (413), or the client went away meanwhile.
    """
    n_bytes, is_whole, until = 0, False, time.monotonic() + _BODY_S

    async def limited() -> Message:
        nonlocal n_bytes, is_whole
        if is_whole:
            return await receive()
        try:
            left = min(_PART_S, until - time.monotonic())
            message = await asyncio.wait_for(receive(), max(0.0, left))
        except TimeoutError as e:
            raise RefusedError("the body has not come", status=408) from e
        if message["type"] == "http.request":
            n_bytes += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if n_bytes > MOST_BYTES:
                raise _too_large()
        return message

    return limited


async def _say(refused: RefusedError, send: Send) -> None:
    # What is left of the body is not read: the connection ends with the reply.
    headers = {"content-type": "application/json", "connection": "close", **refused.headers}
    head = [(k.encode(), v.encode()) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": head})
    await send({"type": "http.response.body", "body": json.dumps(refused.body).encode()})
