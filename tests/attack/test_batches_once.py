"""A batch is paid once, and each of its results counts once: whatever the clock says, wherever it is killed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lorid_data.asking import ledger
from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.testing.fake_batches import FakeBatch, FakeBatches
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

ROOT = Path(__file__).parents[2]
N = 12
TEACHERS = ["openai:gpt-4o", "anthropic:claude-haiku-4-5"]
DIES = """
import os, signal, sys
from lorid_data.asking import journal, ledger
n = int(sys.argv[1])
real = journal.Journal.append
async def append(self, attempt):
    global n
    await real(self, attempt)
    n -= 1
    if n == 0:
        os.kill(os.getpid(), signal.SIGKILL)
journal.Journal.append = append
from lorid_data.cli.app import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(params=TEACHERS)
def teacher(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    with FakeTeacher() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"question {i}", "rationale": "so", "answer": "1"} for i in range(N)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def batches(fake: FakeTeacher) -> FakeBatches:
    assert fake.batches is not None
    return fake.batches


def argv(table: Path, out: Path, teacher: str) -> list[str]:
    return ["build", str(table), "--teacher", teacher, "--out", str(out), "--mode", "batch", "--poll-s", "0.05"]  # fmt: skip


def ask(out: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(out / "journal.sqlite")) as c, c:
        return c.execute(query).fetchall()


def orphan(out: Path) -> None:
    """The folder of a run that was killed between a submission and its id."""
    ask(out, "UPDATE batches SET batch_id = NULL, over = 0")
    ask(out, "DELETE FROM attempts")
    ask(out, "DELETE FROM settled")
    (out / "manifest.json").unlink()


@pytest.mark.parametrize("ahead_s", [2 * 3600, -40 * 86400])
def test_a_wrong_clock_pays_no_batch_twice(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str, ahead_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    out = tmp_path / "out"
    with monkeypatch.context() as m:
        m.setattr(ledger.time, "time", lambda now=time.time: now() + ahead_s)
        assert main(argv(table, out, teacher)) == 0
    for batch in batches(fake).batches:  # what the provider's clock says is the provider's matter
        batch.made_s -= 7200
    orphan(out)
    assert main(argv(table, out, teacher)) == 0
    assert len(batches(fake).batches) == 1
    assert fake.n_requests == N
    assert read_manifest(out).n_kept == N


def test_a_lost_reply_under_a_wrong_clock_pays_no_batch_twice(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches(fake).drop_replies = 1
    monkeypatch.setattr(ledger.time, "time", lambda now=time.time: now() + 7200)
    assert main(argv(table, tmp_path / "out", teacher)) == 0
    assert len(batches(fake).batches) == 1


def test_others_batches_of_as_many_requests_are_passed_over(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    """Of one that is not over the keys cannot be read: it is taken, found to be another's, and ours looked for again."""
    out = tmp_path / "out"
    assert main(argv(table, out, teacher)) == 0
    [ours] = batches(fake).batches
    lines = [(f"theirs-{i}", path, body) for i, (_, path, body) in enumerate(ours.lines)]
    theirs = [FakeBatch(f"batch_x{i}", time.time() + 0.5 * i, lines, base=ours.base) for i in range(2)]  # fmt: skip
    batches(fake).batches += theirs
    orphan(out)
    assert main(argv(table, out, teacher)) == 0
    assert batches(fake).batches == [ours, *theirs]
    assert read_manifest(out).n_kept == N


def test_what_is_older_than_the_submission_is_not_looked_through(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    older = FakeBatch("batch_old", time.time(), [("x", "/v1/messages", {})], results=[])
    batches(fake).batches.append(older)
    assert main(argv(table, tmp_path / "out", teacher)) == 0
    assert ask(tmp_path / "out", "SELECT before, adopted FROM batches") == [("batch_old", 0)]


@pytest.mark.parametrize(("n", "fails"), [(1, False), (N, False), (7, True)])
def test_killed_while_collecting_each_result_counts_once(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str, *, n: int, fails: bool
) -> None:
    seen: set[str] = set()

    def fault(_: int, prompt: str) -> Fault | None:
        """Each request fails once in its batch."""
        first = prompt not in seen
        seen.add(prompt)
        return Fault("status", status=500) if first else None

    if fails:
        fake.faults = fault
    assert main(argv(table, tmp_path / "calm", teacher)) == 0
    n_calm = ask(tmp_path / "calm", "SELECT count(*) FROM attempts")
    seen.clear()
    out, env = tmp_path / "out", {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", DIES, str(n), *argv(table, out, teacher)], env=env, capture_output=True, check=False)  # fmt: skip
    assert ran.returncode == -9, ran.stderr
    assert main(argv(table, out, teacher)) == 0
    assert ask(out, "SELECT count(*) FROM attempts") == n_calm
    query = "SELECT request_key, outcome, count(*) FROM attempts GROUP BY 1, 2 HAVING count(*) > 1"
    assert ask(out, query) == []
    costs = [read_manifest(tmp_path / x).figures["cost_usd"] for x in ("out", "calm")]
    assert costs[0] == pytest.approx(costs[1])


def test_a_journal_of_an_earlier_release_is_gone_on_with(
    tmp_path: Path, table: Path, fake: FakeTeacher, teacher: str
) -> None:
    out = tmp_path / "out"
    assert main(argv(table, out, teacher)) == 0
    orphan(out)
    for line in ("DROP TABLE settled", "ALTER TABLE batches DROP COLUMN before", "ALTER TABLE batches DROP COLUMN adopted"):  # fmt: skip
        ask(out, line)
    assert main(argv(table, out, teacher)) == 0
    assert len(batches(fake).batches) == 1
