"""TRL's `SFTTrainer` with a loss that looks only where labels are, and stops where it is no number.

On a GPU, TRL projects only labelled positions onto the vocabulary; on a CPU it projects all of
them, twice, and computes their entropy. Two thirds of LoRID's tokens are prompts, so on a CPU the
labelled positions are picked first. The loss is the same sum of token losses over the number of
label tokens of the whole optimiser step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

from lorid_data.errors import StageError
from lorid_train.training.batches import ROWS, GroupedByLength
from lorid_train.training.tokens import IGNORED

_SCALED = (
    "final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling",
    "router_aux_loss_coef",
)  # fmt: skip
"""Settings of models whose logits are more than one matrix product, or whose loss is more than one sum."""


def add_label_loss(base: Any) -> bool:
    """Teach a causal model `forward(..., labels_only=True)`: summed loss over labelled positions.

    Returns False, and changes nothing, for a model whose logits are scaled or capped.
    """
    import torch

    config = base.config.get_text_config()
    if any(getattr(config, name, None) is not None for name in _SCALED):
        return False
    plain = base.forward

    @functools.wraps(type(base).forward)
    def forward(self: Any, *args: Any, labels_only: bool = False, **kwargs: Any) -> Any:
        if not labels_only:
            return plain(*args, **kwargs)
        labels = kwargs.pop("labels")[:, 1:].reshape(-1)
        where = (labels != IGNORED).nonzero().squeeze(-1)
        hidden = self.base_model(*args, use_cache=False, **kwargs).last_hidden_state[:, :-1]
        chosen = hidden.reshape(-1, hidden.size(-1)).index_select(0, where)
        logits, target = self.get_output_embeddings()(chosen).float(), labels[where]
        loss = torch.nn.functional.cross_entropy(logits, target, reduction="sum")
        return {"loss": loss, "n_right": (logits.detach().argmax(-1) == target).sum()}

    base.forward = MethodType(forward, base)
    return True


def _loss_on_labels(trainer: Any, model: Any, inputs: dict[str, Any], n_items: Any) -> Any:
    """The micro-batch's part of the optimiser step's mean loss, as `SFTTrainer` scales it."""
    out = model(**inputs, labels_only=True)
    n_here = (inputs["labels"][:, 1:] != IGNORED).sum()
    mode = "train" if trainer.model.training else "eval"
    metrics = trainer._metrics[mode]
    metrics["mean_token_accuracy"].append((out["n_right"] / n_here).item())
    loss = out["loss"] / (n_here if n_items is None else n_items)
    if trainer.args.average_tokens_across_devices and n_items is not None:
        loss = loss * trainer.accelerator.num_processes
    return loss


def _not_a_number(trainer: Any, rows: Sequence[int]) -> str:
    known = trainer.row_ids if trainer.model.training else trainer.validation_row_ids
    ids = ", ".join(known[i].decode() for i in rows) if known else "unknown"
    return (
        f"the loss is not a number at step {trainer.state.global_step + 1}, batch of the rows {ids}; "
        "lower learning_rate, or look at these rows"
    )


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
        grade: Callable[[Any], float] | None = None
        """Share of right greedy answers of the model; None does not ask."""
        _labels_only = False

        def look_at_labels_only(self) -> None:
            """Take the short way to the loss where that is faster and the same."""
            a = self.args
            if a.device.type == "cpu" and a.loss_type == "nll" and not a.label_smoothing_factor:
                model = self.model.get_base_model()
                self._labels_only = add_label_loss(model)

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,  # noqa: FBT001, FBT002  (the parent's signature)
            num_items_in_batch: Any = None,
        ) -> Any:
            rows = inputs.pop(ROWS, [])
            if self._labels_only and not return_outputs:
                loss = _loss_on_labels(self, model, inputs, num_items_in_batch)
            else:
                loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            value = loss[0] if return_outputs else loss
            if not torch.isfinite(value):
                raise StageError(_not_a_number(self, rows))
            return loss

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            grouped = self.args.train_sampling_strategy == "group_by_length"
            if not grouped or self.args.packing:  # packs are of like length already
                return super()._get_train_sampler(train_dataset)
            batch = self.args.train_batch_size * max(1, self.args.world_size)
            return GroupedByLength(self.lengths, batch, self.args.seed)

        def evaluation_loop(
            self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any
        ) -> Any:
            with torch.random.fork_rng():  # a loader alone draws a number from the shared stream
                output = super().evaluation_loop(
                    *args, metric_key_prefix=metric_key_prefix, **kwargs
                )
                if self.grade is not None:
                    output.metrics[f"{metric_key_prefix}_accuracy"] = self.grade(self.model)
            return output

    return RoleTrainer
