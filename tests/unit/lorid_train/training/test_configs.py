"""Every training configuration that ships: read, checked, rendered, counted, all offline."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lorid_train import formats, roles
from lorid_train.config import PAPER_LORA, PAPER_SFT, TrainConfig, only_roles, parse
from lorid_train.models.base_model import Base
from lorid_train.training import estimates
from lorid_train.training.early import early_problems
from lorid_train.training.preflight import check

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[4]
CONFIGS = sorted((ROOT / "configs" / "train").glob("*.yaml"))
BASES: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "llama2": ("meta-llama/Llama-2-7b-hf", "lf-0.9.2/llama2", 268_435_456, {"num_key_value_heads": 32}),
    "llama3": ("meta-llama/Meta-Llama-3-8B", "lf-0.9.2/llama3", 218_103_808, {"num_key_value_heads": 8}),
    "mistral": ("mistralai/Mistral-7B-v0.1", "lf-0.9.2/mistral", 218_103_808, {"num_key_value_heads": 8}),
    "qwen": (
        "Qwen/Qwen2.5-Math-7B", "lf-0.9.2/qwen", 161_480_704,
        {"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4},
    ),
    "deepseek": (
        "deepseek-ai/deepseek-math-7b-base", "lf-0.9.2/deepseek", 251_658_240,
        {"num_key_value_heads": 32, "num_hidden_layers": 30},
    ),
}  # fmt: skip
"""Per base of the paper's table: id, format, parameters of one adapter, attention's shape."""


def read(path: Path) -> TrainConfig:
    return parse(TrainConfig, yaml.safe_load(path.read_text(encoding="utf-8")), path.name)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_configuration_is_whole(path: Path) -> None:
    config = read(path)
    check(config)
    head = path.read_text(encoding="utf-8").split("\nbase:")[0]
    assert f"lorid-train sft configs/train/{path.name}" in head
    assert str(config.data) in head
    assert "Hardware:" in head
    fmt = formats.load(config.format)
    for name in config.roles:
        content = roles.role(name).content("Q {x}?", "K")
        assert config.format == "chat" or content in fmt.render(content)


@pytest.mark.parametrize("data", ["gsm8k", "math"])
@pytest.mark.parametrize("key", BASES)
def test_a_row_of_the_papers_table(key: str, data: str, tmp_path: Path) -> None:
    base, prompt_format, n_trainable, shape = BASES[key]
    config = read(ROOT / "configs" / "train" / f"{data}-{key}.yaml")
    assert (config.base, config.format, config.max_tokens) == (base, prompt_format, 2048)
    is_pinned = re.fullmatch("[0-9a-f]{40}", config.revision or "") is not None
    assert is_pinned == (key != "deepseek")  # whether that one has safetensors is not known
    for name in config.roles:
        lora, sft = config.for_role(name)
        assert lora == PAPER_LORA
        assert {k: sft[k] for k in PAPER_SFT} == PAPER_SFT
        assert set(sft) - set(PAPER_SFT) == {"save_steps"}
    body = {
        "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "intermediate_size": 64, "vocab_size": 64, **shape,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(body))
    counted = estimates.shape_of(Base(base, str(tmp_path), None, ""), config.for_role("ir")[0])
    assert counted.n_trainable == n_trainable


def test_the_defaults_are_the_papers() -> None:
    lora, sft = TrainConfig(base="b", data="d", out="o").for_role("kg")
    assert (lora["r"], lora["lora_alpha"], lora["lora_dropout"]) == (512, 1024, 0.1)
    assert lora["target_modules"] == ["q_proj", "v_proj"]
    assert sft["per_device_train_batch_size"] * sft["gradient_accumulation_steps"] == 16
    assert (sft["learning_rate"], sft["lr_scheduler_type"], sft["warmup_steps"]) == (
        5e-5,
        "cosine",
        0.03,
    )
    assert sft["num_train_epochs"] == 5


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs" / "accelerate").glob("*.yaml")), ids=lambda p: p.stem
)
def test_a_launch_configuration_is_read_by_accelerate(path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    read_back = load_config_from_file(str(path))
    assert read_back.num_processes == 2
    assert re.search(r"-m lorid_train sft", path.read_text(encoding="utf-8"))
    if path.stem == "fsdp2":
        assert read_back.fsdp_config["fsdp_version"] == 2


def test_the_guides_configurations_are_read() -> None:
    block = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
    [own] = block.findall((ROOT / "docs" / "own-student.md").read_text(encoding="utf-8"))
    [held, rows, going_on, pairs, measured] = block.findall(
        (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    )
    check(parse(TrainConfig, yaml.safe_load(own), "own-student.md"))
    rest = {"base": "student", "data": "d", "out": "o"}
    check(parse(TrainConfig, rest | yaml.safe_load(measured), "training.md"))
    assert parse(TrainConfig, rest | yaml.safe_load(rows), "training.md").trainable_tokens
    assert parse(TrainConfig, yaml.safe_load(going_on), "training.md").init == "runs/first"
    assert parse(TrainConfig, yaml.safe_load(pairs), "training.md").method == "dpo"
    model = parse(TrainConfig, rest | yaml.safe_load(held), "training.md").model
    assert model.quantization
    assert model.quantization.load_in_4bit


def test_roles_asked_for_leave_out_what_the_file_says_of_its_others() -> None:
    body = {
        "base": "student",
        "roles": ["ir", "kg", "dr", "cg"],
        "per_role": {"kg": {"lora": {"r": 8}}, "dr": {"sft": {"num_train_epochs": 3}}},
        "trainable_tokens": {"cg": "new"},
    }
    one = only_roles(body, ["kg"])
    assert one["roles"] == ["kg"]
    assert one["per_role"] == {"kg": {"lora": {"r": 8}}}
    assert one["trainable_tokens"] == {}
    assert body["roles"] == ["ir", "kg", "dr", "cg"]  # the file's own is left as it was


def test_a_role_that_nobody_names_is_a_typing_error_even_then() -> None:
    body = {"base": "student", "data": "d", "out": "o", "per_role": {"dir": {}, "dr": {}}}
    left = only_roles(body, ["ir"])  # the file's own roles are the default ones
    assert left["per_role"] == {"dir": {}}
    assert early_problems(TrainConfig(**left)) == [
        "per_role: unknown key 'dir'; did you mean 'ir'?",
    ]
    # a role that the file does not train, and is not asked for, is a mistake of the file's
    assert only_roles({"per_role": {"cg": {}}}, ["ir"])["per_role"] == {"cg": {}}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
@pytest.mark.parametrize("role", ["ir", "kg", "dr"])
def test_any_role_of_a_file_that_ships_can_be_trained_alone(path: Path, role: str) -> None:
    body = only_roles(yaml.safe_load(path.read_text(encoding="utf-8")), [role])
    assert early_problems(parse(TrainConfig, body, path.name)) == []
