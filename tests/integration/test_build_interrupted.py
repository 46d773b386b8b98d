"""A build that is killed, interrupted or doubled, as separate processes."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.schema import problem_id

ROWS = 300
COMMAND = (sys.executable, "-m", "lorid_data")


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path]:
    """A table, and a script with a small latency; one reply in twenty is unusable."""
    table, script = tmp_path / "t.jsonl", tmp_path / "s.jsonl"
    rng = random.Random(0)
    with table.open("w") as t, script.open("w") as s:
        for i in range(ROWS):
            question = f"question {i}"
            t.write(
                json.dumps({"question": question, "rationale": f"so {i}", "answer": str(i)}) + "\n"
            )
            text = "sorry" if i % 20 == 0 else json.dumps({"output": [f"rule {i}"]})
            latency_s = round(rng.uniform(0.005, 0.05), 3)
            line = {"problem_id": problem_id(question), "text": text, "latency_s": latency_s}
            s.write(json.dumps(line) + "\n")
    return table, script


def argv(inputs: tuple[Path, Path], out: Path, *more: str) -> list[str]:
    table, script = inputs
    return [*COMMAND, "build", str(table), "--teacher", f"scripted:{script}", "--out", str(out), "--concurrency", "4", *more]  # fmt: skip


def n_stored(out: Path) -> int:
    """Replies that another process can read: committed ones."""
    path = out / "journal.sqlite"
    if not path.is_file():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as c:
            return int(c.execute("SELECT count(*) FROM replies").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def stored_twice(out: Path) -> list[str]:
    with closing(sqlite3.connect(out / "journal.sqlite")) as c:
        query = "SELECT request_key FROM replies GROUP BY request_key HAVING count(*) > 1"
        return [row[0] for row in c.execute(query)]


def wait_for(process: subprocess.Popen[bytes], out: Path, n: int) -> None:
    while process.poll() is None and n_stored(out) < n:
        time.sleep(0.005)


@pytest.fixture
def start() -> Iterator[object]:
    """Start a process that does not outlive the test."""
    running: list[subprocess.Popen[bytes]] = []

    def run(args: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_and_run_again_it_ends_with_the_same_rows(
    tmp_path: Path, inputs: tuple[Path, Path], seed: int, start: object
) -> None:
    assert callable(start)
    whole, out = tmp_path / "whole", tmp_path / "out"
    subprocess.run(argv(inputs, whole), check=True, capture_output=True)
    rng = random.Random(seed)
    moments = sorted(rng.sample(range(ROWS), 4))
    acknowledged = 0
    for n in [*moments, ROWS]:
        process = start(argv(inputs, out))
        wait_for(process, out, n)
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.communicate()
        now = n_stored(out)
        assert now >= max(acknowledged, n if process.returncode == -signal.SIGKILL else 0)
        acknowledged = now
    subprocess.run(argv(inputs, out), check=True, capture_output=True)
    assert stored_twice(out) == []
    assert n_stored(out) == ROWS
    for name in ("records.parquet", "rejects.parquet", "manifest.json"):
        assert sha256_file(out / name) == sha256_file(whole / name), name
    assert read_manifest(out).n_rejected == {"reply_not_json": ROWS // 20}


@pytest.mark.slow
def test_killed_while_starting_or_finishing_it_goes_on(
    tmp_path: Path, inputs: tuple[Path, Path], start: object
) -> None:
    assert callable(start)
    out = tmp_path / "out"
    begin = time.monotonic()
    subprocess.run(argv(inputs, tmp_path / "whole"), check=True, capture_output=True)
    whole_s = time.monotonic() - begin
    for part in (0.3, 0.5, 0.7, 0.9, 1.0):
        process = start(argv(inputs, out))
        time.sleep(whole_s * part * 0.5)
        process.kill()
        process.communicate()
    subprocess.run(argv(inputs, out), check=True, capture_output=True)
    assert sha256_file(out / "records.parquet") == sha256_file(
        tmp_path / "whole" / "records.parquet"
    )
    assert stored_twice(out) == []


def test_ctrl_c_waits_for_what_is_in_flight_and_can_be_resumed(
    tmp_path: Path, inputs: tuple[Path, Path], start: object
) -> None:
    assert callable(start)
    out = tmp_path / "out"
    process = start(argv(inputs, out))
    wait_for(process, out, 5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert b"waiting for the replies in flight" in err
    assert b"Traceback" not in err
    assert 5 <= n_stored(out) < ROWS
    assert not (out / "manifest.json").exists()
    assert subprocess.run(argv(inputs, out), capture_output=True, check=False).returncode == 0
    assert stored_twice(out) == []


def test_a_second_process_on_the_same_folder_is_refused(
    tmp_path: Path, inputs: tuple[Path, Path], start: object
) -> None:
    assert callable(start)
    out = tmp_path / "out"
    first = start(argv(inputs, out))
    wait_for(first, out, 1)
    second = subprocess.run(argv(inputs, out), capture_output=True, text=True, check=False)
    assert first.poll() is None, "the first process ended too early to prove anything"
    assert second.returncode == 1
    assert "another process is working here" in second.stderr
    shared = ["--journal", str(out / "journal.sqlite")]
    third = subprocess.run(
        argv(inputs, tmp_path / "other", *shared), capture_output=True, text=True, check=False
    )
    assert third.returncode == 1
    assert "another process writes to this journal" in third.stderr


def in_small_disk(folder: Path, size: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command with `folder` as a file system of its own, of a given size."""
    script = f'mount -t tmpfs -o size={size} none "$0" && "$@"; status=$?; cp -r "$0" "$0-after"; exit $status'
    return subprocess.run(
        ["unshare", "-r", "-m", "sh", "-c", script, str(folder), *command],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        probe = in_small_disk(folder, "64k", ["true"])
    except FileNotFoundError:
        pytest.skip("unshare is missing: a small file system cannot be mounted")
    if probe.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {probe.stderr.strip()}")
    return folder


@pytest.mark.parametrize("size", ["16k", "150k", "250k", "330k"])
def test_a_full_disk_is_one_message_and_what_was_acknowledged_stays(
    tmp_path: Path, inputs: tuple[Path, Path], small_disk: Path, size: str
) -> None:
    done = in_small_disk(small_disk, size, argv(inputs, small_disk / "out"))
    assert done.returncode == 1, done.stderr
    # The smallest disk has no room for the journal's shared memory: SQLite calls that an I/O error.
    assert ("disk I/O error" if size == "16k" else "the disk is full") in done.stderr
    assert "what was saved stays" in done.stderr
    assert "Traceback" not in done.stderr
    after = Path(f"{small_disk}-after") / "out"
    stored = n_stored(after)
    assert f"{stored}/{ROWS}" in done.stderr or stored == 0
    assert not (after / "manifest.json").exists()
    resumed = subprocess.run(argv(inputs, after), capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert stored_twice(after) == []


def test_a_killed_process_leaves_no_lock(
    tmp_path: Path, inputs: tuple[Path, Path], start: object
) -> None:
    assert callable(start)
    out = tmp_path / "out"
    process = start(argv(inputs, out))
    wait_for(process, out, 1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert subprocess.run(argv(inputs, out), capture_output=True, check=False).returncode == 0
