"""The plan of a run, from its configuration, its base model and its counted rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.schema import canonical_json
from lorid_train.config import TrainConfig
from lorid_train.models.base_model import Base, commit_of, load_config
from lorid_train.training import difficulty, estimates, processes, unwritable
from lorid_train.training.activations import saved_bytes_per_token
from lorid_train.training.arguments import make_args
from lorid_train.training.tokens import RoleCounts


@cache
def vocabulary_of(base: Base) -> int:
    """How many token ids the base model has embeddings for.

    Raises:
        ConfigError: its padding token is none of them, so that the model could not be built.
    """
    text = load_config(base).get_text_config()
    n, pad = int(text.vocab_size), getattr(text, "pad_token_id", None)
    if isinstance(pad, int) and pad >= n:
        msg = (
            f"base {base.name!r}: pad_token_id is {pad} in config.json, and its tokens are 0 to {n - 1}; "
            "correct it there, or set it to null"
        )
        raise ConfigError(msg)
    return n


@cache
def _shape(base: Base, lora: str, role: str, *, is_begun: bool) -> estimates.Shape:
    """The base model with one role's adapter (`lora` as JSON), counted.

    Raises:
        ConfigError: the adapter does not fit the base model.
    """
    try:
        return estimates.shape_of(base, json.loads(lora), is_begun=is_begun)
    except (ValueError, TypeError, re.error) as e:
        msg = f"lora, role {role!r}: {e}"
        raise ConfigError(msg) from e


def check_adapters(config: TrainConfig, base: Base) -> None:
    """Put each role's adapter on the base model without weights.

    Raises:
        ConfigError: it does not fit: no such module, a dropout above 1.
    """
    for name in config.roles:
        _shape(base, canonical_json(config.for_role(name)[0]), name, is_begun=bool(config.init))


def say_plan(
    config: TrainConfig, base: Base, counts: Mapping[str, RoleCounts], say: Callable[[str], None]
) -> None:
    """Say what the run will take: one line for the run, one per role, one for all.

    Raises:
        ConfigError: an adapter that does not fit the base model.
    """
    import torch

    made = []
    checkpointing = True
    for name, counted in counts.items():
        lora = canonical_json(config.for_role(name)[0])
        shape = _shape(base, lora, name, is_begun=bool(config.init))
        rate = estimates.measured_rate(config.dtype, shape.hidden)
        args = make_args(config, name, Path(config.out))
        checkpointing = checkpointing and bool(args.gradient_checkpointing)
        saved = saved_bytes_per_token(
            base, canonical_json(config.for_role(name)[0]), config.dtype, autocast=args.bf16
        )
        made.append((shape, estimates.of_role(name, config, shape, args, counted, rate, saved)))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "a CPU"
    say(
        estimates.headline(
            base, made[0][0], dtype=config.dtype, prompt_format=config.format,
            n_processes=processes.world_size(), device=device, commit=commit_of(base),
        )
    )  # fmt: skip
    plans = [p for _, p in made]
    for p in plans:
        say(p.line())
    for line in difficulty.lines(config.difficulty, counts):
        say(line)
    say(estimates.total(plans))
    if warning := estimates.too_large(plans, estimates.free_bytes(), checkpointing=checkpointing):
        say(warning)
    for name, counted in counts.items():
        for line in doubts(name, counted):
            say(line)


def doubts(role: str, counts: RoleCounts) -> Iterator[str]:
    """Warnings of what a role's rows hold: special tokens, and what the base can never write."""
    if counts.special:
        some = ", ".join(counts.special[:3]) + (" …" if len(counts.special) > 3 else "")
        yield (
            f"warning: role {role!r}: {len(counts.special)} of {counts.n_rows} rows hold what reads like a special token; "
            f"it is trained as the text that it is: {some}"
        )
    yield from unwritable.lines(role, counts.n_rows, counts.unwritable, counts.n_with_unwritable)
