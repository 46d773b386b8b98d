"""A training configuration, refused with all its problems before anything is written."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_train.config import TrainConfig
from lorid_train.training import difficulty, processes, ranges, saving, token_rows
from lorid_train.training.arguments import make_args
from lorid_train.training.early import early_problems, refused

_TRACKERS = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""The packages of each tracker, of which one must be there."""
_OF_ATTENTION = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}
"""The package of each kind of attention that PyTorch does not bring along."""
_STARTS = ("gaussian", "orthogonal")
"""Names of starting values that leave the base alone and need no data."""


def check(config: TrainConfig) -> None:
    """Refuse a configuration that cannot be run, with all its problems.

    Raises:
        ConfigError: unknown roles, formats or keys, values that PEFT or TRL refuse, a role
            without data, validation on the training rows.
    """
    problems = early_problems(config)
    if config.method == "sft" and config.dpo:
        problems.append("dpo: settings of the methods dpo and redi; set method, or remove them")
    problems += token_rows.problems(config)
    problems += _model_problems(config)
    problems += [] if problems else difficulty.problems(config)
    if problems:
        raise ConfigError(*problems)
    made = [partial(_make, config, r) for r in config.roles]
    greedy = config.validation is not None and config.validation.greedy > 0
    made.append(partial(processes.refuse_what_is_silent, len(config.roles), greedy=greedy))
    if problems := refused(made):
        raise ConfigError(*dict.fromkeys(problems))


def _make(config: TrainConfig, role: str) -> None:
    from peft import LoraConfig

    args = make_args(config, role, Path(config.out))
    packages = {name: _TRACKERS.get(name, ()) for name in args.report_to}
    absent = [n for n, known in packages.items() if known and not any(map(find_spec, known))]
    if absent:
        msg = f"sft: report_to {absent[0]!r} needs a package; pip install {absent[0]}"
        raise ConfigError(msg)
    lora = config.for_role(role)[0]
    if problems := ranges.lora_problems(lora, LoraConfig, "lora"):
        raise ConfigError(*problems)
    if problems := [f"lora, role {role!r}: {p}" for p in _three_on_one_base(lora)]:
        raise ConfigError(*problems)
    try:
        LoraConfig(task_type="CAUSAL_LM", **lora)
    except (ValueError, TypeError, ImportError) as e:
        msg = f"lora, role {role!r}: {e}"
        raise ConfigError(msg) from e


def _three_on_one_base(lora: dict[str, Any]) -> list[str]:
    """What of an adapter's settings cannot be one of several on one frozen base."""
    problems = []
    if (bias := lora.get("bias", "none")) != "none":
        problems.append(
            f"bias {bias!r} trains the base model's own biases, which several adapters on one base cannot share; "
            "leave it out, or take lora_bias: true where the base has biases"
        )
    init = lora.get("init_lora_weights", True)
    if not isinstance(init, bool) and not saving.moves_weights(lora) and init not in _STARTS:
        problems.append(
            f"init_lora_weights {init!r} starts from data or from a changed base, which is not prepared here; "
            f"take true, {', '.join(_STARTS)}, pissa or olora"
        )
    if (
        saving.moves_weights(lora)
        and lora.get("use_rslora")
        and (lora.get("rank_pattern") or lora.get("alpha_pattern"))
    ):
        problems.append(
            f"init_lora_weights {init!r} with use_rslora and patterns cannot be saved as an adapter of the unchanged base; "
            "leave out the patterns"
        )
    if lora.get("alora_invocation_tokens"):
        problems.append(
            "alora_invocation_tokens: the roles' prompts do not hold such tokens, so nothing would be trained; leave it out"
        )
    return problems


def _model_problems(config: TrainConfig) -> list[str]:
    """What of `model:` cannot be had on this machine, or not together with the adapters."""
    import torch

    problems = []
    attention, q = config.model.attn_implementation, config.model.quantization
    package = _OF_ATTENTION.get(attention or "")
    if package and not (torch.cuda.is_available() and find_spec(package)):
        problems.append(
            f"model: attn_implementation {attention!r} needs a GPU and the package {package.replace('_', '-')}; "
            "take 'sdpa', which needs neither"
        )
    if q is None:
        return problems
    if q.load_in_4bit == q.load_in_8bit:
        problems.append("model: quantization: set one of load_in_4bit and load_in_8bit to true")
    if not (torch.cuda.is_available() and find_spec("bitsandbytes")):
        problems.append(
            "model: quantization needs a GPU and the package bitsandbytes (pip install bitsandbytes); "
            "leave it out, and the base is held in the run's dtype"
        )
    problems += [
        f"model: quantization: role {r!r} starts from a part of the base's weights (init_lora_weights "
        f"{lora['init_lora_weights']!r}), and quantised ones cannot be parted; leave one of the two out"
        for r in config.roles
        if saving.moves_weights(lora := config.for_role(r)[0])
    ]
    return problems
