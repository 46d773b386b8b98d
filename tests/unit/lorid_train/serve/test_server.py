"""A real server on 127.0.0.1 over an engine that answers from a table."""

from __future__ import annotations

import json
import runpy
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError, StageError
from lorid_data.http.retrying import Transient
from lorid_train.engines.base import GenRequest, GenResult, Pull
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.serve import guard
from lorid_train.serve.server import Server
from lorid_train.serve.wanted import Defaults
from lorid_train.solve.question import LoopSettings
from lorid_train.solve.solver import Solver

ROOT = Path(__file__).parent.parent.parent.parent.parent
support = runpy.run_path(str(ROOT / "tests" / "support" / "asked_server.py"))
ask, raw, chat, events, serving, texts = (
    support[n] for n in ("ask", "raw", "chat", "events", "serving", "texts")
)


class Gate:
    """An engine that holds every batch until it is opened, and breaks where it is told to."""

    def __init__(self, *, broken: Any = None, opened: bool = True) -> None:
        self.open, self.broken, self.batch_size = threading.Event(), broken, 16
        self.batches: list[list[GenRequest]] = []
        if opened:
            self.open.set()

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        while batch := list(pull(self.batch_size)):
            self.batches.append(batch)
            self.open.wait(30)
            for request in batch:
                if self.broken is not None:
                    self.broken(request, batch)
                yield GenResult(request.key, "#### 2", "stop", 3, 2)

    def render(self, content: str, adapter: str | None) -> str:  # noqa: ARG002
        return content


def wait_until(is_so: Any) -> None:
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it never came to that")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as s:
        yield s


def test_the_loop_answers_as_the_solver_does(server: Server) -> None:
    status, body = ask(server, chat(seed=3))
    assert status == 200
    assert body["object"] == "chat.completion"
    [choice] = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "#### 2"}
    assert choice["finish_reason"] == "stop"
    engine = ScriptedEngine(lambda r: texts(["#### 1", "#### 2"], ["#### 2"])(_wrapped(r)))
    ours = Solver(engine, rounds=4, sampling=support["SAMPLING"], seed=3).solve("1 + 1?").as_json()
    theirs = body["lorid"]
    assert {k: v for k, v in theirs.items() if k != "seconds"} == {
        **{k: v for k, v in ours.items() if k != "seconds"}, "seed": 3,
    }  # fmt: skip
    assert theirs["rounds"] == 2
    assert body["usage"] == {
        "prompt_tokens": theirs["n_prompt_tokens"], "completion_tokens": theirs["n_tokens"],
        "total_tokens": theirs["n_prompt_tokens"] + theirs["n_tokens"],
    }  # fmt: skip


def _wrapped(request: GenRequest) -> GenRequest:
    return GenRequest(
        (0, request.key), request.adapter, request.prompt, request.sampling, request.seed
    )


@pytest.mark.parametrize(
    ("model", "said", "roles"), [("ir", "#### 1", ["ir"]), ("kg", "Add.\nCount.", ["kg"]), ("dr", "#### 2", ["kg", "dr"])]
)  # fmt: skip
def test_a_role_alone(server: Server, model: str, said: str, roles: list[str]) -> None:
    status, body = ask(server, chat(model=model, seed=1))
    assert (status, body["choices"][0]["message"]["content"]) == (200, said)
    assert [d["role"] for d in body["lorid"]["draws"]] == roles
    assert body["usage"]["completion_tokens"] == sum(d["n_tokens"] for d in body["lorid"]["draws"])
    assert {d["condition"] for d in body["lorid"]["draws"]} == {"sampled"}
    greedy = ask(server, chat(model=model, temperature=0))[1]["lorid"]["draws"]
    assert [d["condition"] for d in greedy] == (
        ["greedy", "kg-knowledge"] if model == "dr" else ["greedy"]
    )


def test_greedy_the_loop_needs_one_round(server: Server) -> None:
    engine = ScriptedEngine(texts(["#### 1"], ["#### 9"]))
    with serving(engine) as s:
        _, body = ask(s, chat(temperature=0))
    assert (body["lorid"]["rounds"], body["lorid"]["how"], body["lorid"]["answer"]) == (
        1,
        "fallback",
        "1",
    )
    assert {r.sampling.temperature for r in engine.asked} == {0}


