"""Do other batch sizes, bfloat16 or a server change what is drawn and decided?

    python benchmarks/engines.py [--run RUN] [--problems 100] [--rounds 5] [--temperature 1.5] [--top-p 0.9] [--top-k 50]
                                 [--server URL]

Takes the adapters of a run on the packaged student (trains the quickstart's without --run) and draws
the same rounds of the same problems in several ways, each draw under the seed of its key:

* float32, batches of 64: what the others are compared with
* float32, batches of 7: nothing may change
* bfloat16, batches of 64 and of 7
* the vLLM server at --server, in the precision that it was started with

Printed for each: the fraction of draws with the same text, the fraction of the loop's decisions
that are the same (same round, t = rounds, IR as fallback), and the accuracy of the decisions with
its 95 % Wilson interval. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from evaluate import (
    MAX_NEW_TOKENS,
    SEED,
    Bench,
    decision,
    fresh_problems,
    run_folder,
    same_decisions,
)

from lorid_data.answers import Verdict, equal
from lorid_train.config import EvalConfig
from lorid_train.evaluation import servers
from lorid_train.evaluation.in_process import make_engine
from lorid_train.evaluation.servers import MakeEngine
from lorid_train.interaction.draws import DrawLog
from lorid_train.metrics.intervals import wilson
from lorid_train.models import adapters as adapters_of

ROLES = ("ir", "kg", "dr")


def ways(config: EvalConfig, server: str | None) -> dict[str, tuple[EvalConfig, MakeEngine]]:
    """Each way to draw: its settings, and what makes its engine."""
    found: dict[str, tuple[EvalConfig, MakeEngine]] = {
        f"{dtype}, batches of {size}": (
            config.model_copy(update={"dtype": dtype, "batch_size": size}),
            make_engine,
        )
        for dtype in ("float32", "bfloat16")
        for size in (64, 7)
    }
    if server:
        at = config.model_copy(update={"engine": "server", "server": (server,)})
        found["server"] = (at, servers.engine_factory(at, ROLES))
    return found


def same_texts(a: DrawLog, b: DrawLog) -> float:
    """The fraction of draws with the same text."""
    first, second = a.draws(), b.draws()
    return sum(d.text == second[k].text for k, d in first.items()) / len(first)


def n_right(log: DrawLog, bench: Bench) -> int:
    """Problems whose decision equals the gold answer."""
    decided = [(decision(log, r.problem_id, bench.config.rounds).answer, r) for r in bench.records]
    return sum(a is not None and equal(a, r.answer) == Verdict.EQUAL for a, r in decided)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--temperature", type=float, default=1.5)
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--top-k", type=int, default=50)
    parser.add_argument("--server", help="base URL, /v1 included; serves the run's adapters")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        run = run_folder(args.run, scratch)
        records = fresh_problems(scratch, args.problems)
        config = EvalConfig(
            adapters=adapters_of.folders_of([str(run)]), dataset=str(scratch / "data"), out=name,
            rounds=args.rounds, temperature=args.temperature, top_p=args.top_p, top_k=args.top_k, max_new_tokens=MAX_NEW_TOKENS, threads=1,
        )  # fmt: skip
        adapters = adapters_of.open_adapters(config.adapters, None)
        logs: dict[str, DrawLog] = {}
        figures: dict[str, dict[str, float]] = {}
        for way, (settings, make) in ways(config, args.server).items():
            bench = Bench(settings, adapters, records, scratch, time.perf_counter, make)
            _, logs[way] = bench.loop(records, way, exhaustive=True)
            reference = next(iter(logs.values()))
            right = n_right(logs[way], bench)
            low, high = wilson(right, len(records))
            figures[way] = {
                "same_texts": same_texts(reference, logs[way]),
                "same_decisions": same_decisions(reference, logs[way], bench) / len(records),
                "accuracy": right / len(records), "ci_low": low, "ci_high": high,
            }  # fmt: skip
            print(way, {k: round(v, 4) for k, v in figures[way].items()}, flush=True)
    about = {
        "n_problems": args.problems,
        "rounds": args.rounds,
        "temperature": args.temperature,
        "top_p": args.top_p,
        "top_k": args.top_k,
        "seed": SEED,
    }
    print(json.dumps({"benchmark": "engines", "ratios": figures, "settings": about}))


if __name__ == "__main__":
    main()
