"""The `SFTConfig` of a role: what a configuration may set, and what the run sets itself."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.texts.counting import count
from lorid_train.config import TrainConfig
from lorid_train.training import ranges

MANAGED_ALIKE: Mapping[str, Any] = {
    "remove_unused_columns": False,  # the numbers of a batch's rows travel with it
    "save_strategy": "steps",
    "save_total_limit": 2,  # the one before stays until the newest is sealed
    "logging_nan_inf_filter": False,
    "disable_tqdm": True,
}
"""What a run sets itself whatever it learns from."""
_PACKAGES = {"use_liger_kernel": "liger_kernel", "use_vllm": "vllm"}
"""Switches that need a package which TRL asks for late, or with a traceback."""
_OPTIMISERS_OF_MODELS = ("galore", "apollo", "lomo", "adalomo")
"""Optimisers that are made for a whole model, so that one number is no trial."""


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
    return built(
        SFTConfig,
        f"sft, role {role!r}",
        output_dir=str(folder),
        use_cpu=not cuda,
        seed=config.seed,
        data_seed=config.seed,
        # Rows that are too long were rejected; nothing is cut here.
        max_length=config.max_tokens if packing else None,
        dataset_kwargs={"skip_prepare_dataset": True},
        eval_packing=False,
        **MANAGED_ALIKE,
        **given,
    )


def built(kind: type, where: str, **values: Any) -> Any:
    """A configuration object of TRL's, its optimiser and its schedule tried on one number; nothing is trained.

    Args:
        kind: `SFTConfig`, `DPOConfig` or `GRPOConfig`.
        where: the section, for messages.
        values: its fields.

    Raises:
        ConfigError: a value that TRL, transformers or PyTorch refuse, or a package that is not there.
    """
    for key, package in _PACKAGES.items():
        if values.get(key) and not find_spec(package):
            msg = f"{where}: {key} needs a package; pip install {package.replace('_', '-')}, or leave it out"
            raise ConfigError(msg)
    try:
        with warnings.catch_warnings():  # of names that the defaults have, too
            warnings.filterwarnings("ignore", "`gradient_checkpointing", FutureWarning)
            args = kind(**values)
            _try_optimiser(args)
    except Warning:
        raise
    except Exception as e:  # whatever it is: the values are the user's, and cannot be used
        raise ConfigError(f"{where}: {str(e) or type(e).__name__}") from e
    return args


def _try_optimiser(args: Any) -> None:
    """Make the optimiser and the schedule of a run, for one number in the place of an adapter."""
    import torch
    from transformers import Trainer, get_scheduler

    if (
        args.torch_compile
    ):  # refuses a mode or a backend that it does not know; compiles nothing yet
        torch.compile(
            torch.nn.Identity(), mode=args.torch_compile_mode, backend=args.torch_compile_backend
        )
    if str(getattr(args.optim, "value", args.optim)).startswith(_OPTIMISERS_OF_MODELS):
        with suppress(ValueError):  # a package that is missing is an ImportError
            Trainer.get_optimizer_cls_and_kwargs(args)
        return
    made, more = Trainer.get_optimizer_cls_and_kwargs(args)
    optimiser = made([torch.nn.Parameter(torch.zeros(1))], **more)
    get_scheduler(
        args.lr_scheduler_type, optimizer=optimiser, num_warmup_steps=args.get_warmup_steps(100),
        num_training_steps=100, scheduler_specific_kwargs=args.lr_scheduler_kwargs,
    )  # fmt: skip


def numbers(given: dict[str, Any], kind: type, where: str = "sft") -> dict[str, Any]:
    """The settings with `5e-5` read as a number: to YAML it is a text, for want of a point.

    Values are held against what their fields may be (see `ranges`), which TRL does for few of them.

    Args:
        given: as the configuration has them.
        kind: the class of TRL's that has these fields.
        where: the section, for messages.

    Raises:
        ConfigError: values that are none of their fields: no number, or one out of range; all of them.
    """
    real = {f.name for f in fields(kind) if "float" in str(f.type)}
    read = dict(given)
    for key in real & given.keys():
        if isinstance(given[key], str):
            try:
                read[key] = float(given[key])
            except ValueError:
                continue  # what is no number is said below
    if problems := list(ranges.value_problems(read, kind, where)):
        raise ConfigError(*problems)
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


def refuse_no_batch(args: Any, n_rows: int, where: str, unit: str = "row") -> None:
    """Refuse fewer rows than a batch where a batch that is not full is dropped: no step would be made.

    Raises:
        ConfigError: there are fewer.
    """
    least = rows_needed(args)
    if n_rows < least:
        msg = (
            f"{where}: {count(n_rows, unit)}, and a batch has {least:,} (per_device_train_batch_size x processes); "
            "with dataloader_drop_last no step would be made: leave that out, or make the batch smaller"
        )
        raise ConfigError(msg)


def rows_needed(args: Any) -> int:
    """How many rows a run needs at least, so that it makes a step."""
    if not args.dataloader_drop_last:
        return 1
    return int(args.per_device_train_batch_size) * max(1, int(args.world_size))
