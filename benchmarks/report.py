"""What a report costs: 1,319 questions × 20 rounds graded and written, and 117 replays of stored draws.

    python benchmarks/report.py [--questions N]

The draws are simulated, with five hundred characters of reasoning each, so that no model is needed.
`report_under_limit` is 20 s over the time from `draws.jsonl` to the written page; `replay_under_limit` is
10 s over the time of 117 combinations of rule (same_round, cumulative, weighed), threshold and fallback on all questions. Both are at
least 1 where the limit is kept. Times are those of the one CPU that the process uses: other work on the
machine does not count. Memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import resource
import runpy
import tempfile
import time
from itertools import product
from pathlib import Path

from lorid_train.interaction.rules import decide_answers, sides
from lorid_train.report.reading import DrawFile
from lorid_train.report.view import Replay, view_of
from lorid_train.report.writing import write_metrics, write_report

ROOT = Path(__file__).parent.parent
REPORT_LIMIT_S, REPLAY_LIMIT_S = 20.0, 10.0
THRESHOLDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 20)
FILLER = "First I read what is asked, then I take the numbers one after the other. " * 7


def write_draws(path: Path, n: int) -> list[object]:
    """Simulated draws of n questions, all 20 rounds, with reasoning in front of each answer."""
    simulate = runpy.run_path(str(ROOT / "tests" / "support" / "simulated_evaluation.py"))[
        "simulate"
    ]
    records, draws = simulate(n, rounds=20, lazy=False, n_votes=20, p_ir=0.4, p_dr=0.35)
    with path.open("w", encoding="utf-8") as f:
        for of in draws.values():
            for d in of:
                text = FILLER + str(d.round) + d.text
                f.write(d.model_copy(update={"text": text}).model_dump_json() + "\n")
    return list(records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1319)
    n = parser.parse_args().questions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = write_draws(folder / "draws.jsonl", n)
        start = time.process_time()
        draws = DrawFile(folder / "draws.jsonl")
        view = view_of(
            "run", records, draws, replay=Replay(20), exhaustive=True, voted=("ir", "dr")
        )  # type: ignore[arg-type]
        write_report([view], folder / "report.html")
        write_metrics(view, folder / "metrics.json")
        report_s = time.process_time() - start
        size = (folder / "report.html").stat().st_size
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        table = [draws(r.problem_id) for r in view.records.values()]
    combinations = list(
        product(("same_round", "cumulative", "weighed"), THRESHOLDS, ("none", "ir", "majority"))
    )
    start = time.process_time()
    said = [sides(of, 20) for of in table]  # answers are found once, as a report does
    for rule, rounds, fallback in combinations:
        for ir, dr in said:
            decide_answers(ir, dr, rule=rule, rounds=rounds, fallback=fallback)  # type: ignore[arg-type]
    replay_s = time.process_time() - start
    body = {
        "benchmark": "report",
        "ratios": {
            "report_under_limit": round(REPORT_LIMIT_S / report_s, 2),
            "replay_under_limit": round(REPLAY_LIMIT_S / replay_s, 2),
        },
        "settings": {
            "n_questions": n, "rounds": 20, "n_combinations": len(combinations), "report_s": round(report_s, 1),
            "replay_s": round(replay_s, 1), "peak_mib": round(peak / 2**20), "page_mib": round(size / 2**20, 1),
        },
    }  # fmt: skip
    print(json.dumps(body))


if __name__ == "__main__":
    main()
