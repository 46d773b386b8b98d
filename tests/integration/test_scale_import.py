"""Tables and builds of many rows: memory that does not grow with them, and kills at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MIB = 2**20
PEAK = """
import sys
from lorid_data.cli.app import main
status = main(sys.argv[1:])
print("PEAK", next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(status)
"""
"""Not `ru_maxrss`, which begins with the memory of the process that started this one."""


def write(path: Path, n: int, size: int = 2000) -> Path:
    with path.open("w") as f:
        for i in range(n):
            row = {"id": f"n{i}", "question": f"What is {i}? " + "long " * (size // 10), "rationale": f"so {i} " + "and " * (size // 8), "answer": str(i)}  # fmt: skip
            f.write(json.dumps(row) + "\n")
    return path


def peak(*argv: object, cwd: Path) -> int:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([sys.executable, "-c", PEAK, *map(str, argv)], env=env, cwd=cwd, capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout.rsplit("PEAK ", 1)[1]) * 1024


@pytest.mark.parametrize("command", ["import", "build"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, command: str) -> None:
    """Four times the rows, 40 MB of text more: held as objects they took 230 MiB more."""
    peaks = []
    for n in (6_000, 24_000):
        table = write(tmp_path / f"t{n}.jsonl", n)
        more = ["--teacher", "none"] if command == "build" else []
        peaks.append(peak(command, table, *more, "--out", tmp_path / f"o{n}", cwd=tmp_path))
    assert peaks[1] - peaks[0] < 25 * MIB, peaks


def test_a_generated_source_is_not_held(tmp_path: Path) -> None:
    """Both sizes fill every batch and buffer on the way; held, the larger one's rows took 80 MiB more."""
    argv = ["build", "arithmetic", "--teacher", "source", "--limit"]
    peaks = [peak(*argv, n, "--out", tmp_path / f"o{n}", cwd=tmp_path) for n in (20_000, 60_000)]
    assert peaks[1] - peaks[0] < 25 * MIB, peaks


def test_killed_at_any_moment_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    table = write(tmp_path / "t.jsonl", 5_000, 200)
    argv = [sys.executable, "-m", "lorid_data", "import", str(table), "--out"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(out: Path, kill_after_s: float | None = None) -> None:
        process = subprocess.Popen([*argv, str(out)], env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            process.send_signal(signal.SIGKILL)
        process.wait()

    calm, out = tmp_path / "calm", tmp_path / "out"
    began = time.monotonic()
    run(calm)
    took_s = time.monotonic() - began
    for k in range(1, 8):
        run(out, took_s * k / 8)
        for whole in ("records.parquet", "manifest.json"):  # whole, or not there
            if (out / whole).exists():
                assert (out / whole).read_bytes() == (calm / whole).read_bytes()
    run(out)
    names = {p.name for p in calm.iterdir() if not p.name.startswith(".")}
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == names
    assert not list(out.glob(".*.tmp"))
    assert [n for n in names if (out / n).read_bytes() != (calm / n).read_bytes()] == []
