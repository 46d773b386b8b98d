"""Requests and their keys, replies and their parsing, the teachers that need no network."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data import prompts
from lorid_data.errors import ConfigError, InputError, TeacherError
from lorid_data.schema import Problem, RejectReason, make_problem, problem_id
from lorid_data.teachers.base import (
    Message,
    NoRules,
    TeacherRequest,
    Unasked,
    make_reply,
    make_request,
    parse_reply,
    read_reply,
)
from lorid_data.teachers.prices import dollars
from lorid_data.teachers.recorded import RecordedTeacher
from lorid_data.teachers.registry import AVAILABLE, AskOptions, open_teacher
from lorid_data.teachers.scripted import ScriptedTeacher

REQUEST = TeacherRequest(
    problem_id="p",
    position=1,
    prompt_id="teacher/knowledge.v1",
    prompt_sha256="a" * 64,
    teacher="server",
    endpoint="http://127.0.0.1/v1",
    model="m",
    messages=(Message(role="user", content="q"),),
    output_schema={"type": "object"},
    sampling={"temperature": 0.2},
    sample=0,
)
OTHER: dict[str, Any] = {
    "problem_id": "p2",
    "position": 2,
    "prompt_id": "teacher/knowledge.v2",
    "prompt_sha256": "b" * 64,
    "teacher": "openai",
    "endpoint": None,
    "model": "m2",
    "messages": (Message(role="system", content="s"), Message(role="user", content="q")),
    "output_schema": {},
    "sampling": {"temperature": 0.3},
    "sample": 1,
}
IGNORED = {"problem_id", "position", "prompt_id"}


@pytest.mark.parametrize("field", sorted(TeacherRequest.model_fields))
def test_the_key_changes_with_what_can_change_the_answer_and_with_nothing_else(field: str) -> None:
    assert field in OTHER, f"say here whether the new field {field!r} can change the answer"
    changed = REQUEST.model_copy(update={field: OTHER[field]})
    assert (changed.key != REQUEST.key) == (field not in IGNORED)


def test_the_key_does_not_depend_on_the_order_of_sampling_options() -> None:
    a = REQUEST.model_copy(update={"sampling": {"temperature": 0.2, "seed": 1}})
    b = REQUEST.model_copy(update={"sampling": {"seed": 1, "temperature": 0.2}})
    assert a.key == b.key


def test_a_later_field_that_is_none_does_not_change_the_key() -> None:
    class Later(TeacherRequest):
        effort: str | None = None

    assert Later(**REQUEST.model_dump()).key == REQUEST.key
    assert Later(**REQUEST.model_dump(), effort="high").key != REQUEST.key


def test_the_key_stays_the_same_between_releases() -> None:
    # A stored reply is found by its key: changing how keys are made throws paid replies away.
    assert REQUEST.key == "7a8c4440538a14b3b119db35917d3762e4784833a1710c57c62fc7ee8e741e6e"


# --- replies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ('{"output": ["a", "b"]}', ("a", "b")),
        (' \n{"output": [" a "]}\n', (" a ",)),
        ('{"output": ["a"], "thoughts": null}', ("a",)),
        ('```json\n{"output": ["a"]}\n```', ("a",)),
        ('```\n{"output": ["a"]}\n```\n', ("a",)),
        ('{"output": ["\\u00e9\\n"]}', ("é",)),
    ],
)
def test_a_list_of_rules_is_read_as_it_is(text: str, rules: tuple[str, ...]) -> None:
    assert parse_reply(text) == rules


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "reply_not_json"),
        ("ERROR: rate limit", "reply_not_json"),
        ('{"output": ["a"', "reply_not_json"),
        ('Here: {"output": ["a"]}', "reply_not_json"),
        ('{"output": ["a"], "output": ["b"]}', "reply_not_json"),
        ("[" * 100_000, "reply_not_json"),
        ("null", "reply_wrong_shape"),
        ('["a"]', "reply_wrong_shape"),
        ('"a"', "reply_wrong_shape"),
        ("{}", "reply_wrong_shape"),
        ('{"output": "a"}', "reply_wrong_shape"),
        ('{"output": null}', "reply_wrong_shape"),
        ('{"output": {"a": "b"}}', "reply_wrong_shape"),
        ('{"output": []}', "reply_wrong_shape"),
        ('{"output": [""]}', "reply_wrong_shape"),
        ('{"output": ["a", " \\n"]}', "reply_wrong_shape"),
        ('{"output": ["a", null]}', "reply_wrong_shape"),
        ('{"output": [1]}', "reply_wrong_shape"),
        ('{"output": [["a"]]}', "reply_wrong_shape"),
        ('{"output": ["\\ud800"]}', "reply_wrong_shape"),
    ],
)
def test_anything_else_is_no_knowledge(text: str, reason: str) -> None:
    got = parse_reply(text)
    assert isinstance(got, NoRules)
    assert got.reason == reason
    assert got.detail


@given(st.text())
def test_parsing_never_fails(text: str) -> None:
    got = parse_reply(text)
    assert isinstance(got, NoRules) or (got and all(rule.strip() for rule in got))


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufffd"),
            min_size=1,
        ).filter(str.strip),
        min_size=1,
    )
)
def test_what_was_written_is_read_back(rules: list[str]) -> None:
    assert parse_reply(json.dumps({"output": rules})) == tuple(rules)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", RejectReason.REPLY_TRUNCATED), ("refusal", RejectReason.TEACHER_REFUSED)],
)
def test_a_refused_or_cut_reply_has_no_rules_whatever_its_text(
    finish: str, reason: RejectReason
) -> None:
    got = read_reply(make_reply(REQUEST, '{"output": ["a"]}', finish_reason=finish))
    assert isinstance(got, NoRules)
    assert got.reason is reason


# --- teachers -----------------------------------------------------------------------------------


def problem(question: str) -> Problem:
    return make_problem(source="s", split="train", question=question, rationale="r", answer="1")


def request(teacher: Any, question: str, position: int = 0) -> TeacherRequest:
    return make_request(
        problem(question),
        teacher=teacher,
        prompt=prompts.load("teacher/knowledge.v1"),
        system=prompts.load("teacher/system.v1"),
        position=position,
    )


def recorded(tmp_path: Path) -> RecordedTeacher:
    line = {"id": problem_id("q"), "knowledge": ["rule"]}
    (tmp_path / "x.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    return RecordedTeacher(tmp_path)


def test_the_request_holds_question_and_rationale(tmp_path: Path) -> None:
    got = request(recorded(tmp_path), "q {rationale}")
    assert [m.role for m in got.messages] == ["system", "user"]
    assert "Question: q {rationale}\nRationale: r\n" in got.messages[1].content


def test_recorded_replays_by_question(tmp_path: Path) -> None:
    teacher = recorded(tmp_path)
    reply = asyncio.run(teacher.ask(request(teacher, "q")))
    assert reply.text == '{"output":["rule"]}'
    assert reply.cost_usd == 0
    assert reply.request_key == request(teacher, "q").key


def test_recorded_invents_nothing(tmp_path: Path) -> None:
    teacher = recorded(tmp_path)
    with pytest.raises(TeacherError) as e:
        asyncio.run(teacher.ask(request(teacher, "q ")))
    assert e.value.reason == "not_recorded"


def test_other_recordings_are_another_model(tmp_path: Path) -> None:
    one = recorded(tmp_path).model
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.jsonl").write_text(json.dumps({"id": "i", "knowledge": ["x"]}), encoding="utf-8")
    assert RecordedTeacher(other).model != one


def test_two_recordings_of_one_question_that_differ_are_refused(tmp_path: Path) -> None:
    lines = [json.dumps({"id": "i", "knowledge": [k]}) for k in "ab"]
    (tmp_path / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.jsonl:2"):
        RecordedTeacher(tmp_path)


def test_the_packaged_recordings_are_all_usable() -> None:
    from lorid_data.checks.rules import rule_fault
    from lorid_data.teachers.recorded import FOLDER

    rows = [
        json.loads(x) for p in FOLDER.glob("*.jsonl") for x in p.read_text("utf-8").splitlines()
    ]
    assert len({r["id"] for r in rows}) == len(rows) == 256 + 168 + 1723
    for row in rows:
        assert parse_reply(json.dumps({"output": row["knowledge"]})) == tuple(row["knowledge"])
        assert [rule_fault(rule) for rule in row["knowledge"] if rule_fault(rule)] == []


def script(tmp_path: Path, *lines: object) -> ScriptedTeacher:
    path = tmp_path / "script.jsonl"
    path.write_text("\n".join(json.dumps(x) for x in lines), encoding="utf-8")
    return ScriptedTeacher(path)


def test_a_script_answers_by_problem_or_by_row(tmp_path: Path) -> None:
    teacher = script(
        tmp_path,
        {"output": ["first"]},
        {"problem_id": problem_id("b"), "text": "raw", "finish_reason": "length"},
        {"output": ["second"]},
        {"id": problem_id("c"), "knowledge": ["third"]},
    )

    def ask(question: str, position: int) -> tuple[str, str]:
        reply = asyncio.run(teacher.ask(request(teacher, question, position)))
        return reply.text, reply.finish_reason

    assert ask("b", 0) == ("raw", "length")
    assert ask("c", 9) == ('{"output":["third"]}', "stop")
    # By row, not by the order of asking, so that an interrupted build goes on with the same lines.
    assert ask("d", 1) == ('{"output":["second"]}', "stop")
    assert ask("a", 0) == ('{"output":["first"]}', "stop")


def test_an_exhausted_script_raises(tmp_path: Path) -> None:
    teacher = script(tmp_path, {"output": ["only"]})
    with pytest.raises(TeacherError) as e:
        asyncio.run(teacher.ask(request(teacher, "q", 1)))
    assert e.value.reason == "script_exhausted"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([{"output": ["a"]}, {"reply": "a"}], "script.jsonl:2: unknown keys ['reply']"),
        ([{"finish_reason": "stop"}], ':1: neither "output" nor "text"'),
        ([{"text": "a", "latency_s": -1}], ":1: latency_s is -1"),
        ([{"text": "a", "problem_id": "p"}] * 2, ":2: a second reply for problem 'p'"),
    ],
)
def test_a_line_that_is_no_reply_is_refused(tmp_path: Path, lines: list[object], says: str) -> None:
    with pytest.raises(InputError) as e:
        script(tmp_path, *lines)
    assert says in str(e.value)


def test_teachers_by_name(tmp_path: Path) -> None:
    script(tmp_path, {"output": ["a"]})
    assert open_teacher("source") == Unasked("source")
    assert open_teacher("none") == Unasked("none")
    assert isinstance(open_teacher("recorded"), RecordedTeacher)
    assert isinstance(open_teacher(f"scripted:{tmp_path}/script.jsonl"), ScriptedTeacher)


@pytest.mark.parametrize(
    "spec",
    ["openia:gpt-4o", "recordet", "", "recorded:x", "none:"],
)
def test_what_is_not_available_is_refused_with_what_is(spec: str) -> None:
    with pytest.raises(ConfigError) as e:
        open_teacher(spec)
    assert all(name in str(e.value) for name in AVAILABLE)


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("opnai:gpt-4o", "openai:gpt-4o"), ("OpenAI:gpt-4o", "openai:gpt-4o"), ("antropic:x", "anthropic:x"),
        ("sever:m@http://127.0.0.1:1/v1", "server:m@http://127.0.0.1:1/v1"), ("recordet", "recorded"),
        ("opnai", "openai:MODEL"),
    ],
)  # fmt: skip
def test_a_slip_in_a_teachers_name_is_told_what_was_meant(spec: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"did you mean {meant!r}?")):
        open_teacher(spec)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_price_needs_no_key(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{kind.upper()}_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="is not set"):
        open_teacher(f"{kind}:m")
    assert open_teacher(f"{kind}:m", AskOptions(only_price=True)).kind == kind


@pytest.mark.parametrize(
    ("usd", "digits", "said"),
    [(0.0, 2, "$0"), (0.0001, 2, "under $0.01"), (0.00999, 2, "under $0.01"), (0.01, 2, "$0.01"), (1234.5, 2, "$1,234.50"), (0.00001, 4, "under $0.0001")],
)  # fmt: skip
def test_no_price_rounds_to_nothing(usd: float, digits: int, said: str) -> None:
    assert dollars(usd, digits) == said


def test_a_script_without_a_file_says_so() -> None:
    with pytest.raises(ConfigError, match="scripted:FILE"):
        open_teacher("scripted:")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("server:m", "server:MODEL@URL"),
        ("server:@http://h/v1", "server:MODEL@URL"),
        ("server:m@ftp://h/v1", "server:MODEL@URL"),
        ("server:m@http://", "no http"),
        ("server:m@http://user:word@h/v1", "a key belongs in LORID_SERVER_API_KEY"),
        ("server:m@http://h/v1?key=word", "a key belongs in LORID_SERVER_API_KEY"),
        ("server:", "needs a model"),
        ("openai", "needs a model"),
        ("anthropic:", "needs a model"),
    ],
)
def test_a_remote_teacher_that_is_named_wrongly_is_refused(spec: str, says: str) -> None:
    with pytest.raises(ConfigError) as e:
        open_teacher(spec)
    assert says in str(e.value)
    assert "word" not in str(e.value)


def test_a_server_keeps_its_endpoint_as_named() -> None:
    from lorid_data.teachers.server import parse_spec

    assert parse_spec("org/m@v2@http://a:1/v1/,https://b/v1") == (
        "org/m@v2",
        "http://a:1/v1,https://b/v1",
        ("http://a:1/v1", "https://b/v1"),
    )


def test_modes_that_a_teacher_lacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    for spec in ("recorded", "source", "server:m@http://h/v1", "anthropic:m"):
        with pytest.raises(ConfigError, match="--mode flex"):
            open_teacher(spec, AskOptions(mode="flex"))
