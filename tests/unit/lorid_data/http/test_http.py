"""Retries and their waits, on a clock that tests turn."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from lorid_data.http.balancer import Balancer
from lorid_data.http.redaction import redact
from lorid_data.http.retrying import RetryPolicy, Transient, retry_after_s, retrying
from lorid_data.http.transport import read_json


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def tried(
    failures: list[Exception], policy: RetryPolicy, draw: float = 1.0
) -> tuple[object, list[float], int]:
    clock = FakeClock()
    n = 0

    async def attempt() -> str:
        nonlocal n
        n += 1
        if n <= len(failures):
            raise failures[n - 1]
        return "answer"

    async def run() -> object:
        try:
            return await retrying(attempt, policy, clock, draw=lambda: draw)
        except Exception as e:  # noqa: BLE001
            return e

    return asyncio.run(run()), clock.slept, n


def test_waits_double_up_to_the_most_with_full_jitter() -> None:
    policy = RetryPolicy(attempts=7, base_s=1, most_s=10, deadline_s=1000)
    failures = [Transient("x") for _ in range(6)]
    assert tried(list(failures), policy) == ("answer", [1, 2, 4, 8, 10, 10], 7)
    assert tried(list(failures), policy, draw=0.5) == ("answer", [0.5, 1, 2, 4, 5, 5], 7)


def test_retry_after_wins_where_it_is_longer() -> None:
    failures = [Transient("x", retry_after_s=30), Transient("x", retry_after_s=0.1)]
    assert tried(list(failures), RetryPolicy()) == ("answer", [30, 2], 3)


def test_the_server_with_the_fewest_requests_is_next_and_one_that_failed_rests() -> None:
    clock = FakeClock()
    balancer = Balancer(["a", "b"], clock)
    first, second = balancer.take(), balancer.take()
    assert {first.url, second.url} == {"a", "b"}
    balancer.give_back(first)
    assert balancer.take() is first
    balancer.give_back(second, rest_s=10)
    assert balancer.take() is first, "it has more in flight, but the other one rests"
    assert balancer.take(among=[second]) is second, "where none is awake, one that rests is asked"
    balancer.give_back(second)
    clock.time = 10.0
    assert balancer.take() is second


def test_a_server_that_is_lost_gets_one_request_until_it_has_answered() -> None:
    clock = FakeClock()
    balancer = Balancer(["a", "b"], clock, most=4)
    assert balancer.window() == 8
    a, b = balancer.take(), balancer.take()
    assert balancer.give_back(b, rest_s=10, is_down=True), "it is news"
    assert balancer.window() == 4
    assert balancer.take() is a
    clock.time = 10.0
    assert balancer.take() is b, "one is tried"
    assert [balancer.take() for _ in range(3)] == [a, a, a], "and no more while it is tried"
    assert not balancer.give_back(b, rest_s=10, is_down=True), "no news"
    assert balancer.take() is a
    clock.time = 20.0
    assert balancer.take() is b
    assert balancer.give_back(b, is_down=False), "it is back"
    assert balancer.window() == 8
    assert [balancer.take() for _ in range(3)] == [b, b, b]


def test_a_server_that_answers_badly_is_not_lost() -> None:
    balancer = Balancer(["a", "b"], FakeClock(), most=4)
    assert not balancer.give_back(balancer.take(), rest_s=10)
    assert balancer.window() == 8


def test_a_server_known_to_be_lost_is_tried_once_and_its_failure_is_no_news() -> None:
    balancer = Balancer(["a", "b"], FakeClock(), most=4, down=["a"])
    assert balancer.window() == 4
    tried = balancer.take()
    assert (tried.url, balancer.take().url, balancer.take().url) == ("a", "b", "b")
    assert not balancer.give_back(tried, rest_s=10, is_down=True)
    assert balancer.take().url == "b"


def test_attempts_end() -> None:
    failures = [Transient(f"{i}") for i in range(9)]
    error, _, n = tried(list(failures), RetryPolicy(attempts=3))
    assert n == 3
    assert str(error) == "2"


def test_the_deadline_ends_it_before_a_wait_that_would_pass_it() -> None:
    failures = [Transient("x", retry_after_s=40) for _ in range(9)]
    error, slept, n = tried(list(failures), RetryPolicy(attempts=9, deadline_s=100))
    assert isinstance(error, Transient)
    assert (slept, n) == ([40, 40], 3)


def test_another_error_is_not_tried_again() -> None:
    error, slept, n = tried([KeyError("model")], RetryPolicy())
    assert isinstance(error, KeyError)
    assert (slept, n) == ([], 1)
    error, slept, n = tried([Transient("x"), KeyError("model")], RetryPolicy())
    assert isinstance(error, KeyError)
    assert (slept, n) == ([1], 2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:10 GMT"}, 10),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "1e9"}, 86400),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now=datetime(2026, 11, 20, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    "secret", ["sk-abc123def", "sk-proj-a_b-c", "hf_abcdefgh", "Bearer abc.def-123", "sk-ab***cd"]
)
def test_keys_are_taken_out_of_messages(secret: str) -> None:
    assert redact(f"Incorrect API key: {secret}, see docs") == "Incorrect API key: [secret], see docs"  # fmt: skip
    assert secret not in str(Transient(f"x {secret}"))


def test_json_is_read_whatever_text_it_holds() -> None:
    assert read_json(b'{"a": [1, null, "\\u00e9"]}') == {"a": [1, None, "é"]}
    # Half a character, as a model may leave it at the end of a reply that was cut off.
    assert read_json(b'{"a": "x\\ud83d"}') == {"a": "x\ud83d"}
    for bad in (b"", b"<html>", b'{"a": ', b"\xff"):
        with pytest.raises(ValueError, match=r"JSON|Expecting|expected|decode|EOF|value"):
            read_json(bad)
