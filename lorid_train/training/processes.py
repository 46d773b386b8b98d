"""One process or several: which is the first, what it tells the others, where they meet.

`accelerate launch` and `torchrun` start the same command once per device. The first process
alone takes the folder's lock, writes and speaks; the others follow what it decided.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError


def world_size() -> int:
    """How many processes run this command."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this process writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_everyone() -> None:
    """Return when every process has come here."""
    if world_size() > 1:
        from accelerate.utils import wait_for_everyone

        wait_for_everyone()


@contextmanager
def progress(name: str, total: int, done: int) -> Iterator[Progress | None]:
    """Progress of a role's training in the first process; the others are silent, with None."""
    if not is_main_process():
        yield None
        return
    with Progress(f"train {name}", total, done=done) as shown:
        yield shown


def broadcast(value: Any) -> Any:
    """The first process's value, in every process."""
    if world_size() == 1:
        return value
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    PartialState(cpu=not _has_gpu())
    return broadcast_object_list([value])[0]


def check(environment: Mapping[str, str], *, has_gpu: bool, roles: int, greedy: bool) -> list[str]:
    """What cannot be honoured in this environment, one sentence each.

    FSDP on a CPU is silently something else (accelerate 1.15 makes it DDP), so it is refused.
    """
    if environment.get("ACCELERATE_USE_FSDP", "false").lower() != "true":
        return []
    problems = []
    if not has_gpu:
        problems.append(
            "FSDP needs GPUs: on a CPU accelerate turns it into DDP without a word; use configs/accelerate/ddp.yaml"
        )
    if roles > 1:
        problems.append(
            f"FSDP shards the base model in place, so a run trains one role, not {roles}: add --role ir --out RUN-ir, and so on"
        )
    if greedy:
        problems.append(
            "validation.greedy needs the whole model on each GPU; leave it out under FSDP"
        )
    return problems


def refuse_what_is_silent(roles: int, *, greedy: bool) -> None:
    """Check the environment that a launcher made.

    Raises:
        ConfigError: it asks for something that would silently be something else.
    """
    if problems := check(os.environ, has_gpu=_has_gpu(), roles=roles, greedy=greedy):
        raise ConfigError(*problems)


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
