"""The quickstart trains on nothing that is near what it is tested on (`test_readme` runs a small one)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lorid_data.decontaminate.stage import DecontaminateOptions, decontaminate
from lorid_data.folders.manifests import read_manifest
from lorid_train import quickstart as of
from lorid_train.config import EvalConfig, TrainConfig


def test_no_training_question_is_near_a_test_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(of, "train", lambda config: asked.update(train=config))
    monkeypatch.setattr(of, "evaluate", lambda config: asked.update(evaluate=config))
    monkeypatch.setattr(of, "folders_of", lambda places: dict.fromkeys(("ir", "kg", "dr"), places[0]))  # fmt: skip
    # The command's own sizes: among fewer problems none need be near another.
    of.quickstart(tmp_path / "q", n_rows=1200, n_problems=200, rounds=1, seed=0, batch_size=1, threads=1)  # fmt: skip
    train, evaluate = asked["train"], asked["evaluate"]
    assert isinstance(train, TrainConfig)
    assert isinstance(evaluate, EvalConfig)
    test = Path(evaluate.dataset)
    assert read_manifest(test).n_kept == 200
    assert read_manifest(Path(str(train.data))).n_rejected["contaminated"] > 0
    again = DecontaminateOptions(against=(str(test),))
    assert decontaminate(Path(str(train.data)), tmp_path / "again", again).n_rejected == {}
