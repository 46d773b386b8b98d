"""The report's files, written atomically."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.folders.files import write_text
from lorid_data.folders.outputs import PAGE, check_output
from lorid_train.metrics.comparisons import compare_runs
from lorid_train.metrics.files import SCHEMA, metrics_json
from lorid_train.report.comparing import as_json, compare_all, side_of
from lorid_train.report.markdown import render_markdown
from lorid_train.report.page import render_html
from lorid_train.report.view import EvaluationView


def check_place(out: Path) -> None:
    """Find out before the work whether the page and what goes beside it can be written.

    Raises:
        ConfigError: `out` is named like the Markdown or the JSON, or one of the three must not be written over.
    """
    if out.suffix.lower() in (".md", ".json"):
        raise ConfigError(f"--out {str(out)!r}: goes beside the page; name an HTML file")
    check_output(out, PAGE, "an HTML file")
    for suffix, begins in ((".md", b"#lorid"), (".json", b'{"schema":')):
        check_output(
            out.with_suffix(suffix), begins, "an HTML file with another name, beside which it goes"
        )


def write_report(evaluations: Sequence[EvaluationView], out: Path) -> None:
    """Write the page at `out` and the same as Markdown beside it (`report.html`, `report.md`).

    Raises:
        OSError: a file cannot be written.
    """
    write_text(out, render_html(evaluations))
    write_text(out.with_suffix(".md"), render_markdown(evaluations))


def write_metrics(evaluation: EvaluationView, out: Path) -> None:
    """Write `metrics.json`.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(out, metrics_json(evaluation.metrics))


def write_runs(evaluations: Sequence[EvaluationView], out: Path) -> None:
    """Write the metrics of several runs, of each later one against the first, and every pair as `compare` has it.

    Raises:
        OSError: the file cannot be written.
    """
    first = evaluations[0]
    runs = [
        {
            "name": v.name,
            "metrics": [m.model_dump(mode="json") for m in v.metrics],
            "against_first": []
            if v is first
            else [m.model_dump(mode="json") for m in compare_runs(v.scored, first.scored)],
        }
        for v in evaluations
    ]
    pairs = as_json(compare_all([side_of(v) for v in evaluations]))["pairs"]
    body = {"schema": SCHEMA, "runs": runs, "pairs": pairs}
    write_text(out, json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
