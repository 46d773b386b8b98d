"""Programs beside the reasoners with a real pretrained model: word problems, and GSM8K.

    LORID_TEST_DATA=DIR python benchmarks/real_programs.py [--parts words gsm8k] [--seeds 0 1] [--out DIR]

`words` takes the adapters and questions of `benchmarks/real_model.py` (--real names its folder) and
trains CG on programs that `lorid-data programs` makes of its training rows. `gsm8k` trains IR and CG
on GSM8K's own annotations. What is asked and how it is judged stands in docs/experiments.md. Run
again, it goes on where it stopped. Needs the sandbox: pip install 'lorid[code]'.

DIR holds openai/gsm8k as on the Hub; without LORID_TEST_DATA it is fetched. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "support"))

import real_model
import real_model_data
import yaml

from lorid_data.answers import Verdict as Equal
from lorid_data.answers import equal
from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Record
from lorid_data.texts.calculate import calculate, number
from lorid_train.interaction.rules import answer_of
from lorid_train.metrics.intervals import paired_interval
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.metrics.significance import mcnemar_exact
from lorid_train.report.reading import DrawFile
from lorid_train.study_report.cells import Cell
from lorid_train.study_report.programs import as_json, study_of
from lorid_train.study_report.write_programs import write_programs

_EQUATION = re.compile(r"(-?\d[\d.]*(?:\s*[-+*/x×÷]\s*\d[\d.]*)+)\s*=\s*\$?(-?\d[\d.,]*)")
_SIGNS = str.maketrans({"x": "*", "×": "*", "÷": "/"})
DRAWN = ("--temperature", "0.8", "--top-p", "1.0", "--top-k", "0", "--votes", "none")


def train(args: argparse.Namespace, data: Path, run: Path, roles: list[str], seed: int) -> None:
    """Adapters trained as the real experiment trains its own: rank, rate, rows, one epoch."""
    asked = argparse.Namespace(base=args.base, out=args.out, threads=1)
    config = real_model.train_config(real_model.CPU, asked, seed, run)
    config |= {"data": str(data), "roles": roles, "limit": args.rows}
    file = run.with_suffix(".yaml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    real_model.command("lorid_train", "sft", str(file), threads=1, device="cpu")


def evaluate(adapters: list[str], data: Path, out: Path, seed: int, *how: str) -> None:
    """One evaluation with the draws' settings of the real experiment."""
    real_model.command(
        "lorid_train", "evaluate", "--adapters", *adapters, "--dataset", str(data), "--out", str(out),
        "--dtype", "bfloat16", "--batch-size", "64", "--threads", "1", "--seed", str(seed),
        "--max-new-tokens", "160", *DRAWN, *how, threads=1, device="cpu",
    )  # fmt: skip


def programs_of(folder: Path, out: Path) -> Path:
    """Training rows with programs; rows in doubt are left out."""
    real_model.command(
        "lorid_data", "programs", str(folder), "--out", str(out), threads=1, device="cpu"
    )
    return out


def words(args: argparse.Namespace) -> dict[str, Any]:
    """All four roles on the clean word problems: every rule on the same draws."""
    out = args.out / "words"
    data = programs_of(args.real / "data" / "train" / "split", out / "data")
    cells = []
    for seed in args.seeds:
        run, folder = out / f"seed-{seed}" / "cg", out / f"seed-{seed}" / "clean"
        train(args, data, run, ["cg"], seed)
        three = args.real / f"seed-{seed}" / "run"
        evaluate(
            [*(f"{role}={three}" for role in ("ir", "kg", "dr")), f"cg={run}"], args.real / "data" / "clean", folder, seed,
            "--schedule", "exhaustive", "--rounds", "3", "--limit", str(args.questions), "--samples", "cg=3", "ir=8", "--greedy", "ir", "kg-knowledge", "cg",
        )  # fmt: skip
        cells.append(Cell(f"seed {seed}", "words", args.base, seed, data, folder))
    write_programs(cells, out, scales={})
    print((out / "programs.md").read_text(encoding="utf-8"))
    found = as_json(study_of(cells, {}))
    of_ir = slips([c.test for c in cells])
    print("greedy IR:", json.dumps(of_ir))
    return {
        "differences": found["differences"], "tokens": found["tokens_per_problem"], "greedy_ir": of_ir,
    }  # fmt: skip


