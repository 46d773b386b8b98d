"""`--mode batch`: submitted once, whatever happens, and with the rows of the mode online."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lorid_data.asking.batch_queue import BatchQueue
from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.teachers.base import Message, TeacherRequest
from lorid_data.teachers.batch import OpenAIBatches
from lorid_data.testing.fake_batches import FakeBatches
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

ROOT = Path(__file__).parent.parent.parent
N = 12


@pytest.fixture(params=["openai:gpt-4o", "anthropic:claude-haiku-4-5"])
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


def argv(table: Path, out: Path, teacher: str, *more: str) -> list[str]:
    return ["build", str(table), "--teacher", teacher, "--out", str(out), "--mode", "batch", "--poll-s", "0.05", *more]  # fmt: skip


def rows_of(out: Path) -> list[dict[str, Any]]:
    """Records without what the mode decides: cost and time."""
    left_out = {"cost_usd": None, "latency_s": None}
    return [
        {**r.model_dump(), "provenance": r.provenance.model_copy(update=left_out)}
        for r in read_records(out)
    ]


def test_the_rows_are_those_of_online_at_half_the_price(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    batches(fake).ends_s = 0.3
    assert main(argv(table, tmp_path / "b", teacher)) == 0
    assert len(batches(fake).batches) == 1
    assert fake.n_requests == N
    assert main(["build", str(table), "--teacher", teacher, "--out", str(tmp_path / "o")]) == 0
    assert rows_of(tmp_path / "b") == rows_of(tmp_path / "o")
    cost = [read_manifest(tmp_path / x).figures["cost_usd"] for x in "bo"]
    assert cost[0] == pytest.approx(cost[1] / 2)
    # What a batch answered is found by the other mode too.
    journal = ["--journal", str(tmp_path / "b" / "journal.sqlite")]
    n = fake.n_requests
    assert main(["build", str(table), "--teacher", teacher, "--out", str(tmp_path / "x"), *journal]) == 0  # fmt: skip
    assert fake.n_requests == n


def test_only_failed_lines_are_submitted_again(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: set[str] = set()

    def fault(_: int, prompt: str) -> Fault | None:
        first = prompt not in seen
        seen.add(prompt)
        if "question 3\n" in prompt and first:
            return Fault("status", status=500) if teacher.startswith("openai") else Fault("truncated")  # fmt: skip
        return Fault("status", status=400, message="no such thing") if "question 5\n" in prompt else None  # fmt: skip

    fake.faults = fault
    out = tmp_path / "out"
    assert main(argv(table, out, teacher)) == 1
    assert [len(b.lines) for b in batches(fake).batches] == [N, 1]
    assert read_manifest(out).n_rejected == {"teacher_failed": 1}
    assert read_manifest(out).n_kept == N - 1


def test_structure_falls_down_the_ladder_in_batches_too(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    fake.rungs = frozenset({"tool", "prompt"})
    assert main(argv(table, tmp_path / "out", teacher)) == 0
    assert {r["provenance"].rung for r in rows_of(tmp_path / "out")} == {"tool"}
    assert [len(b.lines) for b in batches(fake).batches] == [N, N]


def test_a_submission_whose_reply_was_lost_is_found_and_not_repeated(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    batches(fake).drop_replies = 1
    assert main(argv(table, tmp_path / "out", teacher)) == 0
    assert len(batches(fake).batches) == 1
    assert fake.n_requests == N


@pytest.mark.parametrize("named", [True, False])
def test_killed_after_submitting_it_collects_what_was_submitted(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str, *, named: bool
) -> None:
    out = tmp_path / "out"
    batches(fake).ends_s = 1e9
    process = subprocess.Popen([sys.executable, "-m", "lorid_data", *argv(table, out, teacher)], cwd=ROOT, stderr=subprocess.PIPE)  # fmt: skip
    try:
        while not batches(fake).batches and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.3)
    finally:
        process.kill()
        process.communicate()
    if not named:  # killed between the submission and its id
        with closing(sqlite3.connect(out / "journal.sqlite")) as c, c:
            assert c.execute("UPDATE batches SET batch_id = NULL").rowcount == 1
    batches(fake).ends_s = 0
    assert main(argv(table, out, teacher)) == 0
    assert len(batches(fake).batches) == 1
    assert fake.n_requests == N
    assert read_manifest(out).n_kept == N


def test_what_was_written_down_but_never_submitted_is_submitted_once(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    out = tmp_path / "out"
    assert main(argv(table, out, teacher)) == 0
    with closing(sqlite3.connect(out / "journal.sqlite")) as c, c:
        c.execute("UPDATE batches SET batch_id = NULL, over = 0, token = 'another'")
        c.execute("UPDATE batch_requests SET token = 'another'")
        c.execute("DELETE FROM attempts")
    (out / "manifest.json").unlink()
    batches(fake).batches.clear()
    assert main(argv(table, out, teacher)) == 0
    assert [len(b.lines) for b in batches(fake).batches] == [N]


def test_ctrl_c_leaves_the_batch_to_the_provider(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    out = tmp_path / "out"
    batches(fake).ends_s = 1e9
    command = [sys.executable, "-m", "lorid_data", *argv(table, out, teacher, "--poll-s", "60")]
    command = [c for i, c in enumerate(command) if not (c == "0.05" or (c == "--poll-s" and command[i + 1] == "0.05"))]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        while not batches(fake).batches and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert b"go on at the provider" in err
    batches(fake).ends_s = 0
    assert main(argv(table, out, teacher)) == 0
    assert len(batches(fake).batches) == 1


def test_a_batch_stays_within_the_budget(
    tmp_path: Path, table: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    # At most a cent a request at half the price: three fit at first, more once they are settled.
    out = tmp_path / "out"
    assert main(argv(table, out, "openai:gpt-4o", "--budget", "0.035")) == 0
    assert len(batches(fake).batches[0].lines) == 3
    assert len(batches(fake).batches) > 1
    assert fake.n_requests == N
    small = tmp_path / "small"
    assert main(argv(table, small, "openai:gpt-4o", "--budget", "0.005")) == 1
    assert "the budget of $0.005 is reached" in capsys.readouterr().err
    assert fake.n_requests == N


def test_batches_are_split_at_the_providers_limits() -> None:
    requests = [
        TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="openai", model="m",
                       messages=(Message(role="user", content="x" * 100),), sample=i)
        for i in range(10)
    ]  # fmt: skip

    def split(some: list[TeacherRequest], most: int, most_bytes: int) -> list[list[TeacherRequest]]:
        queue = BatchQueue(lambda: [(r.key, r) for r in some])
        return list(queue.parts(most, most_bytes, lambda _: 1224, lambda _: True))

    assert [len(p) for p in split(requests, 4, 10**9)] == [4, 4, 2]
    assert [len(p) for p in split(requests, 100, 3 * 1224)] == [3, 3, 3, 1]
    assert [len(p) for p in split(requests, 100, 1)] == [1] * 10
    assert [r for p in split(requests, 4, 10**9) for r in p] == requests
    assert split([], 4, 4) == []


def test_what_does_not_fit_any_more_is_the_next_to_be_submitted() -> None:
    requests = [
        TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="openai", model="m",
                       messages=(), sample=i)
        for i in range(6)
    ]  # fmt: skip
    queue = BatchQueue(lambda: [(r.key, r) for r in requests])
    left = 4

    def fits(_: TeacherRequest) -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    assert list(queue.parts(3, 100, lambda _: 1, fits)) == [requests[:3], requests[3:4]]
    queue.back(requests[0].key, requests[0])  # it failed
    queue.done(requests[1].key)
    left = 9
    assert list(queue.parts(9, 100, lambda _: 1, fits)) == [[requests[4], requests[0], requests[5]]]
    assert queue.first_of(requests[1].key) is None
    assert queue.first_of(requests[0].key) == requests[0].key


def test_a_teacher_without_batches_is_refused(tmp_path: Path, table: Path) -> None:
    for teacher in ("recorded", "server:m@http://127.0.0.1:9/v1"):
        assert main(argv(table, tmp_path / "out", teacher)) == 2
    assert not (tmp_path / "out").exists()


def test_each_file_is_within_the_limits_whatever_the_text(
    tmp_path: Path, fake: FakeTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Cyrillic letter takes two bytes in a table and six in a line of a batch."""
    monkeypatch.setattr(OpenAIBatches, "max_bytes", 60_000)
    monkeypatch.setattr(OpenAIBatches, "max_requests", 9)
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"{i} " + "ж" * (60 * i), "rationale": "so", "answer": "1"} for i in range(40)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(argv(path, tmp_path / "out", "openai:gpt-4o")) == 0
    files = [f for name, f in batches(fake).files.items() if name.startswith("file-")]
    assert max(map(len, files)) <= 60_000
    sizes = [len(b.lines) for b in batches(fake).batches]
    assert max(sizes) <= 9 < sum(sizes) == fake.n_requests == 40
    assert max(map(len, files)) > 40_000  # and not much smaller than it may be
    assert [r.question for r in read_records(tmp_path / "out")] == [r["question"] for r in rows]
