"""What audit, view and publish cost a row, the most memory that they take, and how large their files become.

    python benchmarks/scale_audit.py [--rows 10000 100000] [--workers 2] [--folder DIR]

Rows are GSM8K's questions and solutions (`LORID_TEST_DATA` names the data), told apart by a number, with the
recorded lists in turn; every fifth list has a rule that leaks the answer. Each command runs in a process of its
own. Prints a table; its last line is JSON: cost of a row in processor time, and the peak, of the most rows over
the least.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.measured import measured

from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.batches import BATCH, DatasetWriter
from lorid_data.folders.records import read_records
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids

ROOT = Path(__file__).parent.parent
MIB = 1 << 20
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "HF_ENDPOINT": "http://127.0.0.1:9",  # a dry run of publish looks whether there is a Hub
    "HF_HUB_OFFLINE": "1",
}


def lists_and_texts(data: Path, work: Path) -> tuple[list[Record], list[Record]]:
    """Rows with recorded knowledge, and rows without."""
    made = []
    for teacher, limit in (("recorded", 256), ("none", 7473)):
        options = BuildOptions(source="gsm8k", teacher=teacher, limit=limit, source_path=str(data / "openai" / "gsm8k"))  # fmt: skip
        build(options, work / teacher)
        made.append(read_records(work / teacher))
    return made[0], made[1]


def write(out: Path, n: int, lists: list[Record], texts: list[Record]) -> Path:
    """A dataset folder of `n` rows."""
    with open_stage(out, "import", identity={"n": n}) as stage, DatasetWriter(stage) as writer:
        for begin in range(0, n, BATCH):
            writer.keep(_rows(range(begin, min(n, begin + BATCH)), lists, texts))
        writer.finish(n_in=n)
    return out


def _rows(numbers: range, lists: list[Record], texts: list[Record]) -> Iterator[Record]:
    for i in numbers:
        text = texts[i % len(texts)]
        leak = (f"Add to get {text.answer}.",) if i % 5 == 0 else ()
        problem = make_problem(
            source="gsm8k", split="test" if i % 20 == 0 else "train", question=f"{text.question} (case {i})", rationale=text.rationale,
            answer=text.answer, licence="MIT", knowledge=(*lists[i % len(lists)].knowledge, *leak),
        )  # fmt: skip
        [row_id] = row_ids([problem])
        yield Record(row_id=row_id, provenance=Provenance(teacher="recorded"), **problem.model_dump())  # fmt: skip


def cells(folder: Path, n: int, workers: int) -> Iterator[dict[str, Any]]:
    """Run each command over a folder of `n` rows; what it cost."""
    page, out = folder.with_suffix(".html"), folder.with_name(f"{folder.name}-publish")
    commands = {
        "audit": ["audit", str(folder), "--workers", str(workers)],
        "audit again": ["audit", str(folder)],
        "view": ["view", str(folder), "--out", str(page)],
        "publish": ["publish", str(folder), "o/r", "--dry-run", "--out", str(out), "--allow", "validate", "decontaminate", "audit"],
    }  # fmt: skip
    files = {"audit": (folder / "audit.json", folder / "audit.html"), "view": (page,)}
    for name, argv in commands.items():
        run = measured([sys.executable, "-m", "lorid_data", *argv], folder.with_suffix(".log"), ENVIRONMENT)  # fmt: skip
        if run.status not in (0, 1):  # a gate that is not met is 1
            raise SystemExit(f"{name} ended with status {run.status}: {run.said}")
        yield {
            "command": name,
            "rows": n,
            "cpu_us_per_row": round(run.cpu_s / n * 1e6, 1),
            "wall_s": round(run.wall_s, 1),
            "peak_mib": round(run.peak_bytes / MIB),
            "own_peak_mib": round(run.own_peak_bytes / MIB),
            "files_mib": [round(p.stat().st_size / MIB, 2) for p in files.get(name, ())],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the folders are made; they are removed at the end")  # fmt: skip
    asked = parser.parse_args()
    data = Path(os.environ["LORID_TEST_DATA"])
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=asked.folder) as work:
        lists, texts = lists_and_texts(data, Path(work))
        for n in sorted(asked.rows):
            for cell in cells(write(Path(work) / f"rows-{n}", n, lists, texts), n, asked.workers):
                found.append(cell)
                print(json.dumps(cell), flush=True)
    least, most = min(asked.rows), max(asked.rows)
    ratios = {}
    for small in found:
        for large in found:
            if (small["rows"], large["rows"]) == (least, most) and small["command"] == large["command"] and least < most:  # fmt: skip
                for key in ("cpu_us_per_row", "peak_mib"):
                    ratios[f"{small['command']}: {key}, {most} rows over {least}"] = round(large[key] / small[key], 3)  # fmt: skip
    settings = {"workers": asked.workers, "cells": found}
    print(json.dumps({"benchmark": "scale_audit", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
