"""Where a reference answer is wrong, do the draws of a student say so? Planted and real rows.

    python benchmarks/difficulty.py [--part planted|real|all] [--data DIR] [--out DIR] [--threads 1]

`planted` needs nothing; `real` reads LLM-Adapters' early training file below --data (by default
LORID_TEST_DATA). Resumable with --out. What is claimed stands in docs/experiments.md. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from support.judging import asked_ir, auc, bootstrap_auc, imported, top_share, train_ir

from lorid_data.answers import extract
from lorid_data.difficulty.asked import gather, opened
from lorid_data.difficulty.rates import Graded, doubt, graded
from lorid_data.difficulty.stage import difficulty
from lorid_data.folders.records import read_records
from lorid_data.schema import Record

N_JUDGED, N_WRONG, N_PLANTINGS, DRAWS = 400, 40, 20, 8
JUDGES = {"strong": (1200, 2), "weak": (160, 1)}
N_REAL, REAL_DRAWS = 600, 4
TRAIN = "AGI-Edgerunners/LLM-Adapters/ft-training_set/math_data.json"


def scores_of(g: Graded) -> dict[str, float]:
    """The two scores of a row."""
    rate = 1 - (g.n_right + 1) / (g.n_draws + 2)
    return {"rate": rate, "doubt": doubt(g.n_other, g.n_draws)}


def planting(answers: Sequence[str], seed: int) -> dict[int, str]:
    """Wrong references by row: half slips, half the answers of other rows."""
    rng = random.Random(f"planted {seed}")
    rows = rng.sample(range(len(answers)), N_WRONG)
    wrong: dict[int, str] = {}
    for i in rows[: N_WRONG // 2]:
        wrong[i] = str(int(answers[i]) + rng.choice((-1, 1)) * rng.randint(1, 9))
    for i in rows[N_WRONG // 2 :]:
        wrong[i] = rng.choice([a for a in answers if a != answers[i]])
    return wrong


def measured(
    records: Sequence[Record], evaluation: Path, wrong: Mapping[int, str]
) -> dict[str, float]:
    """Areas and shares among the first, of both scores, for one set of wrong references."""
    asked = gather(opened([evaluation]), {r.problem_id for r in records})
    found = [
        scores_of(graded(asked.by_problem.get(r.problem_id, {}), wrong.get(i, r.answer)))
        for i, r in enumerate(records)
    ]
    labels = [i in wrong for i in range(len(records))]
    result = {}
    for name in ("rate", "doubt"):
        values = [f[name] for f in found]
        result[f"auc_{name}"] = auc(values, labels)
        result[f"top_{name}"] = top_share(values, labels, sum(labels))
    return result


def arithmetic(out: Path, split: str, n: int) -> Path:
    """Rows of the arithmetic world whose answers are whole numbers."""
    from lorid_data.sources.arithmetic.generate import load

    problems = [p for p in load(split, seed=0) if p.answer.lstrip("-").isdigit()][:n]
    rows = [
        {"question": p.question, "rationale": p.rationale, "answer": p.answer, "split": "train"}
        for p in problems
    ]
    return imported(out / f"{split}-{n}", rows)


def planted(out: Path, threads: int) -> dict[str, Any]:
    judged = arithmetic(out, "validation", N_JUDGED)
    records = read_records(judged)
    result: dict[str, Any] = {}
    for name, (n_rows, epochs) in JUDGES.items():
        run = train_ir(arithmetic(out, "train", n_rows), out / f"run-{name}", epochs, threads)
        evaluation = asked_ir(run, judged, out / f"eval-{name}", DRAWS, threads)
        manifest = difficulty(judged, [evaluation], out / f"difficulty-{name}")
        answers = [r.answer for r in records]
        each = [measured(records, evaluation, planting(answers, s)) for s in range(N_PLANTINGS)]
        result[name] = _summary(each)
        result[name]["accuracy"] = manifest.figures["judges"][0]["mean_pass_rate"]
        result[name]["n_doubt_above_rate"] = sum(e["auc_doubt"] > e["auc_rate"] for e in each)
        print(name, json.dumps(result[name]), flush=True)
    wrong = planting([r.answer for r in records], 0)
    rows = [
        {
            "question": r.question, "split": "train", "answer": wrong.get(i, r.answer),
            "rationale": r.rationale,
        }
        for i, r in enumerate(records)
    ]  # fmt: skip
    own = imported(out / "in-sample", rows)
    run = train_ir(own, out / "run-in-sample", 10, threads)
    evaluation = asked_ir(run, judged, out / "eval-in-sample", DRAWS, threads)
    result["in-sample"] = _summary([measured(records, evaluation, wrong)])
    print("in-sample", json.dumps(result["in-sample"]), flush=True)
    return result


def _summary(each: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in each[0]:
        values = [e[key] for e in each]
        found[key] = round(fmean(values), 4)
        found[f"{key}_range"] = [round(min(values), 4), round(max(values), 4)]
    return found


def real(out: Path, data: Path, threads: int) -> dict[str, Any]:
    """Rows whose stated answer is another than the gold one, judged by who learnt the other half."""
    rows = _real_rows(data)
    folds = [imported(out / f"real-{k}", rows[k::2]) for k in (0, 1)]
    scores: list[dict[str, float]] = []
    labels: list[bool] = []
    right: list[float] = []
    golds = {r["question"]: r["gold"] for r in rows}
    for k in (0, 1):
        run = train_ir(folds[1 - k], out / f"run-real-{k}", 3, threads)
        evaluation = asked_ir(run, folds[k], out / f"eval-real-{k}", REAL_DRAWS, threads)
        difficulty(folds[k], [evaluation], out / f"difficulty-real-{k}")
        records = read_records(folds[k])
        asked = gather(opened([evaluation]), {r.problem_id for r in records})
        for r in records:
            of = asked.by_problem.get(r.problem_id, {})
            scores.append(scores_of(graded(of, r.answer)))
            gold = graded(of, golds[r.question])
            labels.append(not _same(r.answer, golds[r.question]))
            right.append(gold.n_right / max(gold.n_draws, 1))
    result: dict[str, Any] = {
        "n": len(labels), "n_wrong": sum(labels), "base_rate": round(fmean(labels), 4),
        "accuracy_against_gold": round(fmean(right), 4),
    }  # fmt: skip
    for name in ("rate", "doubt"):
        values = [s[name] for s in scores]
        low, high = bootstrap_auc(values, labels)
        result[f"auc_{name}"] = [round(auc(values, labels), 4), round(low, 4), round(high, 4)]
        result[f"top_{name}"] = round(top_share(values, labels, sum(labels)), 4)
    print("real", json.dumps(result), flush=True)
    return result


def _real_rows(data: Path) -> list[dict[str, str]]:
    from support.word_problems import _train_row

    body = json.loads((data / TRAIN).read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for row in map(_train_row, body):
        stated = getattr(extract(row["rationale"], last_number=True), "value", None)
        if stated is not None:
            question = row["question"]
            found.setdefault(
                question,
                {
                    "question": question, "rationale": row["rationale"], "answer": stated,
                    "gold": row["answer"], "split": "train",
                },
            )  # fmt: skip
    rows = list(found.values())
    random.Random(0).shuffle(rows)
    return rows[:N_REAL]


def _same(a: str, b: str) -> bool:
    from lorid_data.answers import equal

    return equal(a, b).value == "equal"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("planted", "real", "all"), default="all")
    parser.add_argument("--data", type=Path, default=os.environ.get("LORID_TEST_DATA"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.part != "planted" and args.data is None:
        parser.error(f"--data is not set: it names a folder with {TRAIN}")
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = {}
        if args.part != "real":
            found |= planted(out, args.threads)
        if args.part != "planted":
            found["real"] = real(out, Path(args.data), args.threads)
    ratios = {
        f"{who}_{k}": v for who, of in found.items() for k, v in of.items() if isinstance(v, float)
    }
    print(json.dumps({"benchmark": "difficulty", "ratios": ratios, "settings": found}))


if __name__ == "__main__":
    main()
