"""What it costs that files are compared with their manifest when they are read, as a part of a stage.

    python benchmarks/verification.py [--rows 100000]

A table of so many problems is imported and deduplicated, and a log of as many draws is opened and
graded. The seconds that hashing takes inside each are measured in the same run and divided by the
seconds of the whole. The second read finds size and times as they were and hashes nothing. The
last line is JSON; a ratio of 0.03 is three per cent.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from lorid_data.build.importing import import_table
from lorid_data.dedup.stage import DedupOptions, dedup
from lorid_data.folders import batches, files, parquet, verified
from lorid_data.folders import draw_lines as lines
from lorid_data.folders import stage as stages
from lorid_data.folders.records import read_records
from lorid_data.schema import sha256_text
from lorid_train.interaction.draws import Draw
from lorid_train.metrics.grading import score
from lorid_train.report import reading


class Clock:
    """Adds up the seconds inside the functions that it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def wrap(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed where it is the outermost of these."""

        def timed(*args: Any, **more: Any) -> Any:
            self._depth += 1
            start = time.perf_counter()
            try:
                return work(*args, **more)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - start

        return timed


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def stage_ratio(root: Path, n: int) -> tuple[float, float]:
    """The part of verification in `dedup`, and of a second read in reading all records."""
    rows = (
        {"question": f"Tom has {i} pens and buys {i * 7 % 100} more. How many has he, and how many has each of {i % 9 + 2} friends?",
         "rationale": f"{i} + {i * 7 % 100} = {i + i * 7 % 100}", "answer": str(i + i * 7 % 100), "knowledge": ["Add what is bought.", "Share equally."]}
        for i in range(n)
    )  # fmt: skip
    (root / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    import_table(root / "t.jsonl", root / "in")
    clock = Clock()
    for module, name in ((parquet, "verify_file"), (batches, "verify_file"), (stages, "verify")):
        setattr(module, name, clock.wrap(getattr(module, name)))
    whole = timed(lambda: dedup(root / "in", root / "out", DedupOptions()))
    first = clock.seconds / whole
    verified._SETTLED_NS = -1  # the files are seconds old: note them all the same
    read_records(root / "out")
    clock.seconds = 0.0
    whole = timed(lambda: read_records(root / "out"))
    return first, clock.seconds / whole


def draws_ratio(root: Path, n: int) -> float:
    """The part of the lines' hashes in opening, reading and grading a log of draws."""
    with (root / "draws.jsonl").open("wb") as f:
        for i in range(n):
            text = f"Tom has {i} pens and buys {i % 50} more, so he has {i} + {i % 50} = {i + i % 50} pens.\n--> {i + i % 50} END"
            draw = Draw(
                problem_id=sha256_text(str(i // 20)), role="ir", condition="sampled", seed=0, round=i % 20 + 1, text=text,
                finish_reason="stop", n_prompt_tokens=80, n_tokens=40, prompt_sha256=sha256_text("p"),
            )  # fmt: skip
            f.write(lines.line_of(draw.model_dump_json().encode()))
    clock = Clock()
    reading.DrawFile._checked = clock.wrap(reading.DrawFile._checked)  # type: ignore[method-assign]

    def report() -> None:
        of = reading.DrawFile(root / "draws.jsonl")
        for problem in range(n // 20):
            for draw in of(sha256_text(str(problem))):
                score(draw.text.rpartition("--> ")[2].removesuffix(" END"), "7")

    whole = timed(report)
    return clock.seconds / whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    n = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        first, second = stage_ratio(root, n)
        size = (root / "in" / "records.parquet").stat().st_size
        draws = draws_ratio(root, n)
        rate = size / timed(lambda: files.sha256_file(root / "in" / "records.parquet"))
    ratios = {"dedup": first, "second_read": second, "draws": draws}
    for name, value in ratios.items():
        print(f"{name}: {value:.3%} of the time is verification")
    settings = {"rows": n, "records_bytes": size, "sha256_bytes_per_s": round(rate)}
    print(json.dumps({"benchmark": "verification", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
