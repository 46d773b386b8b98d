"""What a solver needs of a run: the roles that its rule draws, an engine of them, and what runs programs.

Whatever cannot work is refused before a model is loaded.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.execution.opened import opened
from lorid_data.execution.sandbox import sandbox_version
from lorid_train.config import EvalConfig
from lorid_train.engines.base import Engine
from lorid_train.evaluation import servers
from lorid_train.interaction.programs import Run, runner, writes_programs
from lorid_train.models.adapters import Adapters, open_adapters
from lorid_train.solve.question import LoopSettings

OFFERED = ("ir", "kg", "dr", "cg")
"""The roles that a server has to offer, where the run has them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Adapters whose cards were read, and what makes an engine of them.

    Attributes:
        roles: that the engine knows.
        runs_programs: whether one of them writes programs, and there is a sandbox for these.
    """

    adapters: Adapters
    roles: tuple[str, ...]
    make: servers.MakeEngine
    runs_programs: bool

    def engine(self, config: EvalConfig) -> Engine:
        """Load the models, or connect to their servers."""
        return self.make(config, self.adapters)


def check_programs(settings: LoopSettings) -> bool:
    """Whether the rule has programs run.

    Raises:
        ConfigError: it has, and there is no sandbox.
    """
    if not any(map(writes_programs, settings.roles)):
        return False
    sandbox_version()
    return True


def open_run(
    config: EvalConfig, settings: LoopSettings, base: str | None, format: str | None,
    formats: Mapping[str, str] | None, *, every_role: bool,
) -> Opened:  # fmt: skip
    """Read the cards of the adapters; nothing is loaded yet.

    Args:
        config: names adapters, engine and servers.
        settings: of the loop, which say whose adapters are needed.
        base: base model, where it is not the one that the adapters name.
        format: prompt format of adapters that another program trained.
        formats: of roles that a whole model plays.
        every_role: whether roles that the loop does not draw are wanted too, where the run has them.

    Raises:
        ConfigError: an adapter or a sandbox that the rule needs is not there, or they do not fit together.
    """
    runs_programs = check_programs(settings)

    def opened_with(roles: tuple[str, ...]) -> tuple[Adapters, servers.MakeEngine]:
        adapters = open_adapters(config.adapters, base, format, needed=roles, told=formats)
        return adapters, servers.factory(config, roles, adapters.wholes)

    roles = settings.roles
    adapters, make = opened_with(roles)
    for role in OFFERED if every_role else ():
        if role in roles or role not in config.adapters:
            continue
        if role == "dr" and "kg" not in roles:
            continue  # nobody would write what it reads
        try:
            adapters, make = opened_with((*roles, role))
        except ConfigError as e:
            say(f"note: the model {role} is not offered ({e.problems[0]})")
            continue
        roles = (*roles, role)
    if not runs_programs and any(map(writes_programs, roles)):
        runs_programs = _has_sandbox()
    return Opened(adapters, roles, make, runs_programs)


def _has_sandbox() -> bool:
    """Whether programs that no rule needs can be run; where they cannot, that is said."""
    try:
        sandbox_version()
    except ConfigError as e:
        say(f"note: the model cg writes programs that are not run: {e}")
        return False
    return True


def programs_of(owner: object) -> tuple[Run, weakref.finalize[..., object]]:
    """What runs programs, and what ends its workers: when called, with the owner or with the process.

    Raises:
        ConfigError: there is no sandbox.
    """
    stack = ExitStack()
    run = runner(stack.enter_context(opened()), for_people=True)
    return run, weakref.finalize(owner, stack.close)
