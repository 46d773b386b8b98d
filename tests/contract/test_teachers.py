"""What every teacher behind a network must do, whichever API it speaks; against a real server."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data import prompts
from lorid_data.errors import ConfigError, StageError, TeacherError
from lorid_data.http.retrying import RetryPolicy
from lorid_data.schema import RejectReason, TeacherReply, make_problem
from lorid_data.teachers.base import NoRules, TeacherRequest, make_request, read_reply
from lorid_data.teachers.registry import AskOptions, open_teacher
from lorid_data.teachers.remote import N_FAILED_IN_A_ROW, RemoteTeacher
from lorid_data.testing.fake_teacher import KEY, FakeTeacher, Fault, rules_for

SPECS = {"server": "server:fake@{url}", "openai": "openai:gpt-4o", "anthropic": "anthropic:claude-haiku-4-5"}  # fmt: skip
FAST = RetryPolicy(attempts=4, deadline_s=20, base_s=0.01)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTeacher]:
    with FakeTeacher() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=list(SPECS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(kind: str, fake: FakeTeacher, **options: Any) -> RemoteTeacher:
    teacher = open_teacher(SPECS[kind].format(url=fake.url), AskOptions(**options))
    assert isinstance(teacher, RemoteTeacher)
    teacher.policy = FAST
    return teacher


def request_for(teacher: RemoteTeacher, question: str = "How many?") -> TeacherRequest:
    problem = make_problem(source="s", split="train", question=question, rationale="r", answer="1")
    prompt, system = prompts.load("teacher/knowledge.v1"), prompts.load("teacher/system.v1")
    return make_request(problem, teacher=teacher, prompt=prompt, system=system, position=0)


def ask(teacher: RemoteTeacher, *questions: str) -> list[TeacherReply | BaseException]:
    async def run() -> list[TeacherReply | BaseException]:
        try:
            requests = [request_for(teacher, q) for q in questions or ("How many?",)]
            return await asyncio.gather(*map(teacher.ask, requests), return_exceptions=True)
        finally:
            await teacher.close()

    return asyncio.run(run())


def reply_of(teacher: RemoteTeacher) -> TeacherReply:
    [got] = ask(teacher)
    if isinstance(got, BaseException):
        raise got
    return got


def test_a_reply_says_where_it_comes_from(kind: str, fake: FakeTeacher) -> None:
    teacher = opened(kind, fake)
    reply = reply_of(teacher)
    assert read_reply(reply) == tuple(rules_for(fake.seen[0].prompt))
    assert reply.request_key == request_for(teacher).key
    assert reply.teacher == kind
    assert reply.model_asked == teacher.model
    assert reply.model_answered.startswith(f"{teacher.model}-2026")
    assert reply.finish_reason == "stop"
    assert reply.rung == "schema"
    assert reply.n_attempts == 1
    assert (reply.n_input_tokens or 0) > 100
    assert (reply.n_output_tokens or 0) > 5
    assert (reply.cost_usd is None) == (kind == "server"), "an unknown price is not free"
    assert fake.seen[0].body["model"] == teacher.model


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_what_may_pass_is_tried_again_and_told(kind: str, fake: FakeTeacher, status: int) -> None:
    fake.faults = [Fault("status", status=status, retry_after="0.01")] * 2
    teacher = opened(kind, fake)
    told: list[str] = []

    async def tell(attempt: Any) -> None:
        told.append(attempt.detail)

    teacher.on_failed_attempt = tell
    assert reply_of(teacher).n_attempts == 3
    assert [str(status) in t for t in told] == [True, True]
    assert fake.n_requests == 3, "the SDK's own retries must be off"


def test_retry_after_is_waited_for(kind: str, fake: FakeTeacher) -> None:
    fake.faults = [Fault("status", status=429, retry_after="0.5")]
    reply_of(opened(kind, fake))
    assert fake.seen[1].at_s - fake.seen[0].at_s >= 0.5


@pytest.mark.parametrize("fault", ["cut", "not_http_json"])
def test_a_broken_reply_is_tried_again(kind: str, fake: FakeTeacher, fault: Any) -> None:
    fake.faults = [Fault(fault)]
    assert reply_of(opened(kind, fake)).n_attempts == 2


def test_a_reply_after_the_timeout_is_tried_again_and_its_price_is_held(fake: FakeTeacher, kind: str) -> None:  # fmt: skip
    fake.faults = [Fault("slow", delay_s=5)]
    teacher = opened(kind, fake)
    teacher.backend._timeout_s = 0.3  # type: ignore[attr-defined]
    told: list[float | None] = []

    async def tell(attempt: Any) -> None:
        told.append(attempt.cost_usd)

    teacher.on_failed_attempt = tell
    reply = reply_of(teacher)
    assert reply.n_attempts == 2
    if kind == "server":
        assert told == [None]
    else:
        assert reply.cost_usd is not None
        assert told[0] is not None
        assert told[0] > reply.cost_usd, "what it might have cost at most"
        assert teacher.budget.spent_usd == pytest.approx(told[0] + reply.cost_usd)


def test_it_gives_up_in_the_end(kind: str, fake: FakeTeacher) -> None:
    fake.faults = lambda *_: Fault("status", status=500)
    with pytest.raises(TeacherError) as e:
        reply_of(opened(kind, fake))
    assert e.value.reason == RejectReason.TEACHER_FAILED
    assert "gave up after 4 attempts" in str(e.value)
    assert fake.n_requests == FAST.attempts


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Fault("status", status=401, message=f"bad key {KEY}"), StageError, "API_KEY"),
        (Fault("status", status=403), StageError, "API_KEY"),
        (Fault("status", status=404, message="no such model"), StageError, "the model's name"),
        (
            Fault("status", status=429, message="exceeded your current quota", code="insufficient_quota"),
            StageError,
            "add credit",
        ),
        (Fault("status", status=400, message="no such option"), TeacherError, "no such option"),
        (
            Fault("status", status=400, message="maximum context length is 8192 tokens"),
            TeacherError,
            "longer context",
        ),
        (Fault("status", status=413), TeacherError, "longer context"),
    ],
)  # fmt: skip
def test_what_cannot_pass_stops_at_once_and_says_what_to_do(
    kind: str, fake: FakeTeacher, fault: Fault, error: type[Exception], says: str
) -> None:
    fake.faults = lambda *_: fault
    with pytest.raises(error) as e:
        reply_of(opened(kind, fake))
    assert says in str(e.value)
    assert KEY not in str(e.value)
    assert fake.n_requests == 1


def test_a_wrong_key_ends_the_run_for_all(kind: str, fake: FakeTeacher, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    fake.check_key = True
    for name in fake.environment:
        if name.endswith("KEY"):
            monkeypatch.setenv(name, "sk-wrong-key-of-mine")
    got = ask(opened(kind, fake, concurrency=2), *(f"q{i}" for i in range(20)))
    assert all(isinstance(x, StageError) for x in got)
    assert fake.n_requests <= 2
    assert not any("sk-wrong" in str(x) for x in got)


def test_many_failures_in_a_row_end_the_run(kind: str, fake: FakeTeacher) -> None:
    fake.faults = lambda *_: Fault("status", status=400, message="always")
    got = ask(opened(kind, fake, concurrency=1), *(f"q{i}" for i in range(30)))
    assert sum(type(x) is TeacherError for x in got) == N_FAILED_IN_A_ROW - 1
    assert fake.n_requests == N_FAILED_IN_A_ROW
    assert any("requests in a row" in str(x) and "always" in str(x) for x in got)


def test_failures_between_good_replies_do_not_end_the_run(kind: str, fake: FakeTeacher) -> None:
    fake.faults = lambda n, _: Fault("status", status=400, message="now and then") if n % 2 else None  # fmt: skip
    n = 2 * N_FAILED_IN_A_ROW + 2
    got = ask(opened(kind, fake, concurrency=1), *(f"q{i}" for i in range(n)))
    assert sum(isinstance(x, TeacherReply) for x in got) == n / 2
    assert sum(type(x) is TeacherError for x in got) == n / 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("bad_json", "reply_not_json"),
        ("duplicate_keys", "reply_not_json"),
        ("wrong_shape", "reply_wrong_shape"),
        ("refusal", "teacher_refused"),
        ("truncated", "reply_truncated"),
    ],
)
def test_a_reply_that_is_no_knowledge_is_kept_and_never_becomes_some(
    kind: str, fake: FakeTeacher, fault: Any, reason: str
) -> None:
    fake.faults = [Fault(fault)]
    reply = reply_of(opened(kind, fake))
    assert reply.text
    got = read_reply(reply)
    assert isinstance(got, NoRules)
    assert got.reason == reason


@pytest.mark.parametrize("rung", ["tool", "json_object", "prompt"])
def test_structure_falls_down_the_ladder_once_for_all(
    kind: str, fake: FakeTeacher, rung: str
) -> None:
    teacher = opened(kind, fake)
    rungs = list(teacher.backend.rungs)
    if rung not in rungs:
        pytest.skip(f"{kind} has no rung {rung}")
    fake.rungs = frozenset(rungs[rungs.index(rung) :])  # type: ignore[arg-type]
    first = ask(teacher, "q0")
    assert isinstance(first[0], TeacherReply)
    assert first[0].rung == rung
    assert not isinstance(read_reply(first[0]), NoRules)
    assert fake.n_requests == rungs.index(rung) + 1
    more = ask(teacher, "q1", "q2")
    assert [getattr(x, "rung", x) for x in more] == [rung, rung]
    assert fake.n_requests == rungs.index(rung) + 3


def test_keys_are_read_from_the_environment_before_anything_is_sent(
    fake: FakeTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("openai", "anthropic"):
        monkeypatch.delenv(f"{kind.upper()}_API_KEY")
        with pytest.raises(ConfigError, match=f"{kind.upper()}_API_KEY is not set"):
            opened(kind, fake)
    assert fake.n_requests == 0


def test_the_budget_is_never_passed_by_more_than_one_request(kind: str, fake: FakeTeacher, tmp_path: Path) -> None:  # fmt: skip
    prices = tmp_path / "p.yaml"
    prices.write_text(f"{kind}: {{models: {{{open_teacher(SPECS[kind].format(url=fake.url)).model}: {{input: 10, output: 100}}}}}}")  # type: ignore[union-attr]  # fmt: skip
    fake.latency_s = 0.01
    cap = 0.5
    teacher = opened(kind, fake, concurrency=8, budget_usd=cap, prices=prices)
    got = ask(teacher, *(f"q{i}" for i in range(300)))
    good = [x for x in got if isinstance(x, TeacherReply)]
    stops = [x for x in got if isinstance(x, StageError)]
    assert len(good) + len(stops) == 300
    assert "the budget of $0.5 is reached" in str(stops[0])
    spent = sum(x.cost_usd or 0 for x in good)
    assert teacher.budget.spent_usd == pytest.approx(spent)
    assert 0 < spent <= cap
    assert fake.n_requests == len(good)


def test_a_cap_on_an_unknown_price_is_refused(fake: FakeTeacher) -> None:
    for spec in (SPECS["server"].format(url=fake.url), "openai:unheard-of"):
        with pytest.raises(ConfigError, match="is not known, so spending cannot be capped"):
            open_teacher(spec, AskOptions(budget_usd=1.0))


def test_several_servers_share_the_work_and_one_that_is_down_is_passed_over(
    fake: FakeTeacher,
) -> None:
    fake.latency_s = 0.02
    with FakeTeacher(latency_s=0.02) as second:
        spec = f"server:fake@{fake.url},{second.url}"
        teacher = open_teacher(spec, AskOptions(concurrency=16))
        assert isinstance(teacher, RemoteTeacher)
        got = ask(teacher, *(f"q{i}" for i in range(64)))
        assert all(isinstance(x, TeacherReply) for x in got)
        assert abs(fake.n_requests - second.n_requests) <= 8
        endpoint = teacher.endpoint
    down = open_teacher(spec, AskOptions(concurrency=4))
    assert isinstance(down, RemoteTeacher)
    down.policy = FAST
    assert down.endpoint == endpoint, "a key names the endpoint as given, whoever answers"
    got = ask(down, *(f"r{i}" for i in range(32)))
    assert all(isinstance(x, TeacherReply) for x in got)


def in_flight(teacher: RemoteTeacher, n: int) -> Callable[[], list[Any]]:
    return lambda: ask(teacher, *(f"q{i}" for i in range(n)))


def test_the_ceiling_is_kept(kind: str, fake: FakeTeacher) -> None:
    fake.latency_s = 0.05
    got = in_flight(opened(kind, fake, concurrency=7), 40)()
    assert all(isinstance(x, TeacherReply) for x in got)
    assert fake.most_in_flight == 7


def test_no_client_holds_requests_back_of_its_own(kind: str, fake: FakeTeacher) -> None:
    fake.latency_s = 1.0
    got = in_flight(opened(kind, fake, concurrency=150), 150)()
    assert all(isinstance(x, TeacherReply) for x in got)
    assert fake.most_in_flight == 150


def test_no_secret_is_sent_to_another_than_its_owner(fake: FakeTeacher) -> None:
    os.environ["LORID_SERVER_API_KEY"] = "sk-for-the-server"
    reply_of(opened("server", fake))
    assert fake.seen[0].headers["Authorization"] == "Bearer sk-for-the-server"
    assert KEY not in json.dumps(fake.seen[0].headers)
