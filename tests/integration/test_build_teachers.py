"""A build that asks a teacher over a network: paid once, nothing lost, every row accounted for."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.testing.fake_teacher import KEY, FakeTeacher, Fault

ROOT = Path(__file__).parent.parent.parent


def table(folder: Path, n: int) -> Path:
    path = folder / f"t{n}.jsonl"
    rows = [{"question": f"question {i}", "rationale": f"so {i}", "answer": str(i)} for i in range(n)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def build(source: Path, out: Path, teacher: str, *more: str) -> int:
    return main(["build", str(source), "--teacher", teacher, "--out", str(out), *more])


def rows_of(out: Path) -> list[dict[str, Any]]:
    """The records without what a clock wrote."""
    return [
        r.model_copy(
            update={"provenance": r.provenance.model_copy(update={"latency_s": None})}
        ).model_dump()
        for r in read_records(out)
    ]


def stored(out: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(out / "journal.sqlite")) as c:
        return c.execute(query).fetchall()


def test_what_was_answered_is_never_asked_again(tmp_path: Path, fake: FakeTeacher) -> None:
    source, out = table(tmp_path, 30), tmp_path / "out"
    teacher = f"server:fake@{fake.url}"
    fake.faults = lambda _, prompt: Fault("status", status=400, message="no") if "question 7\n" in prompt else None  # fmt: skip
    assert build(source, out, teacher) == 1, "a failed row is not a success"
    assert read_manifest(out).n_rejected == {"teacher_failed": 1}
    assert fake.n_requests == 30
    fake.faults = ()
    assert build(source, out, teacher) == 0
    assert fake.n_requests == 31
    assert build(source, out, teacher) == 0
    assert fake.n_requests == 31
    assert read_manifest(out).n_kept == 30
    other = tmp_path / "other"
    assert build(source, other, teacher, "--journal", str(out / "journal.sqlite")) == 0
    assert fake.n_requests == 31
    assert rows_of(other) == rows_of(out)


def test_every_row_is_kept_rejected_or_failed_with_a_reason(tmp_path: Path, fake: FakeTeacher) -> None:  # fmt: skip
    kinds = [None, "bad_json", "wrong_shape", "refusal", "duplicate_keys", "cut", "not_http_json"]
    chosen = {f"question {i}\n": kinds[i % len(kinds)] for i in range(70)}
    seen: set[str] = set()

    def fault(_: int, prompt: str) -> Fault | None:
        [kind] = [k for q, k in chosen.items() if q in prompt]
        first = prompt not in seen
        seen.add(prompt)
        passes = kind in ("cut", "not_http_json")
        return Fault(kind) if kind and (first or not passes) else None  # type: ignore[arg-type]

    fake.faults = fault
    out = tmp_path / "out"
    assert build(table(tmp_path, 70), out, "openai:gpt-4o") == 0
    manifest = read_manifest(out)
    assert manifest.n_kept == 30
    assert manifest.n_rejected == {"reply_not_json": 20, "reply_wrong_shape": 10, "teacher_refused": 10}  # fmt: skip
    assert all(r.knowledge and all(rule.strip() for rule in r.knowledge) for r in read_records(out))
    assert len(stored(out, "SELECT 1 FROM replies")) == 70, "raw replies are kept whatever they are"
    assert len(stored(out, "SELECT 1 FROM attempts WHERE outcome = 'attempt_failed'")) == 20


def test_a_cut_off_reply_is_asked_again_once_with_more_tokens_under_a_new_key(
    tmp_path: Path, fake: FakeTeacher
) -> None:
    source, out = table(tmp_path, 4), tmp_path / "out"
    fake.faults = lambda _, prompt: Fault("truncated", enough_tokens=4000 if "question 1\n" in prompt else 10**6) if "question 3\n" not in prompt else None  # fmt: skip
    assert build(source, out, "openai:gpt-4o") == 0
    assert sorted(fake.count().values()) == [1, 2, 2, 2]
    assert read_manifest(out).n_rejected == {"reply_truncated": 2}
    assert len(stored(out, "SELECT DISTINCT request_key FROM replies")) == 7
    assert {s.body["max_completion_tokens"] for s in fake.seen} == {2048, 8192}
    # From the journal alone the same rows come, and nothing is asked.
    again = tmp_path / "again"
    assert build(source, again, "openai:gpt-4o", "--journal", str(out / "journal.sqlite")) == 0
    assert fake.n_requests == 7
    assert rows_of(again) == rows_of(out)


def test_the_budget_holds_over_several_runs_of_a_folder(tmp_path: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    source, out = table(tmp_path, 60), tmp_path / "out"
    # A request may cost at most 2 ¢ (2,048 tokens out), and does cost about 0.06 ¢.
    argv = (source, out, "openai:gpt-4o", "--budget", "0.04", "--concurrency", "1")
    assert build(*argv) == 1
    assert "the budget of $0.04 is reached" in capsys.readouterr().err
    n = fake.n_requests
    assert 0 < n < 60
    spent = stored(out, "SELECT sum(cost_usd) FROM attempts")[0][0]
    assert 0 < spent <= 0.04
    assert build(*argv) == 1
    assert fake.n_requests == n, "what was spent before counts"
    assert build(source, out, "openai:gpt-4o", "--budget", "5") == 0
    assert fake.n_requests == 60
    assert read_manifest(out).figures["cost_usd"] == pytest.approx(
        stored(out, "SELECT sum(cost_usd) FROM attempts")[0][0]
    )


def test_flex_is_the_same_request_at_half_the_price(tmp_path: Path, fake: FakeTeacher) -> None:
    source = table(tmp_path, 3)
    assert build(source, tmp_path / "a", "openai:gpt-4o") == 0
    assert build(source, tmp_path / "b", "openai:gpt-4o", "--mode", "flex") == 0
    assert [s.body.get("service_tier") for s in fake.seen] == [None] * 3 + ["flex"] * 3
    cost = [read_manifest(tmp_path / x).figures["cost_usd"] for x in "ab"]
    assert cost[1] == pytest.approx(cost[0] / 2)
    keys = [[r["provenance"]["request_key"] for r in rows_of(tmp_path / x)] for x in "ab"]
    assert keys[0] == keys[1]


def test_no_key_is_written_anywhere(tmp_path: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    fake.faults = lambda n, _: (
        Fault("status", status=500, message=f"key {KEY}") if n % 3 == 0 else None
    )
    for spec in (f"server:fake@{fake.url}", "openai:gpt-4o", "anthropic:claude-haiku-4-5"):
        assert build(table(tmp_path, 6), tmp_path / spec[:6], spec, "--concurrency", "2") == 0
        fake.check_key = True
        os.environ["OPENAI_API_KEY"] = os.environ["ANTHROPIC_API_KEY"] = os.environ["LORID_SERVER_API_KEY"] = "sk-wrong-0123456789"  # fmt: skip
        assert build(table(tmp_path, 7), tmp_path / f"{spec[:6]}-wrong", spec) == 1
        fake.check_key = False
        os.environ.update(fake.environment)
    said = capsys.readouterr()
    files = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) > 20
    for text in (*files, said.out.encode(), said.err.encode()):
        assert KEY.encode() not in text
        assert b"sk-wrong" not in text
        assert b"Bearer" not in text


def command(source: Path, out: Path, fake: FakeTeacher, *more: str) -> list[str]:
    teacher = f"server:fake@{fake.url}"
    return [sys.executable, "-m", "lorid_data", "build", str(source), "--teacher", teacher, "--out", str(out), *more]  # fmt: skip


def test_ctrl_c_sends_nothing_more_and_loses_nothing(tmp_path: Path, fake: FakeTeacher) -> None:
    fake.latency_s = 0.3
    source, out = table(tmp_path, 200), tmp_path / "out"
    process = subprocess.Popen(command(source, out, fake, "--concurrency", "8"), cwd=ROOT, stderr=subprocess.PIPE)  # fmt: skip
    try:
        while fake.n_requests < 10 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert len(stored(out, "SELECT 1 FROM replies")) == fake.n_requests
    fake.latency_s = 0
    subprocess.run(command(source, out, fake), cwd=ROOT, check=True, capture_output=True)
    assert fake.n_requests == 200


def test_a_second_ctrl_c_waits_for_nothing_and_the_next_run_goes_on(
    tmp_path: Path, fake: FakeTeacher
) -> None:
    fake.latency_s = 300
    source, out = table(tmp_path, 20), tmp_path / "out"
    process = subprocess.Popen(command(source, out, fake, "--concurrency", "8"), cwd=ROOT, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stderr is not None
    try:
        while fake.n_in_flight < 8 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = ""
        while "press Ctrl-C again" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "run the same command again" in err
    assert stored(out, "SELECT count(*) FROM replies") == [(0,)], "nothing in flight was waited for"
    assert not (out / "manifest.json").exists()
    fake.latency_s = 0
    subprocess.run(command(source, out, fake), cwd=ROOT, check=True, capture_output=True)
    assert fake.n_requests == 8 + 20
    assert len(rows_of(out)) == 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_killed_twenty_times_no_committed_reply_is_asked_again(
    tmp_path: Path, fake: FakeTeacher, seed: int
) -> None:
    fake.latency_s = 0.05
    source, out, n, width = table(tmp_path, 2000), tmp_path / "out", 2000, 16
    rng = random.Random(seed)
    moments = sorted(rng.sample(range(1, n - 50), 20))
    acknowledged: set[str] = set()
    for moment in moments:
        process = subprocess.Popen(command(source, out, fake, "--concurrency", str(width)), cwd=ROOT, stderr=subprocess.PIPE)  # fmt: skip
        try:
            while process.poll() is None and len(fake.count()) < moment:
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.05))
        finally:
            process.kill()
            process.communicate()
        now = {k for (k,) in stored(out, "SELECT request_key FROM replies")}
        assert acknowledged <= now, "an acknowledged reply was lost"
        acknowledged = now
    subprocess.run(command(source, out, fake, "--concurrency", str(width)), cwd=ROOT, check=True, capture_output=True)  # fmt: skip
    assert len(fake.count()) == n
    assert fake.n_requests - n <= 20 * width, "at most those in flight at each kill are asked again"
    query = "SELECT count(*) FROM (SELECT 1 FROM replies GROUP BY request_key HAVING count(*) > 1)"
    assert stored(out, query) == [(0,)]
    whole = tmp_path / "whole"
    fake.latency_s = 0
    subprocess.run(command(source, whole, fake), cwd=ROOT, check=True, capture_output=True)
    assert rows_of(whole) == rows_of(out)
