"""What is tried on the loaded model before the first step; nothing is trained.

The loss must be the model's own, and rows of one pack must not see one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lorid_data.errors import ConfigError, LoridError
from lorid_train.engines import self_check
from lorid_train.training.batches import ROWS
from lorid_train.training.loss import from_logits, labels_only
from lorid_train.training.tokens import IGNORED

_TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2, "float16": 1e-2}
"""How far apart two ways to sum may come out, as a part of the whole, by the model's type."""
_LONGEST = 64
"""Tokens of the rows that are packed for the proof."""


def right_way(trainer: Any, batch: dict[str, Any]) -> str:
    """The fastest way to the loss that gives the model's own: `labels`, `fused` or `logits`.

    Raises:
        ConfigError: the model cannot be run as it is trained.
    """
    import torch

    inputs = _inputs(trainer, batch)
    n = (inputs["labels"][:, 1:] != IGNORED).sum()
    kind = trainer.model.get_base_model().config.model_type
    with _asked(trainer.model) as model:
        try:
            own = (from_logits(model, inputs)["loss"] / n).float()
        except Exception as e:
            hint = "; try sft: {router_aux_loss_coef: 0}" if trainer.aux_loss_enabled else ""
            msg = f"base ({kind}): a forward pass over the first batch fails ({type(e).__name__}: {str(e)[:200]}){hint}"
            raise ConfigError(msg) from e
        for way in (["labels"] if trainer.loss_way == "labels" else []) + ["fused"]:
            try:
                found = _loss(trainer, model, inputs, way, n)
            except Exception:  # noqa: BLE001, S112  (whatever it is: this way is not for this model)
                continue
            if torch.isclose(found.float(), own, rtol=_tolerance(model), atol=1e-4):
                return way
    return "logits"


def _loss(trainer: Any, model: Any, inputs: dict[str, Any], way: str, n: Any) -> Any:
    if way == "labels":
        return labels_only(model, inputs)["loss"] / n
    router = {"output_router_logits": True} if trainer.aux_loss_enabled else {}
    out = model(
        **{k: v for k, v in inputs.items() if k != "use_cache"}, **router, fused_lm_head=True
    )
    return -out.log_probs.sum() / n


def prove_generation(trainer: Any, batch: dict[str, Any]) -> None:
    """Let the model write a few tokens, and hold them against one forward pass.

    Raises:
        ConfigError: what it writes is not what it is trained to: it looks ahead, for one.
    """
    base = trainer.model.get_base_model()
    ids = batch["input_ids"][0].tolist()[:_LONGEST]
    with _asked(trainer.model) as model, _without_routers(base.config.get_text_config()):
        try:
            why = self_check.unlike_one_pass(model, ids)
        except Exception as e:  # noqa: BLE001  (whatever it is: the model cannot write)
            why = f"{type(e).__name__}: {str(e)[:200]}"
    if why is not None:
        msg = (
            f"base ({base.config.model_type}): `generate` is not what one forward pass says ({why}), so what "
            "is trained would not be what is written; take a base that reads from left to right"
        )
        raise ConfigError(msg)


def prove_isolation(trainer: Any) -> None:
    """Hold the logits of two rows in one pack against those of each alone.

    Raises:
        ConfigError: a row sees its neighbour, or the model cannot read packs.
    """
    import torch

    rows = _two_rows(trainer)
    examples = [
        {"input_ids": r, "labels": r, "row": [i] * len(r), "seq_lengths": [len(r)]}
        for i, r in enumerate(rows)
    ]
    try:
        with _asked(trainer.model) as model:
            pack = _inputs(trainer, trainer.data_collator(examples))
            packed = model(**{k: v for k, v in pack.items() if k != "labels"}, use_cache=False)
            device = pack["input_ids"].device
            alone = [
                model(input_ids=torch.tensor([r], device=device), use_cache=False).logits[0]
                for r in rows
            ]
    except LoridError:
        raise
    except Exception as e:
        raise ConfigError(_no_packs(trainer, f"{type(e).__name__}: {str(e)[:120]}")) from e
    want = torch.cat(alone).float()
    off = float((packed.logits[0].float() - want).abs().max() / want.abs().max())
    if not off <= _tolerance(trainer.model):
        raise ConfigError(
            _no_packs(trainer, f"its logits change by {off:.1%} with what stands before it")
        )


def _no_packs(trainer: Any, why: str) -> str:
    kind = trainer.model.get_base_model().config.model_type
    return (
        f"sft: packing and padding_free: a row of a pack is not read as it is alone by this base ({kind}; {why}); "
        "leave them out, and set train_sampling_strategy: group_by_length, which pads little"
    )


def _two_rows(trainer: Any) -> list[list[int]]:
    """The ends of two different rows; of a dataset that has one, it and itself backwards."""
    found: list[list[int]] = []
    for example in trainer.train_dataset:
        ids, numbers = example["input_ids"], example["row"]
        for number in dict.fromkeys(numbers):
            row = [t for t, n in zip(ids, numbers, strict=True) if n == number][-_LONGEST:]
            if row not in found:
                found.append(row)
            if len(found) == 2:
                return found
    return [found[0], found[0][::-1]]


def _inputs(trainer: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """A batch on the model's device, without what is not for the model."""
    kept = {k: v for k, v in batch.items() if k != ROWS}
    prepared: dict[str, Any] = trainer._prepare_inputs(kept)
    return prepared


def _tolerance(model: Any) -> float:
    return _TOLERANCE.get(str(model.dtype).removeprefix("torch."), 5e-2)


@contextmanager
def _without_routers(config: Any) -> Iterator[None]:
    """The trainer asks experts for the logits of their routers; not while the model writes."""
    asked = getattr(config, "output_router_logits", None)
    if asked:
        config.output_router_logits = False
    try:
        yield
    finally:
        if asked:
            config.output_router_logits = asked


@contextmanager
def _asked(model: Any) -> Iterator[Any]:
    """The model as it answers: no dropout, no gradients; afterwards as it was."""
    import torch

    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield model
    finally:
        model.train(was_training)
