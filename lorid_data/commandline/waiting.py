"""`--wait`, on any command: wait for a network instead of failing at once.

It stands in the environment, so that processes which a command starts wait, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

FLAG = "--wait"
_VARIABLE = "LORID_WAIT"


def take_wait(argv: list[str]) -> tuple[list[str], bool]:
    """Split `--wait` from the other arguments; what follows `--` is left alone."""
    end = argv.index("--") if "--" in argv else len(argv)
    rest = [a for a in argv[:end] if a != FLAG]
    return rest + argv[end:], len(rest) < end


@contextmanager
def waiting(*, asked: bool) -> Iterator[None]:
    """Have `is_waiting` say so until the block ends; not asked, the environment stays as it is."""
    before = os.environ.get(_VARIABLE)
    if asked:
        os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        if asked:
            os.environ.pop(_VARIABLE, None) if before is None else os.environ.update(
                {_VARIABLE: before}
            )


def is_waiting() -> bool:
    """Whether the Hub is to be waited for."""
    return os.environ.get(_VARIABLE) == "1"
