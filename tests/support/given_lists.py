"""Finished evaluations of a DR on given lists, as `lorid_data` reads them, without a model.

Loaded with `runpy.run_path` by the tests that want a folder on disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lorid_data.folders.draw_lines import line_of, sum_of
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Record


def write(
    out: Path,
    records: Sequence[Record],
    answers: Mapping[str, Sequence[str]],
    *,
    dr: str = "d" * 64,
    trained: int = 0,
    condition: str = "sampled-gold-knowledge",
) -> Path:
    """An evaluation of these rows; `answers` by problem id, one a round."""
    identity = {"adapters_sha256": {"dr": dr}, "temperature": 0.8}
    with open_stage(out, "evaluate", identity=identity) as stage:
        stage.varying = frozenset({"draws.jsonl"})
        write_rows(out / "records.parquet", Record, records)
        draws = [
            {
                "problem_id": r.problem_id, "role": "dr", "condition": condition, "seed": 0, "round": n,
                "text": f"So it is.\n--> {a} END", "finish_reason": "stop", "n_prompt_tokens": 1, "n_tokens": 1,
                "prompt_sha256": "0" * 64,
            }
            for r in records
            for n, a in enumerate(answers.get(r.problem_id, ()), 1)
        ]  # fmt: skip
        (out / "draws.jsonl").write_bytes(b"".join(line_of(json.dumps(d).encode()) for d in draws))
        metrics = [{"metric": "trained_questions", "value": float(trained)}] if trained else []
        (out / "metrics.json").write_text(json.dumps({"schema": 1, "metrics": metrics}))
        stage.figures = sum_of(out / "draws.jsonl").figures()
        stage.finish(n_in=len(records), n_kept=len(records), n_rejected={})
    return out
