"""TRL's `SFTTrainer`, set up for one role: what it may not decide, what it is watched for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commands import Progress
from lorid_data.errors import StageError
from lorid_train import checkpoints
from lorid_train.config import TrainConfig
from lorid_train.tokens import IGNORED

if TYPE_CHECKING:
    from datasets import Dataset

MANAGED = frozenset({
    "output_dir", "dataset_kwargs", "max_length", "seed", "data_seed", "use_cpu", "disable_tqdm",
    "save_strategy", "save_total_limit", "push_to_hub", "hub_token", "hub_model_id", "completion_only_loss",
    "assistant_only_loss", "remove_unused_columns", "logging_nan_inf_filter", "model_init_kwargs",
})  # fmt: skip
"""Fields of SFTConfig that the run sets itself."""


def make_trainer(
    config: TrainConfig,
    model: Any,
    tokenizer: Any,
    rows: list[dict[str, list[int]]],
    folder: Path,
    sft: dict[str, Any],
) -> Any:
    """A trainer over tokenised rows, on the GPU if there is one."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    cuda = torch.cuda.is_available()
    given = {"bf16": cuda, "logging_steps": 10, "report_to": "none", "save_steps": 100, **sft}
    args = SFTConfig(
        output_dir=str(folder),
        use_cpu=not cuda,
        seed=config.seed,
        data_seed=config.seed,
        max_length=None,  # rows that are too long were rejected; nothing is cut here
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="steps",
        save_total_limit=2,  # the one before stays until the newest is sealed
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        **given,
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    dataset: Dataset = Dataset.from_list(rows)
    trainer = SFTTrainer(model=model, args=args, train_dataset=dataset, processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    return trainer


def n_steps(trainer: Any, n_rows: int) -> int:
    """How many optimiser steps the trainer will take over `n_rows` rows."""
    args = trainer.args
    if args.max_steps > 0:
        return int(args.max_steps)
    per_batch = args.per_device_train_batch_size * max(1, args.world_size)
    n_batches = -(-n_rows // per_batch)
    return int(-(-n_batches // args.gradient_accumulation_steps) * args.num_train_epochs)


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


def make_callback(name: str, progress: Progress, folder: Path) -> Any:
    """A callback that shows progress, seals checkpoints, and stops at a loss that is no number."""
    from transformers import TrainerCallback

    class Callback(TrainerCallback):  # type: ignore[misc]
        """Progress, sealed checkpoints, and a stop at the first loss that is no number."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            progress.advance()

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            checkpoints.seal(folder / f"checkpoint-{state.global_step}")

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            loss = (kwargs.get("logs") or {}).get("loss")
            if loss is not None and not math.isfinite(loss):
                msg = f"role {name!r}: the loss is not a number at step {state.global_step}; lower learning_rate"
                raise StageError(msg)

    return Callback()
