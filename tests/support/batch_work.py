"""Work for processes: what a test gives to `in_processes`, and a program that is interrupted in it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from lorid_data.errors import TeacherError
from lorid_data.workers.pool import in_processes


def doubled(batch: list[int]) -> list[int]:
    return [2 * n for n in batch]


def about_here(_: int) -> tuple[int, str | None, str | None]:
    time.sleep(0.05)  # long enough for the other processes to take a batch
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), os.environ.get("POLARS_MAX_THREADS")


def slower_first(n: int) -> int:
    time.sleep(0.2 if n == 0 else 0)
    return n


def refused_at_two(n: int) -> int:
    if n == 2:
        raise TeacherError("teacher_failed", "two is refused")  # takes two arguments: cannot travel
    return n


def wrong_at_two(n: int) -> int:
    return 1 // (2 - n)


def dies_at_two(n: int) -> int:
    if n == 2:
        os._exit(3)
    return n


def same(batch: bytes) -> bytes:
    return batch


def large(n: int) -> bytes:
    return bytes(3_000_000 + n)


def pid_written(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)


def sees_interrupts(_: int) -> tuple[int, bool]:
    time.sleep(0.05)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return os.getpid(), signal.SIGINT not in blocked


if __name__ == "__main__":
    if sys.argv[1:]:
        list(in_processes(pid_written, [sys.argv[1]] * 4, 2))
    else:
        sys.stdout.writelines(
            f"{found}\n" for found in sorted(in_processes(sees_interrupts, range(20), 3))
        )
