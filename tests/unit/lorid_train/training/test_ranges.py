"""Values that no training could use, said by key before anything is written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.config import EvalConfig, TrainConfig, parse
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.rounds.settings import RoundsConfig
from lorid_train.study.agreement_settings import AgreementConfig
from lorid_train.study.settings import StudyConfig
from lorid_train.training import checkpoints, preferences
from lorid_train.training.arguments import make_args, refuse_no_batch
from lorid_train.training.early import early_problems
from lorid_train.training.preflight import check

pytestmark = pytest.mark.filterwarnings("ignore")
BODY: dict[str, Any] = {"base": "student", "data": "d", "out": "o", "dtype": "float32"}


def said(**changes: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        check(parse(TrainConfig, BODY | changes, "c.yaml"))
    [problem] = refused.value.problems  # one sentence, however many roles
    return problem


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("num_train_epochs", 0, "is 0, and must be more than 0"),
        ("num_train_epochs", -1, "is -1, and must be more than 0"),
        ("learning_rate", 0, "is 0, and must be more than 0"),
        ("learning_rate", "0", "is 0.0, and must be more than 0"),
        ("learning_rate", -1, "must be more than 0"),
        ("learning_rate", math.nan, "must be more than 0"),
        ("learning_rate", "fast", "is 'fast', which is no number"),
        ("learning_rate", None, "is None, and must be a number"),
        ("max_steps", 0, "must be 1 or more (or -1, for none)"),
        ("max_steps", True, "is True, and must be a whole number"),
        ("per_device_train_batch_size", 0, "must be 1 or more"),
        ("gradient_accumulation_steps", 0, "must be 1 or more"),
        ("gradient_accumulation_steps", 1.5, "is 1.5, and must be a whole number, 1 or more"),
        ("adam_beta1", 1, "must be 0 or more and less than 1"),
        ("gradient_checkpointing", "no", "is 'no', and must be true or false"),
        ("lr_scheduler_kwargs", {"zz": 1}, "unexpected keyword argument 'zz'"),
        ("lr_scheduler_type", "warmup_stable_decay", "num_decay_steps"),
        ("optim", "adamw_bnb_8bit", "bitsandbytes"),
        ("optim", "galore_adamw", "galore_torch"),
        ("optim_args", "x", "sft, role"),
        ("use_liger_kernel", True, "pip install liger-kernel"),
        ("torch_compile_mode", "zz", "mode=zz"),
        ("accelerator_config", "nowhere.json", "nowhere.json"),
    ],
)  # fmt: skip
def test_values_of_the_optimiser(key: str, value: Any, sentence: str) -> None:
    problem = said(sft={key: value}, roles=["ir"])
    assert problem.startswith("sft")
    assert sentence in problem
    if not problem.startswith("sft, role"):
        assert problem.startswith(f"sft: {key} is ")


@pytest.mark.parametrize(
    ("lora", "sentence"),
    [
        ({"lora_dropout": "x"}, "lora: lora_dropout is 'x', which is no number"),
        ({"lora_dropout": "1e-1"}, "lora: lora_dropout is '1e-1', which is no number but a text; write 0.1"),
        ({"lora_dropout": 1.0}, "lora: lora_dropout is 1.0, and must be 0 or more and less than 1"),
        ({"r": "16"}, "lora: r is '16', which is no number but a text; write 16"),
        ({"r": 16.5}, "lora: r is 16.5, and must be a whole number, 1 or more"),
        ({"lora_alpha": 0}, "lora: lora_alpha is 0, and must be more than 0"),
        ({"rank_pattern": {"q_proj": 0}}, "lora: rank_pattern: q_proj is 0, and must be 1 or more"),
        ({"alpha_pattern": {"q_proj": 0}}, "lora: alpha_pattern: q_proj is 0, and must be more than 0"),
        ({"use_rslora": "no"}, "lora: use_rslora is 'no', and must be true or false"),
    ],
)  # fmt: skip
def test_values_of_the_adapter(lora: dict[str, Any], sentence: str) -> None:
    assert said(lora=lora) == sentence


def test_values_that_have_a_meaning_are_taken() -> None:
    sft = {
        "learning_rate": "5e-5", "max_steps": -1, "max_grad_norm": math.inf, "num_train_epochs": 0.5, "warmup_steps": 0,
        "logging_steps": 0.5, "eval_accumulation_steps": None, "bf16": 0, "weight_decay": 0,
    }  # fmt: skip
    check(TrainConfig(**BODY, sft=sft, lora={"lora_alpha": 0.5, "lora_dropout": 0, "rank_pattern": {"q_proj": 4}}))  # fmt: skip


def test_pairs_are_looked_at_too() -> None:
    config = TrainConfig(**BODY, method="dpo", dpo={"learning_rate": 0, "beta": -1})
    with pytest.raises(ConfigError) as refused:
        preferences.make_args(config, "ir", Path("x"))
    assert refused.value.problems == (
        "dpo: learning_rate is 0, and must be more than 0", "dpo: beta is -1, and must be 0 or more",
    )  # fmt: skip


def test_fewer_rows_than_a_batch_that_must_be_full() -> None:
    args = make_args(TrainConfig(**BODY, sft={"dataloader_drop_last": True}), "ir", Path("x"))
    refuse_no_batch(args, 4, "sft")
    with pytest.raises(
        ConfigError, match=r"sft: 3 rows, and a batch has 4 .*no step would be made"
    ):
        refuse_no_batch(args, 3, "sft")
    args = make_args(TrainConfig(**BODY), "ir", Path("x"))
    refuse_no_batch(args, 1, "sft")


@pytest.mark.parametrize("seed", [-1, 2**32, 10**20])
def test_seeds_that_a_generator_cannot_take(seed: int) -> None:
    part = {n: {"split": n} for n in ("train", "fresh", "validation", "test")}
    bodies: list[tuple[Any, dict[str, Any]]] = [
        (TrainConfig, BODY | {"seed": seed}),
        (RlConfig, {"init": "i", "out": "o", "seed": seed}),
        (RoundsConfig, {"run": "r", "fresh": "f", "validation": "v", "out": "o", "seed": seed}),
        (StudyConfig, {"source": "concepts", "group_by": "g", "seeds": [seed]}),
        (AgreementConfig, {"settings": {"a": {"source": "s", "parts": part}}, "systems": ["consensus"], "seeds": [seed]}),
    ]  # fmt: skip
    for kind, body in bodies:
        with pytest.raises(ConfigError, match=r"seeds?.*should be (less|greater)"):
            parse(kind, body, "c.yaml")


def test_a_seed_of_draws_must_fit_a_table() -> None:
    body = {"adapters": {}, "dataset": "d", "out": "o"}
    assert parse(EvalConfig, body | {"seed": -5}, "c").seed == -5
    for seeds in ({"seed": 99999999999999999999}, {"seed": -(2**63) - 1}, {"seeds": 2**63}):
        with pytest.raises(ConfigError, match=r"should be (less|greater)"):
            parse(EvalConfig, body | seeds, "c")


def test_no_role_and_a_role_twice() -> None:
    with pytest.raises(ConfigError, match=r"roles: .*at least 1 item"):
        parse(TrainConfig, BODY | {"roles": []}, "c.yaml")
    assert early_problems(TrainConfig(**BODY, roles=("ir", "ir", "dr"))) == [
        "roles: 'ir' more than once; name each once"
    ]


def test_a_new_folder_of_a_refused_configuration_is_gone(tmp_path: Path) -> None:
    def refuse(out: Path, part: str = ".") -> None:
        with checkpoints.gone_if_refused(out):
            (out / part).mkdir(parents=True, exist_ok=True)
            raise ConfigError("no")

    new, old, trained = tmp_path / "new", tmp_path / "old", tmp_path / "trained"
    old.mkdir()
    for out in (new, old):
        with pytest.raises(ConfigError):
            refuse(out)
    assert (new.exists(), old.exists()) == (False, True)
    with pytest.raises(ConfigError):
        refuse(trained, "adapters/ir")
    assert trained.exists()
