"""vLLM servers with LoRA adapters, asked through `/v1/completions` with token ids.

Never through chat: a server's chat template is not the format that the adapters were trained
with. Adapters are addressed as models by name. Each request carries its own seed; how far that
makes a server's texts repeatable is the server's matter, and nothing is claimed.
"""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from lorid_data.errors import StageError
from lorid_data.http.balancer import REST_S, Balancer
from lorid_data.http.redaction import redact
from lorid_data.http.redirects import is_redirect, redirect_said
from lorid_data.http.retrying import (
    TRANSIENT_STATUSES,
    RetryPolicy,
    Transient,
    WallClock,
    retry_after_s,
    retrying,
)
from lorid_data.http.transport import HttpReply, Transport
from lorid_data.texts import strict_json
from lorid_train.engines.base import TOO_LONG, GenRequest, GenResult, Pull

_MOST_SAID = 8
"""Lines about one server: of one that is lost and back for the fourth time nothing more is said."""
_LOOK_S = 0.1
"""How long a result is waited for before it is asked whether there is more to send."""


@dataclass(slots=True)
class ServerEngine:
    """Generates on one or several servers; the one with the fewest requests in flight is next.

    Attributes:
        urls: base URLs, `/v1` included.
        models: adapter name of a request → model name on the servers; None is the base.
        encode: text → token ids, in the format of the adapters.
        render: text and adapter → the prompt as text.
        stop_ids: token ids that end a text.
        max_model_tokens: longest prompt and text together that the servers take; None if unknown.
        batch_size: most requests in flight, over all servers; each is to have an equal part of them,
            and one that is not there has its part when it is back.
        api_key: sent as a bearer token; never shown.
        down: URLs that are known not to answer; tried again later.
        say: told in a line of each server that is lost, and of each that is back.
    """

    urls: Sequence[str]
    models: Mapping[str | None, str]
    encode: Callable[[str], list[int]]
    render: Callable[[str, str | None], str]
    stop_ids: Sequence[int]
    max_model_tokens: int | None = None
    batch_size: int = 64
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 600.0
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    down: Sequence[str] = ()
    say: Callable[[str], None] = lambda _: None
    _balancer: Balancer = field(init=False, repr=False)
    _n_said: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        most = -(-self.batch_size // max(1, len(self.urls)))
        self._balancer = Balancer(self.urls, most=most, down=self.down)
        self._n_said = dict.fromkeys(self.urls, 0)

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """One result per request, as they come; work of a server that dies moves to the others.

        Raises:
            StageError: no server answers any more, or one refuses what it is asked.
        """
        with closing(self.results(pull)) as results:
            yield from (r for r in results if r is not None)

    def results(
        self, pull: Pull, *, look_s: float = _LOOK_S
    ) -> Generator[GenResult | None, None, None]:
        """The same, and None whenever nothing has come for a moment: who has other engines looks after them then."""
        n_in_flight = 0
        asking = _Asking(self)
        try:
            while True:
                room = min(self.batch_size, asking.window()) - n_in_flight
                # With nothing in flight one may always be asked: nothing to do would mean the end.
                for request in pull(max(int(room), n_in_flight == 0)):
                    asking.begin(request)
                    n_in_flight += 1
                if n_in_flight == 0:
                    return
                result = None
                for result in asking.finished(look_s):
                    n_in_flight -= 1
                    yield result
                if result is None:
                    yield None
        finally:
            asking.end()

    def body(self, request: GenRequest, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        """What is sent for one request; all of it is stated, since servers have other defaults."""
        s = request.sampling
        return {
            "model": self.models[request.adapter],
            "prompt": prompt,
            "max_tokens": max_tokens,
            "temperature": s.temperature,
            "top_p": s.top_p,
            "top_k": s.top_k or -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "seed": request.seed,
            "stop_token_ids": list(self.stop_ids),
            "skip_special_tokens": True,
            "n": 1,
            "stream": False,
        }

    def tell(self, url: str, why: str) -> None:
        """Say that a server is lost (why), or back ('' is why); of one that comes and goes a few times at most."""
        self._n_said[url] += 1
        if self._n_said[url] > _MOST_SAID:
            return
        others = "its share of the work goes to the others" if len(self._n_said) > 1 else "it is asked again"  # fmt: skip
        last = "; it comes and goes, and no more is said of it" * (self._n_said[url] == _MOST_SAID)
        told = why.replace("/completions: ", ": ", 1)
        self.say((f"{told}; {others}" if why else f"{url}: answers again") + last)


class _Asking:
    """The requests in flight, on an event loop in a thread of its own: it works in notebooks too."""

    def __init__(self, engine: ServerEngine) -> None:
        self._engine = engine
        self._balancer = (
            engine._balancer
        )  # what is known of the servers outlasts one round of asking
        self._headers = {"Authorization": f"Bearer {engine.api_key}"} if engine.api_key else {}
        self._done: queue.SimpleQueue[Future[GenResult]] = queue.SimpleQueue()
        self._transport = Transport()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def window(self) -> float:
        """How many requests the servers that are there are to have in flight."""
        return self._balancer.window()

    def begin(self, request: GenRequest) -> None:
        """Send a request."""
        asked = asyncio.run_coroutine_threadsafe(self._ask(request), self._loop)
        asked.add_done_callback(self._done.put)

    def finished(self, look_s: float) -> Iterator[GenResult]:
        """Wait a moment for a result; it, and whatever else has come.

        Not for longer: there may be more to ask by now. The thread that asks may die, and then
        nothing ever comes.

        Raises:
            StageError: it has.
        """
        try:
            yield self._done.get(timeout=look_s).result()
        except queue.Empty:
            if not self._thread.is_alive():
                msg = "the thread that asks the servers has ended; what was drawn stays: run the same command again"
                raise StageError(msg) from None
        while not self._done.empty():
            yield self._done.get().result()

    def end(self) -> None:
        """Give up what is in flight, and close everything."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        else:
            with suppress(RuntimeError):  # a notebook's thread runs a loop of its own
                self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._transport.close()

    async def _ask(self, request: GenRequest) -> GenResult:
        """One request to its end, tried again as the policy allows."""
        engine = self._engine
        prompt = engine.encode(request.prompt)
        room = request.sampling.max_new_tokens
        if engine.max_model_tokens is not None:
            room = min(room, engine.max_model_tokens - len(prompt))
        if room < 1:
            return GenResult(request.key, "", TOO_LONG, len(prompt), 0)
        body = json.dumps(engine.body(request, prompt, room)).encode()
        try:
            choice, n_tokens = await retrying(
                lambda: self._attempt(body), engine.policy, WallClock()
            )
        except Transient as e:
            msg = (
                f"no server answered after {engine.policy.attempts} attempts: {e}; what was drawn "
                "stays: start a server and run the same command again"
            )
            raise StageError(msg) from e
        reason = str(choice["finish_reason"])
        return GenResult(request.key, str(choice["text"]), reason, len(prompt), n_tokens)

    async def _attempt(self, body: bytes) -> tuple[dict[str, Any], int]:
        """Ask one server after another until one answers: its choice and number of tokens.

        Raises:
            Transient: none of them did.
            StageError: one refused the request.
        """
        untried = list(self._balancer.places)
        while True:
            place = self._balancer.take(untried)
            untried.remove(place)
            rest_s, is_down, why = 0.0, None, ""
            try:
                reply = await self._post(place.url, body)
                is_down = False
                return _read(reply, place.url)
            except Transient as e:
                rest_s = max(REST_S, e.retry_after_s or 0.0)
                if is_down is None:  # there was no reply at all
                    is_down, why = True, str(e)
                if not untried:
                    raise
            finally:
                if self._balancer.give_back(place, rest_s=rest_s, is_down=is_down):
                    self._engine.tell(place.url, why)

    async def _post(self, url: str, body: bytes) -> HttpReply:
        engine = self._engine
        return await self._transport.post(
            f"{url}/completions", body, headers=self._headers, timeout_s=engine.timeout_s
        )


def _read(reply: HttpReply, url: str) -> tuple[dict[str, Any], int]:
    """The choice and the number of generated tokens of a server's reply."""
    if reply.status in TRANSIENT_STATUSES:
        msg = f"{url}: status {reply.status}: {_said(reply.body)}"
        raise Transient(msg, status=reply.status, retry_after_s=retry_after_s(reply.headers))
    if is_redirect(reply.status):
        said = redirect_said(reply.status, reply.headers)
        raise StageError(f"{url} {said}; name that address in --server instead")
    if reply.status != 200:
        msg = f"{url}: status {reply.status}: {_said(reply.body)}; what was drawn stays"
        raise StageError(msg)
    try:
        content = strict_json.parse(reply.body)
        choice, n_tokens = content["choices"][0], int(content["usage"]["completion_tokens"])
        if not isinstance(choice["text"], str) or choice["finish_reason"] not in ("stop", "length"):
            raise Transient(f"{url}: the text was given up ({choice['finish_reason']!r})")
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as e:
        raise Transient(f"{url}: the reply is no completion ({type(e).__name__})") from e
    return choice, n_tokens


def _said(body: bytes) -> str:
    """What an error's body says, cut short, without what looks like a key."""
    return redact(" ".join(body[:2_000].decode("utf-8", "replace").split())[:400])
