"""TRL's `SFTTrainer`, set up for one role and watched: masks, checkpoints, losses, early stopping."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError, StageError
from lorid_train.training import checkpoints, packed_attention, processes, proofs
from lorid_train.training.batches import ROWS, LengthGroupedSampler, RowNumberCollator
from lorid_train.training.curves import Watch
from lorid_train.training.difficulty import EaseSampler
from lorid_train.training.loss import (
    add_label_loss,
    from_logits,
    labels_only,
    not_a_number,
    scaled,
)
from lorid_train.training.tokens import IGNORED, RoleCounts

if TYPE_CHECKING:
    from datasets import Dataset


@functools.cache
def trainer_class() -> type:
    """The class, made on first use: its parent takes seconds to import."""
    import torch
    from trl import SFTTrainer

    class RoleTrainer(SFTTrainer):  # type: ignore[misc]
        """`SFTTrainer` that names the rows of a bad batch, and wastes no work on prompts."""

        row_ids: Sequence[bytes] = ()
        validation_row_ids: Sequence[bytes] = ()
        lengths: Sequence[int] = ()
        ease: Sequence[float] = ()
        order = "shuffled"  # of the rows in an epoch, by `ease`: see `difficulty.EaseSampler`
        grade: Callable[[Any], float] | None = None
        """Share of right greedy answers of the model; None does not ask."""
        loss_way = "fused"
        """`labels`: at labelled positions alone; `fused`: TRL's way; `logits`: from all logits."""

        def look_at_labels_only(self) -> None:
            """Take the short way to the loss where that is faster; `prove` says whether it is right."""
            a = self.args
            if a.device.type == "cpu" and a.loss_type == "nll" and not a.label_smoothing_factor:
                model = self.model.get_base_model()
                self.loss_way = "labels" if add_label_loss(model) else "fused"

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,  # noqa: FBT001, FBT002  (the parent's signature)
            num_items_in_batch: Any = None,
        ) -> Any:
            rows = inputs.pop(ROWS, [])
            if self.loss_way != "fused" and not return_outputs:
                way = labels_only if self.loss_way == "labels" else from_logits
                loss = scaled(self, way(model, inputs), inputs, num_items_in_batch)
            else:
                loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            value = loss[0] if return_outputs else loss
            if not torch.isfinite(value):
                raise StageError(not_a_number(self, rows))
            return loss

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """No card: the library's names a path, and its tags are in another order each time."""

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            own = _own_sampler(self)
            return super()._get_train_sampler(train_dataset) if own is None else own

        def evaluation_loop(self, *args: Any, metric_key_prefix: str = "eval", **more: Any) -> Any:
            with torch.random.fork_rng():  # a loader alone draws a number from the shared stream
                output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **more)
                if self.grade is not None:
                    output.metrics[f"{metric_key_prefix}_accuracy"] = self.grade(self.model)
            return output

    return RoleTrainer


def _own_sampler(trainer: Any) -> Any | None:
    """The order of the rows where it is not transformers' own; None where it is."""
    args = trainer.args
    if trainer.order != "shuffled":
        return EaseSampler(trainer.ease, trainer.order, args.seed)
    if args.train_sampling_strategy != "group_by_length" or args.packing:
        return None  # packs are of like length already
    batch = args.train_batch_size * max(1, args.world_size)
    return LengthGroupedSampler(trainer.lengths, batch, args.seed)


@dataclass(frozen=True, slots=True)
class RoleRows:
    """The tokenised rows of one role, and those that it is measured on."""

    train: Dataset
    counts: RoleCounts
    validation: Dataset | None = None
    validation_counts: RoleCounts | None = None


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
    trainer.data_collator = RowNumberCollator(trainer.data_collator)
    trainer.row_ids, trainer.lengths = rows.counts.row_ids, rows.counts.lengths
    if rows.validation_counts is not None:
        trainer.validation_row_ids = rows.validation_counts.row_ids
    trainer.look_at_labels_only()
    trainer.remove_callback(PrinterCallback)
    return trainer


