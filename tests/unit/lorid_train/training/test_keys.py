"""A slip in a training configuration is said before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lorid_data.errors import ConfigError
from lorid_train.config import TrainConfig
from lorid_train.training import keys
from lorid_train.training.early import check_early

ROOT = Path(__file__).parents[4]


def config(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({"base": "student", "data": "d", "out": "o", **changes})


def test_the_fields_read_from_texts_are_those_of_the_classes() -> None:
    lora, sft = keys.imported_fields()
    assert keys._read(keys._LORA) == lora
    assert keys._read(keys._SFT) == sft


def test_a_library_that_is_built_otherwise_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_SFT", (("trl", "no_such_file.py", "SFTConfig"),))
    keys.known_fields.cache_clear()
    try:
        assert "learning_rate" in keys.known_fields()["sft"]
    finally:
        keys.known_fields.cache_clear()


def test_all_slips_are_said_with_the_nearest_key() -> None:
    with pytest.raises(ConfigError) as e:
        check_early(
            config(
                lora={"rr": 8},
                sft={"learning_rat": 1, "seed": 3},
                per_role={"kg": {"sft": {"num_train_epoch": 1}}},
            )
        )
    said = str(e.value)
    assert "d: no such folder" in said, "the data that is not there is told with them"
    assert "lora: unknown key 'rr'; did you mean 'r'?" in said
    assert "sft: unknown key 'learning_rat'; did you mean 'learning_rate'?" in said
    assert (
        "per_role.kg.sft: unknown key 'num_train_epoch'; did you mean 'num_train_epochs'?" in said
    )
    assert "sft: 'seed' is set by the run itself" in said


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ("max_token: 512", "did you mean"),
        ("sft: {learning_rat: 1}", "did you mean"),
        ("lora: {rr: 8}", "did you mean"),
        ("roles: [ir, kgg]", "unknown role 'kgg'"),
        ("format: plane", "unknown format 'plane'"),
        ("per_role: {drr: {}}", "did you mean"),
        ("limit: 5", "d: no such folder"),
    ],
)
def test_a_slip_costs_no_heavy_import(slip: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"base: student\ndata: d\nout: o\n{slip}\n")
    code = (
        "import sys; from lorid_train.cli import app; from lorid_data.commandline.program import run; "
        f"status = run(app, ['sft', {str(file)!r}]); "
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'datasets'} & set(sys.modules); "
        "print(status, sorted(heavy))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == "2 []"
    assert said in done.stderr
    assert "secret" not in done.stderr
