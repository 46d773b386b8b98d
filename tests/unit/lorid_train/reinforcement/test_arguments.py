"""The `GRPOConfig` of a run: how answers are drawn, what is off on a CPU, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.reinforcement.arguments import MANAGED_HERE, check_keys, make_args
from lorid_train.reinforcement.settings import RlConfig, RlValidation
from lorid_train.training.keys import fields_of

pytestmark = pytest.mark.filterwarnings("ignore")


def config(**grpo: Any) -> RlConfig:
    return RlConfig(init="run", out="out", blind=True, grpo=grpo)


def test_answers_are_drawn_as_stored_draws_were_and_grpo_wins() -> None:
    plain = make_args(config(), Path("x"), {})
    assert (plain.temperature, plain.top_p, plain.top_k, plain.max_completion_length) == (1.5, 0.9, 50, 1024)  # fmt: skip
    sampling = {"temperature": 0.7, "top_p": 1.0, "top_k": 0, "max_new_tokens": 128}
    of_draws = make_args(config(top_k=5), Path("x"), sampling)
    assert (of_draws.temperature, of_draws.top_p, of_draws.top_k, of_draws.max_completion_length) == (0.7, 1.0, 5, 128)  # fmt: skip


def test_what_is_off_on_a_cpu_and_while_answers_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    args = make_args(config(), Path("x"), {})
    assert (args.bf16, args.fp16, args.use_cpu, args.gradient_checkpointing) == (False, False, True, False)  # fmt: skip
    assert args.disable_dropout
    assert list(args.report_to) == []


def test_validation_keeps_the_best_by_accuracy() -> None:
    watched = config(save_steps=30).model_copy(update={"validation": RlValidation()})
    args = make_args(watched, Path("x"), {})
    assert (args.eval_steps, args.save_steps, args.logging_steps) == (30, 30, 5)
    assert (args.load_best_model_at_end, args.metric_for_best_model, args.greater_is_better) == (True, "accuracy", True)  # fmt: skip
    assert make_args(config(), Path("x"), {}).eval_strategy == "no"


def test_the_names_of_fields_are_trl_s_own() -> None:
    from dataclasses import fields

    from trl import DPOConfig, GRPOConfig

    for kind in (GRPOConfig, DPOConfig):
        assert fields_of(kind.__name__) == {f.name for f in fields(kind)}
    assert fields_of("GRPOConfig") >= MANAGED_HERE


def test_unknown_and_managed_keys_are_refused_together() -> None:
    with pytest.raises(ConfigError) as refused:
        check_keys(config(num_generation=4, output_dir="x", eval_strategy="no", learning_rate=1e-4))
    assert len(refused.value.problems) == 3
    assert "num_generations" in refused.value.problems[0]
