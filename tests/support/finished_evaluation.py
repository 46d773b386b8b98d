"""Finished evaluation folders of simulated draws: what `evaluate` writes, without a model.

Loaded with `runpy.run_path` by the tests that want a folder on disk.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lorid_data.folders.draw_lines import line_of
from lorid_data.folders.stage import open_stage
from lorid_train.config import EvalConfig
from lorid_train.evaluation import timing
from lorid_train.evaluation.evaluate import DRAWS, MAY_CHANGE, score

_simulated = runpy.run_path(str(Path(__file__).parent / "simulated_evaluation.py"))


def write(
    out: Path, *, draw_s: float | None = None, settings: Any = None, split: str = "test",
    roles: tuple[str, ...] = ("ir", "kg", "dr"), more: Any = None, **options: Any
) -> Path:  # fmt: skip
    """A finished evaluation of simulated draws (`simulate`'s options) under some settings; `more` stands in its identity."""
    asked = {"rounds": 5, **(settings or {})}
    records, draws = _simulated["simulate"](**{"rounds": asked["rounds"], **options})
    records = [r.model_copy(update={"split": split}) for r in records]
    config = EvalConfig(adapters={"ir": "run"}, dataset="data", out=str(out), **asked)
    identity = {**config.model_dump(mode="json", exclude=MAY_CHANGE), "format": "plain"}
    identity["adapters_sha256"] = {
        r: c * 64 for r, c in zip(("ir", "kg", "dr"), "abc", strict=True)
    }
    identity["dataset_sha256"] = "0" * 64
    identity |= more or {}
    shown = {"base": "tiny", "dataset": "data", "adapters": {}, "targets": []}
    with open_stage(out, "evaluate", identity=identity, settings=shown) as stage:
        stage.varying = frozenset({DRAWS})
        lines = [
            line_of(d.model_dump_json().encode())
            for of in draws.values()
            for d in of
            if d.role in roles
        ]
        (out / DRAWS).write_bytes(b"".join(lines))
        if draw_s is not None:
            timing.add(out, draw_s)
        adapters = SimpleNamespace(
            base=SimpleNamespace(name="tiny"), format=SimpleNamespace(name="plain"), players={}
        )
        score(config, adapters, records, stage)  # type: ignore[arg-type]
    return out
