"""What a build costs that asks about many rows: memory, journal and resuming, online and in batches.

    python benchmarks/asking_scale.py [--rows 20000 100000] [--batch openai:gpt-4o --requests 250000] [--keep FOLDER]

Online, `build` asks the fake teacher through `server:` for each number of rows, and is run again on the
finished journal. In batches, it submits to the fake provider, is killed with signal 9 once a first batch has
been read, and is run again: each file stays below the provider's limits, and no request is submitted twice. The
fake is another process than the build, whose memory is measured. Prints a table; its last line is JSON: ratios of
most rows to fewest. An idle machine is what it is meant for.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MIB = 1 << 20


def write_table(path: Path, n: int) -> Path:
    """Rows of about 300 bytes, every question another."""
    with path.open("w", encoding="utf-8") as f:
        for i in range(n):
            row = {"question": f"A farmer has {i} apples and gives {i % 97} of them away; how many does he keep?", "rationale": f"He keeps {i} - {i % 97} apples, which is the difference of both numbers.", "answer": str(i - i % 97)}  # fmt: skip
            f.write(json.dumps(row) + "\n")
    return path


def peak() -> int:
    """The most memory that this process has taken, in bytes; not what its parent had when it began."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def child(argv: list[str]) -> int:
    """One build; its last line says what it took."""
    from lorid_data.cli.app import main

    began = time.monotonic()
    status = main(argv)
    took = {"wall_s": time.monotonic() - began, "cpu_s": time.process_time(), "peak": peak()}  # fmt: skip
    print(json.dumps(took))
    return status


def start(argv: list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A build in a process of its own."""
    env = {**os.environ, **environment, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--child", *argv]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip


def finished(process: subprocess.Popen[str]) -> dict[str, float]:
    """What a build took, once it has ended well."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the build ended with status {process.returncode}: {said}")
    took: dict[str, float] = json.loads(said.strip().splitlines()[-1])
    return took


def online(folder: Path, n: int) -> dict[str, float]:
    """A build through `server:`, then again on what is stored."""
    from lorid_data.testing.fake_teacher import FakeTeacher

    table, out = write_table(folder / f"t{n}.jsonl", n), folder / f"online{n}"
    with FakeTeacher() as fake:
        argv = ["build", str(table), "--teacher", f"server:fake@{fake.url}", "--out", str(out), "--concurrency", "128"]  # fmt: skip
        fresh = finished(start(argv, fake.environment))
        asked = fake.n_requests
        (out / "manifest.json").unlink()
        again = finished(start(argv, fake.environment))
        assert asked == fake.n_requests == n, "something was asked twice"
    journal = sum(p.stat().st_size for p in out.glob("journal.sqlite*"))
    return {"rows": n, "peak": fresh["peak"], "peak_resumed": again["peak"], "cpu_us": fresh["cpu_s"] / n * 1e6,
            "resume_cpu_us": again["cpu_s"] / n * 1e6, "resume_wall_s": again["wall_s"], "journal_bytes": journal / n}  # fmt: skip


def batches(folder: Path, teacher: str, n: int) -> dict[str, Any]:
    """A build in batches that is killed while it reads them, and run again."""
    from lorid_data.testing.fake_teacher import FakeTeacher

    table, out = write_table(folder / f"b{n}.jsonl", n), folder / f"batches{n}"
    with FakeTeacher() as fake:
        provider = fake.batches
        assert provider is not None
        argv = ["build", str(table), "--teacher", teacher, "--out", str(out), "--mode", "batch", "--poll-s", "1"]  # fmt: skip
        first = start(argv, fake.environment)
        while first.poll() is None and not any(b.results for b in list(provider.batches)):
            time.sleep(0.2)
        time.sleep(2)
        first.send_signal(signal.SIGKILL)
        first.wait()
        n_before = len(provider.batches)
        took = finished(start(argv, fake.environment))
        sizes = [len(b.lines) for b in provider.batches]
        ids = Counter(line[0] for b in provider.batches for line in b.lines)
        files = [len(f) for name, f in provider.files.items() if name.startswith("file-")]
    assert max(ids.values()) == 1, "a request was submitted twice"
    assert len(ids) == n
    return {"rows": n, "batches": len(sizes), "submitted_before_the_kill": n_before, "most_requests": max(sizes),
            "largest_file": max(files, default=0), "peak": took["peak"], "cpu_us": took["cpu_s"] / n * 1e6}  # fmt: skip


def main() -> None:
    """Run what is asked for."""
    if sys.argv[1:2] == ["--child"]:
        raise SystemExit(child(sys.argv[2:]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[20_000, 100_000])
    parser.add_argument("--batch")
    parser.add_argument("--requests", type=int, default=250_000)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lorid-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        cells = [online(folder, n) for n in sorted(args.rows)]
        for cell in cells:
            print(f"online  {cell['rows']:>9,} rows: peak {cell['peak'] / MIB:.0f} MiB, again {cell['peak_resumed'] / MIB:.0f} MiB; {cell['cpu_us']:.0f} µs of CPU a row, again {cell['resume_cpu_us']:.0f}; journal {cell['journal_bytes']:.0f} bytes a row")  # fmt: skip
        ratios: dict[str, float] = {}
        if len(cells) > 1:
            names = ("peak", "peak_resumed", "cpu_us", "resume_cpu_us", "journal_bytes")
            ratios = {name: round(cells[-1][name] / cells[0][name], 3) for name in names}
        if args.batch:
            found = batches(folder, args.batch, args.requests)
            print(f"batches {found['rows']:>9,} requests: {found['batches']} batches of at most {found['most_requests']:,}, the largest file {found['largest_file'] / 1e6:.0f} MB; {found['submitted_before_the_kill']} were there before the kill, none twice; peak {found['peak'] / MIB:.0f} MiB")  # fmt: skip
            ratios["requests_submitted_a_row"] = 1.0
    settings = {"rows": args.rows, "batch": args.batch, "requests": args.requests}
    print(json.dumps({"benchmark": "asking_scale", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
