"""The `GRPOConfig` of a run: what a configuration may set, and what the run sets itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, unknown_key
from lorid_train.config import EvalConfig
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.training.arguments import MANAGED_ALIKE, built, numbers
from lorid_train.training.keys import MANAGED, fields_of

MANAGED_HERE = (MANAGED - {"max_length", "dataset_kwargs", "eval_packing", "completion_only_loss", "assistant_only_loss"}) | {
    "eval_strategy", "eval_on_start", "load_best_model_at_end", "metric_for_best_model", "greater_is_better",
    "reward_weights", "num_generations_eval", "chat_template_kwargs", "log_completions_hub_repo", "auto_find_batch_size",
}  # fmt: skip
"""Fields of GRPOConfig that the run sets itself, or that would change what is trained in silence."""
_OF_DRAWS = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k",
    "max_new_tokens": "max_completion_length",
}  # fmt: skip
"""An evaluation's names of how it draws, and TRL's."""


def check_keys(config: RlConfig) -> None:
    """Refuse keys of `grpo` that nobody knows, or that the run sets itself. TRL is not imported.

    Raises:
        ConfigError: with all of them.
    """
    known = fields_of("GRPOConfig")
    problems = [unknown_key(k, known - MANAGED_HERE, "grpo") for k in config.grpo if k not in known]
    problems += [
        f"grpo: {k!r} is set by the run itself; remove it" for k in config.grpo if k in MANAGED_HERE
    ]
    if problems:
        raise ConfigError(*problems)


def drawn_as(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """How answers are drawn: as the stored draws were, by default as an evaluation draws."""
    default = {k: EvalConfig.model_fields[k].default for k in _OF_DRAWS}
    return {_OF_DRAWS[k]: v for k, v in {**default, **sampling}.items()}


def make_args(config: RlConfig, folder: Path, sampling: Mapping[str, Any]) -> Any:
    """The `GRPOConfig` of a run.

    Args:
        config: the run.
        folder: for checkpoints.
        sampling: of the stored draws; empty where nothing says it.

    Raises:
        ConfigError: a value that TRL refuses, or a rhythm that no resumed run could keep.
    """
    import torch
    from trl import GRPOConfig

    cuda = torch.cuda.is_available()
    own = numbers(config.grpo, GRPOConfig, "grpo")
    every = int(own.get("save_steps", own.get("eval_steps", 20)))
    given = {
        "bf16": cuda, "logging_steps": math.gcd(every, 5),
        "report_to": "none", "gradient_checkpointing": cuda,
        # What is drawn here is drawn as an evaluation draws: without dropout.
        "disable_dropout": True,
        **drawn_as(sampling), "save_steps": every, **own,
    }  # fmt: skip
    if config.validation is not None:
        given = {"eval_steps": every, **given} | {
            "eval_strategy": "steps", "load_best_model_at_end": True,
            "metric_for_best_model": "accuracy", "greater_is_better": True,
            "num_generations_eval": 1,
        }  # fmt: skip
    args = built(
        GRPOConfig, "grpo", output_dir=str(folder), use_cpu=not cuda, seed=config.seed,
        data_seed=config.seed, **MANAGED_ALIKE, **given,
    )  # fmt: skip
    _check_rhythm(args)
    return args


def _check_rhythm(args: Any) -> None:
    """Refuse checkpoints from which a resumed run could not equal an uninterrupted one.

    Raises:
        ConfigError: they would fall between two entries of the log, or inside of a batch of answers.
    """
    problems = []
    if args.save_steps != int(args.save_steps) or args.save_steps % args.logging_steps:
        problems.append(
            f"grpo: save_steps {args.save_steps} is no multiple of logging_steps {args.logging_steps:g}, and a resumed run "
            "would log other means; make it one"
        )
    drawn = args.steps_per_generation * args.num_iterations
    if int(args.save_steps) * args.gradient_accumulation_steps % drawn:
        problems.append(
            f"grpo: save_steps {args.save_steps} falls inside of a batch of answers (steps_per_generation x num_iterations "
            f"is {drawn}, gradient_accumulation_steps {args.gradient_accumulation_steps}); a resumed run would draw others"
        )
    if problems:
        raise ConfigError(*problems)
