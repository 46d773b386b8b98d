"""The executor that everything else uses: the sandbox, with or without results that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lorid_data.execution.executed import Executor, Limits
from lorid_data.execution.kept import Kept
from lorid_data.execution.sandbox import Sandbox

STORE = "executions.sqlite"
"""The usual name of a file of results."""


@contextmanager
def opened(
    store: Path | None = None, *, limits: Limits | None = None, workers: int = 1
) -> Iterator[Executor]:
    """An executor of programs. Its workers start with the first program that is really run.

    Args:
        store: where results are kept; None keeps none.
        limits: what one program may use; by default those of `Limits`.
        workers: processes that run programs at the same time.

    Raises:
        ConfigError: there is no sandbox, or `store` is something else.
    """
    sandbox = Sandbox(limits, workers=workers)
    with sandbox if store is None else Kept(store, sandbox) as executor:
        yield executor
