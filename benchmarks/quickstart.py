"""The quickstart against its limits: 8 minutes on two cores, 4 GiB of memory.

    python benchmarks/quickstart.py [--seed 0] [--out DIR]

Runs it in a fresh folder, as its own process, and prints the result table. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S, LIMIT_BYTES = 8 * 60, 4 * 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or Path(scratch) / "quickstart"
        command = [
            sys.executable,
            "-m",
            "lorid_train",
            "quickstart",
            "--out",
            str(out),
            "--seed",
            str(args.seed),
        ]
        start = time.monotonic()
        # The quickstart uses two threads; an inherited limit would measure something else.
        env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
        subprocess.run(command, check=True, env=env)
        wall_s = time.monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s, peak_bytes = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
        rows = json.loads((out / "eval" / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    accuracy = {
        m["system"]: m["value"] for m in rows if m["metric"] == "accuracy" and m["slice"] is None
    }
    ratios = {"wall_over_limit": wall_s / LIMIT_S, "memory_over_limit": peak_bytes / LIMIT_BYTES}
    settings = {
        "seed": args.seed, "wall_s": round(wall_s), "cpu_s": round(cpu_s), "peak_mib": round(peak_bytes / 2**20),
        "n_cores": os.cpu_count(), "accuracy": accuracy,
    }  # fmt: skip
    print(json.dumps({"benchmark": "quickstart", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
