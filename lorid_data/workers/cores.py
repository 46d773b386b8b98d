"""How many cores this process may use."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """The cores that this process is allowed to run on, or fewer where a container has a share of less.

    Args:
        cgroup: the file that says what share: microseconds, or `max`, of a period in microseconds.
    """
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        share, period = cgroup.read_text(encoding="ascii").split()
        if share != "max":
            n = min(n, max(1, int(share) // int(period)))
    return n
