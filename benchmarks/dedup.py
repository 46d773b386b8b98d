"""How fast and how well planted duplicates are found, beside rensa and datasketch.

    LORID_TEST_DATA=… python benchmarks/dedup.py [--rows 48000] [--seed 0] [--times 6] [--memory] [--scale]

All get the same questions in the same run, as lists of Python strings, compare them as sets of word
2-grams, and must say of each row that goes which row stays for it; the clock runs from the one to
the other. What each does in between is printed with its figures (`ABOUT`). rensa and datasketch read
no texts: their 2-grams are made in Python, of lower case split at white space. Their similarity is
estimated from 128 permutations in 32 bands of 4, and 0.5 or more is a duplicate; ours is computed,
and numbers and answers must agree besides.

rensa three ways: row by row and through its batch interface, both with clusters, and with
`RMinHashDeduplicator`, its own way to filter a dataset, which compares with kept rows only and is
asked afterwards for the row that stays. Its flags alone are faster, and name no row.

Rows a second are by the clock, of all cores: ours uses them, the others one. Beside it the same by
CPU time of all cores, since other work may share the machine; of `--times` turns the best counts.
`--memory` runs the command itself on 200,000 rows in a process of its own; `--scale` takes 50,000,
200,000 and 1,000,000 rows. The last line is JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent / "support"))

from planted import Row, plant, scores

Removed = list[tuple[int, int]]


class Seconds(NamedTuple):
    """Seconds of the clock, and of all cores together."""

    wall: float
    cpu: float

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)


def now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


N_PERMUTATIONS, N_BANDS, THRESHOLD = 128, 32, 0.5


def other_columns(n: int) -> Any:
    """The columns of n records that are no text of theirs."""
    import polars as pl

    ids = pl.Series("row_id", range(n)).cast(pl.String)
    columns = {"row_id": ids, "problem_id": ids, "original_id": ids, "split": ["train"] * n}
    return pl.DataFrame(columns | {"rationale": [""] * n, "knowledge": [["rule"]] * n})


def ours(rows: list[Row]) -> tuple[Seconds, Removed]:
    import numpy as np
    import polars as pl

    from lorid_data.dedup.duplicates import find_exact, find_pairs
    from lorid_data.dedup.removals import deciding_pairs
    from lorid_data.dedup.signatures import rationales_of, shared_rows, signatures_of, solutions_of

    others = other_columns(len(rows))
    start = now()
    questions = pl.Series("question", [r.question for r in rows])
    answers = pl.Series("answer", [r.answer for r in rows])
    frame = others.with_columns(questions, answers)
    held = signatures_of(frame)
    shared = shared_rows(held)
    solutions = solutions_of(frame[shared], shared)
    exact = find_exact(held, solutions)
    rest = np.setdiff1d(np.arange(len(held)), exact.rows, assume_unique=True)
    pairs = find_pairs(held, solutions, rest, lambda some: rationales_of(frame["rationale"][some]))
    at = deciding_pairs(pairs, THRESHOLD)
    removed = [
        pair
        for rows_gone, of in ((exact.rows, exact.of), (pairs.b[at], pairs.a[at]))
        for pair in zip(rows_gone.tolist(), of.tolist(), strict=True)
    ]
    return now() - start, removed


class Clusters:
    """Union-find: of each cluster the first row stays."""

    def __init__(self, n: int) -> None:
        self.parent = list(range(n))

    def find(self, i: int) -> int:
        """The first row of the cluster of row i."""
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        """Put two clusters together."""
        i, j = self.find(i), self.find(j)
        self.parent[max(i, j)] = min(i, j)

    def removed(self) -> Removed:
        """Each row that goes, with the one that stays for it."""
        return [(i, self.find(i)) for i in range(len(self.parent)) if self.find(i) != i]


def two_grams(question: str) -> list[str]:
    words = question.lower().split()
    return [f"{a} {b}" for a, b in itertools.pairwise(words)] or words


def rensa_by_row(rows: list[Row]) -> tuple[Seconds, Removed]:
    import rensa

    start = now()
    index = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=N_BANDS)
    clusters, known = Clusters(len(rows)), []
    for i, row in enumerate(rows):
        sketch = rensa.RMinHash(num_perm=N_PERMUTATIONS, seed=42)
        sketch.update(two_grams(row.question))
        for j in index.query(sketch):
            if sketch.jaccard(known[j]) >= THRESHOLD:
                clusters.join(i, j)
        index.insert(i, sketch)
        known.append(sketch)
    return now() - start, clusters.removed()


def rensa_batch(rows: list[Row]) -> tuple[Seconds, Removed]:
    import rensa

    start = now()
    sets = [two_grams(r.question) for r in rows]
    sketches = rensa.RMinHash.from_token_sets(sets, N_PERMUTATIONS, 42)
    index = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=N_BANDS)
    index.insert_many(sketches)
    clusters = Clusters(len(rows))
    for i, found in enumerate(index.query_all(sketches)):
        for j in found:
            if j < i and sketches[i].jaccard(sketches[j]) >= THRESHOLD:
                clusters.join(i, j)
    return now() - start, clusters.removed()


def rensa_deduplicator(rows: list[Row]) -> tuple[Seconds, Removed]:
    import rensa

    start = now()
    sets = [two_grams(r.question) for r in rows]
    sketches = rensa.RMinHash.from_token_sets(sets, N_PERMUTATIONS, 42)
    index = rensa.RMinHashDeduplicator(
        threshold=THRESHOLD, num_perm=N_PERMUTATIONS, use_lsh=True, num_bands=N_BANDS, seed=42
    )
    keep = index.add_pairs((str(i), sketch) for i, sketch in enumerate(sketches))
    gone = [i for i, kept in enumerate(keep) if not kept]
    found = index.get_duplicate_sets([sketches[i] for i in gone])
    removed = [(i, min(map(int, of))) for i, of in zip(gone, found, strict=True)]
    return now() - start, removed


def datasketch_by_row(rows: list[Row]) -> tuple[Seconds, Removed]:
    from datasketch import MinHash, MinHashLSH

    start = now()
    index = MinHashLSH(num_perm=N_PERMUTATIONS, params=(N_BANDS, N_PERMUTATIONS // N_BANDS))
    clusters, known = Clusters(len(rows)), []
    for i, row in enumerate(rows):
        sketch = MinHash(num_perm=N_PERMUTATIONS)
        sketch.update_batch([t.encode() for t in two_grams(row.question)])
        for j in index.query(sketch):
            if sketch.jaccard(known[j]) >= THRESHOLD:
                clusters.join(i, j)
        index.insert(i, sketch)
        known.append(sketch)
    return now() - start, clusters.removed()


ABOUT = {
    "ours": "words, numbers and 2-grams from the texts; exact duplicates; MinHash bands; telling words, "
    "answers and the exact Jaccard similarity of each candidate pair; the row that stays",
    "rensa": "2-grams in Python; RMinHash and RMinHashLSH row by row; estimated Jaccard; clusters",
    "rensa_batch": "2-grams in Python; from_token_sets, insert_many, query_all; estimated Jaccard; clusters",
    "rensa_deduplicator": "2-grams in Python; from_token_sets, add_pairs, get_duplicate_sets; estimated Jaccard",
    "datasketch": "2-grams in Python; MinHash and MinHashLSH row by row; estimated Jaccard; clusters",
}
"""What each does between the strings and the list of rows that go."""
METHODS: dict[str, Callable[[list[Row]], tuple[Seconds, Removed]]] = {
    "ours": ours,
    "rensa": rensa_by_row,
    "rensa_batch": rensa_batch,
    "rensa_deduplicator": rensa_deduplicator,
    "datasketch": datasketch_by_row,
}


def compare(rows: list[Row], times: int) -> dict[str, float]:
    """Rows a second and scores of each method, the best of some turns; ratios of ours over the others."""
    best: dict[str, Seconds] = {}
    found: dict[str, dict[str, float]] = {}
    for method in METHODS.values():
        method(rows[:2000])  # libraries are loaded before the clock starts
    for turn in range(times):
        for name, method in METHODS.items():
            if name == "datasketch" and turn:
                continue  # it takes as long as all others together
            took, removed = method(rows)
            old = best.get(name, took)
            best[name] = Seconds(min(took.wall, old.wall), min(took.cpu, old.cpu))
            found[name] = scores(rows, removed)
    ratios = dict(found["ours"])
    for name, took in best.items():
        speed = f"{len(rows) / took.wall:9,.0f} rows/s {len(rows) / took.cpu:9,.0f} rows/CPU-s"
        quality = "  ".join(f"{k} {v:.4f}" for k, v in found[name].items())
        print(f"{name:18} {speed}  {quality}\n    {ABOUT[name]}")
        if name != "ours":
            by_clock = ratios[f"rows_per_s_over_{name}"] = took.wall / best["ours"].wall
            by_cpu = ratios[f"rows_per_cpu_s_over_{name}"] = took.cpu / best["ours"].cpu
            print(f"    ours over it: {by_clock:.2f} by the clock, {by_cpu:.2f} by CPU time")
    return ratios


def peak_memory_gib(rows: list[Row]) -> float:
    """Peak memory of `lorid-data dedup` on these rows, in a process of its own."""
    import polars as pl

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions = {"question": [r.question for r in rows], "answer": [r.answer for r in rows]}
        pl.DataFrame(questions).write_parquet(folder / "t.parquet")
        program = [sys.executable, "-m", "lorid_data"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        for argv in (["import", f"{name}/t.parquet", "--out", f"{name}/in"],):
            subprocess.run([*program, *argv], check=True, env=environment)
        code = (
            "import resource, sys\nfrom lorid_data.cli.app import main\n"
            f"status = main(['dedup', {name + '/in'!r}, '--out', {name + '/out'!r}])\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\nsys.exit(status)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            env=environment,
            capture_output=True,
            text=True,
        )
        print(done.stdout.splitlines()[0])
        return int(done.stdout.splitlines()[-1]) / 2**20


def scaling(data: Path, seed: int) -> dict[str, float]:
    """Cost per row at 50,000, 200,000 and 1,000,000 rows, over the cost at 50,000."""
    costs = {}
    for n in (50_000, 200_000, 1_000_000):
        rows = plant(data, n, seed)
        ours(rows[:2000])
        seconds, removed = ours(rows)
        costs[n] = seconds.cpu / len(rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        found = scores(rows, removed)
        print(
            f"{len(rows):9,} rows: {costs[n] * 1e6:.1f} µs a row, precision {found['precision']:.4f}, "
            f"recall {found['recall']:.4f}, process at {peak:.2f} GiB (the planted rows included)"
        )
    return {
        f"cost_per_row_{n}_over_50000": c / costs[50_000] for n, c in costs.items() if n > 50_000
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=48_000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--times", type=int, default=6)
    arguments.add_argument("--memory", action="store_true")
    arguments.add_argument("--scale", action="store_true")
    options = arguments.parse_args()
    folder = os.environ.get("LORID_TEST_DATA")
    if not folder:
        sys.exit(
            "LORID_TEST_DATA is not set: it names the folder with openai/gsm8k and EleutherAI/hendrycks_math"
        )
    data, ratios = Path(folder), {}
    if not (options.memory or options.scale):
        ratios = compare(plant(data, options.rows, options.seed), options.times)
    if options.memory:
        ratios["peak_gib_at_200000_rows"] = peak_memory_gib(plant(data, 200_000, options.seed))
    if options.scale:
        ratios |= scaling(data, options.seed)
    settings = {"n_rows": options.rows, "seed": options.seed, "threshold": THRESHOLD}
    ratios = {k: round(v, 4) for k, v in ratios.items()}
    print(json.dumps({"benchmark": "dedup", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
