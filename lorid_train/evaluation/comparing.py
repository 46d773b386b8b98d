"""Finished evaluation folders as the sides of a comparison: outcomes that are stored, nothing graded anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.folders.evaluations import evaluation
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_train.config import EvalConfig
from lorid_train.evaluation import timing
from lorid_train.evaluation.evaluate import MAY_CHANGE, OUTCOMES, run_names
from lorid_train.metrics.rows import Outcome
from lorid_train.metrics.systems import Scored
from lorid_train.report.comparing import Side
from lorid_train.report.run_tables import flatten


def sides(folders: Sequence[Path]) -> list[Side]:
    """What a comparison looks at of each folder, under names that tell them apart.

    Raises:
        ConfigError: fewer than two folders, one named twice, or one that is no finished evaluation.
        InputError: a file of one cannot be read.
    """
    if len(folders) < 2:
        msg = f"{len(folders)} evaluation: a comparison takes two or more, such as EVAL_A EVAL_B"
        raise ConfigError(msg)
    resolved = [f.resolve() for f in folders]
    if twice := [f for f, r in zip(folders, resolved, strict=True) if resolved.count(r) > 1]:
        msg = f"{twice[0]}: named twice; a run compared with itself differs in nothing"
        raise ConfigError(msg)
    return [_side(f, n) for f, n in zip(folders, run_names(folders), strict=True)]


def _side(folder: Path, name: str) -> Side:
    manifest = evaluation(folder)
    rounds = int(manifest.identity["rounds"])
    outcomes: dict[str, list[Outcome]] = {}
    for o in read_rows(folder / OUTCOMES, Outcome):
        outcomes.setdefault(o.system, []).append(o)
    known = [k for k in EvalConfig.model_fields if k in manifest.identity and k not in MAY_CHANGE]
    fitted = [k for k in ("rule_sha256", "votes_sha256") if k in manifest.identity]
    # As many digits of a hash as a person compares.
    shown: dict[str, Any] = {k: str(manifest.identity[k])[:12] for k in fitted}
    settings: dict[str, Any] = {
        "base": manifest.settings["base"],
        "format": manifest.identity["format"],
        **{k: manifest.identity[k] for k in known},
        **shown,
    }
    questions: dict[str, tuple[str, str]] = {}
    for r in read_rows(folder / RECORDS, Record):
        questions.setdefault(r.problem_id, (r.question, r.answer))
    return Side(
        name, flatten(settings), Scored(outcomes, {}, rounds), questions, timing.read(folder)
    )
