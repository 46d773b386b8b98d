"""Which rows of the frozen embeddings a role may train, beside its LoRA matrices.

A token that the base has never printed cannot be taught by LoRA where embeddings are tied and
frozen: its row is noise, read and written alike. PEFT trains chosen rows (`trainable_token_indices`)
and keeps them in the adapter; what is chosen here are their numbers, from texts or from the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.schema import Record
from lorid_train import formats, roles
from lorid_train.config import TrainConfig


def problems(config: TrainConfig) -> list[str]:
    """What of `trainable_tokens` cannot be."""
    if config.trainable_tokens and config.init is not None:
        return [
            "trainable_tokens: with init an adapter keeps the rows of embeddings that it has; leave trainable_tokens out"
        ]
    found = []
    for role, wanted in config.trainable_tokens.items():
        if role not in config.roles:
            found.append(
                f"trainable_tokens: this run trains no role {role!r}; it trains {', '.join(config.roles)}"
            )
            continue
        if not wanted:
            found.append(
                f"trainable_tokens: {role}: no text is named; leave it out, or take 'new' or 'targets'"
            )
        if config.for_role(role)[0].get("trainable_token_indices"):
            found.append(
                f"trainable_tokens: {role} has trainable_token_indices among its lora settings, too; keep one of the two"
            )
    return found


def indices(
    config: TrainConfig, role: str, tokenizer: Any, records: Callable[[], Iterable[Record]]
) -> list[int]:
    """The rows that a role trains, in order; none where its configuration asks for none.

    Args:
        config: the run.
        role: the role.
        tokenizer: of the base.
        records: its training records, read anew at each call.

    Raises:
        ConfigError: a text of the configuration has no token of its own, or the data has no new one.
    """
    wanted = config.trainable_tokens.get(role)
    if wanted is None:
        return []
    if not isinstance(wanted, str):
        return sorted({i for text in wanted for i in _of_text(tokenizer, text)})
    fmt = formats.on(config.format, config.template_date)
    written = _written(roles.role(role), records(), fmt, tokenizer)
    if wanted == "new":
        written -= _written(roles.role("ir"), records(), fmt, tokenizer)
        if not written:
            msg = (
                f"trainable_tokens: {role}: 'new' finds no token that its targets have and the solutions of the "
                "same rows lack; leave it out, or name the texts"
            )
            raise ConfigError(msg)
    return sorted(written)


def lora_settings(model: Any, lora: dict[str, Any], rows: list[int]) -> dict[str, Any]:
    """LoRA's settings with the rows to train, of the embedding and of an output layer that is not tied to it.

    Args:
        model: the base model.
        lora: keys of `peft.LoraConfig`.
        rows: what `indices` gave.
    """
    if not rows:
        return lora
    if getattr(model.config.get_text_config(), "tie_word_embeddings", False):
        return {**lora, "trainable_token_indices": rows}
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    names = [name for name, module in model.named_modules() if any(module is end for end in ends)]
    return {**lora, "trainable_token_indices": {name: list(rows) for name in sorted(names)}}


def known_to_trl(model: Any) -> None:
    """Let TRL's trainers, once made, see trained rows: two things of PEFT's layer around embeddings escape them.

    They read the output layer's bias, which that layer does not pass on; and of the rows no copy is made
    for the adapter `ref`, that of the start, so that it would be another model's.

    Args:
        model: the base with its adapter `default`, as a trainer holds it.
    """
    head = model.get_output_embeddings()
    if hasattr(head, "token_adapter"):
        vars(head).setdefault("bias", getattr(head.token_adapter.base_layer, "bias", None))
    if "ref" not in model.peft_config:
        return
    rows = {n: p for n, p in model.named_parameters() if ".trainable_tokens_delta." in n}
    for name, parameter in rows.items():
        if name.endswith(".ref"):
            parameter.data.copy_(rows[name.removesuffix("ref") + "default"].data)


def _of_text(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text, as it stands within another."""
    found: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    unknown = getattr(tokenizer, "unk_token_id", None)
    if not found or (unknown is not None and unknown in found):
        raise ConfigError(
            f"trainable_tokens: the tokenizer has no token for {text!r}; leave it out"
        )
    return found


def _written(
    role: roles.Role, records: Iterable[Record], fmt: formats.Format, tokenizer: Any
) -> set[int]:
    return {i for target in _targets(role, records) for i in fmt.target_ids(tokenizer, target)}


def _targets(role: roles.Role, records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        for example in roles.examples(role, [record])[0]:
            if example.part == role.name:
                yield example.target
