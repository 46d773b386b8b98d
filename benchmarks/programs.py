"""Programs of GSM8K's solutions, and the sandbox that runs them: how many, how fast, and what hostile ones cost.

    LORID_TEST_DATA=… python benchmarks/programs.py [--rows N] [--programs 10000] [--workers 2] [--sample 50] [--seed 0] [--only PART]

Four things, each printed as a table; the last line is JSON.

* Conversion: GSM8K's training rows through `lorid-data programs`, both doubts kept as flags, so that every
  kind of failure and doubt is counted by itself.
* Linking: the arithmetic source knows its programs from their structure. Its solutions are converted as GSM8K's
  are, by value, and compared: how many of the programs that are kept compute something else.
* Throughput: small programs, all different, by the clock and by CPU time of this process and the workers; held against
  1,000 a second on two idle cores. `--only throughput` needs no data.
* Hostile: the programs of `tests/support/hostile_programs.py`: the longest, how far this process grew, and whether
  programs after them are right.

`--sample` programs that were kept without a doubt are drawn by `--seed` into `sample.md` beside their solutions,
for a reader to say how many do not follow them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from lorid_data.build.stage import BuildOptions, build
from lorid_data.errors import LoridError
from lorid_data.execution.sandbox import Sandbox
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.intervals import wilson
from lorid_data.programs.checked import DOUBTS
from lorid_data.programs.convert import Made, convert
from lorid_data.programs.stage import ProgramOptions, programs
from lorid_data.sampling import ranked
from lorid_data.schema import Record, Reject
from lorid_data.sources.arithmetic.generate import load
from tests.support.hostile_programs import HOSTILE

BAR = 1000
"""Small programs a second that two idle cores are to run at least."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/programs"))
    parser.add_argument("--only", choices=("conversion", "linking", "throughput", "hostile"))
    args = parser.parse_args()
    parts = {
        "conversion": lambda: conversion(args),
        "linking": lambda: linking(args.programs // 5),
        "throughput": lambda: throughput(args.programs, args.workers),
        "hostile": lambda: hostile(args.programs // 10),
    }
    ratios: dict[str, float] = {}
    try:
        for name, measure in parts.items():
            if args.only in (None, name):
                ratios |= measure()
    except LoridError as e:
        raise SystemExit(str(e)) from None
    settings = {k: v for k, v in vars(args).items() if k != "out"}
    print(json.dumps({"benchmark": "programs", "ratios": ratios, "settings": settings}))


def conversion(args: argparse.Namespace) -> dict[str, float]:
    """GSM8K's training rows: what becomes of each."""
    data = os.environ.get("LORID_TEST_DATA")
    source = str(Path(data) / "openai" / "gsm8k") if data else None
    built, out = args.out / "gsm8k", args.out / "programs"
    build(BuildOptions(source="gsm8k", teacher="none", limit=args.rows, source_path=source), built)
    both = tuple(r.value for r in DOUBTS)
    manifest = programs(built, out, ProgramOptions(keep=both, workers=args.workers))
    kept = read_records(out)
    clean = [r for r in kept if not set(both) & set(r.flags)]
    rows = Counter(f"gives the answer, of {r.program_from}" for r in kept)
    rows |= Counter({f"of these {f}": sum(f in r.flags for r in kept) for f in both})
    rows["of these without a doubt"] = len(clean)
    rows |= Counter({f"rejected: {k}": n for k, n in manifest.n_rejected.items()})
    table("Conversion", rows, manifest.n_in)
    rejected = read_rows(out / REJECTS, Reject)
    assert len(rejected) + len(kept) == manifest.n_in
    write_sample(args.out / "sample.md", clean, args.sample, args.seed)
    return {
        "gives_the_answer": round(len(kept) / manifest.n_in, 4),
        "without_a_doubt": round(len(clean) / manifest.n_in, 4),
    }


def write_sample(path: Path, rows: list[Record], n: int, seed: int) -> None:
    """Questions, solutions and programs, for a reader."""
    by_id = {r.row_id: r for r in rows}
    drawn = [by_id[i] for i in ranked(by_id, seed, "programs")[:n]]
    parts = [
        f"## {i}\n\n{r.question}\n\n{r.rationale}\n#### {r.answer}\n\n```python\n{r.program}\n```\n"
        for i, r in enumerate(drawn, 1)
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def linking(n: int) -> dict[str, float]:
    """How often linking by value computes something else than the structure does."""
    made: Counter[str] = Counter()
    for problem in load("train", limit=n):
        found = convert(problem.question, problem.rationale, lambda a, p=problem: a == p.answer)
        if not isinstance(found, Made):
            made["no program"] += 1
        elif found.ambiguous or found.from_nowhere:
            made["in doubt"] += 1
        else:
            same = computed(found.program) == computed(problem.program or "")
            made["as the structure" if same else "something else"] += 1
    table("Linking by value (arithmetic)", made, n)
    kept = made["as the structure"] + made["something else"]
    print(f"something else, of those without a doubt: {share(made['something else'], kept)}\n")
    return {"linked_wrongly": round(made["something else"] / kept, 4)}


def computed(program: str) -> str:
    """What `answer` is, with every name replaced by what it stands for."""
    worth: dict[str, str] = {}
    for line in program.splitlines():
        name, _, side = line.partition(" = ")
        worth[name] = re.sub(r"[a-z]\w*", lambda m: f"({worth[m[0]]})", side)
    return worth["answer"]


def throughput(n: int, workers: int) -> dict[str, float]:
    """Small programs a second."""
    small = [f"a = {i} * 3\nb = a + 4\nanswer = b / 2" for i in range(n)]
    with Sandbox(workers=workers) as sandbox:
        sandbox.run("answer = 1")
        start, before = time.perf_counter(), cpu_s()
        answers = [done.answer for done in sandbox.run_all(small)]
        wall, cpu = time.perf_counter() - start, cpu_s() - before
    right = sum(float(a or "nan") == (i * 3 + 4) / 2 for i, a in enumerate(answers))
    print(f"Throughput: {n:,} programs, {workers} workers: {n / wall:,.0f} a second ({n / wall / BAR:.2f} of the {BAR:,} "
          f"that two idle cores are to do), {cpu:.2f} CPU-seconds ({n / cpu:,.0f} a CPU-second), {right:,} right\n")  # fmt: skip
    return {
        "programs_per_s": round(n / wall),
        "programs_per_cpu_s": round(n / cpu),
        "of_the_bar": round(n / wall / BAR, 2),
        "right": round(right / n, 4),
    }


def cpu_s() -> float:
    """CPU time of this process and of the workers that it has now, in seconds."""
    me = psutil.Process()
    used = (p.cpu_times() for p in (me, *me.children()))
    return sum(u.user + u.system for u in used)


def hostile(n_after: int) -> dict[str, float]:
    """What hostile programs cost, and whether those after them are right."""
    me = psutil.Process()
    longest, grown, statuses = 0.0, 0, Counter[str]()
    with Sandbox() as sandbox:
        for i in range(500):
            sandbox.run(f"answer = {i}")
        start = me.memory_info().rss
        for program in HOSTILE.values():
            done = sandbox.run(program)
            statuses[done.status.value] += 1
            longest = max(longest, done.ms / 1000)
            grown = max(grown, me.memory_info().rss - start)
        right = sum(sandbox.run(f"answer = {i} + 1").answer == str(i + 1) for i in range(n_after))
    table("Hostile programs", statuses, len(HOSTILE))
    print(f"longest {longest:.2f} s; this process grew by {grown / 2**20:.1f} MiB at most; "
          f"{right:,} of {n_after:,} programs after them right\n")  # fmt: skip
    return {"hostile_longest_s": round(longest, 2), "hostile_grown_mib": round(grown / 2**20, 1)}


def table(title: str, rows: Counter[str], n: int) -> None:
    print(f"| {title} | of {n:,} | share |\n| --- | ---: | ---: |")
    for name, count in rows.items():
        print(f"| {name} | {count:,} | {share(count, n)} |")
    print(flush=True)


def share(k: int, n: int) -> str:
    """A share with its 95 % interval (Wilson)."""
    low, high = wilson(k, n)
    return f"{k / n:.1%} ({low:.1%} to {high:.1%})" if n else "–"


if __name__ == "__main__":
    main()
