"""Python's garbage collector, held back while many objects that are no garbage are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def few_collections(every: int = 20_000) -> Iterator[None]:
    """Inside the block, what exists is not looked through, and what comes is looked through rarely.

    Thousands of requests in flight, or of stored replies, are no garbage; looking for some among
    them, again and again, took a fifth of the CPU of a request. Settings are put back at the end.

    Args:
        every: so many new objects apart; 0 is never.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(every, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
