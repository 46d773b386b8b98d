"""What a study's page costs: six cells of 432 test and 216 validation problems, from draws to page.

    python benchmarks/study_report.py [--groups 36]

The draws are simulated: 40 rounds of IR and 20 of KG and DR per test problem, 10 of each per validation
problem, greedy draws of every system. `report_under_limit` is 60 s over the CPU time of reading, scoring
and writing; `memory_under_limit` is 1 GiB over the peak of the whole process. Both are at least 1 where
the limit is kept.
"""

from __future__ import annotations

import argparse
import json
import resource
import runpy
import tempfile
import time
from pathlib import Path

from lorid_train.study_report import write_study

ROOT = Path(__file__).parent.parent
LIMIT_S, LIMIT_MIB = 60.0, 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=36, help="groups per frequency")
    n_groups = parser.parse_args().groups
    support = runpy.run_path(str(ROOT / "tests" / "support" / "simulated_study.py"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = [
            support["write_cell"](folder, world=f"world {w}", seed=s, n_groups=n_groups)
            for w in range(3)
            for s in range(2)
        ]
        out = folder / "out"
        out.mkdir()
        start = time.process_time()
        write_study(cells, out, group_by="subject", settings={})
        report_s = time.process_time() - start
        sizes = {p.name: round(p.stat().st_size / 1024) for p in sorted(out.iterdir())}
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    body = {
        "benchmark": "study_report",
        "ratios": {
            "report_under_limit": round(LIMIT_S / report_s, 2),
            "memory_under_limit": round(LIMIT_MIB / peak_mib, 2),
        },
        "settings": {
            "n_cells": len(cells), "n_groups": n_groups, "report_s": round(report_s, 1),
            "peak_mib": round(peak_mib), "sizes_kib": sizes,
        },
    }  # fmt: skip
    print(json.dumps(body))


if __name__ == "__main__":
    main()
