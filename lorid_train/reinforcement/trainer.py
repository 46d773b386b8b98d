"""TRL's `GRPOTrainer`, set up for one role and watched: prompts, order of questions, accuracy, gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lorid_data.errors import ConfigError, StageError
from lorid_train.reinforcement import stopping
from lorid_train.reinforcement.rewards import Reward
from lorid_train.training import token_rows
from lorid_train.training.measuring import measured

KEY = "key"
"""Column with the number of a question: what the reward finds its target by."""


@functools.cache
def trainer_class() -> type:
    """The class, made on first use: its parent takes seconds to import."""
    from trl import GRPOTrainer

    class RoleGrpoTrainer(GRPOTrainer):  # type: ignore[misc]
        """`GRPOTrainer` that asks with the role's own prompt tokens, and looks at what it learns."""

        to_ids: Callable[[str], list[int]]
        """A role's text to the token ids of its prompt."""
        grade: Callable[[Any], float] | None = None
        """Share of right greedy answers of the model; None does not ask."""
        has_learnt = False
        """Whether a batch with a signal has moved the adapter."""

        def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:  # fmt: skip
            # TRL would tokenise the text itself: without the format's begin token and line breaks.
            return [self.to_ids(p) for p in prompts], None, {}

        def _get_train_sampler(self, dataset: Any = None) -> Any:
            return EpochSampler(super()._get_train_sampler(dataset), self.args.seed)

        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            loss = super().training_step(model, inputs, num_items_in_batch)
            refuse_no_number(loss, self.state.global_step + 1)
            if not self.has_learnt:
                batch = self._buffered_inputs[(self._step - 1) % self.args.steps_per_generation]
                self.has_learnt = reaches_adapter(batch["advantages"], self.model)
            return loss

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            """Accuracy of greedy answers, beside the reward."""
            return measured(self)

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """No card: those of this project are made on publishing, and name no path."""

    return RoleGrpoTrainer


def refuse_no_number(loss: Any, step: int) -> None:
    """Refuse a loss that is no number.

    Raises:
        StageError: it is infinite or NaN.
    """
    if not loss.isfinite():
        raise StageError(f"the loss is not a number at step {step}; lower learning_rate")


def reaches_adapter(advantages: Any, model: Any) -> bool:
    """Hold the gradients of a batch against its rewards; false where all answers were paid alike.

    Raises:
        StageError: answers were paid differently, and nothing reaches the adapter.
    """
    if not bool((advantages != 0).any()):
        return False
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    if any(g is not None and bool((g != 0).any()) for g in gradients):
        return True
    msg = (
        "answers were paid differently, and every gradient of the adapter is zero: nothing would be learnt; look at "
        "grpo: (loss_type, epsilon, gradient_checkpointing) and at the base's dtype"
    )
    raise StageError(msg)


class EpochSampler:
    """TRL's order of questions, by seed and epoch alone: a resumed run sees the same."""

    def __init__(self, sampler: Any, seed: int) -> None:
        self._sampler, self._seed, self._epoch = sampler, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of that epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[int]:
        if self._sampler.shuffle:
            self._sampler.generator.manual_seed((self._seed << 20) + self._epoch)
        yield from self._sampler


@dataclass(frozen=True, slots=True)
class Asking:
    """What the trainer is given beside the model.

    Attributes:
        contents: the role's text of each question.
        reward: what pays.
        to_ids: a role's text to the token ids of its prompt.
        stop: ids that end an answer.
        grade: share of right greedy answers; None where nobody looks.
    """

    contents: Sequence[str]
    reward: Reward
    to_ids: Callable[[str], list[int]]
    stop: list[int]
    grade: Callable[[Any], float] | None


def make_trainer(model: Any, args: Any, tokenizer: Any, asking: Asking) -> Any:
    """A trainer over the questions.

    Raises:
        ConfigError: settings that TRL refuses together.
    """
    from datasets import Dataset
    from transformers import PrinterCallback

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # never seen by the model: padding is masked
    rows = Dataset.from_dict(
        {"prompt": list(asking.contents), KEY: list(range(len(asking.contents)))}
    )
    try:
        trainer = trainer_class()(
            model=model,
            reward_funcs=asking.reward,
            args=args,
            train_dataset=rows,
            eval_dataset=rows if asking.grade is not None else None,
            processing_class=tokenizer,
        )
    except (ValueError, RuntimeError, ImportError, NotImplementedError) as e:
        raise ConfigError(f"GRPOTrainer refuses this configuration: {e}") from e
    token_rows.known_to_trl(model)
    trainer.to_ids = functools.cache(asking.to_ids)
    trainer.grade = asking.grade
    # The format's ends, where TRL takes the model's own.
    trainer.eos_token_ids = asking.stop
    trainer.generation_config.eos_token_id = asking.stop
    trainer.generation_kwargs["eos_token_id"] = asking.stop
    trainer.remove_callback(PrinterCallback)
    return trainer


def prove_prompts(trainer: Any, wanted: Mapping[str, Sequence[int]]) -> None:
    """Hold what the trainer will ask against what `sft` trains on, token for token.

    Args:
        trainer: made by `make_trainer`.
        wanted: by the role's text, the prompt ids of `sft`.

    Raises:
        StageError: a prompt differs.
    """
    texts = list(wanted)
    made, _, _ = trainer._tokenize_prompts(texts)
    for text, ids in zip(texts, made, strict=True):
        if list(ids) != list(wanted[text]):
            msg = f"the prompt of {text[:60]!r} is not the one that sft trains on; nothing was trained"
            raise StageError(msg)


def make_watcher(trainer: Any) -> Any:
    """A callback that measures the start, and stops when reward and accuracy part."""
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):  # type: ignore[misc]
        """Accuracy before the first step; the end where more is paid for less."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if state.global_step == 0:
                trainer.evaluate()

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if stopping.parted(stopping.measured(state.log_history)) is not None:
                control.should_training_stop = True

    return Watcher()
