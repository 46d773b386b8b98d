"""Programs of an evaluation: run once in the sandbox, kept beside the draws, never by this interpreter.

Results lie in a hidden file of the evaluation folder by the hash of program, sandbox and limits: a
program that is drawn again, before or after an interruption, is not run again. Draws hold what their
programs gave, so that a finished evaluation is replayed without the file and without a sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorid_data.execution.executed import Executed, Executor, Limits, identity
from lorid_data.execution.opened import opened
from lorid_data.execution.sandbox import sandbox_version
from lorid_data.folders.files import write_text
from lorid_data.texts import strict_json
from lorid_train.interaction.programs import Run, runner, writes_programs
from lorid_train.metrics.programs import Times

STORE = ".executions.sqlite"
"""Hidden: it is made again from the draws, and times differ."""
TIMES = ".executions.json"


def of(needed: Collection[str]) -> dict[str, Any] | None:
    """What decides the results of programs, where any of the needed roles writes some.

    Raises:
        ConfigError: there is no sandbox.
    """
    if not any(map(writes_programs, needed)):
        return None
    return identity(sandbox_version(), Limits())


@contextmanager
def running(folder: Path, executor: dict[str, Any] | None) -> Iterator[Run | None]:
    """What runs the programs of an evaluation; None where it has none."""
    if executor is None:
        yield None
        return
    with opened(folder / STORE) as sandbox:
        timed = _Timed(sandbox)
        try:
            yield runner(timed)
        finally:
            write_text(folder / TIMES, json.dumps((_read(folder) + timed.ms)[-_MOST:]) + "\n")


_MOST = 100_000
"""Times that are kept: those of the last programs."""


class _Timed:
    """An executor that notes how long each program took."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.limits, self.sandbox = executor.limits, executor.sandbox
        self.ms: list[float] = []

    def run(self, program: str) -> Executed:
        """Run one program."""
        found = self._executor.run(program)
        self.ms.append(round(found.ms, 3))
        return found

    def run_all(self, programs: Any) -> Iterator[Executed]:
        """Run many."""
        for found in self._executor.run_all(programs):
            self.ms.append(round(found.ms, 3))
            yield found


def _read(folder: Path) -> list[float]:
    try:
        found = strict_json.parse((folder / TIMES).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(found, list) or not all(type(x) in (int, float) for x in found):
        return []
    return found


def times(folder: Path) -> Times | None:
    """How long the programs of an evaluation took; None where nobody noted it."""
    ms = sorted(_read(folder))
    if not ms:
        return None
    return Times(len(ms), ms[len(ms) // 2], ms[int(0.99 * (len(ms) - 1))], sum(ms) / 1000)
