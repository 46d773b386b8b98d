"""A dataset folder of planted rows, of about 500 bytes of question and as many of rationale, made in batches.

Two questions of GSM8K or of MATH's test split make one, so that no row is a test question as it
stands; each is planted as `planted` does, and its copies share its rationale.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from planted import NUMBER, Row, base_questions, copies, renumbered

N_BASES = 4000
_AT_ONCE = 4096


def planted_rows(data: Path, n_rows: int, seed: int = 0) -> Iterator[tuple[Row, str]]:
    """Rows with their rationales; the copies of one problem stand within 13,000 rows of one another."""
    rng = random.Random(seed)
    singles = [q for q, _ in base_questions(data) if 120 < len(q) < 600]
    rng.shuffle(singles)
    bases = [f"{a} {b}" for a, b in zip(singles[:N_BASES], singles[N_BASES:], strict=False)]
    words = [w for q in singles[:2000] for w in q.split() if not NUMBER.search(w)]
    n = 0
    waiting: list[tuple[Row, str]] = []
    while n < n_rows:
        question = renumbered(rng.choice(bases), rng)
        answer = str(rng.randrange(1000))
        steps = " ".join(
            f"Step {k}: {rng.choice(words)} {rng.randrange(99)} is {rng.randrange(999)}."
            for k in range(18)
        )
        same = f"{steps} So the answer is {answer}."
        waiting += [(row, same) for row in copies(question, answer, n + len(waiting), rng, words)]
        if len(waiting) >= 13_000 or n + len(waiting) >= n_rows:
            rng.shuffle(waiting)
            yield from waiting[: n_rows - n]
            n += len(waiting)
            waiting = []


def write_folder(folder: Path, data: Path, n_rows: int, seed: int = 0) -> None:
    """Write a dataset folder of planted rows, with a rule of knowledge each; a batch is in memory."""
    write_rows(folder, planted_rows(data, n_rows, seed), {"n_rows": n_rows, "seed": seed})


def write_rows(folder: Path, rows: Iterator[tuple[Row, str]], identity: dict[str, Any]) -> None:
    """Write rows with their rationales as a dataset folder."""
    from lorid_data.folders.batches import DatasetWriter
    from lorid_data.folders.stage import open_stage

    n = 0
    with (
        open_stage(folder, "import", identity=identity) as stage,
        DatasetWriter(stage) as writer,
    ):
        while some := list(islice(rows, _AT_ONCE)):
            writer.keep(_table(some, n))
            n += len(some)
        writer.finish(n_in=n)


def _table(rows: list[tuple[Row, str]], n_before: int) -> Any:
    """Rows as an Arrow table of records."""
    import polars as pl

    from lorid_data.folders.parquet import frame_schema
    from lorid_data.schema import Provenance, Record, sha256_text

    n, schema = len(rows), frame_schema(Record)
    ids = [sha256_text(row.question) for row, _ in rows]
    given: dict[str, Any] = {
        "row_id": [sha256_text(str(n_before + i)) for i in range(n)],
        "problem_id": ids,
        "original_id": ids,
        "source": [row.kind for row, _ in rows],
        "split": ["train"] * n,
        "question": [row.question for row, _ in rows],
        "rationale": [rationale for _, rationale in rows],
        "answer": [row.answer for row, _ in rows],
        "subject": [str(row.problem) for row, _ in rows],
        "licence": ["unknown"] * n,
        "knowledge": [[f"{rationale[8:60]} stands for a rule."] for _, rationale in rows],
        "flags": [[]] * n,
        "accepted": [[]] * n,
        "provenance": [Provenance(teacher="none").model_dump()] * n,
    }
    columns = {name: given.get(name, [None] * n) for name in schema}
    return pl.DataFrame(columns, schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest())
