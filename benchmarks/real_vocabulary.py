"""The interaction loop over a base with a real vocabulary, against plain `generate` on the same CPU.

    python benchmarks/real_vocabulary.py [--base models/smollm2-135m] [--rank 32] [--problems 32] [--batch-size 64]
        [--dtype float32 bfloat16] [--threads 1] [--turns 2] [--sizes 16 32 64] [--temperature 0.8] [--top-p 1] [--top-k 0]

Three adapters of random weights stand for IR, KG and DR. In turn, in one process for each dtype:

* loop: this project's loop over arithmetic problems, its three adapters mixed in batches of --batch-size
* generate: IR's prompts, as many rows, sorted by length, through `transformers`' own `generate` with
  one unmerged adapter, at each batch size of --sizes; the cheapest counts

The unit is CPU-seconds of the process. `over_generate` counts the tokens of `generate` up to each
row's end, `over_computed` all that it computed, as if no row had ended before the others. Memory
is the loop's alone, in a process of its own: its peak (VmHWM), that before the first draw taken
apart. With --only steps instead: what reading the prompts of one full batch takes, and what a step of
it takes, for both ways (no row ends). The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluate import Bench, Meter, fresh_problems

from lorid_data.schema import Record
from lorid_train.config import EvalConfig
from lorid_train.engines.base import Engine, GenRequest, Sampling
from lorid_train.evaluation.in_process import make_engine
from lorid_train.interaction.draws import DrawLog
from lorid_train.interaction.loop import Asker, Loop
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters, open_adapters
from lorid_train.roles import role as role_named

ROLES = ("ir", "kg", "dr")
SEED = 0
_SPREAD = 2e-3
"""Of the random weights that an adapter adds: texts change and stay texts."""

_STEPS = 8


def random_adapters(base: str, rank: int, folder: Path) -> dict[str, str]:
    """An adapter of random weights on all linear layers for each role."""
    import torch
    from peft import LoraConfig, get_peft_model

    found = {}
    for seed, name in enumerate(ROLES):
        torch.manual_seed(seed)
        model = base_model.load_model(base_model.resolve(base), "float32")
        config = LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        made = get_peft_model(model, config)
        with torch.no_grad():
            for key, weight in made.named_parameters():
                if "lora_B" in key:
                    weight.normal_(0, _SPREAD)
        made.save_pretrained(folder / name)
        found[name] = str(folder / name)
    return found


class Plain:
    """`generate` with one adapter, as a script without this project would call it."""

    def __init__(self, adapters: Adapters, dtype: str, sampling: Sampling) -> None:
        from lorid_train.engines.loading import with_adapters

        self.sampling, self.format = sampling, adapters.format
        self.tokenizer = base_model.load_tokenizer(adapters.base)
        folders = {"ir": adapters.folders["ir"]}
        self.model = with_adapters(base_model.load_model(adapters.base, dtype), folders, "cpu")
        self.stop_ids = self.format.stop_ids(
            self.tokenizer, base_model.generation_ends(adapters.base)
        )

    def __call__(self, contents: Sequence[str]) -> tuple[int, int]:
        """How many tokens were needed, and how many were computed."""
        import torch

        prompts = [self.format.prompt_ids(self.tokenizer, c) for c in contents]
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        how = self.sampling
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids, attention_mask=mask, do_sample=True, temperature=how.temperature, top_k=how.top_k,
                top_p=how.top_p, max_new_tokens=how.max_new_tokens, eos_token_id=self.stop_ids or None, pad_token_id=0,
            )[:, width:].tolist()  # fmt: skip
        ends = [next((i for i, t in enumerate(row) if t in self.stop_ids), None) for row in out]
        needed = sum(len(r) if e is None else e + 1 for r, e in zip(out, ends, strict=True))
        return needed, sum(map(len, out))


def loop(
    bench: Bench, engine: Engine, records: Sequence[Record], sampling: Sampling, name: str
) -> Meter:
    """The loop's draws with an engine that is loaded already."""
    log = DrawLog(bench.scratch / f"{name}.jsonl")
    questions = {r.problem_id: r.as_question() for r in records}
    asker = Asker(engine=engine, log=log, questions=questions, sampling=sampling)
    with Meter(bench.now) as meter:
        asker.draw(
            Loop(
                list(questions), log, seed=SEED, rounds=bench.config.rounds,
                rule="same_round", exhaustive=False,
            )
        )  # fmt: skip
    meter.tokens = sum(d.n_tokens for d in log.draws().values())
    log.close()
    return meter