def slips(folders: list[Path]) -> dict[str, int]:
    """Of greedy IR's texts: how many calculate wrongly, and how many wrong ones a calculator would mend.

    A description of the draws. A text is mended if its last equation, calculated, gives the reference answer.
    """
    found: Counter[str] = Counter()
    for folder in folders:
        golds = {r.problem_id: r.answer for r in read_rows(folder / "records.parquet", Record)}
        draws = DrawFile(folder / "draws.jsonl")
        for problem_id, gold in golds.items():
            draw = next(d for d in draws(problem_id) if (d.role, d.condition) == ("ir", "greedy"))
            is_right = _same(answer_of(draw.text), gold)
            pairs = [
                (calculate(m[1].translate(_SIGNS)), number(m[2]))
                for m in _EQUATION.finditer(draw.text)
            ]
            sides = [(left, said) for left, said in pairs if left is not None and said is not None]
            found["texts"] += 1
            found["right"] += is_right
            found["with an equation"] += bool(sides)
            found["calculate wrongly"] += any(
                abs(left - said) >= Fraction(1, 100) for left, said in sides
            )
            found["wrong, and a calculator would mend it"] += (
                not is_right and bool(sides) and _same(_written(sides[-1][0]), gold)
            )
    return dict(found)


def _same(answer: str | None, gold: str) -> bool:
    return answer is not None and equal(answer, gold) == Equal.EQUAL


def _written(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def gsm8k(args: argparse.Namespace) -> dict[str, Any]:
    """IR and CG on GSM8K: greedy, and CG's samples."""
    named, out = os.environ.get("LORID_TEST_DATA"), args.out / "gsm8k"
    path = f"{named}/openai/gsm8k" if named else None
    for split in ("train", "test"):
        options = BuildOptions(source="gsm8k", teacher="none", split=split, source_path=path)
        build(options, out / f"all-{split}")
    data = programs_of(out / "all-train", out / "data")
    asked = real_model_data.in_hash_order(read_records(out / "all-test"))[: args.questions]
    real_model_data.write_some(out / "all-test", out / "test", asked)
    made = []
    for seed in args.seeds:
        run, folder = out / f"seed-{seed}" / "run", out / f"seed-{seed}" / "test"
        train(args, data, run, ["ir", "cg"], seed)
        evaluate(
            [f"{role}={run}" for role in ("ir", "cg")], out / "test", folder, seed,
            "--no-loop", "--rounds", "1", "--samples", "cg=3", "--greedy", "ir", "cg",
        )  # fmt: skip
        made.append(folder)
    report = str(out / "report.html")
    real_model.command("lorid_train", "report", *map(str, made), "--out", report, threads=1, device="cpu")  # fmt: skip
    return compared(made)


def compared(folders: list[Path]) -> dict[str, Any]:
    """Greedy CG against greedy IR, paired by question over the seeds' means."""
    rights: dict[str, dict[str, list[bool]]] = {"ir-greedy": {}, "cg-greedy": {}}
    for folder in folders:
        for o in read_rows(folder / "outcomes.parquet", Outcome):
            if o.system in rights:
                of = rights[o.system].setdefault(o.problem_id, [])
                of.append(o.verdict == Verdict.CORRECT)
    ir, cg = ([sum(flags) / len(flags) for _, flags in sorted(rights[s].items())] for s in rights)
    (low, high), _ = paired_interval(cg, ir, seed=0, n_resamples=10_000)
    better = sum(a > b for a, b in zip(cg, ir, strict=True))
    worse = sum(a < b for a, b in zip(cg, ir, strict=True))
    found = {
        "n": len(ir), "ir-greedy": sum(ir) / len(ir), "cg-greedy": sum(cg) / len(cg),
        "value": (sum(cg) - sum(ir)) / len(ir), "low": low, "high": high,
        "better": better, "worse": worse, "p": mcnemar_exact(better, worse),
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--parts", nargs="+", choices=("words", "gsm8k"), default=["words", "gsm8k"]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rows", type=int, default=320, help="training rows of each role")
    parser.add_argument("--questions", type=int, default=100, help="of each part's test questions")
    parser.add_argument("--real", type=Path, default=Path("runs/real-model"))
    parser.add_argument("--base", default=real_model.BASE)
    parser.add_argument("--out", type=Path, default=Path("runs/real-programs"))
    args = parser.parse_args()
    real_model.check(argparse.Namespace(base=args.base, device="cpu"))
    runs = [args.real / f"seed-{seed}" / "run" for seed in args.seeds]
    if "words" in args.parts and not all(run.is_dir() for run in runs):
        raise SystemExit(
            f"{args.real} has no finished runs: benchmarks/real_model.py makes them first"
        )
    made = {part: {"words": words, "gsm8k": gsm8k}[part](args) for part in args.parts}
    settings = {
        "seeds": args.seeds,
        "rows": args.rows,
        "questions": args.questions,
        "base": args.base,
    }
    print(json.dumps({"benchmark": "real_programs", "ratios": made, "settings": settings}))


if __name__ == "__main__":
    main()
