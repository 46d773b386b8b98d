"""The interaction loop against other ways to make the same draws: cost per generated token.

    python benchmarks/evaluate.py [--run RUN] [--problems 200] [--rounds 20] [--temperature 0.8] [--repeats 1]
    python benchmarks/evaluate.py [--run RUN] --scale 100 400 1600 3200

Takes the adapters of a run on the packaged student (trains the quickstart's without --run) and
draws the loop for fresh arithmetic problems:

* lazy: this project's schedule; exhaustive: all rounds of all questions, as the official code does.
  Both decide the same by the same-round rule, which is checked.
* foreseen: exactly the draws that the loop turns out to need, known beforehand: no schedule is
  cheaper. What keeps it from 1 / mean_rounds of the exhaustive cost is what is paid by the question.
* switching: a plain loop, question by question, that switches the adapter before each `generate`.
* separate passes: per round one batched `generate` for each role over the questions still open.
* generate: IR's prompts through a bare `generate` with one unmerged adapter, at its best batch size.

On a CPU the unit is CPU-seconds of this process with one thread, on a GPU seconds. The last line
is JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.records import read_records
from lorid_data.schema import Record
from lorid_train.config import EvalConfig
from lorid_train.engines.base import Engine, Sampling
from lorid_train.evaluation.in_process import make_engine
from lorid_train.interaction.draws import Decision, DrawKey, DrawLog
from lorid_train.interaction.loop import Asker, Loop, Wanted
from lorid_train.interaction.rules import SAMPLED, agree, answer_of, decide, up_to_stop
from lorid_train.models import adapters as adapters_of
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.roles import role as role_named

SEED = 0
MAX_NEW_TOKENS = 128
SCALE_ROUNDS = 2
PASS_BATCH = 128
"""Rows of one `generate` in the separate passes; the best of a few sizes on two cores."""


@dataclass
class Meter:
    """Time and generated tokens of one way to draw."""

    now: Callable[[], float]
    tokens: int = 0
    seconds: float = 0.0
    _start: float = field(default=0.0)

    def __enter__(self) -> Meter:
        self._start = self.now()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += self.now() - self._start

    @property
    def per_token(self) -> float:
        """Seconds per generated token."""
        return self.seconds / self.tokens


@dataclass(frozen=True)
class Bench:
    """What all ways to draw share."""

    config: EvalConfig
    adapters: Adapters
    records: Sequence[Record]
    scratch: Path
    now: Callable[[], float]
    make: Callable[[EvalConfig, Adapters], Engine] = make_engine

    def loop(
        self, records: Sequence[Record], name: str, *, exhaustive: bool
    ) -> tuple[Meter, DrawLog]:
        """The loop's draws."""
        ids = [r.problem_id for r in records]
        rounds = self.config.rounds

        def wanted(log: DrawLog) -> Wanted:
            return Loop(
                ids, log, seed=SEED, rounds=rounds, rule="same_round", exhaustive=exhaustive
            )

        return self.draw(records, name, wanted)

    def draw(
        self, records: Sequence[Record], name: str, wanted: Callable[[DrawLog], Wanted]
    ) -> tuple[Meter, DrawLog]:
        """Draws through the project's engine, into a log of their own."""
        log = DrawLog(self.scratch / f"{name}.jsonl")
        asker = Asker(
            engine=self.make(self.config, self.adapters),
            log=log,
            questions={r.problem_id: r.as_question() for r in records},
            sampling=Sampling(
                self.config.temperature, self.config.top_p, self.config.top_k, MAX_NEW_TOKENS
            ),
        )
        with Meter(self.now) as meter:
            asker.draw(wanted(log))
        meter.tokens = sum(d.n_tokens for d in log.draws().values())
        return meter, log


