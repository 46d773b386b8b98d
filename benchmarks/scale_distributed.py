"""What `run --executor` costs a row beside one process, and what lies on disk meanwhile.

    python benchmarks/scale_distributed.py [--rows 10000 40000] [--executor local:2] [--seed 0]

Rows as in `scale.py` go through validate → dedup → decontaminate (against the tests of GSM8K and MATH) → audit,
once by `run --workers 1` and once by `run --executor`; both must write the same bytes (`LORID_TEST_DATA` names the
data). Prints a table; its last line is JSON: wall and processor time over those of one process at the most rows,
peak memory of the command itself at the most rows over the least, and what a row takes of each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import yaml
from scale import ENVIRONMENT, tree
from support import many_rows
from support.measured import measured


class JobBytes(threading.Thread):
    """The most bytes that lie below a folder while a block runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder, self._ended = folder, threading.Event()
        self.most = 0

    def run(self) -> None:
        """Look ten times a second."""
        while not self._ended.wait(0.1):
            n = 0
            for path in self._folder.rglob("*"):
                try:
                    n += path.stat().st_size
                except OSError:  # gone by now
                    continue
            self.most = max(self.most, n)

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def config(path: Path, out: Path, rows: Path, data: Path) -> Path:
    """A configuration of the four stages."""
    copies = [str(data / "openai" / "gsm8k"), str(data / "EleutherAI" / "hendrycks_math")]
    body = {
        "out": str(out),
        "from": str(rows),
        "validate": {},
        "dedup": {},
        "decontaminate": {"against": ["gsm8k", "math"], "source_path": copies},
        "audit": {"gates": {}},
    }
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def cell(work: Path, data: Path, how: list[str]) -> dict[str, Any]:
    """One run over the rows in `work`."""
    name = how[-1].replace(":", "-")
    out = work / name
    file = config(work / f"{name}.yaml", out, work / "rows", data)
    watch = JobBytes(out / ".work")
    watch.start()
    done = measured(
        [sys.executable, "-m", "lorid_data", "run", str(file), *how],
        work / f"{name}.log",
        ENVIRONMENT,
    )
    watch.end()
    if done.status not in (0, 1):  # 1: made-up words may miss a gate of the audit
        raise SystemExit(f"run {' '.join(how)} ended with status {done.status}: {done.said}")
    return {
        "how": " ".join(how),
        "wall_s": round(done.wall_s, 1),
        "cpu_s": round(done.cpu_s, 1),
        "own_peak_mib": done.own_peak_bytes >> 20,
        "job_bytes": watch.most,
        "tree": tree(out),
    }


def main() -> None:
    """Run every cell and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 40_000])
    parser.add_argument("--executor", default="local:2")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    data = Path(os.environ["LORID_TEST_DATA"])
    cells: list[dict[str, Any]] = []
    for n in sorted(asked.rows):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            many_rows.write(work / "rows.jsonl", data, n, asked.seed)
            argv = [sys.executable, "-m", "lorid_data", "import", str(work / "rows.jsonl")]
            subprocess.run([*argv, "--out", str(work / "rows")], env=ENVIRONMENT, check=True)
            two = [
                cell(work, data, how)
                for how in (["--workers", "1"], ["--executor", asked.executor])
            ]
        if two[0].pop("tree") != two[1].pop("tree"):
            raise SystemExit("other bytes")
        for found in two:
            cells.append({"rows": n, **found})
            print(cells[-1], flush=True)
    one, spread = cells[-2:]
    ratios = {
        "wall time over one process": round(spread["wall_s"] / one["wall_s"], 3),
        "processor time over one process": round(spread["cpu_s"] / one["cpu_s"], 3),
        "own peak at the most rows over the least": round(
            spread["own_peak_mib"] / cells[1]["own_peak_mib"], 3
        ),
    }
    settings = {"seed": asked.seed, "cores": len(os.sched_getaffinity(0)), "cells": cells}
    print(json.dumps({"benchmark": "scale_distributed", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