def prove(trainer: Any) -> str | None:
    """Look at one batch as the model will get it, and at what the model makes of it.

    Returns:
        A warning, where the loss must be computed in a slower way.

    Raises:
        StageError: a prompt token carries loss, or a row's last token does not.
        ConfigError: the model cannot be trained, looks ahead, or packed rows see one another.
    """
    batch = assert_masked(trainer)
    if not trainer.is_fsdp_enabled:
        proofs.prove_generation(trainer, batch)
    if trainer.args.packing or trainer.args.padding_free:
        _prove_packs(trainer)
    if trainer.args.loss_type != "nll" or trainer.args.label_smoothing_factor:
        return None  # another loss was asked for
    wanted, trainer.loss_way = trainer.loss_way, proofs.right_way(trainer, batch)
    if trainer.loss_way == wanted:
        return None
    aux = ", and the loss that balances its experts is left out" if trainer.aux_loss_enabled else ""
    slower: str = (
        "the loss is computed in a slower way: the faster one is not this model's own loss"
    )
    return slower + aux if trainer.loss_way == "logits" else slower


def _prove_packs(trainer: Any) -> None:
    """Let rows of packs be attended to one by one where that is right, else as the model does it.

    Raises:
        ConfigError: as the model does it, a row sees its neighbour.
    """
    proofs.prove_isolation(trainer)
    if packed_attention.use(trainer.model):
        try:
            proofs.prove_isolation(trainer)
        except ConfigError:
            packed_attention.leave(trainer.model)


def assert_masked(trainer: Any) -> dict[str, Any]:
    """The first batch, as the model will get it.

    Raises:
        StageError: a prompt token carries loss, or a row's last token does not.
    """
    batch: dict[str, Any] = next(iter(trainer.get_train_dataloader()))
    first = batch["labels"][:, 0]
    n_loss = (batch["labels"] != IGNORED).sum(dim=-1)
    if (first != IGNORED).any() or (n_loss == 0).any():
        msg = "the first batch has loss on a prompt, or a row without loss; nothing was trained"
        raise StageError(msg)
    return batch


class AllStepsDone(Exception):  # noqa: N818  (no error)
    """The checkpoint from which a training goes on is that of its last step."""


def train(trainer: Any, resume: Path | None) -> None:
    """All steps of a trainer, from the first or from a checkpoint on; none where it is the last."""
    try:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except AllStepsDone:
        if trainer.args.load_best_model_at_end and trainer.state.best_model_checkpoint is not None:
            trainer._load_best_model()


def make_callback(
    progress: Progress | None, folder: Path, patience: int | None, watch: Watch | None = None
) -> Any:
    """A callback that shows progress, seals checkpoints, and stops when nothing gets better."""
    from transformers import TrainerCallback

    advance = progress.advance if progress is not None else int

    class Callback(TrainerCallback):  # type: ignore[misc]
        """Progress, sealed checkpoints, early stopping."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            # Here the checkpoint is loaded. The trainer would take a step more, whatever it says.
            if state.global_step >= state.max_steps or has_stalled(
                state.log_history, args, patience
            ):
                raise AllStepsDone

        def on_step_end(self, *_: Any, **__: Any) -> None:
            advance()

        def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if watch is not None and processes.is_main_process():
                watch.logged(int(state.global_step), state.log_history)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            processes.wait_for_everyone()  # every process has written its part
            if processes.is_main_process():
                checkpoints.seal(folder / f"checkpoint-{state.global_step}")

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if has_stalled(state.log_history, args, patience):
                control.should_training_stop = True

    return Callback()


def has_stalled(history: list[dict[str, Any]], args: Any, patience: int | None) -> bool:
    """Whether the last `patience` evaluations were no better than the best before them; never without patience.

    Read from the log, which a checkpoint holds, so that a resumed run stops where the
    uninterrupted one does.
    """
    if patience is None:
        return False
    name = "eval_" + str(args.metric_for_best_model).removeprefix("eval_")
    values = [h[name] if args.greater_is_better else -h[name] for h in history if name in h]
    best = max(range(len(values)), key=lambda i: (values[i], -i)) if values else 0
    return len(values) - 1 - best >= patience
