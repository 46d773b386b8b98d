"""TRL's `SFTTrainer`, set up for one role: what it may not decide, what it is watched for."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError, StageError
from lorid_train.config import TrainConfig
from lorid_train.training import checkpoints, processes
from lorid_train.training.batches import NamingRows
from lorid_train.training.loss import trainer_class
from lorid_train.training.tokens import IGNORED, RoleCounts

if TYPE_CHECKING:
    from datasets import Dataset

MANAGED = frozenset({
    "output_dir", "dataset_kwargs", "max_length", "seed", "data_seed", "use_cpu", "disable_tqdm",
    "save_strategy", "save_total_limit", "push_to_hub", "hub_token", "hub_model_id", "completion_only_loss",
    "assistant_only_loss", "remove_unused_columns", "logging_nan_inf_filter", "model_init_kwargs", "trust_remote_code",
    "resume_from_checkpoint", "do_train", "do_eval", "do_predict", "save_only_model", "eval_packing",
})  # fmt: skip
"""Fields of SFTConfig that the run sets itself, or that would change what is trained in silence."""


@dataclass(frozen=True, slots=True)
class RoleRows:
    """The tokenised rows of one role, and those that it is measured on."""

    train: Dataset
    counts: RoleCounts
    validation: Dataset | None = None
    validation_counts: RoleCounts | None = None


def make_args(config: TrainConfig, role: str, folder: Path) -> Any:
    """The `SFTConfig` of one role.

    Raises:
        ConfigError: a value that `SFTConfig` refuses, or that cannot be honoured here.
    """
    import torch
    from trl import SFTConfig

    cuda = torch.cuda.is_available()
    sft = _numbers(config.for_role(role)[1], SFTConfig)
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


def _numbers(given: dict[str, Any], kind: type) -> dict[str, Any]:
    """The settings with `5e-5` read as a number: to YAML it is a text, for want of a point.

    Raises:
        ConfigError: a number is wanted, and the text is none.
    """
    real = {f.name for f in fields(kind) if "float" in str(f.type)}
    read = dict(given)
    for key in real & given.keys():
        if isinstance(given[key], str):
            try:
                read[key] = float(given[key])
            except ValueError:
                msg = f"sft: {key} is {given[key]!r}, which is no number"
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


def make_trainer(model: Any, args: Any, tokenizer: Any, rows: RoleRows) -> Any:
    """A trainer over tokenised rows, on the GPU if there is one.

    Raises:
        ConfigError: settings that `SFTTrainer` refuses together.
    """
    from transformers import PrinterCallback

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # never seen by the model: padding is masked
    try:
        trainer = trainer_class()(
            model=model,
            args=args,
            train_dataset=rows.train,
            eval_dataset=rows.validation,
            processing_class=tokenizer,
        )
    except (ValueError, RuntimeError, ImportError) as e:  # an adapter on the head, for one
        msg = f"SFTTrainer refuses this configuration: {e}"
        raise ConfigError(msg) from e
    trainer.data_collator = NamingRows(trainer.data_collator)
    trainer.row_ids, trainer.lengths = rows.counts.row_ids, rows.counts.lengths
    if rows.validation_counts is not None:
        trainer.validation_row_ids = rows.validation_counts.row_ids
    trainer.look_at_labels_only()
    trainer.remove_callback(PrinterCallback)
    return trainer


def n_steps(args: Any, n_rows: int) -> int:
    """How many optimiser steps `n_rows` rows (or packs) take under these settings."""
    if args.max_steps > 0:
        return int(args.max_steps)
    per_batch: int = args.per_device_train_batch_size * max(1, args.world_size)
    n_batches = n_rows // per_batch if args.dataloader_drop_last else -(-n_rows // per_batch)
    per_epoch = max(1, -(-n_batches // int(args.gradient_accumulation_steps)))
    return math.ceil(per_epoch * float(args.num_train_epochs))


def assert_masked(trainer: Any) -> None:
    """Look at one batch as the model will get it.

    Raises:
        StageError: a prompt token carries loss, or a row's last token does not.
    """
    batch = next(iter(trainer.get_train_dataloader()))
    first = batch["labels"][:, 0]
    n_loss = (batch["labels"] != IGNORED).sum(dim=-1)
    if (first != IGNORED).any() or (n_loss == 0).any():
        msg = "the first batch has loss on a prompt, or a row without loss; nothing was trained"
        raise StageError(msg)


def make_callback(progress: Progress | None, folder: Path, patience: int | None) -> Any:
    """A callback that shows progress, seals checkpoints, and stops when nothing gets better."""
    from transformers import TrainerCallback

    class Callback(TrainerCallback):  # type: ignore[misc]
        """Progress, sealed checkpoints, early stopping."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if progress is not None:
                progress.advance()

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            processes.wait()  # every process has written its part
            if processes.is_first():
                checkpoints.seal(folder / f"checkpoint-{state.global_step}")

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if patience is not None and has_stalled(state.log_history, args, patience):
                control.should_training_stop = True

    return Callback()


def has_stalled(history: list[dict[str, Any]], args: Any, patience: int) -> bool:
    """Whether the last `patience` evaluations were no better than the best before them.

    Read from the log, which a checkpoint holds, so that a resumed run stops where the
    uninterrupted one does.
    """
    name = "eval_" + str(args.metric_for_best_model).removeprefix("eval_")
    values = [h[name] if args.greater_is_better else -h[name] for h in history if name in h]
    best = max(range(len(values)), key=lambda i: (values[i], -i)) if values else 0
    return len(values) - 1 - best >= patience
