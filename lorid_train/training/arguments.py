"""The `SFTConfig` of a role: what a configuration may set, and what the run sets itself."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_train.config import TrainConfig

_NUMBER = re.compile(r"\b(?:int|float)\b")


def make_args(config: TrainConfig, role: str, folder: Path) -> Any:
    """The `SFTConfig` of one role.

    Raises:
        ConfigError: a value that `SFTConfig` refuses, or that cannot be honoured here.
    """
    import torch
    from trl import SFTConfig

    cuda = torch.cuda.is_available()
    sft = numbers(config.for_role(role)[1], SFTConfig)
    every = sft.get("eval_steps", 100)  # the best adapter can only be one that was saved
    given = {"bf16": cuda, "logging_steps": 10, "report_to": "none", "save_steps": every, **sft}
    given = _validated(config, given)
    packing = bool(given.get("packing"))
    if packing and given.get("packing_strategy", "bfd") != "bfd":
        msg = f"sft: packing_strategy {given['packing_strategy']!r} cuts rows; only 'bfd' does not"
        raise ConfigError(msg)
    try:
        return SFTConfig(
            output_dir=str(folder),
            use_cpu=not cuda,
            seed=config.seed,
            data_seed=config.seed,
            # Rows that are too long were rejected; nothing is cut here.
            max_length=config.max_tokens if packing else None,
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,  # the numbers of a batch's rows travel with it
            save_strategy="steps",
            save_total_limit=2,  # the one before stays until the newest is sealed
            logging_nan_inf_filter=False,
            disable_tqdm=True,
            eval_packing=False,
            **given,
        )
    except (ValueError, TypeError, ImportError) as e:
        msg = f"sft, role {role!r}: {e}"
        raise ConfigError(msg) from e


def numbers(given: dict[str, Any], kind: type, where: str = "sft") -> dict[str, Any]:
    """The settings with `5e-5` read as a number: to YAML it is a text, for want of a point.

    Args:
        given: as the configuration has them.
        kind: the class of TRL's that has these fields.
        where: the section, for messages.

    Raises:
        ConfigError: a number is wanted, and the value is none: another text, or true.
    """
    counts = {f.name for f in fields(kind) if _NUMBER.search(str(f.type)) and "bool" not in str(f.type)}  # fmt: skip
    if wrong := [k for k in sorted(counts & given.keys()) if isinstance(given[k], bool)]:
        raise ConfigError(*(f"{where}: {k} is {given[k]}, where a number is wanted" for k in wrong))
    real = {f.name for f in fields(kind) if "float" in str(f.type)}
    read = dict(given)
    for key in real & given.keys():
        if isinstance(given[key], str):
            try:
                read[key] = float(given[key])
            except ValueError:
                msg = f"{where}: {key} is {given[key]!r}, which is no number"
                raise ConfigError(msg) from None
    return read


def _validated(config: TrainConfig, given: dict[str, Any]) -> dict[str, Any]:
    """The settings with what `validation` implies.

    Raises:
        ConfigError: evaluation is asked for without rows to evaluate on.
    """
    if config.validation is None:
        asked = [
            k
            for k in ("eval_strategy", "load_best_model_at_end")
            if given.get(k) not in (None, False, "no")
        ]
        if asked:
            msg = f"sft: {asked[0]!r} needs rows to evaluate on; add validation: {{split: validation}}"
            raise ConfigError(msg)
        return given
    implied: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": given["save_steps"]}
    if config.validation.patience is not None:
        metric = given.get("metric_for_best_model", "loss")
        implied |= {"load_best_model_at_end": True, "metric_for_best_model": metric}
        implied |= {"greater_is_better": not str(metric).endswith("loss")}
    metric = str(given.get("metric_for_best_model", "loss"))
    if metric.removeprefix("eval_") == "accuracy" and not config.validation.greedy:
        msg = "sft: metric_for_best_model 'accuracy' needs answers; set validation: {greedy: 100}"
        raise ConfigError(msg)
    return {**implied, **given}


def n_steps(args: Any, n_rows: int) -> int:
    """How many optimiser steps `n_rows` rows (or packs) take under these settings."""
    if args.max_steps > 0:
        return int(args.max_steps)
    per_batch: int = args.per_device_train_batch_size * max(1, args.world_size)
    n_batches = n_rows // per_batch if args.dataloader_drop_last else -(-n_rows // per_batch)
    per_epoch = max(1, -(-n_batches // int(args.gradient_accumulation_steps)))
    return math.ceil(per_epoch * float(args.num_train_epochs))
