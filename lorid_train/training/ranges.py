"""Values of `sft`, `dpo`, `grpo` and `lora` held against what their fields may be, before anything is written.

Neither TRL nor PEFT looks at most of them: a batch of 0 rows is a division by zero once a run's folder
is there, and a learning rate of 0 an adapter that never moves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be.

    Attributes:
        low: the least.
        high: the most.
        low_open: whether it must be more than `low`.
        high_open: whether it must be less than `high`.
        also: a value outside that has a meaning of its own.
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    also: float | None = None

    def __contains__(self, value: float) -> bool:
        if value == self.also:
            return True
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def __str__(self) -> str:
        parts = []
        if self.low > -math.inf:
            parts.append(f"more than {self.low:g}" if self.low_open else f"{self.low:g} or more")
        if self.high < math.inf:
            parts.append(f"less than {self.high:g}" if self.high_open else f"{self.high:g} or less")
        also = "" if self.also is None else f" (or {self.also:g}, for none)"
        return " and ".join(parts) + also


_ABOVE_0, _FROM_0, _FROM_1 = Range(0, low_open=True), Range(0), Range(1)
_RATE = Range(0, math.inf, low_open=True, high_open=True)
_SHARE, _BELOW_1 = Range(0, 1), Range(0, 1, high_open=True)
RANGES: Mapping[str, Range] = {
    # of TrainingArguments
    "learning_rate": _RATE, "num_train_epochs": _RATE, "max_steps": Range(1, also=-1),
    "per_device_train_batch_size": _FROM_1, "per_device_eval_batch_size": _FROM_1,
    "gradient_accumulation_steps": _FROM_1, "eval_accumulation_steps": _FROM_1,
    "logging_steps": _ABOVE_0, "save_steps": _ABOVE_0, "eval_steps": _ABOVE_0, "eval_delay": _FROM_0,
    "warmup_steps": _FROM_0, "weight_decay": _FROM_0, "max_grad_norm": _FROM_0,
    "adam_beta1": _BELOW_1, "adam_beta2": _BELOW_1, "adam_epsilon": _FROM_0,
    "label_smoothing_factor": _BELOW_1, "neftune_noise_alpha": _FROM_0,
    "dataloader_num_workers": _FROM_0, "dataloader_prefetch_factor": _FROM_1,
    "torch_empty_cache_steps": _FROM_1,
    # of DPOConfig and GRPOConfig
    "beta": _FROM_0, "label_smoothing": _BELOW_1, "num_generations": Range(2), "num_iterations": _FROM_1,
    "steps_per_generation": _FROM_1, "generation_batch_size": _FROM_1, "max_completion_length": _FROM_1,
    "temperature": _ABOVE_0, "top_p": Range(0, 1, low_open=True), "top_k": _FROM_0, "min_p": _SHARE,
    "repetition_penalty": _ABOVE_0, "epsilon": _ABOVE_0, "epsilon_high": _ABOVE_0,
    "top_entropy_quantile": _SHARE, "ref_model_sync_steps": _FROM_1, "ref_model_mixup_alpha": _SHARE,
    # of LoraConfig
    "r": _FROM_1, "lora_alpha": _RATE, "lora_dropout": _BELOW_1,
}  # fmt: skip
"""By field; of the others only the kind of value is looked at."""
_BY_MODULE = {"rank_pattern": ("r", int), "alpha_pattern": ("lora_alpha", float)}
"""Fields of LoraConfig that give one of these numbers for some modules."""
_KINDS = {"int": int, "float": float, "bool": bool}
_KIND_OF = {"lora_alpha": float}  # a fraction works, whatever PEFT's annotation says
_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}


def lora_problems(given: Mapping[str, Any], kind: type, where: str) -> list[str]:
    """What of an adapter's settings is no value of its field; `kind` is `peft.LoraConfig`."""
    found = list(value_problems(given, kind, where))
    for key, (one, of) in _BY_MODULE.items():
        by_module = given.get(key)
        if isinstance(by_module, Mapping):
            for module, value in by_module.items():
                found += _problem(f"{where}: {key}: {module}", value, of, RANGES[one])
    return found


def value_problems(given: Mapping[str, Any], kind: type, where: str) -> Iterator[str]:
    """One sentence for each value that is none of its field.

    Args:
        given: fields and their values; a text that stands for a number has been read as one.
        kind: the dataclass that has these fields.
        where: the section, for people.
    """
    types = {f.name: f.type for f in fields(kind)}
    for key, value in given.items():
        names = _names(types.get(key, ""))
        if value is None and "None" in names:
            continue
        own = {_KINDS[n] for n in names if n in _KINDS}
        if names <= {*_KINDS, "None"} and len(own) == 1:
            yield from _problem(f"{where}: {key}", value, _KIND_OF.get(key, *own), RANGES.get(key))
        elif isinstance(value, bool) and _takes_numbers(str(types.get(key, ""))):
            yield f"{where}: {key} is {value!r}, and must be a number, or several"


def _names(annotation: object) -> set[str]:
    """The types of a union, by name: {'int', 'None'}; what is more than that has a name that nobody asks for."""
    if isinstance(annotation, type):
        return {annotation.__name__}
    return {part.strip() for part in str(annotation).split("|")}


def _takes_numbers(annotation: str) -> bool:
    """Whether numbers are among what a field takes, and true is not: `Optional[Union[list[int], int]]`."""
    return re.search(r"\b(?:int|float)\b", annotation) is not None and "bool" not in annotation


def _problem(what: str, value: object, kind: type, allowed: Range | None) -> Iterator[str]:
    if isinstance(value, str) and kind is not bool:
        yield f"{what} is {value!r}, which is no number{_meant(value)}"
    elif not _is(value, kind):
        within = "" if allowed is None else f", {allowed}"
        yield f"{what} is {value!r}, and must be {_WORDS[kind]}{within}"
    elif allowed is not None and isinstance(value, int | float) and value not in allowed:
        yield f"{what} is {value!r}, and must be {allowed}"


def _meant(text: str) -> str:
    """How to write a number that is in quotation marks, or that YAML takes for a text for want of a point."""
    try:
        number = float(text)
    except ValueError:
        return ""
    return f" but a text; write {number:g}" if 1e-4 <= abs(number) < 1e6 else ""


def _is(value: object, kind: type) -> bool:
    if kind is bool:
        return isinstance(value, bool) or value in (0, 1)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (kind is float and isinstance(value, float))