def test_a_stream_sends_rounds_as_they_end_and_the_answer_last(server: Server) -> None:
    body = chat(stream=True, stream_options={"include_usage": True})
    status, headers, content = raw(server, body)
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    found = events(content)
    assert {e["object"] for e in found} == {"chat.completion.chunk"}
    assert len({e["id"] for e in found}) == 1
    assert [e["lorid"]["round"]["number"] for e in found[:2]] == [1, 2]
    assert [e["lorid"]["round"]["agreed"] for e in found[:2]] == [False, True]
    assert found[0]["choices"][0]["delta"]["reasoning_content"].startswith("round 1\n")
    assert found[2]["choices"][0]["delta"] == {"role": "assistant", "content": "#### 2"}
    assert found[2]["lorid"]["answer"] == "2"
    assert found[3]["choices"][0]["finish_reason"] == "stop"
    assert found[4]["usage"]["completion_tokens"] == found[2]["lorid"]["n_tokens"]
    assert len(found) == 5


def test_a_round_is_sent_before_the_next_one_is_drawn() -> None:
    engine = Gate()
    script = texts(["#### 1", "#### 2"], ["#### 2"])
    seen = threading.Event()

    def generate(pull: Pull) -> Iterator[GenResult]:
        while batch := list(pull(1)):
            [request] = batch
            if request.key[1].round == 2:  # type: ignore[index]
                assert seen.wait(30), "nobody has seen round 1"
            yield GenResult(request.key, script(request), "stop", 3, 2)

    engine.generate = generate  # type: ignore[method-assign]
    with serving(engine) as s, socket.create_connection(("127.0.0.1", s.port), timeout=30) as c:
        data = json.dumps(chat(stream=True)).encode()
        c.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (s.port, len(data), data)
        )
        got = b""
        while b'"round": {"number": 1' not in got:
            got += c.recv(4096)
        seen.set()
        while part := c.recv(4096):
            got += part
    assert b"[DONE]" in got


def test_stop_and_max_tokens(server: Server) -> None:
    _, body = ask(server, chat(model="kg", stop=["\n", "zz"]))
    assert body["choices"][0]["message"]["content"] == "Add."
    _, body = ask(server, chat(model="ir", max_tokens=1))
    assert body["choices"][0]["message"]["content"] == "####"
    assert body["choices"][0]["finish_reason"] == "length"


def test_completions_go_on_with_texts_of_the_adapters_format() -> None:
    class Framed(ScriptedEngine):
        def render(self, content: str, adapter: str | None) -> str:  # noqa: ARG002
            return f"<s>{content}\n"

    engine = Framed(lambda r: f"{r.adapter}: {r.prompt}")
    with serving(engine) as s:
        status, body = ask(s, {"model": "ir", "prompt": ["<s>a\n", "<s>b \n"]}, "/v1/completions")
        assert status == 200
        assert [(c["index"], c["text"]) for c in body["choices"]] == [(0, "ir: a"), (1, "ir: b ")]
        assert body["object"] == "text_completion"
        for prompt in ("a\n", "<s>a", "<s>\n"):
            status, body = ask(s, {"model": "ir", "prompt": prompt}, "/v1/completions")
            assert status == 400
            assert "format" in body["error"]["message"]
        _, _, content = raw(
            s, {"model": "dr", "prompt": "<s>a\n", "stream": True}, "/v1/completions"
        )
        [sent] = events(content)
        assert sent["choices"][0]["text"] == "dr: a"


def test_models_health_and_what_there_is_not(server: Server) -> None:
    status, body = ask(server, None, "/v1/models", "GET")
    assert (status, [m["id"] for m in body["data"]]) == (200, ["lorid", "ir", "dr", "kg"])
    assert ask(server, None, "/v1/models/kg", "GET")[1]["id"] == "kg"
    assert ask(server, None, "/health", "GET")[0] == 200
    for path, method, status in (
        ("/v1/models/gpt", "GET", 404), ("/", "GET", 404), ("/v1/embeddings", "POST", 404),
        ("/v1/chat/completions", "GET", 405), ("/v1/models", "POST", 405),
    ):  # fmt: skip
        found, body = ask(server, {}, path, method)
        assert found == status
        assert body["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400), (b'{"model": "ir"', 400), (b"\xff", 400), (b"{}", 400), (b'{"model": {}}', 400),
        (b'{"a": "' + b"x" * guard.MOST_BYTES + b'"}', 413), (b'{"model": "ir", "messages": [{"role": "user", "content": "\\ud800"}]}', 400),
    ],
)  # fmt: skip
def test_hostile_bodies_get_a_4xx(server: Server, body: bytes, status: int) -> None:
    found, told = ask(server, body)
    assert found == status
    assert told["error"]["type"] == "invalid_request_error"
    assert ask(server, chat())[0] == 200


def test_half_a_body_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_PART_S", 0.2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as c:
        c.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b'Content-Length: 1000\r\n\r\n{"model": "lorid"' % server.port
        )
        assert c.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_body_in_pieces_may_be_no_longer_either(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as c:
        c.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" % server.port
        )
        piece = b"x" * 65_536
        try:
            for _ in range(6):
                c.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        except OSError:
            pass  # it has hung up already
        assert c.recv(4096).startswith(b"HTTP/1.1 413")


