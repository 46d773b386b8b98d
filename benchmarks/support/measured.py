"""A command in a process of its own: how long it took, and the most memory that it and its processes had."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run cost.

    Attributes:
        status: its exit status.
        wall_s: seconds from its start to its end.
        cpu_s: seconds of processor time, of it and of those of its processes that it has waited for.
        peak_bytes: the largest sum, at one moment, of the peaks (VmHWM) of it and of all its processes.
        own_peak_bytes: the peak of the process of the command alone.
        said: what it said last on stderr.
    """

    status: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    own_peak_bytes: int
    said: str


def measured(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Measured:
    """Run a command and look at its processes twenty times a second."""
    start = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=dict(environment))
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.end()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return Measured(
        process.returncode,
        wall_s,
        usage.ru_utime + usage.ru_stime,
        watch.peak_kib << 10,
        watch.own_peak_kib << 10,
        "\n".join(lines[-3:]),
    )


class _Watch(threading.Thread):
    """The peaks of a process and of all that descend from it.

    `ru_maxrss` would not do: a child starts with that of its parent. A process is counted from the
    second look on: between fork and exec it is its parent's memory once more.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak_kib = self.own_peak_kib = 0
        self.start()

    def run(self) -> None:
        known: set[int] = set()
        while not self._ended.wait(_EVERY_S):
            now = _family(self._pid)
            peaks = {pid: _peak_kib(pid) for pid in now if pid in known}
            self.peak_kib = max(self.peak_kib, sum(peaks.values()))
            self.own_peak_kib = max(self.own_peak_kib, peaks.get(self._pid, 0))
            known = now

    def end(self) -> None:
        self._ended.set()
        self.join()


def _family(pid: int) -> set[int]:
    """A process and those that descend from it; those whose parent has ended are not found."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(place.name))
    found, todo = set(), [pid]
    while todo:
        found.add(one := todo.pop())
        todo += children.get(one, [])
    return found


def _peak_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    _, _, rest = status.partition("VmHWM:")
    return int(rest.split()[0]) if rest else 0
