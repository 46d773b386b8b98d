"""The server engine against fake vLLM servers: what is sent, what moves, what stops."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import pytest

from lorid_data.errors import StageError
from lorid_data.http.redirects import redirect_said
from lorid_data.http.retrying import RetryPolicy
from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train.engines.base import GenRequest, GenResult, Sampling
from lorid_train.engines.by_adapter import EngineByAdapter, Part
from lorid_train.engines.server import ServerEngine
from lorid_train.evaluation import servers

QUICK = RetryPolicy(attempts=3, base_s=0.01, most_s=0.02)


def engine(*servers: FakeVllm, **changes: Any) -> ServerEngine:
    values: dict[str, Any] = {
        "urls": [s.url for s in servers], "models": {"ir": "served-ir", None: "base"},
        "encode": lambda text: [ord(c) for c in text], "render": str, "stop_ids": [2, 7],
        "policy": QUICK, "batch_size": 8,
    }  # fmt: skip
    return ServerEngine(**(values | changes))


def requests(n: int, prompt: str = "ab") -> list[GenRequest]:
    return [GenRequest(i, "ir", prompt, Sampling(0.8, 0.9, 0, 16), i) for i in range(n)]


def ask(engine: ServerEngine, asked: Sequence[GenRequest]) -> dict[Any, GenResult]:
    waiting = list(asked)

    def pull(n: int) -> list[GenRequest]:
        taken, waiting[:] = waiting[:n], waiting[n:]
        return taken

    return {r.key: r for r in engine.generate(pull)}


def test_what_is_sent_is_token_ids_and_all_settings() -> None:
    with FakeVllm(adapters=["served-ir"]) as server:
        ask(engine(server), [GenRequest("k", "ir", "ab", Sampling(1.5, 0.9, 50, 9), 2**63 - 1)])
    assert server.seen == [
        {
            "model": "served-ir", "prompt": [97, 98], "max_tokens": 9, "temperature": 1.5, "top_p": 0.9,
            "top_k": 50, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0,
            "frequency_penalty": 0.0, "seed": 2**63 - 1, "stop_token_ids": [2, 7],
            "skip_special_tokens": True, "n": 1, "stream": False,
        }
    ]  # fmt: skip


def test_more_is_sent_while_an_answer_is_waited_for() -> None:
    """What is asked at the second call is on its way before the first answer is there."""
    with FakeVllm(adapters=["served-ir"], latency_s=5.0) as server:
        calls = iter([requests(2)[:1], requests(2)[1:]])
        found = list(engine(server).generate(lambda _: next(calls, [])))
    assert {r.key for r in found} == {0, 1}
    assert server.most_in_flight == 2


def test_top_k_off_and_the_base_model() -> None:
    with FakeVllm() as server:
        ask(engine(server), [GenRequest("k", None, "ab", Sampling(1.0), 0)])
    assert (server.seen[0]["model"], server.seen[0]["top_k"]) == ("base", -1)


def test_servers_share_the_work_up_to_the_batch_size() -> None:
    with (
        FakeVllm(adapters=["served-ir"], latency_s=0.01) as one,
        FakeVllm(adapters=["served-ir"], latency_s=0.01) as two,
    ):
        assert len(ask(engine(one, two), requests(40))) == 40
    assert len(one.seen) + len(two.seen) == 40
    assert min(len(one.seen), len(two.seen)) >= 12
    assert one.most_in_flight + two.most_in_flight <= 8


@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_failures_that_pass_are_tried_again(status: int) -> None:
    with FakeVllm(adapters=["served-ir"]) as calm:
        expected = ask(engine(calm), requests(6))
    with FakeVllm(adapters=["served-ir"], statuses=[status] * 3) as server:
        policy = RetryPolicy(attempts=6, base_s=0.01, most_s=0.02)
        assert ask(engine(server, policy=policy), requests(6)) == expected


def test_the_work_of_a_dead_server_moves_to_the_others() -> None:
    with FakeVllm(adapters=["served-ir"]) as calm:
        expected = ask(engine(calm), requests(60))
    with (
        FakeVllm(adapters=["served-ir"], latency_s=0.02) as one,
        FakeVllm(adapters=["served-ir"], latency_s=0.02) as two,
    ):
        found: dict[Any, GenResult] = {}
        waiting = requests(60)

        def pull(n: int) -> list[GenRequest]:
            taken, waiting[:] = waiting[:n], waiting[n:]
            return taken

        for result in engine(one, two).generate(pull):
            found[result.key] = result
            if len(found) == 10:
                assert one.seen
                one.die()
        assert found == expected
        assert len(two.seen) >= 40


def test_no_server_left_is_one_message() -> None:
    with FakeVllm() as server:
        pass
    with pytest.raises(StageError, match=r"no server answered after 3 attempts.*run the same"):
        ask(engine(server), requests(3))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"models": {"ir": "nobody"}}, "status 404.*nobody"),
        ({"api_key": "sk-not-the-right-one-0000"}, "status 401"),
    ],
)
def test_a_refusal_stops_and_shows_no_key(changes: dict[str, Any], says: str) -> None:
    with FakeVllm(adapters=["served-ir"], key="sk-right-0123456789") as server:
        with pytest.raises(StageError, match=says) as e:
            ask(engine(server, **({"api_key": server.key} | changes)), requests(1))
        assert "sk-" not in str(e.value)
        assert "sk-" not in repr(engine(server, api_key=server.key))
        assert len(ask(engine(server, api_key=server.key), requests(1))) == 1


def test_a_prompt_without_room_is_recorded_and_one_with_little_is_cut() -> None:
    with FakeVllm(adapters=["served-ir"], max_model_len=10, text=lambda _: "a b c d e") as server:
        e = engine(server, max_model_tokens=10)
        asked = [
            GenRequest("none", "ir", "x" * 10, Sampling(1.0), 0),
            GenRequest("little", "ir", "x" * 8, Sampling(1.0), 0),
        ]
        found = ask(e, asked)
    assert found["none"] == GenResult("none", "", "too_long", 10, 0)
    assert found["little"] == GenResult("little", "a b", "length", 8, 2)
    assert len(server.seen) == 1


ENDLESS = (
    '{"choices": [{"text": "a", "finish_reason": "stop"}], "usage": {"completion_tokens": 1e999}}'
)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": [], "usage": {}}', ENDLESS])
def test_a_reply_that_is_no_completion_is_tried_again(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lorid_data.http.transport import HttpReply, Transport

    sent = Transport.post
    n = 0

    async def post(self: Transport, *args: Any, **kwargs: Any) -> HttpReply:
        nonlocal n
        n += 1
        if n == 1:
            return HttpReply(200, {}, body.encode())
        return await sent(self, *args, **kwargs)

    monkeypatch.setattr(Transport, "post", post)
    with FakeVllm(adapters=["served-ir"]) as server:
        assert len(ask(engine(server), requests(1))) == 1
    assert n == 2


def test_it_works_inside_a_running_event_loop() -> None:
    """As in a notebook."""
    import asyncio

    async def cell() -> int:
        return len(ask(engine(server), requests(5)))

    with FakeVllm(adapters=["served-ir"]) as server:
        assert asyncio.run(cell()) == 5


def test_a_run_that_is_given_up_leaves_no_thread() -> None:
    before = threading.active_count()
    with FakeVllm(adapters=["served-ir"], latency_s=0.05) as server:
        running = engine(server).generate(lambda n: requests(n))
        next(iter(running))
        running.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_server_that_dies_leaves_no_request_without_an_end() -> None:
    """Requests that come while it dies: their connections break, none is left open."""

    async def ask(url: str) -> set[str]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return set(await asyncio.gather(*(end_of(session, url, i) for i in range(64))))

    async def end_of(session: aiohttp.ClientSession, url: str, seed: int) -> str:
        body = {"model": "ir", "prompt": [1], "max_tokens": 4, "seed": seed, "temperature": 1.0}
        try:
            async with session.post(
                f"{url}/completions", json=body, timeout=aiohttp.ClientTimeout(total=20)
            ) as reply:
                await reply.read()
                return "answered"
        except aiohttp.ClientError:
            return "broken"

    for dies_after in range(0, 30, 3):
        with FakeVllm() as server:
            server.dies_after = dies_after
            assert asyncio.run(ask(server.url)) <= {"answered", "broken"}


def test_a_thread_that_dies_is_an_error_of_the_run() -> None:
    with FakeVllm(adapters=["served-ir"], latency_s=60) as server:
        told: list[BaseException] = []
        asking = engine(server)

        def encode(text: str) -> list[int]:
            asyncio.get_running_loop().stop()  # ends the thread, and no future hears of it
            return [1]

        asking.encode = encode

        def run() -> None:
            try:
                ask(asking, requests(1))
            except StageError as e:
                told.append(e)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(5)
        assert told


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_that_redirects_says_where_to(status: int) -> None:
    """Asked for its models or for a text; the key is sent nowhere else."""
    location = "https://me:hush@models.example/v1?sig=hush"
    said = re.escape(f"redirects ({status}) to 'https://models.example/v1'")

    class Away(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Away) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(OSError, match=said) as e:
            servers._models(url)
        assert "hush" not in str(e.value)
        asking = engine(urls=[url])
        with pytest.raises(StageError, match=f"{said}; name that address in --server"):
            ask(asking, requests(1))
        server.shutdown()


def test_a_redirect_to_nowhere_is_said() -> None:
    assert redirect_said(302, {}) == "redirects (302) and does not say where to"
    assert redirect_said(302, {"location": "/login?next=1"}) == "redirects (302) to '/login'"
    assert redirect_said(302, {"LOCATION": "http://[x"}).startswith("redirects (302) to ")


def test_a_slow_group_of_servers_holds_up_no_other() -> None:
    """Roles on servers of their own: what the fast ones have written is not waited for with the slow ones."""
    with (
        FakeVllm(adapters=["served-ir"], latency_s=3.0) as slow,
        FakeVllm(adapters=["served-ir"]) as fast,
    ):
        both = EngineByAdapter({"ir": Part(engine(slow), "ir"), "kg": Part(engine(fast), "ir")})
        waiting = [
            GenRequest((role, i), role, "ab", Sampling(0.8, 0.9, 0, 16), i)
            for i in range(4)
            for role in ("ir", "kg", "kg", "kg")
        ]
        order = []

        def pull(n: int) -> list[GenRequest]:
            taken, waiting[:] = waiting[:n], waiting[n:]
            return taken

        for result in both.generate(pull):
            order.append(result.key[0])
    assert order == ["kg"] * 12 + ["ir"] * 4
