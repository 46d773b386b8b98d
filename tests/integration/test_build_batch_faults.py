"""Batches that fail as a whole, that are gone, and whose results are no tidy lines."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.testing.fake_batches import FakeBatches
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

N = 12
OPENAI, ANTHROPIC = "openai:gpt-4o", "anthropic:claude-haiku-4-5"


@pytest.fixture(params=[OPENAI, ANTHROPIC])
def teacher(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"question {i}", "rationale": "so", "answer": "1"} for i in range(N)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def batches(fake: FakeTeacher) -> FakeBatches:
    assert fake.batches is not None
    return fake.batches


def build(table: Path, out: Path, teacher: str, *more: str) -> int:
    return main(["build", str(table), "--teacher", teacher, "--out", str(out), "--mode", "batch", "--poll-s", "0.05", *more])  # fmt: skip


def closed(out: Path) -> list[str | None]:
    with closing(sqlite3.connect(out / "journal.sqlite")) as c:
        return [why for (why,) in c.execute("SELECT why FROM batches WHERE over ORDER BY made_s")]


def test_a_full_queue_is_waited_for_with_smaller_batches(
    tmp_path: Path, table: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    batches(fake).most_lines = 4
    out = tmp_path / "out"
    assert build(table, out, OPENAI) == 0
    assert read_manifest(out).n_kept == N
    sizes = [(len(b.lines), b.error is None) for b in batches(fake).batches]
    assert sizes == [(12, False), (6, False), (3, True), (3, True), (3, True), (3, True)]
    assert fake.n_requests == N, "what was not begun was not asked"
    assert "Enqueued token limit reached" in capsys.readouterr().err
    assert "token_limit_exceeded" in str(closed(out)[0])


def test_a_batch_that_fails_says_why_and_its_rows_are_asked_again(
    tmp_path: Path, table: Path, fake: FakeTeacher
) -> None:
    batches(fake).fails = [("invalid_request", "no such window")]
    out = tmp_path / "out"
    assert build(table, out, OPENAI) == 0
    assert [len(b.lines) for b in batches(fake).batches] == [N, N]
    assert "failed: invalid_request no such window" in str(closed(out)[0])

    batches(fake).fails = [("invalid_request", "never")] * 9
    other = tmp_path / "other"
    assert build(table, other, OPENAI) == 1
    assert read_manifest(other).n_rejected == {"teacher_failed": N}
    with closing(sqlite3.connect(other / "journal.sqlite")) as c:
        assert {d for (d,) in c.execute("SELECT detail FROM attempts WHERE outcome != 'reply'")} == {"OpenAI: the batch batch_2 failed: invalid_request never", "OpenAI: the batch batch_3 failed: invalid_request never", "OpenAI: the batch batch_4 failed: invalid_request never"}  # fmt: skip


def test_a_batch_that_is_gone_is_closed_and_its_rows_are_asked_again(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    out = tmp_path / "out"
    batches(fake).gone = {"batch_0"}
    assert build(table, out, teacher, "--budget", "5") == 0
    assert read_manifest(out).n_kept == N
    assert [len(b.lines) for b in batches(fake).batches] == [N, N]
    assert "is not there any more" in str(closed(out)[0]).replace("are not", "is not")
    with closing(sqlite3.connect(out / "journal.sqlite")) as c:
        [(paid,)] = c.execute("SELECT min(cost_usd) FROM attempts WHERE outcome = 'attempt_failed'")
    assert paid > 0, "it may have been charged"


def test_a_file_of_results_that_is_gone_is_explained(
    tmp_path: Path, table: Path, fake: FakeTeacher
) -> None:
    batches(fake).gone = {"batch_0-out"}
    assert build(table, tmp_path / "out", OPENAI) == 0
    assert "batch_0-out" in str(closed(tmp_path / "out")[0])


def test_archived_results_are_explained(tmp_path: Path, table: Path, fake: FakeTeacher) -> None:
    batches(fake).archived = True
    out = tmp_path / "out"
    assert build(table, out, ANTHROPIC) == 1
    assert "are archived" in str(closed(out)[0])
    batches(fake).archived = False
    assert build(table, out, ANTHROPIC) == 0


def test_a_line_separator_in_a_result_ends_no_line(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    batches(fake).raw_lines = True
    fake.text = lambda _: '{"output": ["one\u2028rule of \u2029 all"]}'
    batches(fake).prefix = b"not json\n\n[1]\n"
    out = tmp_path / "out"
    assert build(table, out, teacher) == 0
    assert read_manifest(out).n_kept == N
    assert fake.n_requests == N, "collected once, and paid once"


@pytest.mark.parametrize("fault", [Fault("empty"), Fault("finish", message="error"), Fault("error_inside", status=500)], ids=lambda f: f.kind)  # fmt: skip
def test_a_passing_failure_in_a_batch_is_asked_again(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str, fault: Fault
) -> None:
    seen: list[str] = []

    def faults(_: int, prompt: str) -> Fault | None:
        is_first = "question 3\n" in prompt and prompt not in seen
        seen.append(prompt)
        return fault if is_first else None

    fake.faults = faults
    out = tmp_path / "out"
    assert build(table, out, teacher) == 0
    assert [len(b.lines) for b in batches(fake).batches] == [N, 1]
    assert read_manifest(out).n_kept == N


def test_half_a_character_in_a_batch_is_stored(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    fake.text = lambda p: '{"output": ["a \ud83d"]}' if "question 2\n" in p else '{"output": ["a"]}'  # fmt: skip
    out = tmp_path / "out"
    assert build(table, out, teacher) == 0
    assert read_manifest(out).n_rejected == {"reply_wrong_shape": 1}


def test_a_longer_reply_that_is_refused_in_a_batch_leaves_the_cut_one(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    seen: list[str] = []

    def faults(_: int, prompt: str) -> Fault | None:
        if "question 2\n" not in prompt:
            return None
        seen.append(prompt)
        return Fault("truncated", enough_tokens=10**6) if len(seen) == 1 else Fault("status", status=400, message="max_tokens too large")  # fmt: skip

    fake.faults = faults
    assert build(table, tmp_path / "out", teacher) == 0
    assert read_manifest(tmp_path / "out").n_rejected == {"reply_truncated": 1}