def together(server: Server, bodies: list[Any]) -> tuple[list[threading.Thread], list[Any]]:
    """Ask all at once; the replies arrive in the list."""
    found: list[Any] = [None] * len(bodies)

    def one(i: int) -> None:
        found[i] = raw(server, bodies[i])

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(bodies))]
    for t in threads:
        t.start()
    return threads, found


def test_requests_share_batches_and_too_many_are_sent_away() -> None:
    engine = Gate(opened=False)
    with serving(engine, most_jobs=5) as s:
        first, _ = together(s, [chat("0?", "ir")])
        wait_until(lambda: engine.batches)
        rest, found = together(s, [chat(f"{i}?", "ir") for i in range(1, 5)])
        wait_until(lambda: s.batcher.n_jobs == 5)
        status, headers, content = raw(s, chat("6?", "ir"))
        assert status == 429
        assert 1 <= int(headers["retry-after"]) <= 60
        assert json.loads(content)["error"]["type"] == "rate_limit_error"
        engine.open.set()
        for t in first + rest:
            t.join(30)
    assert [f[0] for f in found] == [200] * 4
    assert [len(b) for b in engine.batches] == [1, 4]


def test_what_cannot_share_a_batch_waits_for_its_turn_and_gets_it() -> None:
    """Of three, the second has another temperature: the third does not overtake it."""
    engine = Gate(opened=False)
    with serving(engine) as s:
        threads: list[threading.Thread] = []
        for i, t in enumerate((0.5, 0.6, 0.5)):
            threads += together(s, [chat(f"{i}?", "ir", temperature=t)])[0]
            wait_until(lambda n=i + 1: s.batcher.n_jobs == n)
        engine.open.set()
        for thread in threads:
            thread.join(30)
    assert [[r.sampling.temperature for r in b] for b in engine.batches] == [[0.5], [0.6], [0.5]]


def test_rounds_that_may_not_be_needed_do_not_fill_the_batch() -> None:
    engine = Gate()
    engine.batch_size = 100
    with serving(engine, settings=LoopSettings(rounds=20)) as s:
        assert ask(s, chat())[0] == 200
    assert len(engine.batches[0]) <= 8


def test_a_client_that_goes_away_is_not_worked_for() -> None:
    engine = Gate(opened=False)
    with serving(engine) as s:
        data = json.dumps(chat("0?", "ir")).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        with socket.create_connection(("127.0.0.1", s.port), timeout=30) as c:
            c.sendall(head % (s.port, len(data)) + data)
            wait_until(lambda: engine.batches)
        with socket.create_connection(("127.0.0.1", s.port), timeout=30) as c:
            c.sendall(head % (s.port, len(data)) + data)
            wait_until(lambda: s.batcher.n_jobs == 2)
        wait_until(lambda: all(j.is_done for j in [*s.batcher._active, *s.batcher._waiting]))
        engine.open.set()
        assert ask(s, chat("1?", "ir"))[0] == 200
    assert [r.prompt.count("1?") for b in engine.batches for r in b] == [0, 1]


# --- failures --------------------------------------------------------------------------------------


def test_a_request_that_breaks_its_batch_ends_alone() -> None:
    def broken(request: GenRequest, batch: list[GenRequest]) -> None:
        if any("bad" in r.prompt for r in batch):
            raise StageError("status 400: refused")

    engine = Gate(broken=broken, opened=False)
    with serving(engine) as s:
        threads, _ = together(s, [chat("0?", "ir")])
        wait_until(lambda: engine.batches)
        more, found = together(s, [chat(q, "ir") for q in ("good?", "bad?", "fine?")])
        wait_until(lambda: s.batcher.n_jobs == 4)
        engine.open.set()
        for t in threads + more:
            t.join(30)
        assert [f[0] for f in found] == [200, 502, 200]
        assert ask(s, chat("later?"))[0] == 200


def test_servers_that_do_not_answer_fail_all_at_once() -> None:
    def broken(request: GenRequest, batch: list[GenRequest]) -> None:
        raise StageError("no server answered") from Transient("gone")

    engine = Gate(broken=broken, opened=False)
    with serving(engine) as s:
        threads, found = together(s, [chat("0?", "ir")])
        wait_until(lambda: engine.batches)
        more, others = together(s, [chat("1?", "ir"), chat("2?", "ir")])
        wait_until(lambda: s.batcher.n_jobs == 3)
        engine.open.set()
        for t in threads + more:
            t.join(30)
    assert [f[0] for f in found + others] == [502, 502, 502]
    assert len(engine.batches) == 2


