"""Replies as providers really send them: what passes is tried again, what is read is read, all is booked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build import stage as build_stage
from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.http.retrying import RetryPolicy
from lorid_data.schema import Reject
from lorid_data.teachers.remote import N_PAID, RemoteTeacher
from lorid_data.testing.fake_replies import Shape
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

N = 6
SPECS = {"server": "server:fake@{url}", "openai": "openai:gpt-4o", "anthropic": "anthropic:claude-haiku-4-5"}  # fmt: skip


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTeacher]:
    """A server, and teachers that lose patience soon."""
    opened = build_stage.open_teacher

    def quick(spec: str, options: Any) -> Any:
        teacher = opened(spec, options)
        if isinstance(teacher, RemoteTeacher):
            teacher.policy = RetryPolicy(attempts=4, deadline_s=5, base_s=0.01)
        return teacher

    monkeypatch.setattr(build_stage, "open_teacher", quick)
    with FakeTeacher() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=list(SPECS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"question {i}", "rationale": "so", "answer": "1"} for i in range(N)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def build(table: Path, out: Path, fake: FakeTeacher, kind: str, *more: str) -> int:
    spec = SPECS[kind].format(url=fake.url)
    return main(["build", str(table), "--teacher", spec, "--out", str(out), *more])


def one(number: int, fault: Fault, times: int = 10**9) -> Any:
    """A fault for one question, so many times."""
    left = [times]

    def faults(_: int, prompt: str) -> Fault | None:
        if f"question {number}\n" in prompt and left[0] > 0:
            left[0] -= 1
            return fault
        return None

    return faults


def attempts(out: Path) -> list[tuple[str, str, float | None]]:
    with closing(sqlite3.connect(out / "journal.sqlite")) as c:
        return c.execute("SELECT outcome, detail, cost_usd FROM attempts ORDER BY id").fetchall()


def rejects(out: Path) -> list[Reject]:
    return read_rows(out / "rejects.parquet", Reject)


HALVES = {
    "in the text": {"content": '{"output": ["half \ud83d"]}'},
    "in the model's name": {"model": "m\ud83d"},
    "in the finish reason": {"finish_reason": "\udc00"},
    "10^20 tokens": {"usage": {"prompt_tokens": 10**20, "completion_tokens": 5}},
    "infinite tokens": {"usage": {"prompt_tokens": float("inf"), "completion_tokens": 5}},
    "nested deep": None,
}


def body_of(change: dict[str, Any] | None) -> bytes:
    if change is None:
        return b"[" * 100_000
    message = {"role": "assistant", "content": change.get("content", '{"output": ["Add."]}')}
    choice = {"index": 0, "message": message, "finish_reason": change.get("finish_reason", "stop")}
    usage = change.get("usage", {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10})
    body = {"id": "x", "model": change.get("model", "m"), "choices": [choice], "usage": usage}
    return json.dumps(body).replace("Infinity", "1e999").encode()


@pytest.mark.parametrize("what", list(HALVES))
@pytest.mark.parametrize("api", ["server", "openai"])
def test_what_cannot_be_stored_as_it_is_stops_nothing(
    tmp_path: Path, table: Path, fake: FakeTeacher, api: str, what: str
) -> None:
    out = tmp_path / "out"
    fake.faults = one(3, Fault("body", status=200, payload=body_of(HALVES[what])))
    status = build(table, out, fake, api)
    manifest = read_manifest(out)
    assert manifest.n_kept + sum(manifest.n_rejected.values()) == N
    if what == "in the text":
        assert manifest.n_rejected == {"reply_wrong_shape": 1}
        assert "\\ud83d" in rejects(out)[0].evidence
    elif what in ("in the finish reason", "nested deep"):
        assert (status, manifest.n_rejected) == (1, {"teacher_failed": 1})
        return
    assert status == 0
    n = fake.n_requests
    assert build(table, out, fake, api) == 0
    assert fake.n_requests == n, "what is stored is not asked again"


def test_an_error_that_is_no_text_is_told(tmp_path: Path, table: Path, fake: FakeTeacher) -> None:
    bad = json.dumps({"error": {"message": "no \ud83d", "code": "\udc00"}}).encode()
    fake.faults = one(2, Fault("body", status=400, payload=bad))
    assert build(table, tmp_path / "out", fake, "server") == 1
    assert "no \\ud83d" in rejects(tmp_path / "out")[0].detail


@pytest.mark.parametrize("where", ["body", "choice"])
def test_an_error_inside_a_200_is_that_error(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, where: str
) -> None:
    inside = Fault("error_inside", status=429, message="slow down, please", code=where)
    out = tmp_path / "out"
    fake.faults = one(1, inside, times=2)
    assert build(table, out, fake, kind) == 0
    failed = [a for a in attempts(out) if a[0] == "attempt_failed"]
    assert len(failed) == 2
    assert all("answered 429: slow down, please" in detail and "upstream" in detail for _, detail, _ in failed)  # fmt: skip
    assert [cost for *_, cost in failed] == [0.0, 0.0], "nothing is charged for an error"


def test_an_error_inside_that_no_retry_helps_ends_at_once(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.faults = lambda *_: Fault("error_inside", status=402, message="Insufficient credits")
    assert build(table, tmp_path / "out", fake, kind, "--concurrency", "1") == 1
    assert "Insufficient credits" in capsys.readouterr().err
    assert fake.n_requests == 1


@pytest.mark.parametrize("fault", [Fault("empty"), *(Fault("finish", message=m) for m in ("error", "insufficient_system_resource", "abort", "new_word"))], ids=lambda f: f"{f.kind} {f.message}")  # fmt: skip
def test_a_passing_failure_is_never_a_reply(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, fault: Fault
) -> None:
    fake.rungs = frozenset({"schema", "prompt"})
    out = tmp_path / "out"
    fake.faults = one(4, fault, times=1)
    assert build(table, out, fake, kind) == 0
    assert read_manifest(out).n_kept == N, "tried again, and answered"
    paid = [cost for outcome, _, cost in attempts(out) if outcome == "attempt_failed"]
    assert len(paid) == 1
    assert kind == "server" or (paid[0] or 0) > 0, "what was paid for is booked"

    again = tmp_path / "again"
    fake.faults, before = one(4, fault), fake.n_requests
    assert build(table, again, fake, kind) == 1
    assert fake.n_requests - before == N - 1 + N_PAID
    assert read_manifest(again).n_rejected == {"teacher_failed": 1}
    fake.faults, before = (), fake.n_requests
    assert build(table, again, fake, kind) == 0
    assert fake.n_requests - before == 1, "a rerun asks for it"


def test_a_failure_that_an_earlier_release_stored_is_asked_again(
    tmp_path: Path, table: Path, fake: FakeTeacher
) -> None:
    out = tmp_path / "out"
    assert build(table, out, fake, "server") == 0
    with closing(sqlite3.connect(out / "journal.sqlite")) as c, c:
        # Replies of before carry no hash of their own.
        c.execute("UPDATE attempts SET text = '', row_sha256 = NULL WHERE id = 1")
        c.execute("UPDATE attempts SET finish_reason = 'error', row_sha256 = NULL WHERE id = 2")
    (out / "manifest.json").unlink()
    n = fake.n_requests
    assert build(table, out, fake, "server") == 0
    assert fake.n_requests == n + 2
    assert read_manifest(out).n_kept == N


@pytest.mark.parametrize("shape", ["parts", "tool_object", "reasoning_only", "think", "think_end", "fence", "fence_words"])  # fmt: skip
@pytest.mark.parametrize("rung", ["schema", "tool", "prompt"])
def test_every_dress_of_a_good_reply_is_read(
    tmp_path: Path, table: Path, fake: FakeTeacher, shape: Shape, rung: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    fake.shape, fake.rungs = shape, frozenset({rung})
    assert build(table, tmp_path / "out", fake, "server") == 0
    assert read_manifest(tmp_path / "out").n_kept == N
    assert main(["doctor", "--teacher", SPECS["server"].format(url=fake.url)]) == 0
    said = {
        "parts": "a list of parts", "tool_object": "as an object", "reasoning_only": "under reasoning_content",
        "think": "thoughts before", "think_end": "thoughts before", "fence": "a code fence", "fence_words": "words around",
    }  # fmt: skip
    assert said[shape] in capsys.readouterr().out


def test_latex_that_json_swallowed_is_put_back_or_refused(
    tmp_path: Path, table: Path, fake: FakeTeacher
) -> None:
    texts = {1: r'{"output": ["$a \times b$ and \frac12"]}', 2: r'{"output": ["a\tb"]}'}
    fake.faults = lambda _, p: next((Fault("text", message=t) for i, t in texts.items() if f"question {i}\n" in p), None)  # fmt: skip
    out = tmp_path / "out"
    assert build(table, out, fake, "server") == 0
    assert read_manifest(out).n_rejected == {"knowledge_format": 1}
    assert "U+0009" in rejects(out)[0].detail
    assert (r"$a \times b$ and \frac12",) in {r.knowledge for r in read_records(out)}


# --- money --------------------------------------------------------------------------------------


def beside(usage: dict[str, Any]) -> dict[str, Any]:
    """Reasoning tokens outside of the completion's, as xAI counts them."""
    inner = {"reasoning_tokens": 30_000}
    return {**usage, "completion_tokens_details": inner, "total_tokens": usage["total_tokens"] + 30_000}  # fmt: skip


