"""What each stage costs a row, and the most memory it takes, as the rows become many.

    python benchmarks/scale.py --rows 10000 [100000 1000000] [--workers 1 2] [--seed 0] [--stages import validate …] [--kill .4]

Rows with the lengths and numbers of GSM8K (the first 7,473 are GSM8K's, the others have other words;
`LORID_TEST_DATA` names the data) go through import → validate → dedup → decontaminate (against the tests of
GSM8K and MATH) → audit → publish (a dry run), each stage in a process of its own. Commands that take
--workers are run with each number of them, and must write the same bytes. With --kill, each stage of the most rows
is then begun anew, killed with signal 9 at that share of its time, and run again, which must write the same bytes. Prints a table; its last line is JSON:
cost per row of the most rows over the least, and of one worker over several. Memory is the sum of the peaks
of the command and of its processes. An idle machine is what it is meant for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any

from support import many_rows
from support.measured import Measured, measured

ROOT = Path(__file__).parent.parent
STAGES = ("import", "validate", "dedup", "decontaminate", "audit", "publish")
MIB = 1 << 20
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "HF_ENDPOINT": "http://127.0.0.1:9",  # a dry run of publish looks whether there is a Hub
    "HF_HUB_OFFLINE": "1",
}
_MAY_FAIL = ("audit", "publish")
"""A gate that is not met, as with made-up words it may, is status 1; the work has been done."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One stage, at one number of rows, with one number of workers."""

    stage: str
    rows: int
    workers: int
    run: Measured

    @property
    def us_per_row(self) -> float:
        """Microseconds of wall time for each row that the whole began with."""
        return self.run.wall_s / self.rows * 1e6


@dataclass(frozen=True, slots=True)
class Killed:
    """A stage that was killed after so many seconds, and wrote the same bytes when it was run again."""

    stage: str
    rows: int
    workers: int
    after_s: float


def command(
    stage: str, work: Path, data: Path, workers: int, name: str = ""
) -> tuple[list[str], Path]:
    """What to run for a stage, and the folder that it writes."""
    out = work / f"{stage}-{name or workers}"
    before = {"validate": "import", "dedup": "validate", "decontaminate": "dedup"}
    if stage == "import":
        rest = [str(work / "rows.jsonl"), "--out", str(out)]
    elif stage == "audit":
        rest, out = [str(work / "decontaminate")], work / "decontaminate"
    elif stage == "publish":
        rest = [str(work / "decontaminate"), "me/many-rows", "--dry-run", "--out", str(out)]
        rest += ["--allow", "audit", "--parents", *(str(work / s) for s in before)]
    else:
        rest = [str(work / before[stage]), "--out", str(out)]
    if stage == "decontaminate":
        rest += ["--against", "gsm8k", "math", "--source-path"]
        rest += [str(data / "openai" / "gsm8k"), str(data / "EleutherAI" / "hendrycks_math")]
    more = ["--workers", str(workers)] if takes_workers(stage) else []
    return [sys.executable, "-m", "lorid_data", stage, *rest, *more], out