class Generate:
    """Plain `generate` with one adapter at a time, as a script without this project would do it."""

    def __init__(self, bench: Bench) -> None:
        from lorid_train.engines.loading import with_adapters

        base, self.temperature = bench.adapters.base, bench.config.temperature
        device = "cuda" if bench.config.dtype == "bfloat16" else "cpu"
        self.tokenizer = base_model.load_tokenizer(base)
        self.format = bench.adapters.format
        self.model = with_adapters(
            base_model.load_model(base, bench.config.dtype or "float32"),
            bench.adapters.folders,
            device,
        )
        self.stop_ids = self.format.stop_ids(self.tokenizer)

    def __call__(self, role: str, contents: Sequence[str]) -> tuple[list[str], int]:
        """Sampled texts and the number of generated tokens that were needed."""
        import torch

        self.model.set_adapter(role)
        prompts = [self.format.prompt_ids(self.tokenizer, c) for c in contents]
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts], device=self.model.device)
        mask = torch.tensor(
            [[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self.model.device
        )
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids, attention_mask=mask, do_sample=True, temperature=self.temperature, top_k=0,
                top_p=1.0, max_new_tokens=MAX_NEW_TOKENS, eos_token_id=self.stop_ids, pad_token_id=0,
            )[:, width:].tolist()  # fmt: skip
        ends = [next((i for i, t in enumerate(row) if t in self.stop_ids), None) for row in out]
        texts = [
            self.tokenizer.decode(row[:end], skip_special_tokens=True)
            for row, end in zip(out, ends, strict=True)
        ]
        n_tokens = sum(
            len(row) if end is None else end + 1 for row, end in zip(out, ends, strict=True)
        )
        return texts, n_tokens


def rounds_by(
    generate: Generate, meter: Meter, questions: Sequence[str], rounds: int, size: int
) -> None:
    """The loop over questions together, each role of a round in batches of `size`."""

    def ask(role: str, contents: Sequence[str]) -> list[str]:
        texts: list[str] = []
        for i in range(0, len(contents), size):
            got, n_tokens = generate(role, contents[i : i + size])
            texts += got
            meter.tokens += n_tokens
        return texts

    open_ = list(questions)
    ir, kg, dr = (role_named(r) for r in ("ir", "kg", "dr"))
    for _ in range(rounds):
        if not open_:
            return
        said = ask("ir", [ir.content(q, "") for q in open_])
        known = ask("kg", [kg.content(q, "") for q in open_])
        then = ask("dr", [dr.content(q, k.strip()) for q, k in zip(open_, known, strict=True)])
        answers = [(answer_of(a), answer_of(b)) for a, b in zip(said, then, strict=True)]
        open_ = [q for q, pair in zip(open_, answers, strict=True) if not agree(*pair)]


def best_generate(bench: Bench, generate: Generate, sizes: Iterable[int]) -> tuple[Meter, int]:
    """IR's draws through `generate`, sorted by length, at each batch size; the cheapest."""
    ir = role_named("ir")
    contents = sorted((ir.content(r.question, "") for r in bench.records), key=len)
    meters = {}
    for size in sizes:
        with Meter(bench.now) as meter:
            for i in range(0, len(contents), size):
                meter.tokens += generate("ir", contents[i : i + size])[1]
        meters[size] = meter
    size = min(meters, key=lambda s: meters[s].per_token)
    return meters[size], size


def decision(log: DrawLog, problem_id: str, rounds: int) -> Decision:
    """What the loop decides by the same-round rule."""
    keys = (
        DrawKey(problem_id, role, SAMPLED, SEED, r)
        for r in range(1, rounds + 1)
        for role in ("ir", "dr")
    )
    draws = [log[k] for k in keys if k in log]
    return decide(draws, rule="same_round", rounds=rounds, fallback="ir")


def same_decisions(a: DrawLog, b: DrawLog, bench: Bench) -> int:
    """How many problems two logs decide alike."""
    rounds = bench.config.rounds
    return sum(
        decision(a, r.problem_id, rounds) == decision(b, r.problem_id, rounds)
        for r in bench.records
    )


def stopping_rounds(bench: Bench, log: DrawLog) -> dict[str, int]:
    """The last round that the loop looks at, per problem."""
    used = up_to_stop(
        log.draws(),
        [r.problem_id for r in bench.records],
        SEED,
        rule="same_round",
        rounds=bench.config.rounds,
    )
    return {p: max(d.round for d in draws) for p, draws in used.items()}


def scale(bench: Bench, all_records: Sequence[Record], sizes: Sequence[int]) -> dict[str, Any]:
    """Cost per question and peak memory as the number of questions grows, over two rounds."""
    rows: dict[str, Any] = {}
    bench = replace(bench, config=bench.config.model_copy(update={"rounds": SCALE_ROUNDS}))
    for n in sizes:
        meter, log = bench.loop(all_records[:n], f"scale-{n}", exhaustive=False)
        log.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        rows[str(n)] = {
            "s_per_question": round(meter.seconds / n, 5),
            "us_per_token": round(meter.per_token * 1e6, 1),
            "peak_mib": peak,
        }
        print(f"{n} questions: {rows[str(n)]}", file=sys.stderr)
    return rows


def measure(bench: Bench, args: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """Every way to draw, and their ratios."""
    questions = [r.question for r in bench.records]
    bench.loop(bench.records[:4], "warm-up", exhaustive=False)  # imports, answers of a first kind
    turns = [
        (bench.loop(bench.records, f"lazy-{i}", exhaustive=False),
         bench.loop(bench.records, f"exhaustive-{i}", exhaustive=True))
        for i in range(args.repeats)
    ]  # fmt: skip
    (lazy, lazy_log), (exhaustive, all_log) = (
        min(same, key=lambda run: run[0].seconds) for same in zip(*turns, strict=True)
    )
    stops = stopping_rounds(bench, all_log)
    mean_rounds = sum(stops.values()) / len(stops)
    keys = [
        DrawKey(p, role, SAMPLED, SEED, r)
        for p, last in stops.items()
        for r in range(1, last + 1)
        for role in ("ir", "kg", "dr")
    ]
    foreseen, _ = min(
        (
            bench.draw(bench.records, f"foreseen-{i}", lambda log: Wanted(keys, log))
            for i in range(args.repeats)
        ),
        key=lambda run: run[0].seconds,
    )
    generate = Generate(bench)
    with Meter(bench.now) as passes:
        rounds_by(generate, passes, questions, args.rounds, PASS_BATCH)
    with Meter(bench.now) as switching:
        for question in questions[: args.switching]:
            rounds_by(generate, switching, [question], args.rounds, 1)
    bare, size = best_generate(bench, generate, args.sizes)
    ceiling = args.rounds / mean_rounds
    ratios = {
        "exhaustive_over_lazy": exhaustive.seconds / lazy.seconds,
        "exhaustive_over_lazy_of_ceiling": exhaustive.seconds / lazy.seconds / ceiling,
        "exhaustive_over_foreseen_of_ceiling": exhaustive.seconds / foreseen.seconds / ceiling,
        "foreseen_over_lazy": foreseen.seconds / lazy.seconds,
        "switching_over_ours": switching.per_token / (lazy.seconds / foreseen.tokens),
        "separate_passes_over_ours": passes.per_token / (lazy.seconds / foreseen.tokens),
        "tokens_over_generate": bare.per_token / lazy.per_token,
        "equal_decisions": same_decisions(lazy_log, all_log, bench) / len(bench.records),
    }
    settings = {
        "mean_rounds": mean_rounds, "ceiling": ceiling, "n_problems": len(bench.records),
        "rounds": args.rounds, "temperature": args.temperature, "batch_size": bench.config.batch_size, "generate_batch_size": size,
        "tokens_per_s": {"ours": 1 / lazy.per_token, "exhaustive": 1 / exhaustive.per_token, "generate": 1 / bare.per_token,
                         "passes": 1 / passes.per_token, "switching": 1 / switching.per_token},
        "drawn_over_needed": lazy.tokens / foreseen.tokens, "seconds": [[a.seconds, b.seconds] for (a, _), (b, _) in turns],
    }  # fmt: skip
    return ratios, settings


def run_folder(given: Path | None, scratch: Path) -> Path:
    """The run that was named, or the quickstart's, trained here."""
    if given is not None:
        return given
    command = ("lorid_train", "quickstart", "--problems", "2", "--rounds", "1")
    out = scratch / "quickstart"
    subprocess.run([sys.executable, "-m", *command, "--out", str(out)], check=True)
    return out / "run"


def fresh_problems(scratch: Path, n: int) -> list[Record]:
    """Problems of the arithmetic source's test split, in a dataset folder `data`."""
    options = BuildOptions(source="arithmetic", teacher="none", split="test", limit=n)
    build(options, scratch / "data")
    return read_records(scratch / "data")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", type=Path, help="a run folder of lorid-train sft or of the quickstart"
    )
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--repeats",
        type=int,
        default=1,
        help="turns of lazy, exhaustive and foreseen; the best of each counts",
    )
    parser.add_argument("--switching", type=int, default=20, help="questions of the switching loop")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[32, 64, 128, 200], help="batch sizes of generate"
    )
    parser.add_argument(
        "--scale", type=int, nargs="+", metavar="N",
        help="only this: cost and memory of N questions over two rounds (100 400 1600 3200)",
    )  # fmt: skip
    parser.add_argument("--dtype", default=None)
    return parser.parse_args()


def main() -> None:
    args = options()
    import torch

    cuda = torch.cuda.is_available()
    torch.set_num_threads(1)

    def now() -> float:
        if cuda:
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time()

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        run = run_folder(args.run, scratch)
        records = fresh_problems(scratch, max(args.scale or [args.problems]))
        config = EvalConfig(
            adapters=adapters_of.folders_of([str(run)]), dataset=str(scratch / "data"), out=str(scratch / "eval"),
            rounds=args.rounds, temperature=args.temperature, top_p=1.0, top_k=0, dtype=args.dtype or ("bfloat16" if cuda else "float32"), batch_size=args.batch_size, threads=1,
        )  # fmt: skip
        adapters = adapters_of.open_adapters(config.adapters, None)
        bench = Bench(config, adapters, records[: args.problems], scratch, now)
        if args.scale:
            ratios: dict[str, float] = {}
            settings: dict[str, Any] = {"scale": scale(bench, records, args.scale)}
        else:
            ratios, settings = measure(bench, args)
    print(json.dumps({"benchmark": "evaluate", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