def test_reasoning_beside_the_completion_is_booked_and_held_back(
    tmp_path: Path, table: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.usage = beside  # 0.30 USD a reply, of which no limit of the request knows
    out = tmp_path / "out"
    assert build(table, out, fake, "openai", "--budget", "0.4") == 1
    assert fake.n_requests == 1, "the next one is expected to cost as much"
    assert "the budget of $0.4 is reached: $0.30" in capsys.readouterr().err


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5}, {"prompt_tokens": -5, "completion_tokens": 3}, {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 3}, "many"])  # fmt: skip
def test_usage_that_says_nothing_costs_the_most_and_is_remembered(
    tmp_path: Path, table: Path, fake: FakeTeacher, usage: Any
) -> None:
    fake.usage = lambda _: usage
    out = tmp_path / "out"
    # At most 0.0214 a request: one fits, and the second run knows it.
    for _ in range(2):
        assert build(table, out, fake, "openai", "--budget", "0.03", "--concurrency", "1") == 1
    assert fake.n_requests == 1
    assert attempts(out)[0][2] == pytest.approx(0.0214, abs=0.001)


def test_more_cached_than_asked_makes_no_money(
    tmp_path: Path, table: Path, fake: FakeTeacher
) -> None:
    fake.usage = lambda u: {**u, "prompt_tokens_details": {"cached_tokens": 10**6}}
    assert build(table, tmp_path / "out", fake, "openai") == 0
    assert all((cost or 0) > 0 for *_, cost in attempts(tmp_path / "out"))


