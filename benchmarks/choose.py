"""Of two teachers' lists, does a student's success recover the good ones, and is DR the better for it?

    python benchmarks/choose.py [--worlds 1 2 3] [--out DIR] [--threads 1]

The world `concepts`, teachers whose lists are another concept's for 20 and 50 % of the rows. What is
claimed stands in docs/experiments.md. Resumable with --out. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from support.judging import evaluated, train

from lorid_data.build.choose import ChooseOptions, choose, described
from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.frames import read_record_frame
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Record, sha256_text

SPOILT = {"a": 0.2, "b": 0.5}
EPOCHS, DRAWS = 5, 4
ARMS = ("student", "audit", "source")
PART = 4
"""One concept of so many is kept: the ids of the others are not divisible by it."""


def lists_of(records: Sequence[Record], share: float, seed: str) -> list[tuple[str, ...]]:
    """A teacher's lists: the source's, and for a share of the rows another concept's."""
    rng = random.Random(seed)
    spoilt = set(rng.sample(range(len(records)), round(share * len(records))))
    return [
        rng.choice([o.knowledge for o in records if o.original_id != r.original_id])
        if i in spoilt else r.knowledge
        for i, r in enumerate(records)
    ]  # fmt: skip


def subset(out: Path, records: Sequence[Record]) -> Path:
    """Some rows as a dataset folder."""
    rows = [r.model_copy(update={"split": "train"}) for r in records]
    identity = {"rows_sha256": sha256_text("".join(r.model_dump_json() for r in rows))}
    with open_stage(out, "study-data", identity=identity) as stage:
        if stage.done is None:
            write_dataset(stage, rows, [], n_in=len(rows))
    return out


def built(out: Path, world: int) -> tuple[Path, Path, list[Record]]:
    """The world's training rows with the source's lists, with both teachers', and its test rows."""
    from lorid_data.sources.concepts.generate import load

    names = ("question", "rationale", "answer", "knowledge", "original_id", "level", "subject")
    for split in ("train", "test"):
        problems = [p for p in load(split, seed=world) if int(p.original_id, 16) % PART == 0]
        rows = [p.model_dump_json(include=set(names)) for p in problems]
        table = out / f"{split}.jsonl"
        table.write_text("\n".join(rows) + "\n", encoding="utf-8")
        build(BuildOptions(source=str(table), teacher="source", split=split), out / split)
    records = read_records(out / "train")
    teachers = []
    for name, share in SPOILT.items():
        path = out / f"{name}.jsonl"
        lists = lists_of(records, share, f"{world}/{name}")
        rows = [
            json.dumps({"id": r.problem_id, "knowledge": list(k)})
            for r, k in zip(records, lists, strict=True)
        ]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        teachers.append(f"scripted:{path}")
    table = str(out / "train.jsonl")
    build(BuildOptions(source=table, teacher=tuple(teachers), split="train"), out / "both")
    return out / "train", out / "both", records


