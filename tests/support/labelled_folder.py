"""A small dataset folder to label: originals with variants, formulas, money, hostile text, flags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lorid_data.folders.files import sha256_file
from lorid_data.folders.names import RECORDS
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, Reject, make_problem, row_ids

HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u202e\x00 & <b>"


def record(n: int, **changes: Any) -> Record:
    """The row of one question; a change of the question makes another question."""
    question = changes.pop(
        "question", f"A pen costs ${n} and a book $7. What do {n + 2} of each cost?"
    )
    problem = make_problem(
        source=changes.pop("source", "gsm8k"),
        split="train",
        question=question,
        rationale=f"{n + 2} * {n + 7} = <<{n + 2}*{n + 7}={(n + 2) * (n + 7)}>>{(n + 2) * (n + 7)}.",
        answer=str((n + 2) * (n + 7)),
        original_id=changes.pop("original_id", None),
        licence="MIT",
    )
    [row_id] = row_ids([problem])
    body = problem.model_dump() | {
        "row_id": row_id,
        "knowledge": ("Add the prices of one of each.", "Multiply by how many of each are bought."),
        "provenance": Provenance(teacher="recorded", model_answered="a large model"),
    }
    return Record.model_validate(body | changes)


def formula(n: int) -> Record:
    """A row of MATH, with formulas and a drawing."""
    return record(
        n,
        source="math",
        question=f'Find $x$ if $\\frac{{x}}{{{n}}} = -3$. [asy] draw((0,0)--(1,1)); label("$A$"); [/asy]',
        rationale=f"Multiplying, \\[x = {n} \\cdot -3 = \\boxed{{-{3 * n}}}.\\]",
        answer=f"-{3 * n}",
        knowledge=("If $\\frac{x}{a} = b$, then $x = ab$.",),
        subject="Algebra",
        level="Level 1",
    )


def write_folder(
    folder: Path, records: list[Record], rejects: tuple[Reject, ...] = (), **identity: Any
) -> Path:
    """The records as a finished dataset folder."""
    with open_stage(folder, "build", identity={"test": True, **identity}) as stage:
        write_dataset(stage, records, list(rejects), n_in=len(records) + len(rejects))
    return folder


def write_audit(folder: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    """An `audit.json` that names these findings by row."""
    body = {"schema": 1, "records_sha256": sha256_file(folder / RECORDS), "rows": found}
    (folder / "audit.json").write_text(json.dumps(body))
