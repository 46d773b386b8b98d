"""Publishing many rows: memory, shard sizes and rate, loading back included.

    python benchmarks/publish.py [--rows 1000000]

The Hub is a fake one on 127.0.0.1 in a process of its own; the publisher is the command
`lorid-data publish` in another, whose peak memory is measured. Needs about 12 kB of disk a row.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, Reject, sha256_text

SERVE = """
import json, sys
from lorid_data.testing.fake_hub import FakeHub
with FakeHub() as hub:
    print(json.dumps(hub.environment), flush=True)
    for line in sys.stdin:
        tree = hub.repo(line.strip()).at("main").tree
        print(json.dumps({p: b.size for p, b in tree.items()}), flush=True)
"""
BATCH = 5000
LIMIT_BYTES, LIMIT_GIB = 500_000_000, 2.0


@contextmanager
def serving() -> Iterator[tuple[dict[str, str], Any]]:
    """A fake Hub in a process of its own: its environment, and who tells the files of a repository."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    environment = json.loads(process.stdout.readline())

    def sizes(repo: str) -> dict[str, int]:
        process.stdin.write(f"{repo}\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        found: dict[str, int] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        return found

    try:
        yield environment, sizes
    finally:
        process.communicate(timeout=60)


def write_folder(out: Path, n: int) -> None:
    """A dataset folder of `n` rows of about 2 kB, of words that do not repeat much."""
    words = [sha256_text(str(i))[: 3 + i % 7] for i in range(50_000)]
    draw = random.Random(0)
    empty = Provenance(teacher="source").model_dump()

    def row(i: int) -> dict[str, Any]:
        rationale = " ".join(draw.choices(words, k=200))
        question = f"{i} {' '.join(draw.choices(words, k=40))}?"
        pid = sha256_text(question)
        return {
            "row_id": sha256_text(f"row {i}"), "problem_id": pid, "original_id": pid, "source": "bench",
            "split": "test" if i % 10 == 0 else "train", "question": question, "rationale": rationale,
            "answer": str(i), "level": None, "subject": None, "licence": "Apache-2.0",
            "knowledge": [" ".join(draw.choices(words, k=12)) for _ in range(3)], "flags": [],
            "provenance": empty,
        }  # fmt: skip

    kinds = {"int | None": pa.int64(), "float | None": pa.float64()}
    inner = pa.struct([(c, kinds.get(str(a), pa.string())) for c, a in Provenance.__annotations__.items()])  # fmt: skip
    lists = {"knowledge": pa.list_(pa.string()), "flags": pa.list_(pa.string()), "provenance": inner}  # fmt: skip
    schema = pa.schema([(c, lists.get(c, pa.string())) for c in Record.__annotations__])
    with open_stage(out, "import", identity={"table": "bench", "n": n}) as stage:
        with pq.ParquetWriter(out / RECORDS, schema, compression="zstd") as writer:
            for start in range(0, n, BATCH):
                rows = [row(i) for i in range(start, min(n, start + BATCH))]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        write_rows(out / REJECTS, Reject, [])
        stage.finish(n_in=n, n_kept=n, n_rejected={})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-publish-") as root, serving() as (env, sizes):
        folder = Path(root) / "data"
        write_folder(folder, args.rows)
        command = [sys.executable, "-m", "lorid_data", "publish", str(folder), "me/many"]
        command += ["--allow", "validate", "decontaminate", "audit"]
        environment = {**os.environ, **env, "HF_HOME": f"{root}/home", "TMPDIR": root}
        start = time.monotonic()
        subprocess.run(command, env=environment, check=True)
        wall_s = time.monotonic() - start
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        shards = {p: s for p, s in sizes("me/many").items() if p.endswith(".parquet")}
    # Only the publisher has ended: the Hub is still running, and does not count.
    peak_gib = usage.ru_maxrss / 2**20
    print(json.dumps(shards, indent=1))
    ratios = {
        "peak memory / 2 GiB": round(peak_gib / LIMIT_GIB, 3),
        "largest shard / 500 MB": round(max(shards.values()) / LIMIT_BYTES, 3),
    }
    settings = {
        "n_rows": args.rows, "peak_gib": round(peak_gib, 3), "n_shards": len(shards),
        "published_bytes": sum(shards.values()), "wall_s": round(wall_s),
        "cpu_s": round(usage.ru_utime + usage.ru_stime), "rows_per_s": round(args.rows / wall_s),
    }  # fmt: skip
    print(json.dumps({"benchmark": "publish", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
