"""TRL's `DPOTrainer` on pairs of texts that are tokens already, and REDI's loss on it.

REDI (arXiv 2505.24850) is reference-free and weighs positives and negatives apart; with y+ the
chosen and y- the rejected text of a prompt x, in tokens |y|:

    L = mean over pairs of  - log p(y+|x) / |y+|  +  alpha * log p(y-|x) / |y-|

as the authors' code has it (`loss_type: reinforce` of Tim-Siu/reinforcement-distillation, chosen
weight 1, rejected weight alpha = 0.8). It follows training on the positives alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.schema import Disposition, Reject, RejectReason
from lorid_train import formats, roles
from lorid_train.drawn.pairs import Pair
from lorid_train.training import token_rows
from lorid_train.training.measuring import measured

_NOT_FOR_THE_MODEL = frozenset({"completion_mask", "ref_chosen_logps", "ref_rejected_logps"})


@dataclass(frozen=True, slots=True)
class PairTokens:
    """One pair as token ids: the prompt, and both texts with their ends."""

    pair_id: str
    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]

    @property
    def n_tokens(self) -> int:
        """Tokens of the longer text with its prompt."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


def tokenise_pairs(
    role: roles.Role,
    pairs: Iterable[Pair],
    fmt: formats.Format,
    tokenizer: Any,
    *,
    max_tokens: int,
) -> tuple[list[PairTokens], list[Reject]]:
    """Pairs as the role's prompt and targets are tokenised by `sft`; too long ones are rejected, never cut.

    Raises:
        InputError: a pair has no negative: its rejected text is empty, or the chosen one.
    """
    made, rejects = list[PairTokens](), list[Reject]()
    for p in pairs:
        if not p.rejected.strip() or p.rejected == p.chosen:
            what = "is the chosen one" if p.rejected.strip() else "is empty"
            msg = f"pair {p.pair_id[:12]}: has no negative, its rejected text {what}; make the pairs anew with export-draws --pairs"
            raise InputError(msg)
        content = role.content(p.question, roles.knowledge_text(p.knowledge))
        row = PairTokens(
            p.pair_id, fmt.prompt_ids(tokenizer, content), fmt.target_ids(tokenizer, p.chosen),
            fmt.target_ids(tokenizer, p.rejected),
        )  # fmt: skip
        if row.n_tokens <= max_tokens:
            made.append(row)
            continue
        rejects.append(
            Reject(
                row_id=p.pair_id, stage=f"sft:{role.name}", disposition=Disposition.DROP,
                reason=RejectReason.TOO_LONG, detail=f"{row.n_tokens} tokens, at most {max_tokens}",
                problem_id=p.problem_id, split=p.split,
            )
        )  # fmt: skip
    return made, rejects


def redi_loss(chosen: Any, rejected: Any, n_chosen: Any, n_rejected: Any, alpha: float) -> Any:
    """REDI's loss of a batch of P pairs.

    Args:
        chosen: summed log-probabilities of the chosen texts, of shape (P,), in nats.
        rejected: of the rejected ones.
        n_chosen: their tokens, of shape (P,), each at least 1.
        n_rejected: likewise.
        alpha: weight of the rejected texts, 0 or more; 0 is training on the chosen ones alone.
    """
    return (alpha * rejected / n_rejected - chosen / n_chosen).mean()


@functools.cache
def pair_trainer_class() -> type:
    """The class, made on first use: its parent takes seconds to import."""
    from trl import DPOTrainer

    class RolePairTrainer(DPOTrainer):  # type: ignore[misc]
        """`DPOTrainer` on rows that are tokens already."""

        grade: Callable[[Any], float] | None = None
        """Share of right greedy answers of the model; None does not ask."""
        alpha: float | None = None
        """REDI's; None keeps TRL's loss."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: Any) -> Any:
            if self.alpha is None:
                loss = super()._compute_loss(model, inputs, return_outputs)
            else:
                loss = of_batch(self, model, inputs)
            if not loss.isfinite():
                step = self.state.global_step + 1
                raise StageError(f"the loss is not a number at step {step}; lower learning_rate")
            return loss

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            """Accuracy of greedy answers: whether pairs are told apart says little of them."""
            return measured(self)

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """No card: those of this project are made on publishing, and name no path."""

    return RolePairTrainer


def of_batch(trainer: Any, model: Any, inputs: dict[str, Any]) -> Any:
    """REDI's loss of a collated batch: chosen texts first, rejected ones after them."""
    given = {k: v for k, v in inputs.items() if k not in _NOT_FOR_THE_MODEL}
    labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100)
    out = model(**given, use_cache=False, labels=labels, fused_lm_head=True)
    mask = inputs["completion_mask"][..., 1:]
    logps = out.log_probs[:, -mask.size(1) :].sum(dim=1)
    (chosen, rejected), (n_chosen, n_rejected) = logps.chunk(2), mask.sum(dim=1).chunk(2)
    metrics = trainer._metrics["train" if trainer.model.training else "eval"]
    metrics["logps/chosen"].append((chosen / n_chosen).mean().item())
    metrics["logps/rejected"].append((rejected / n_rejected).mean().item())
    return redi_loss(chosen, rejected, n_chosen, n_rejected, trainer.alpha)


def make_pair_trainer(
    model: Any, args: Any, tokenizer: Any, rows: Sequence[PairTokens], alpha: float | None
) -> Any:
    """A trainer over tokenised pairs; `alpha` is REDI's, None takes TRL's loss.

    Raises:
        ConfigError: settings that `DPOTrainer` refuses together.
    """
    from datasets import Dataset
    from transformers import PrinterCallback

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # never seen by the model: padding is masked
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    dataset = Dataset.from_dict({n: [getattr(r, n) for r in rows] for n in names})
    try:
        trainer = pair_trainer_class()(
            model=model,
            args=args,
            train_dataset=dataset,
            eval_dataset=dataset if args.eval_strategy != "no" else None,
            processing_class=tokenizer,
        )
    except (ValueError, RuntimeError, ImportError, NotImplementedError) as e:
        raise ConfigError(f"DPOTrainer refuses this configuration: {e}") from e
    if alpha is not None and "ref" in model.peft_config:
        model.delete_adapter("ref")  # REDI compares with nothing
    token_rows.known_to_trl(model)
    trainer.alpha = alpha
    trainer.remove_callback(PrinterCallback)
    return trainer
