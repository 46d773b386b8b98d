"""What the C library keeps of tensors that were freed, given back to the system.

glibc takes blocks of up to 32 MiB from one heap, where what a pass needs for a moment lies between
keys and values that stay. Freed, it stays with the process, and another pass of other sizes takes
new memory. Blocks that are mappings of their own (`mallopt`) go back by themselves, and need pages
that are new each time. docs/decisions.md has the figures.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def give_back() -> None:
    """Return free memory of this process's heap; where the C library cannot (no glibc), do nothing."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Any:
    """`malloc_trim` of this process's C library."""
    try:
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):  # no symbols of a process's own, as on Windows
        return None
    if trim is not None:
        trim.argtypes, trim.restype = (ctypes.c_size_t,), ctypes.c_int
    return trim
