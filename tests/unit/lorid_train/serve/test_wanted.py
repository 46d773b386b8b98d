"""What a request may ask for, and the words in which anything else is refused. No server runs here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_train.engines.base import Sampling
from lorid_train.serve.body import MOST_BYTES, parse
from lorid_train.serve.guard import is_loopback, refusal
from lorid_train.serve.refusals import RefusedError
from lorid_train.serve.wanted import Defaults, Wanted, of_chat, of_completion

DEFAULTS = Defaults(Sampling(1.5, 0.9, 50, 32), seed=7, most_tokens=64)
ONE = [{"role": "user", "content": "1 + 1?"}]


def chat(**more: Any) -> Wanted:
    return of_chat({"model": "lorid", "messages": ONE, **more}, DEFAULTS)


def test_what_is_not_said_is_the_servers() -> None:
    wanted = chat()
    assert (wanted.model, wanted.texts, wanted.seed) == ("lorid", ("1 + 1?",), 7)
    assert wanted.sampling == DEFAULTS.sampling
    assert (wanted.stop, wanted.stream, wanted.usage) == ((), False, False)


def test_sampling_and_seed_are_honoured() -> None:
    wanted = chat(temperature=0, top_p=0.5, top_k=-1, max_tokens=3, seed=-5, stop="\n", stream=True)
    assert wanted.sampling == Sampling(0.0, 0.5, 0, 3)
    assert (wanted.seed, wanted.stop, wanted.stream) == (-5, ("\n",), True)
    assert chat(max_completion_tokens=9).sampling.max_new_tokens == 9
    assert chat(top_k=3).sampling.top_k == 3


def test_without_any_seed_each_request_has_its_own() -> None:
    defaults = Defaults(DEFAULTS.sampling)
    seeds = {of_chat({"model": "ir", "messages": ONE}, defaults).seed for _ in range(8)}
    assert len(seeds) > 1


def test_fields_that_change_nothing_are_taken() -> None:
    chat(
        n=1, presence_penalty=0.0, frequency_penalty=0, logit_bias={}, logprobs=False, user="me", tools=[], seed=None,
        response_format={"type": "text"}, metadata={"a": "b"}, stream=True, stream_options={"include_usage": True},
    )  # fmt: skip
    parts = [{"type": "text", "text": "1 + "}, {"type": "text", "text": "1?"}]
    named = [{"role": "user", "content": parts, "type": "text"}]
    assert of_chat({"model": "kg", "messages": named}, DEFAULTS).texts == ("1 + 1?",)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"), ({"n": True}, "n"), ({"logprobs": True}, "logprobs"), ({"tools": [{}]}, "tools"),
        ({"presence_penalty": 0.5}, "presence_penalty"), ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logit_bias": {"1": 5}}, "logit_bias"), ({"temprature": 0}, "temprature"), ({"temperature": "0"}, "temperature"),
        ({"temperature": -1}, "temperature"), ({"temperature": 2.5}, "temperature"), ({"temperature": True}, "temperature"),
        ({"temperature": 10**400}, "temperature"), ({"top_p": 0}, "top_p"), ({"top_p": float("inf")}, "top_p"),
        ({"top_k": 1.5}, "top_k"), ({"seed": 1.0}, "seed"), ({"seed": 2**63}, "seed"), ({"seed": True}, "seed"),
        ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": 65}, "max_tokens"), ({"max_tokens": 1e3}, "max_tokens"),
        ({"max_tokens": 3, "max_completion_tokens": 4}, "max_tokens"), ({"stop": [""]}, "stop"), ({"stop": 5}, "stop"),
        ({"stop": ["x"] * 17}, "stop"), ({"stream": "yes"}, "stream"), ({"stream_options": {}}, "stream_options"),
        ({"stream": True, "stream_options": {"other": 1}}, "stream_options"), ({"model": "gpt-4o"}, "model"),
        ({"model": None}, "model"), ({"model": ["ir"]}, "model"), ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"), ({"messages": [1]}, "messages"),
        ({"messages": [{"role": "system", "content": "Be brief."}, *ONE]}, "messages"),
        ({"messages": [*ONE, {"role": "assistant", "content": "2"}, *ONE]}, "messages"),
        ({"messages": [{"role": "assistant", "content": "2"}]}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"), ({"messages": [{"role": "user", "content": " \n"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": []}]}, "messages"), ({"prompt": "x"}, "prompt"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_the_field_is_named(more: dict[str, Any], param: str) -> None:
    with pytest.raises(RefusedError) as e:
        chat(**more)
    assert e.value.param == param
    assert param in e.value.sentence
    assert e.value.status == (404 if more.get("model") == "gpt-4o" else 400)
    assert e.value.body["error"]["type"] == "invalid_request_error"


def test_a_completion_takes_one_text_or_several_and_never_the_loop() -> None:
    one = of_completion({"model": "ir", "prompt": "a"}, DEFAULTS)
    assert one.texts == ("a",)
    assert of_completion({"model": "ir", "prompt": ["a", "b"]}, DEFAULTS).texts == ("a", "b")
    for prompt in ("", [], [""], [1, 2], [[1]], ["a"] * 65, None, {}):
        with pytest.raises(RefusedError, match="prompt"):
            of_completion({"model": "ir", "prompt": prompt}, DEFAULTS)
    with pytest.raises(RefusedError, match="chat/completions"):
        of_completion({"model": "lorid", "prompt": "a"}, DEFAULTS)
    with pytest.raises(RefusedError, match="stream"):
        of_completion({"model": "ir", "prompt": ["a", "b"], "stream": True}, DEFAULTS)


# --- the bytes of a body --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff{}", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000, b'{"a": ' * 50_000 + b"1" + b"}" * 50_000, b'{"a": "\\ud800"}', b'{"\\udfff": 1}',
        b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)  # fmt: skip
def test_bytes_that_are_no_request_are_refused(body: bytes) -> None:
    with pytest.raises(RefusedError) as e:
        parse(body)
    assert e.value.status == 400
    assert len(e.value.sentence) < 400


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8),
       st.sampled_from(["model", "messages", "temperature", "top_p", "top_k", "seed", "stop", "stream", "max_tokens", "n",
                        "stream_options", "tools", "logit_bias", "response_format"]))  # fmt: skip
def test_no_value_of_any_field_is_more_than_refused(value: Any, name: str) -> None:
    try:
        chat(**{name: value})
    except RefusedError:
        return


# --- who may speak ---------------------------------------------------------------------------------

HOSTS = frozenset({"127.0.0.1:80"})
JSON = {
    "host": "127.0.0.1:80",
    "content-type": "application/json; charset=utf-8",
    "content-length": "5",
}


def status(
    method: str = "POST", path: str = "/v1/x", key: str | None = None, **headers: str
) -> int | None:
    given = JSON | {k.replace("_", "-"): v for k, v in headers.items()}
    found = refusal(method, path, given, hosts=HOSTS, key=key)
    return None if found is None else found.status


def test_the_guard_lets_this_machine_in_and_nobody_else() -> None:
    assert status() is None
    assert status(host="evil.example:80") == 421
    assert status(origin="http://evil.example") == 403
    assert status(origin="null") == 403
    assert status(origin="http://[") == 403
    assert status(origin="http://127.0.0.1:80") is None
    assert status(content_type="text/plain") == 415
    assert status(content_length=str(MOST_BYTES + 1)) == 413
    assert status(content_length="9" * 5000) == 413
    assert status(content_length="-1") == 413
    assert status(content_length="٣") == 413


def test_a_key_is_wanted_of_everything_but_health() -> None:
    key = "a-long-enough-key"
    assert status(key=key) == 401
    assert status("GET", "/v1/models", key=key) == 401
    assert status("GET", "/health", key=key) is None
    assert status(key=key, authorization=f"Basic {key}") == 401
    assert status(key=key, authorization="Bearer a-long-enough-kez") == 401
    assert status(key=key, authorization="Bearer ÿ") == 401
    assert status(key=key, authorization=f"Bearer {key}") is None


def test_which_addresses_are_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(
        map(
            is_loopback,
            ("0.0.0.0", "::", "192.168.1.4", "example.org", "localhost.example.org", ""),
        )
    )
