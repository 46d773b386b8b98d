"""What YAML makes of a word is not taken for what was wanted: `true` is no number, `no` and `010` are no texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from peft import LoraConfig

from lorid_data import pipeline
from lorid_data.cli.app import main
from lorid_data.commandline.meant import misread
from lorid_data.errors import ConfigError
from lorid_train.config import EvalConfig, TrainConfig, parse
from lorid_train.study.agreement_settings import AgreementConfig
from lorid_train.study.settings import StudyConfig
from lorid_train.training import preflight
from lorid_train.training.arguments import make_args
from lorid_train.training.ranges import lora_problems

TRAIN = {"base": "student", "data": "d", "out": "o"}


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("build", "limit: true", "build: limit: a number is wanted, got True"),
        ("build", "temperature: yes", "build: temperature: a number is wanted, got True"),
        ("build", "seed: off", "build: seed: a number is wanted, got False"),
        ("dedup", "max_variants: true", "dedup: max_variants: a number is wanted, got True"),
        ("choose", "number: on", "choose: number: a number is wanted, got True"),
        ("expand", "with: no", "expand: with.*put it in quotes"),
        ("build", "split: 010", "build: split: .*got 8; .*put it in quotes"),
        ("build", "mode: no", "build: mode: .*got False; .*put it in quotes"),
    ],
)
def test_a_pipeline_takes_no_truth_value_for_a_number(section: str, line: str, said: str) -> None:
    text = f"out: o\nbuild: {{source: arithmetic, teacher: none}}\n{section}:\n  {line}\n"
    if section == "build":
        text = f"out: o\nbuild:\n  source: arithmetic\n  teacher: none\n  {line}\n"
    with pytest.raises(ConfigError, match=f"(?s)c.yaml: {said}"):
        pipeline.read_config(yaml.safe_load(text), "c.yaml")


@pytest.mark.parametrize("out", [True, 10])
def test_the_folder_of_a_pipeline_is_a_text(out: object) -> None:
    body = {"out": out, "build": {"source": "arithmetic", "teacher": "none"}}
    with pytest.raises(ConfigError, match=f"'out' must name the folder to write, got {out}; .*quotes"):  # fmt: skip
        pipeline.read_config(body, "c.yaml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("licence: no", "licence: a text is wanted, got False; .*quotes"),
        ("licence: 010", "licence: a text is wanted, got 8; .*quotes"),
        ("licence: 1.10", "licence: a text is wanted, got 1.1; .*quotes"),
        ("licence: 2024-01-01", "licence: a text is wanted, got datetime.*quotes"),
        ("columns: {answer: no}", "columns: a text is wanted, got False; .*quotes"),
        ("columns: {no: answer}", "columns: a text is wanted, got False; .*quotes"),
        ("columns: [question=q, yes]", "columns: a text is wanted, got True; .*quotes"),
        ("out: true", "out: a text is wanted, got True; .*quotes"),
    ],
)
def test_an_option_that_is_a_text_takes_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("t.jsonl").write_text('{"question": "q", "answer": "1"}')
    Path("c.yaml").write_text(line if line.startswith("out") else f"out: out\n{line}")
    assert main(["import", "t.jsonl", "--config", "c.yaml"]) == 2
    assert re.search(f"c.yaml: {said}", capsys.readouterr().err)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.yaml", "t.jsonl"]


@pytest.mark.parametrize(
    ("hint", "value", "is_meant"),
    [
        (str, "no", True),
        (str | None, None, True),
        (str | None, False, False),
        (Path, 1, False),
        (list[Path], ["a", 1], False),
        (list[str], {"ir": 40}, True),
        (list[str], {"ir": True}, False),
        (int, 3, True),
        (int, "3", True),
        (int | None, True, False),
        (float, 3, True),
        (float, False, False),
        (list[int], [1, True], False),
        (bool, True, True),
        (Literal["a", "b"] | None, False, False),
        (Literal["a", "b"], "a", True),
        (dict[str, float | None] | None, {"a": 1, "b": None}, True),
        (dict[str, float | None] | None, {"a": True}, False),
        (dict[str, float | None] | None, {False: 1}, False),
    ],
)
def test_what_can_be_meant(hint: Any, value: object, is_meant: bool) -> None:
    assert (misread(hint, value) is None) is is_meant


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (TrainConfig, {**TRAIN, "seed": True}, "seed: a number is wanted, got True"),
        (TrainConfig, {**TRAIN, "limit": True}, "limit: a number is wanted, got True"),
        (TrainConfig, {**TRAIN, "base": False}, "base: .*got False; .*quotes"),
        (TrainConfig, {**TRAIN, "revision": 1234567}, "revision: .*got 1234567; .*quotes"),
        (TrainConfig, {**TRAIN, "validation": {"greedy": True}}, r"validation\.greedy: a number is wanted"),
        (TrainConfig, {**TRAIN, "difficulty": [False, True]}, "is no band"),
        (TrainConfig, {**TRAIN, "difficulty": {"band": [0.1, True]}}, "is no band"),
        (StudyConfig, {"source": "concepts", "group_by": "subject", "seeds": [0, True]}, r"seeds\[1\]: a number"),
        (StudyConfig, {"source": "concepts", "group_by": "subject", "test": {"samples": {"ir": True}}}, r"test\.samples\.ir: a number"),
        (AgreementConfig, {"settings": {"a": {"source": "concepts", "parts": {"test": {"split": "test", "rows": True}}}}, "systems": ["consensus"]}, r"settings\.a\.parts\.test\.rows: a number"),
        (EvalConfig, {"adapters": {}, "dataset": "d", "out": "o", "temperature": True}, "temperature: a number"),
    ],
)  # fmt: skip
def test_a_training_or_study_takes_no_truth_value_for_a_number(
    model: Any, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(model, body, "c.yaml")


@pytest.mark.parametrize("key", ["per_device_train_batch_size", "learning_rate", "num_train_epochs", "max_steps"])  # fmt: skip
def test_numbers_of_trl_are_no_truth_values(tmp_path: Path, key: str) -> None:
    config = parse(TrainConfig, {**TRAIN, "sft": {key: True}}, "c.yaml")
    with pytest.raises(ConfigError, match=f"sft: {key} is True, and must be a "):
        make_args(config, "ir", tmp_path)


@pytest.mark.parametrize("key", ["r", "lora_alpha", "lora_dropout", "layers_to_transform"])
def test_numbers_of_peft_are_no_truth_values(key: str) -> None:
    given: dict[str, Any] = {"use_rslora": True, "init_lora_weights": True, key: True}
    [said] = lora_problems(given, LoraConfig, "lora")
    assert said.startswith(f"lora: {key} is True, and must be ")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("section", ["lora", "sft"])
def test_a_training_says_so_before_it_begins(tmp_path: Path, section: str) -> None:
    key = "r" if section == "lora" else "max_steps"
    config = parse(TrainConfig, {**TRAIN, "out": str(tmp_path), section: {key: True}}, "c.yaml")
    with pytest.raises(ConfigError, match=f"{key} is True, and must be a whole number"):
        preflight._make(config, "ir")
