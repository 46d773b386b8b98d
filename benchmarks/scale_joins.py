"""What `dedup` and `decontaminate` take of memory and CPU as rows grow: the whole commands, in processes of their own.

    LORID_TEST_DATA=… python benchmarks/scale_joins.py [--rows 100000 1000000] [--workers 1 2] [--tests 100] [--folder DIR]

Planted rows of about 500 bytes of question and 500 of rationale (`support/planted_folder.py`). Per command: seconds by the
clock and of CPU (of all its processes), the peak of its own memory and of its largest process beside it, and the sha256 of
`records.parquet` and `rejects.parquet`, which must be the same for every number of workers. `--tests` is how many of
GSM8K's test questions `decontaminate` compares with. `--only` runs one of the two. Folders that `--folder` holds already
are read again. Linux only. The last line is JSON: peaks in GiB, and cost per row over that of the fewest rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent / "support"))

_RUN = """
import json, re, resource, sys, time
from lorid_data.cli.app import main
if __name__ == "__main__":
    start = time.perf_counter()
    status = main(json.loads(sys.argv[1]))
    wall = time.perf_counter() - start
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    # Not `ru_maxrss` of this process: one that a larger process started counts that one's memory as its own.
    peak = int(re.findall(r"^VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read(), re.MULTILINE)[0])
    cpu = sum(u.ru_utime + u.ru_stime for u in (own, others))
    print(json.dumps({"status": status, "wall_s": wall, "cpu_s": cpu, "peak_kib": peak, "child_kib": others.ru_maxrss}))
"""


def measured(argv: list[str], scratch: Path) -> dict[str, Any]:
    """Run a command of `lorid-data`; what it took."""
    script = scratch / "run.py"
    script.write_text(_RUN, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(argv)], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )  # fmt: skip
    took: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if took["status"] != 0:
        sys.exit(f"{argv}: status {took['status']}")
    return took


def made(folder: Path, n_rows: int) -> Path:
    """The planted rows as a dataset folder; made in a process of its own."""
    if not (folder / "manifest.json").is_file():
        code = (
            f"import sys; sys.path[:0] = {sys.path[:2]!r}\nfrom pathlib import Path\nfrom planted_folder import write_folder\n"
            f"write_folder(Path({str(folder)!r}), Path({os.environ['LORID_TEST_DATA']!r}), {n_rows})"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
    return folder


def test_table(path: Path, n: int) -> Path:
    """Some of GSM8K's test questions as a table."""
    import polars as pl

    source = Path(os.environ["LORID_TEST_DATA"]) / "openai" / "gsm8k" / "main"
    pl.read_parquet(next(source.glob("test-*.parquet"))).head(n).write_parquet(path)
    return path


def hashes(out: Path) -> list[str]:
    """Of what the command wrote."""
    names = ("records.parquet", "rejects.parquet", "pairs.parquet", "matches.parquet")
    return [
        hashlib.sha256((out / n).read_bytes()).hexdigest()[:12]
        for n in names
        if (out / n).is_file()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--tests", type=int, default=100)
    parser.add_argument("--only", choices=["dedup", "decontaminate"])
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if "LORID_TEST_DATA" not in os.environ:
        sys.exit(
            "LORID_TEST_DATA is not set: it names the folder with openai/gsm8k and EleutherAI/hendrycks_math"
        )
    ratios: dict[str, float] = {}
    costs: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder = args.folder or scratch
        folder.mkdir(parents=True, exist_ok=True)
        tests = test_table(scratch / "tests.parquet", args.tests)
        for n in sorted(args.rows):
            data = made(folder / f"planted-{n}", n)
            for command in ("dedup", "decontaminate"):
                if args.only not in (None, command):
                    continue
                same = set()
                for workers in args.workers:
                    out = scratch / "out"
                    argv = [command, str(data), "--out", str(out), "--workers", str(workers)]
                    took = measured(
                        argv + ["--against", str(tests)] * (command == "decontaminate"), scratch
                    )
                    same.add(tuple(hashes(out)))
                    shutil.rmtree(out)
                    costs[command, n] = took["cpu_s"] / n
                    peak = ratios[f"{command}_{n}_rows_{workers}_workers_peak_gib"] = (
                        took["peak_kib"] / 2**20
                    )
                    print(
                        f"{command:14} {n:9,} rows, {workers} workers: {took['wall_s']:7.1f} s by the clock, {took['cpu_s']:7.1f} of CPU, "
                        f"{took['cpu_s'] / n * 1e6:6.1f} µs a row, peak {peak:.2f} GiB (largest child {took['child_kib'] / 2**20:.2f})",
                        flush=True,
                    )  # fmt: skip
                print(f"{'':14} the same bytes with {args.workers} workers: {len(same) == 1}")
                first = costs[command, min(args.rows)]
                ratios[f"{command}_{n}_cost_over_fewest"] = costs[command, n] / first
    settings = {"rows": args.rows, "workers": args.workers, "tests": args.tests}
    ratios = {k: round(v, 4) for k, v in ratios.items()}
    print(json.dumps({"benchmark": "scale_joins", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