def turns(bench: Bench, args: argparse.Namespace, sampling: Sampling) -> dict[str, Any]:
    """Both ways, one after another, and their ratios; the cheapest turn of each counts."""
    dtype = str(bench.config.dtype)
    engine: Any = bench.make(bench.config, bench.adapters)
    plain = Plain(bench.adapters, dtype, sampling)
    ir = role_named("ir")
    contents = sorted((ir.content(r.question, "") for r in bench.records), key=len)
    few = Sampling(sampling.temperature, sampling.top_p, sampling.top_k, 4)
    loop(bench, engine, bench.records[:2], few, f"{dtype}-warm-up")
    plain(contents[:2])
    ours: list[Meter] = []
    theirs: dict[int, list[tuple[Meter, int]]] = {size: [] for size in args.sizes}
    for turn in range(args.turns):
        engine.forget()
        ours.append(loop(bench, engine, bench.records, sampling, f"{dtype}-{turn}"))
        print(f"{dtype}: loop {1 / ours[-1].per_token:.1f} tokens a CPU-second", flush=True)
        for size, found in theirs.items():
            computed = 0
            with Meter(bench.now) as meter:
                # As many rows as the widest batch has, so that none is left half empty.
                rows = (contents * (1 + max(args.sizes) // len(contents)))[: max(args.sizes)]
                for i in range(0, len(rows), size):
                    needed, all_ = plain(rows[i : i + size])
                    meter.tokens, computed = meter.tokens + needed, computed + all_
            found.append((meter, computed))
            print(f"{dtype}: generate {size}: {1 / meter.per_token:.1f}, computed {computed / meter.seconds:.1f}", flush=True)  # fmt: skip
    best = min(ours, key=lambda m: m.per_token)
    needed_best = max((m.tokens / m.seconds, s) for s, of in theirs.items() for m, _ in of)
    computed_best = max((n / m.seconds, s) for s, of in theirs.items() for m, n in of)
    speed = 1 / best.per_token
    return {
        "over_generate": round(speed / needed_best[0], 3),
        "over_computed": round(speed / computed_best[0], 3),
        "tokens_per_cpu_s": {
            "loop": [round(1 / m.per_token, 1) for m in ours],
            "generate": {s: [round(1 / m.per_token, 1) for m, _ in of] for s, of in theirs.items()},
            "computed": {s: [round(n / m.seconds, 1) for m, n in of] for s, of in theirs.items()},
        },
        "tokens": best.tokens,
        "best_sizes": [needed_best[1], computed_best[1]],
    }


def steps(bench: Bench, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """CPU-seconds of reading one batch's prompts, first tokens included, and of each step after that."""
    engine: Any = bench.make(bench.config, bench.adapters)
    engine.stop_ids = [-1]
    plain = Plain(bench.adapters, str(bench.config.dtype), Sampling(args.temperature))
    size, questions = args.batch_size, [r.question for r in bench.records]
    asked = [(ROLES[i % len(ROLES)], questions[i % len(questions)]) for i in range(size)]

    def ours(n: int) -> float:
        how = Sampling(args.temperature, args.top_p, args.top_k, n)
        waiting = [
            GenRequest(i, role, role_named(role).content(question, ""), how, seed=i)
            for i, (role, question) in enumerate(asked)
        ]
        with Meter(bench.now) as meter:
            list(engine.generate(lambda k: [waiting.pop() for _ in range(min(k, len(waiting)))]))
        return meter.seconds

    def theirs(n: int) -> float:
        how = Sampling(args.temperature, args.top_p, args.top_k, n)
        plain.sampling, plain.stop_ids = how, []
        contents = [role_named("ir").content(question, "") for _, question in asked]
        with Meter(bench.now) as meter:
            plain(contents)
        return meter.seconds

    ours(1), theirs(1)
    engine.forget()
    found = {"loop": {"read": ours(1), "step": 0.0}, "generate": {"read": theirs(1), "step": 0.0}}
    for _ in range(args.turns):  # prompts are kept by the one, and read anew by the other
        for name, write, first in (("loop", ours, ours(1)), ("generate", theirs, None)):
            first = found[name]["read"] if first is None else first
            step = (write(_STEPS + 1) - first) / _STEPS
            found[name]["step"] = min(step, found[name]["step"] or step)
    return {name: {k: round(v, 4) for k, v in of.items()} for name, of in found.items()}


def peak_bytes() -> int:
    """This process's own peak; `ru_maxrss` would count that of what started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0]) * 1024


def memory(bench: Bench, sampling: Sampling) -> dict[str, float]:
    """GiB before the first draw and at the peak, of this process."""
    engine = bench.make(bench.config, bench.adapters)
    loaded = peak_bytes()
    meter = loop(bench, engine, bench.records, sampling, "memory")
    return {
        "loaded_gib": round(loaded / 2**30, 2), "peak_gib": round(peak_bytes() / 2**30, 2), "tokens": meter.tokens,
    }  # fmt: skip


def memory_of(scratch: Path, dtype: str) -> Any:
    """The same, of a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--child", str(scratch), "--dtype", dtype]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="models/smollm2-135m")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--max-new-tokens", type=int, default=96)
    parser.add_argument("--dtype", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--only", choices=["speed", "memory", "steps"])
    parser.add_argument("--format", default="chat", help="the prompts' format")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def bench_of(args: argparse.Namespace, scratch: Path, dtype: str) -> Bench:
    """Settings, adapters and problems."""
    from lorid_data.folders.records import read_records

    folders = {r: str(scratch / "adapters" / r) for r in ROLES}
    config = EvalConfig(
        adapters=folders, dataset=str(scratch / "data"), out=str(scratch / "eval"), rounds=args.rounds,
        temperature=args.temperature, top_p=args.top_p, top_k=args.top_k, max_new_tokens=args.max_new_tokens,
        dtype=dtype, batch_size=args.batch_size, threads=args.threads,
    )  # fmt: skip
    adapters = open_adapters(folders, args.base, args.format)
    return Bench(
        config, adapters, read_records(scratch / "data"), scratch, time.process_time, make_engine
    )


def main() -> None:
    warnings.filterwarnings("ignore")
    args = options()
    sampling = Sampling(args.temperature, args.top_p, args.top_k, args.max_new_tokens)
    if args.child:
        with tempfile.TemporaryDirectory() as name:
            bench = bench_of(args, args.child, args.dtype[0])
            own = Bench(
                bench.config, bench.adapters, bench.records, Path(name), bench.now, bench.make
            )
            print(json.dumps(memory(own, sampling)))
        return
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        random_adapters(args.base, args.rank, scratch / "adapters")
        fresh_problems(scratch, args.problems)
        ratios: dict[str, Any] = {}
        for dtype in args.dtype:
            found: dict[str, Any] = {}
            if args.only == "steps":
                found |= steps(bench_of(args, scratch, dtype), args)
            if args.only in (None, "speed"):
                found |= turns(bench_of(args, scratch, dtype), args, sampling)
            if args.only in (None, "memory"):
                found["memory"] = memory_of(scratch, dtype)
            ratios[dtype] = found
            print(dtype, json.dumps(found), flush=True)
    about = {k: v for k, v in vars(args).items() if k not in ("base", "child", "only")}
    about["base"] = Path(args.base).name
    print(json.dumps({"benchmark": "real_vocabulary", "ratios": ratios, "settings": about}))


if __name__ == "__main__":
    main()
