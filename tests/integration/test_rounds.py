"""One round of self-training on the packaged student, killed in between, and its export in other hands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lorid_data import pipeline
from lorid_data.folders.records import read_records
from lorid_train.cli import app, run
from lorid_train.config import TrainConfig
from lorid_train.quickstart import LORA, SFT
from lorid_train.rounds import run as module
from lorid_train.training.sft import train

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]


def questions(out: Path, split: str, n: int, seed: int) -> Path:
    build = {"source": "arithmetic", "teacher": "source", "split": split, "limit": n, "seed": seed}
    pipeline.run(
        pipeline.read_config({"out": str(out), "build": build, "validate": {}}, "questions")
    )
    return out / "validate"


def test_a_round_on_the_student_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = questions(tmp_path / "train", "train", 96, 1)
    first = tmp_path / "first"
    train(
        TrainConfig(
            base="student", data=str(data), out=str(first), dtype="float32", max_tokens=512, seed=0, threads=1,
            lora=LORA, sft=SFT | {"num_train_epochs": 1},
        )
    )  # fmt: skip
    body: dict[str, Any] = {
        "run": str(first), "fresh": str(questions(tmp_path / "fresh", "train", 12, 2)),
        "validation": str(questions(tmp_path / "validation", "validation", 6, 2)), "out": str(tmp_path / "out"),
        "rounds": 1, "rule": "ir-majority", "stored_rounds": 3, "dtype": "float32", "max_tokens": 512,
        "sft": SFT | {"num_train_epochs": 1}, "temperature": 0.8, "top_p": 1.0, "top_k": 0, "max_new_tokens": 96,
        "batch_size": 64, "threads": 1, "seed": 0,
    }  # fmt: skip
    path = tmp_path / "rounds.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    real = module.train

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", killed)
    assert run(app, ["rounds", str(path)]) == 130
    assert (tmp_path / "out" / "1" / "rows" / "ir" / "manifest.json").is_file()
    monkeypatch.setattr(module, "train", real)
    assert run(app, ["rounds", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(said["accuracy"]) == 2
    assert set(said["adapters"]) == {"ir", "kg", "dr"}
    made = read_records(tmp_path / "out" / "1" / "rows" / "ir")
    card = json.loads((tmp_path / "out" / "1" / "run" / "adapters" / "ir" / "lorid.json").read_text(encoding="utf-8"))  # fmt: skip
    assert "init" in card, "where it goes on from"
    fresh = {r.problem_id for r in read_records(tmp_path / "fresh" / "validate")}
    assert {r.problem_id for r in made} <= fresh