# --- waiting ------------------------------------------------------------------------------------


def test_a_wait_beyond_all_patience_ends_the_run_and_says_until_when(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.faults = one(0, Fault("status", status=429, retry_after="86400", message="tomorrow"))
    assert build(table, tmp_path / "out", fake, kind) == 1
    err = capsys.readouterr().err
    assert "it asks to wait 1 day, 0:00:00" in err
    assert "after 20" in err
    assert "UTC" in err
    fake.faults = ()
    assert build(table, tmp_path / "out", fake, kind) == 0


def test_a_stated_limit_beyond_all_patience_ends_the_run(
    tmp_path: Path, table: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {"x-ratelimit-limit-requests": "1e-9", "x-ratelimit-remaining-requests": "0"}
    fake.faults = lambda *_: Fault("body", status=200, payload=body_of({}), headers=headers)
    assert build(table, tmp_path / "out", fake, "server", "--concurrency", "1") == 1
    assert "the provider states limits" in capsys.readouterr().err


def test_a_longer_reply_that_is_refused_leaves_the_one_that_was_cut_off(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str
) -> None:
    refused = Fault("status", status=400, message="max_tokens is too large: this model writes at most 4096")  # fmt: skip
    seen: list[str] = []

    def faults(_: int, prompt: str) -> Fault | None:
        if "question 2\n" not in prompt:
            return None
        seen.append(prompt)
        return Fault("truncated", enough_tokens=10**6) if len(seen) == 1 else refused

    fake.faults = faults
    assert build(table, tmp_path / "out", fake, kind) == 0
    assert read_manifest(tmp_path / "out").n_rejected == {"reply_truncated": 1}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_provider_that_redirects_says_where_to(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The run ends: every other row would go there too. Neither the key nor what is signed is shown."""
    away = {"Location": "https://me:hush@models.example/v1/chat/completions?sig=hush"}
    fake.faults = lambda *_: Fault("body", status=status, payload=b"", headers=away)
    assert build(table, tmp_path / "out", fake, kind, "--concurrency", "1") == 1
    said = capsys.readouterr().err
    assert f"redirects ({status}) to 'https://models.example/v1/chat/completions'" in said
    name = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}.get(kind, "--teacher")
    assert f"name that address in {name} instead" in said
    assert "hush" not in said
    assert fake.n_requests == 1


# --- length -------------------------------------------------------------------------------------


def test_a_model_that_only_thinks_is_told_by_the_exit_status(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.text = lambda _: ""
    fake.faults = lambda *_: Fault("finish", message="max_tokens" if kind == "anthropic" else "MAX_TOKENS")  # fmt: skip
    out = tmp_path / "out"
    assert build(table, out, fake, kind) == 1
    assert read_manifest(out).n_rejected == {"reply_truncated": N}
    assert f"{N} of {N} rows are rejected as reply_truncated" in capsys.readouterr().err
    assert "all of its tokens went into thinking; allow more with --max-tokens" in rejects(out)[0].detail  # fmt: skip
    assert fake.n_requests == 2 * N
    assert build(table, out, fake, kind) == 1, "and again, without asking"
    assert fake.n_requests == 2 * N


def test_length_and_effort_are_sent_and_belong_to_the_folder(
    tmp_path: Path, table: Path, fake: FakeTeacher, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--max-tokens", "9000", "--reasoning-effort", "low"]
    assert build(table, tmp_path / "out", fake, kind, *more) == 0
    body = fake.seen[0].body
    assert body[{"openai": "max_completion_tokens"}.get(kind, "max_tokens")] == 9000
    if kind == "anthropic":
        assert body["output_config"]["effort"] == "low"
        assert body["output_config"]["format"]["type"] == "json_schema"
    else:
        assert body["reasoning_effort"] == "low"
    assert build(table, tmp_path / "out", fake, kind) == 2
    assert "max_tokens was 9000, is None" in capsys.readouterr().err
    assert read_manifest(tmp_path / "out").identity["reasoning_effort"] == "low"


def test_the_high_estimate_holds_where_every_reply_is_cut_off(
    tmp_path: Path, table: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(table, tmp_path / "out", fake, "openai", "--dry-run") == 0
    high = float(capsys.readouterr().out.partition("high $")[2].partition(";")[0])
    fake.faults = lambda *_: Fault("finish", message="length")

    def all_used(usage: dict[str, Any]) -> dict[str, Any]:
        most = int(fake.seen[-1].body["max_completion_tokens"])
        return {"prompt_tokens": usage["prompt_tokens"], "completion_tokens": most, "total_tokens": usage["prompt_tokens"] + most}  # fmt: skip

    fake.usage = all_used
    build(table, tmp_path / "out", fake, "openai", "--concurrency", "1")
    paid = sum(cost or 0 for *_, cost in attempts(tmp_path / "out"))
    assert 0.5 * high < paid <= high
