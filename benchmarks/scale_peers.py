"""`dedup` and `decontaminate` beside what people use, on the same planted rows: time, CPU, memory, and what each finds.

    LORID_TEST_DATA=… python benchmarks/scale_peers.py [--rows 20000] [--peer datatrove=PYTHON] [--peer text-dedup=PYTHON]
        [--peer lm-eval=PYTHON] [--only NAME …] [--folder DIR]

Each system runs once, whole, in a process of its own, with one worker, reading the same parquet file and writing what it
keeps. Those that are not installed beside lorid are run by the Python that `--peer` names; without it they are left out.

Duplicates: datatrove's four MinHash stages as they come (5-grams, 14 bands of 8) and with 2-grams in 32 bands of 4;
text-dedup's MinHash as it comes (5-grams, 250 permutations, 0.7) and with 2-grams, 128 permutations and 0.5. Rows like those
of `support/planted_folder.py`. By kind of copy the share of rows that a system removed; recall: of the rows beyond the first
of their problem, how many went; and problems of which no row is left, which is what removing a problem with other numbers does.

Test questions: rows made of GSM8K's first 400 test questions as they stand and in copies, among its training questions;
`decontaminate` and lm-eval's Janitor (runs of 13 words) are given all 1,319. By kind the share of rows removed.

Validation: `validate` with one worker, and the same checks of each row through `datasets.map`.
The last line is JSON: the others' CPU seconds and peak memory over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE / "support"))

COMMANDS = {
    "dedup": ["lorid dedup", "datatrove", "datatrove 2-grams", "text-dedup", "text-dedup 2-grams"],
    "decontaminate": ["lorid decontaminate", "lm-eval Janitor"],
    "validate": ["lorid validate", "datasets.map"],
}
_TIMED = "import sys; sys.path.insert(0, sys.argv[1]); import scale_peers_run; scale_peers_run.main(*sys.argv[2:])"


def took(python: str, system: str, data: Path, out: Path, tests: Path) -> dict[str, Any] | None:
    """Run one system in a process of its own: seconds, memory, and the row ids that it kept."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "HF_HUB_OFFLINE": "1"}
    argv = [python, "-c", _TIMED, str(HERE / "support"), system, str(data), str(out), str(tests)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{system}: did not run ({done.stderr.strip().splitlines()[-1:]})", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def contaminated_folder(folder: Path, data: Path, seed: int = 0) -> None:
    """GSM8K's training questions, and copies of its first test questions among them."""
    import polars as pl
    from planted import Row, copies
    from planted_folder import write_rows

    rng = random.Random(seed)
    source = data / "openai" / "gsm8k" / "main"
    splits = {
        s: pl.read_parquet(next(source.glob(f"{s}-*.parquet"))).rows() for s in ("train", "test")
    }
    pairs = {
        s: [(q, a.rpartition("####")[2].strip()) for q, a in rows] for s, rows in splits.items()
    }
    words = [w for q, _ in pairs["train"][:2000] for w in q.split() if not re.search(r"\d", w)]
    rows = [Row(q, a, i, "clean") for i, (q, a) in enumerate(pairs["train"])]
    for i, (question, answer) in enumerate(pairs["test"][:400]):
        rows += copies(question, answer, 10_000 + 3 * i, rng, words)
    rng.shuffle(rows)
    write_rows(folder, ((row, "") for row in rows), {"contaminated": seed})


def shares(rows: list[tuple[str, str, str]], kept: set[str]) -> dict[str, float]:
    """By kind of copy the share that went."""
    n, gone = (
        Counter(kind for _, kind, _ in rows),
        Counter(kind for i, kind, _ in rows if i not in kept),
    )
    return {kind: gone[kind] / n[kind] for kind in sorted(n)}


def of_duplicates(rows: list[tuple[str, str, str]], kept: set[str]) -> dict[str, float]:
    """Recall, and problems of which nothing is left."""
    total = Counter(problem for _, _, problem in rows)
    left = Counter(problem for i, _, problem in rows if i in kept)
    wanted = sum(n - 1 for n in total.values())
    beyond = sum(max(left[p] - 1, 0) for p in total)
    return {
        "recall": 1 - beyond / wanted,
        "problems lost": sum(not left[p] for p in total) / len(total),
    }


def compare(task: str, folder: Path, args: argparse.Namespace, tests: Path) -> dict[str, float]:
    """Run the systems of one task, print what they took and found; ratios over ours."""
    import polars as pl

    table = pl.read_parquet(folder / "records.parquet", columns=["row_id", "source", "subject"])
    rows, peers = table.rows(), dict(p.split("=", 1) for p in args.peer)
    ratios: dict[str, float] = {}
    ours: dict[str, Any] = {}
    for system in COMMANDS[task]:
        name = system.split()[0]
        python = sys.executable if name in ("lorid", "datasets.map") else peers.get(name)
        if python is None or (args.only and name not in args.only):
            print(f"{system}: left out", flush=True)
            continue
        with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
            found = took(python, system, folder, Path(scratch) / "out", tests)
        if found is None:
            continue
        kept = set(found["kept"])
        quality = {} if task == "validate" else shares(rows, kept)
        if task == "dedup":
            quality = of_duplicates(rows, kept) | quality
        said = ", ".join(f"{k} {v:.3f}" for k, v in quality.items())
        print(
            f"{system}: {found['wall_s']:.1f} s by the clock, {found['cpu_s']:.1f} of CPU, {found['peak_gib']:.2f} GiB, "
            f"{len(kept):,} of {len(rows):,} rows kept\n    {said}",
            flush=True,
        )  # fmt: skip
        ours = ours or found
        if found is not ours:
            ratios[f"{system} CPU"] = round(found["cpu_s"] / ours["cpu_s"], 2)
            ratios[f"{system} memory"] = round(found["peak_gib"] / ours["peak_gib"], 2)
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--tasks", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if "LORID_TEST_DATA" not in os.environ:
        sys.exit(
            "LORID_TEST_DATA is not set: it names the folder with openai/gsm8k and EleutherAI/hendrycks_math"
        )
    from planted_folder import write_folder

    data, ratios = Path(os.environ["LORID_TEST_DATA"]), dict[str, float]()
    with tempfile.TemporaryDirectory() as name:
        args.folder = args.folder or Path(name)
        args.folder.mkdir(parents=True, exist_ok=True)
        for task in args.tasks:
            folder = args.folder / (
                "contaminated" if task == "decontaminate" else f"rows-{args.rows}"
            )
            if not (folder / "manifest.json").is_file():
                if task == "decontaminate":
                    contaminated_folder(folder, data)
                else:
                    write_folder(folder, data, args.rows)
            ratios |= compare(task, folder, args, data / "openai" / "gsm8k")
    print(
        json.dumps({"benchmark": "scale_peers", "ratios": ratios, "settings": {"rows": args.rows}})
    )


if __name__ == "__main__":
    main()