def folds(records: Sequence[Record]) -> list[list[Record]]:
    """Two halves, parted by concept."""
    return [[r for r in records if int(r.original_id, 16) // PART % 2 == k] for k in (0, 1)]


def judged(out: Path, source: Path, both: Path, threads: int) -> list[Path]:
    """Each teacher's lists of a fold, read by a DR that was trained on the other fold."""
    parts = folds(read_records(source))
    found = []
    for number in (1, 2):
        choose(both, out / f"lists-{number}", ChooseOptions(by="number", number=number))
        for k, part in enumerate(folds(read_records(out / f"lists-{number}"))):
            learnt = subset(out / f"fold-{1 - k}", parts[1 - k])
            run = train(learnt, out / f"run-judge-{k}", "dr", EPOCHS, threads)
            data = subset(out / f"lists-{number}-{k}", part)
            samples = {"gold-knowledge": DRAWS}
            found.append(evaluated(run, data, out / f"eval-{number}-{k}", threads, samples=samples))
    return found


def arms(out: Path, source: Path, both: Path, threads: int) -> dict[str, Path]:
    """The datasets that are compared: the same rows, with lists chosen in four ways."""
    options = ChooseOptions(by="student", evaluations=tuple(judged(out, source, both, threads)))
    print("\n".join(described(choose(both, out / "student", options))), flush=True)
    choose(both, out / "audit", ChooseOptions())
    records = read_records(source)
    return {
        "student": subset(out / "arm-student", read_records(out / "student")),
        "audit": subset(out / "arm-audit", read_records(out / "audit")),
        "source": subset(out / "arm-source", records),
    }


def recovered(arm: Path, source: Path, out: Path) -> dict[str, Any]:
    """How often an arm has the source's list, over all rows and where one teacher alone has it."""
    true = {r.problem_id: r.knowledge for r in read_records(source)}
    lists = [{r.problem_id: r.knowledge for r in read_records(out / f"lists-{n}")} for n in (1, 2)]
    has = {r.problem_id: r.knowledge == true[r.problem_id] for r in read_records(arm)}
    one = [p for p in true if (lists[0][p] == true[p]) != (lists[1][p] == true[p])]
    return {
        "source_list_fraction": round(fmean(has.values()), 4),
        "where_one_has_it": round(fmean(has[p] for p in one), 4),
        "n_where_one_has_it": len(one),
        "n_characters": int(read_record_frame(arm)["knowledge"].list.join("\n").str.len_chars().sum()),
    }  # fmt: skip


def right_of(evaluation: Path, system: str) -> dict[str, bool]:
    from lorid_train.metrics.rows import Outcome

    rows = read_rows(evaluation / "outcomes.parquet", Outcome)
    return {o.problem_id: o.verdict == "correct" for o in rows if o.system == system}


def paired(
    a: Mapping[str, bool], b: Mapping[str, bool], clusters: Mapping[str, str]
) -> dict[str, Any]:
    """A - b over the same questions: a bootstrap over concepts, and McNemar's exact test."""
    import numpy as np

    from lorid_train.metrics.significance import mcnemar_exact

    names = sorted({clusters[p] for p in a})
    sums = {c: [0, 0] for c in names}
    for p in a:
        sums[clusters[p]][0] += int(a[p]) - int(b[p])
        sums[clusters[p]][1] += 1
    table = np.asarray([sums[c] for c in names])
    rng = np.random.default_rng(0)
    drawn = table[rng.integers(0, len(table), (10_000, len(table)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    only_a, only_b = sum(a[p] > b[p] for p in a), sum(b[p] > a[p] for p in a)
    return {
        "points": round(100 * (only_a - only_b) / len(a), 2), "low": round(100 * float(low), 2),
        "high": round(100 * float(high), 2), "only_first": only_a, "only_second": only_b,
        "p": mcnemar_exact(only_a, only_b),
    }  # fmt: skip


def world(out: Path, number: int, threads: int) -> dict[str, Any]:
    source, both, _ = built(out, number)
    found: dict[str, Any] = {}
    right: dict[str, dict[str, dict[str, bool]]] = {}
    for name, data in arms(out, source, both, threads).items():
        run = train(data, out / f"run-{name}", "dr", EPOCHS, threads)
        greedy = ("gold-knowledge", "empty-knowledge")  # another's list would need a KG, too
        evaluation = evaluated(run, out / "test", out / f"test-{name}", threads, greedy=greedy)
        right[name] = {g: right_of(evaluation, f"dr-{g}") for g in greedy}
        accuracy = {g: round(fmean(of.values()), 4) for g, of in right[name].items()}
        found[name] = {**recovered(data, source, out), **accuracy}
        print(name, json.dumps(found[name]), flush=True)
    clusters = {r.problem_id: r.original_id for r in read_records(out / "test")}
    for other in ("audit", "source"):
        pair = paired(right["student"]["gold-knowledge"], right[other]["gold-knowledge"], clusters)
        found[f"student-{other}"] = pair
        print(f"student - {other}", json.dumps(pair), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        found = {}
        for n in args.worlds:
            folder = (args.out or Path(scratch)) / f"world-{n}"
            folder.mkdir(parents=True, exist_ok=True)
            found[n] = world(folder, n, args.threads)
    ratios = {
        f"{key}_world_{n}": of[arm][key.partition(":")[2]]
        for n, of in found.items()
        for arm in ARMS
        for key in (f"{arm}:gold-knowledge", f"{arm}:where_one_has_it")
    }
    print(json.dumps({"benchmark": "choose", "ratios": ratios, "settings": found}))


if __name__ == "__main__":
    main()
