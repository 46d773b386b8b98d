"""The loss of a batch in several ways, and what to say where it is no number.

On a GPU, TRL projects only labelled positions onto the vocabulary; on a CPU it projects all of
them, twice, and computes their entropy. Two thirds of LoRID's tokens are prompts, so on a CPU the
labelled positions are picked first. The loss is the same sum of token losses over the number of
label tokens of the whole optimiser step.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import MethodType
from typing import Any

from lorid_train.training.tokens import IGNORED

_SCALED = (
    "final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling",
    "router_aux_loss_coef", "logits_soft_cap",
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


def labels_only(model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Summed loss over labelled positions, and how many of them are predicted right."""
    out: dict[str, Any] = model(**inputs, labels_only=True)
    return out


def from_logits(model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The same two from the logits of all positions, as the model itself makes them."""
    import torch

    given = {k: v for k, v in inputs.items() if k not in ("labels", "use_cache")}
    logits = model(**given, use_cache=False).logits[:, :-1].float()
    labels = inputs["labels"][:, 1:]
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.size(-1)),
        labels.reshape(-1),
        ignore_index=IGNORED,
        reduction="sum",
    )
    is_right = (logits.detach().argmax(-1) == labels) & (labels != IGNORED)
    return {"loss": loss, "n_right": is_right.sum()}


def scaled(trainer: Any, out: dict[str, Any], inputs: dict[str, Any], n_items: Any) -> Any:
    """The micro-batch's part of the optimiser step's mean loss, as `SFTTrainer` scales it."""
    n_here = (inputs["labels"][:, 1:] != IGNORED).sum()
    mode = "train" if trainer.model.training else "eval"
    metrics = trainer._metrics[mode]
    metrics["mean_token_accuracy"].append((out["n_right"] / n_here).item())
    loss = out["loss"] / (n_here if n_items is None else n_items)
    if trainer.args.average_tokens_across_devices and n_items is not None:
        loss = loss * trainer.accelerator.num_processes
    return loss


def not_a_number(trainer: Any, rows: Sequence[int]) -> str:
    """What to say of a batch whose loss is no number."""
    known = trainer.row_ids if trainer.model.training else trainer.validation_row_ids
    ids = ", ".join(known[i].decode() for i in rows) if known else "unknown"
    return (
        f"the loss is not a number at step {trainer.state.global_step + 1}, batch of the rows {ids}; "
        "lower learning_rate, or look at these rows"
    )
