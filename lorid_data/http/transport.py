"""One pool of connections for what is asked of models."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lorid_data.http.retrying import Transient
from lorid_data.texts import strict_json

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientTimeout

_CONNECT_S = 15.0
"""A server that takes longer to accept a connection is not there."""
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""After so many seconds without a word the other end is asked, so often, so many times."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply whatever its status; names of headers in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """A pool of connections. Opened by the first request; closed with `close`.

    Args:
        headers: what every request is sent with, beside its type.
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        import aiohttp  # noqa: F401  (not in the middle of the first request)

        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._session: ClientSession | None = None

    async def post(
        self, url: str, body: bytes, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> HttpReply:
        """Send JSON, with more headers if need be.

        Raises:
            Transient: there was no reply in time, or no connection.
        """
        import aiohttp

        if self._session is None:
            allow_many_files()
            connector = aiohttp.TCPConnector(
                limit=0, keepalive_timeout=30, socket_factory=_watched_socket
            )
            # Looking for a proxy costs two thread switches per request: only where one is named.
            has_proxy = any(name.lower().endswith("_proxy") for name in os.environ)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                trust_env=has_proxy,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.post(
                url,
                data=body,
                headers=headers,
                timeout=_timeout(timeout_s),
                allow_redirects=False,
            ) as r:
                data = await r.read()
                return HttpReply(r.status, r.headers, data)
        except aiohttp.ClientConnectorError as e:
            raise Transient(f"{url}: cannot connect ({e.strerror or type(e).__name__})") from e
        except TimeoutError as e:
            raise Transient(f"{url}: no reply within {timeout_s:g} s", maybe_paid=True) from e
        except aiohttp.ClientError as e:
            raise Transient(
                f"{url}: the connection broke ({type(e).__name__})", maybe_paid=True
            ) from e

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


@cache
def _timeout(total_s: float) -> ClientTimeout:
    import aiohttp

    return aiohttp.ClientTimeout(total=total_s, sock_connect=min(total_s, _CONNECT_S))


def _watched_socket(address: Any) -> socket.socket:
    """A socket whose other end is asked now and then whether it is still there.

    A machine that is gone breaks no connection: without this, a reply of it would be waited for
    until the request's own limit.
    """
    family, kind, protocol, _, _ = address
    watched = socket.socket(family, kind, protocol)
    watched.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:  # not every system has all of them
            watched.setsockopt(socket.IPPROTO_TCP, option, value)
    return watched


def read_json(body: bytes) -> Any:
    """What JSON text holds.

    Raises:
        ValueError: it is no JSON, or a name stands twice in one of its objects.
    """
    return strict_json.parse(body)


def allow_many_files() -> None:
    """Raise the limit of open files to what the system allows this process; never beyond."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        with suppress(ValueError, OSError):
            wanted = 65536 if hard == resource.RLIM_INFINITY else hard
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