@cache
def takes_workers(stage: str) -> bool:
    """Whether a command spreads its rows over processes."""
    told = subprocess.run(
        [sys.executable, "-m", "lorid_data", stage, "--help"],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return "--workers" in told.stdout


def tree(folder: Path) -> dict[str, str]:
    """The sha256 of each file of a folder that is not hidden."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not any(part.startswith(".") for part in Path(name).parts):
            with path.open("rb") as f:
                found[name] = hashlib.file_digest(f, "sha256").hexdigest()
    return found


def through(
    work: Path, data: Path, n: int, workers: list[int], stages: list[str], kill: float | None
) -> Iterator[Cell | Killed]:
    """Run the stages over `n` rows, with each number of workers; with `kill`, then once more, killed.

    Raises:
        SystemExit: a stage failed, or wrote other bytes with other workers.
    """
    for stage in stages:
        trees: list[dict[str, str]] = []
        for w in workers if takes_workers(stage) else workers[:1]:
            argv, out = command(stage, work, data, w)
            _forget_audit(stage, out)
            run = measured(argv, work / "log.txt", ENVIRONMENT)
            if run.status and not (stage in _MAY_FAIL and run.status == 1):
                raise SystemExit(f"{stage} ended with status {run.status}: {run.said}")
            trees.append(tree(out))
            yield Cell(stage, n, w, run)
            if stage != "audit" and not (work / stage).exists():
                (work / stage).symlink_to(out, target_is_directory=True)
        if any(t != trees[0] for t in trees):
            raise SystemExit(f"{stage}: other bytes with other workers")
        if kill is not None:
            yield killed(stage, work, data, n, w, run.wall_s * kill, trees[0])


def killed(
    stage: str, work: Path, data: Path, n: int, workers: int, after_s: float, whole: dict[str, str]
) -> Killed:
    """Begin a stage anew, kill it after so many seconds, and run it again.

    Raises:
        SystemExit: it had ended by then, failed, or wrote other bytes than the whole run.
    """
    argv, out = command(stage, work, data, workers, "killed")
    _forget_audit(stage, out)
    with (work / "log.txt").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=ENVIRONMENT)
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
    if process.wait() != -signal.SIGKILL:
        raise SystemExit(f"{stage} had ended before it was to be killed: give a smaller share")
    run = measured(argv, work / "log.txt", ENVIRONMENT)
    if run.status and not (stage in _MAY_FAIL and run.status == 1):
        raise SystemExit(f"{stage}, killed, then ended with status {run.status}: {run.said}")
    if tree(out) != whole:
        raise SystemExit(f"{stage}: other bytes after it was killed")
    if stage != "audit":
        rmtree(out)
    return Killed(stage, n, workers, round(after_s, 1))


def _forget_audit(stage: str, folder: Path) -> None:
    """What `audit` wrote into the folder that it reads, so that it writes it anew."""
    if stage == "audit":
        for name in ("audit.json", "audit.html"):
            (folder / name).unlink(missing_ok=True)


def ratios_of(cells: list[Cell], workers: list[int]) -> dict[str, float]:
    """Cost a row at the most rows over the least, and of one number of workers over the others."""
    by = {(c.stage, c.rows, c.workers): c for c in cells}
    sizes = sorted({c.rows for c in cells})
    found: dict[str, float] = {}
    for c in cells:
        small = by[c.stage, sizes[0], c.workers]
        if c.rows == sizes[-1] and c.rows != small.rows:
            found[f"{c.stage}, {c.workers} workers: cost of a row at {c.rows} over {small.rows}"] = round(c.us_per_row / small.us_per_row, 3)  # fmt: skip
        if c.workers != workers[0]:
            one = by[c.stage, c.rows, workers[0]]
            found[f"{c.stage}, {c.rows} rows: speed of {c.workers} workers over {workers[0]}"] = round(one.us_per_row / c.us_per_row, 3)  # fmt: skip
    return found


def shown(cell: Cell) -> dict[str, Any]:
    """A cell as JSON."""
    return {
        "stage": cell.stage,
        "rows": cell.rows,
        "workers": cell.workers,
        "us_per_row": round(cell.us_per_row, 1),
        "cpu_us_per_row": round(cell.run.cpu_s / cell.rows * 1e6, 1),
        "peak_mib": round(cell.run.peak_bytes / MIB),
        "own_peak_mib": round(cell.run.own_peak_bytes / MIB),
    }


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="the first ones, in their order")  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where the folders are made; they are removed at the end")  # fmt: skip
    parser.add_argument("--kill", type=float, help="the share of its time after which each stage is killed, between 0 and 1")  # fmt: skip
    asked = parser.parse_args()
    if asked.kill is not None and not 0 < asked.kill < 1:
        parser.error("--kill is a share of a stage's time: between 0 and 1")
    return asked


def main() -> None:
    asked = options()
    data = Path(os.environ["LORID_TEST_DATA"])
    cells: list[Cell] = []
    ends: list[Killed] = []
    header: Mapping[str, str] = {"stage": "<14", "rows": ">9", "workers": ">7", "us_per_row": ">11", "cpu_us_per_row": ">14", "peak_mib": ">9", "own_peak_mib": ">12"}  # fmt: skip
    print(" ".join(f"{name:{how}}" for name, how in header.items()))
    if asked.folder is not None:
        asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for n in sorted(asked.rows):
            work = Path(folder) / str(n)
            work.mkdir()
            many_rows.write(work / "rows.jsonl", data, n, asked.seed)
            kill = asked.kill if n == max(asked.rows) else None
            for one in through(work, data, n, asked.workers, asked.stages, kill):
                if isinstance(one, Killed):
                    ends.append(one)
                    print(f"{one.stage:<14} {n:>9} {one.workers:>7} killed after {one.after_s} s, run again: the same bytes", flush=True)  # fmt: skip
                else:
                    cells.append(one)
                    print(" ".join(f"{shown(one)[name]:{how}}" for name, how in header.items()), flush=True)  # fmt: skip
    settings = {"seed": asked.seed, "cores": len(os.sched_getaffinity(0)), "cells": [shown(c) for c in cells], "killed": [asdict(k) for k in ends]}  # fmt: skip
    print(json.dumps({"benchmark": "scale", "ratios": ratios_of(cells, asked.workers), "settings": settings}))  # fmt: skip


if __name__ == "__main__":
    main()
