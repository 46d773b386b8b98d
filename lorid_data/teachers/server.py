"""The teacher `server:MODEL@URL[,URL…]`: any OpenAI-compatible server, over plain HTTP.

vLLM, llama.cpp, `transformers serve`, Ollama, …; several URLs serve the same model and share the work.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from pydantic_core import to_json

from lorid_data.errors import ConfigError
from lorid_data.http.balancer import REST_S, Balancer
from lorid_data.http.retrying import Transient
from lorid_data.http.transport import Transport, read_json
from lorid_data.teachers.backend import (
    RUNGS,
    Answered,
    Place,
    Rung,
    Tier,
    failure,
)
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.chat import chat_body, read_chat
from lorid_data.teachers.provider_errors import ErrorInside, error_text

KEY_NAME = "LORID_SERVER_API_KEY"


class ServerBackend:
    """Chat completions of one model on one or several servers.

    Args:
        spec: `MODEL@URL[,URL…]`; a URL is a base URL, `/v1` included.
        timeout_s: most that a reply may take.

    Raises:
        ConfigError: the specification is none.
    """

    kind = "server"
    rungs = RUNGS

    def __init__(self, spec: str, *, timeout_s: float = 600.0, tier: Tier = "online") -> None:
        if tier != "online":
            raise ConfigError(f"--mode {tier}: a server of one's own has the mode online only")
        self.model, self.endpoint, urls = parse_spec(spec)
        self._balancer = Balancer(urls)
        key = os.environ.get(KEY_NAME)
        self._transport = Transport({"Authorization": f"Bearer {key}"} if key else {})
        self._timeout_s = timeout_s

    async def send(self, request: TeacherRequest, rung: Rung) -> Answered:
        """Send a request once; see `Backend.send`."""
        body = to_json(chat_body(request, rung))
        place = self._balancer.take()
        rest_s = 0.0
        try:
            reply = await self._transport.post(
                f"{place.url}/chat/completions", body, timeout_s=self._timeout_s
            )
        except Transient:
            rest_s = REST_S
            raise
        finally:
            self._balancer.give_back(place, rest_s=rest_s)
        about = Place(place.url, rung, KEY_NAME, request)
        if reply.status != 200:
            raise failure(reply.status, error_text(reply.body), reply.headers, about)
        try:
            return read_chat(read_json(reply.body), reply.headers, place.url)
        except ErrorInside as e:
            raise failure(e.status, str(e), e.headers, about) from None
        except ValueError as e:
            raise Transient(f"{place.url}: the reply is not JSON", maybe_paid=True) from e

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()


def parse_spec(spec: str) -> tuple[str, str, tuple[str, ...]]:
    """Model, the endpoint as it belongs to a request's key, and the URLs, of `MODEL@URL[,URL…]`.

    Raises:
        ConfigError: with every problem.
    """
    model, at, rest = spec.rpartition("@http")
    urls = tuple(("http" + rest).split(",")) if at else ()
    if not model or not urls:
        raise ConfigError(
            f"teacher 'server:{spec}': write server:MODEL@URL, like server:my-model@http://127.0.0.1:8000/v1"
        )
    problems = []
    for url in urls:
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment:
            problems.append(
                f"teacher 'server:{model}@…': a URL holds a user, a query or a fragment; a key belongs in {KEY_NAME}"
            )
        elif parts.scheme not in ("http", "https") or not parts.hostname:
            problems.append(f"teacher 'server:{model}@…': {url!r} is no http(s) URL")
    if problems:
        raise ConfigError(*problems)
    clean = tuple(url.rstrip("/") for url in urls)
    return model, ",".join(clean), clean
