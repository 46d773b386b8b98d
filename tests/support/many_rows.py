"""Dataset folders of many rows, made quickly; and what a command takes of memory in a process of its own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import polars as pl

from lorid_data.folders.batches import DatasetWriter
from lorid_data.folders.parquet import frame_schema
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, sha256_text

WORDS = ("red", "blue", "pens", "hats", "boxes", "trains", "gives", "takes", "left", "then", "more", "each", "day", "sold", "how", "many")  # fmt: skip


def folder_of_many(folder: Path, n: int, *, rationale_bytes: int = 100, seed: int = 0) -> Path:
    """A dataset folder: of ten rows two are exact copies, one is edited, one has another solution, two lack knowledge."""
    rng = random.Random(seed)
    questions, rationales, answers = [], [], []
    for i in range(n):
        if i % 10 in (7, 8, 9) and i > 10:
            k = i - rng.randrange(1, 8)
            question = questions[k].upper() if i % 10 == 9 else questions[k]
            if i % 10 == 8:
                question = f"So {question}"
            questions.append(question)
            rationales.append(rationales[k])
            answers.append(answers[k])
            continue
        words = " ".join(rng.choices(WORDS, k=20))
        questions.append(f"Ann has {rng.randrange(9999)} and {rng.randrange(9999)} {words}?")
        # Long words: what is held of a text is a number a word.
        long = [f"{rng.getrandbits(256):064x}" for _ in range(rationale_bytes // 64)]
        rationales.append(" ".join([f"step {i}", *rng.choices(WORDS, k=8), *long]))
        answers.append(str(rng.randrange(99)))
    ids = [sha256_text(q) for q in questions]
    given = {
        "row_id": [sha256_text(f"{seed} {i}") for i in range(n)], "problem_id": ids, "original_id": ids, "source": ["t"] * n, "split": ["train"] * n,
        "question": questions, "rationale": rationales, "answer": answers, "licence": ["unknown"] * n,
        "knowledge": [[] if i % 5 == 0 else [f"A rule about {i % 97} pens."] for i in range(n)], "flags": [[]] * n,
        "accepted": [[]] * n, "provenance": [Provenance(teacher="none").model_dump()] * n,
    }  # fmt: skip
    schema = frame_schema(Record)
    frame = pl.DataFrame({name: given.get(name, [None] * n) for name in schema}, schema=schema)
    with (
        open_stage(folder, "import", identity={"n": n, "seed": seed}) as stage,
        DatasetWriter(stage) as writer,
    ):
        writer.keep(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
        writer.finish(n_in=n)
    return folder


_MEASURED = """
import json, re, sys
from lorid_data.folders import chosen
chosen.AT_ONCE = 500  # before others take it: a batch of these rows is small
from lorid_data.cli.app import main
status = main(json.loads(sys.argv[1]))
print(status, re.findall(r"^VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read(), re.MULTILINE)[0])
"""


def peak_mib(argv: list[str]) -> float:
    """The peak memory of a command of lorid-data that ends with 0, in a process of its own; its children are not counted."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, json.dumps(argv)], capture_output=True, text=True, check=True
    )  # fmt: skip
    status, kib = done.stdout.splitlines()[-1].split()
    assert status == "0", done.stderr
    return int(kib) / 1024