def test_texts_that_break_a_job_end_that_job(monkeypatch: pytest.MonkeyPatch) -> None:
    from lorid_train.solve import question

    decide = question.decide

    def broken(draws: Any, **options: Any) -> Any:
        if draws[0].seed == 13:
            raise ZeroDivisionError
        return decide(draws, **options)

    monkeypatch.setattr(question, "decide", broken)
    with serving() as s:
        assert ask(s, chat(seed=13))[0] == 500
        assert ask(s, chat(seed=12))[0] == 200


@pytest.mark.parametrize("error", [SystemExit(3), ValueError("a defect"), KeyboardInterrupt()])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_is_an_error_of_the_requests_and_ends_the_server(
    error: BaseException,
) -> None:
    def broken(request: GenRequest, batch: list[GenRequest]) -> None:
        raise error

    engine = Gate(broken=broken, opened=False)
    with serving(engine) as s:
        threads, found = together(s, [chat("0?", "ir"), chat("0?", stream=True)])
        wait_until(lambda: s.batcher.n_jobs == 2)
        engine.open.set()
        for t in threads:
            t.join(30)
        assert [f[0] for f in found] == [500, 500]
        assert "start it again" in json.loads(found[0][2])["error"]["message"]
        s.thread.join(60)  # type: ignore[attr-defined]
        assert not s.thread.is_alive()  # type: ignore[attr-defined]
        [ended] = s.ended  # type: ignore[attr-defined]
        assert isinstance(ended, StageError)
        assert type(error).__name__ in str(ended)


def test_what_was_asked_is_answered_before_the_end() -> None:
    engine = Gate(opened=False)
    with serving(engine) as s:
        threads, found = together(s, [chat("0?", "ir")])
        wait_until(lambda: engine.batches)
        s.stop()
        time.sleep(0.3)
        engine.open.set()
        threads[0].join(30)
        s.thread.join(30)  # type: ignore[attr-defined]
        assert found[0][0] == 200
        assert s.ended == [None]  # type: ignore[attr-defined]
        with pytest.raises(OSError, match="refused"):
            raw(s, chat())


def test_prompts_that_leave_no_room_are_refused_and_texts_are_cut_to_it() -> None:
    class Windowed(ScriptedEngine):
        def encode(self, text: str) -> list[str]:
            return text.split()

    engine = Windowed(lambda _: "a b c d e f g h")
    with serving(engine) as s:
        s.batcher._window = 40
        status, body = ask(s, chat("word " * 50, "ir"))
        assert (status, body["error"]["code"]) == (400, "context_length_exceeded")
        assert ask(s, chat("word " * 50))[0] == 400
        prompt_tokens = 40 - 3
        found = ask(s, {"model": "ir", "prompt": "w " * prompt_tokens}, "/v1/completions")[1]
        assert found["choices"][0]["text"] == "a b c"


# --- beyond loopback -------------------------------------------------------------------------------


def test_others_are_let_in_with_a_key_only() -> None:
    engine = ScriptedEngine(texts(["#### 2"], ["#### 2"]))
    settings, defaults = LoopSettings(), Defaults(support["SAMPLING"])
    for host in ("0.0.0.0", "::"):
        with pytest.raises(ConfigError, match="LORID_SERVE_KEY"):
            Server(engine, settings, defaults, host=host)
    with pytest.raises(ConfigError, match="16 printable"):
        Server(engine, settings, defaults, key="short")
    key = "a-key-of-many-letters"
    with serving(engine, host="0.0.0.0", key=key) as s:
        assert ask(s, chat())[0] == 401
        assert ask(s, chat(), Authorization=f"Bearer {key}", Host="my.host")[0] == 200
    with serving(engine) as s:
        assert ask(s, chat(), Host="my.host")[0] == 421
        with pytest.raises(ConfigError, match="choose another"):
            Server(engine, settings, defaults, port=s.port)


def test_the_openai_client_reads_it(server: Server) -> None:
    from openai import BadRequestError, OpenAI

    with OpenAI(base_url=server.url, api_key="not-needed", max_retries=0) as client:
        said = client.chat.completions.create(
            model="lorid", messages=chat()["messages"], seed=1, temperature=0.7
        )
        assert said.choices[0].message.content == "#### 2"
        assert said.model_extra is not None
        assert said.model_extra["lorid"]["answer"] == "2"
        parts = client.chat.completions.create(
            model="lorid", messages=chat()["messages"], stream=True
        )
        text = "".join(p.choices[0].delta.content or "" for p in parts if p.choices)
        assert text == "#### 2"
        assert [m.id for m in client.models.list()] == ["lorid", "ir", "dr", "kg"]
        with pytest.raises(BadRequestError, match="system message"):
            client.chat.completions.create(
                model="lorid", messages=[{"role": "system", "content": "x"}]
            )
