"""Who does the tasks of a job: datatrove's Local, Ray or Slurm executor, by the name that `--executor` takes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal

from lorid_data.errors import ConfigError

QUIET = {"LOGURU_DIAGNOSE": "NO", "RAY_USAGE_STATS_ENABLED": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""The environment of every task: a log must not print the values of variables, which may be
credentials, beside a traceback; and nobody is told of the run."""
_FORMS = "local:N, ray:local, ray:auto, ray:HOST:PORT or slurm:PARTITION"


@dataclass(frozen=True, slots=True)
class Executor:
    """Where tasks run.

    Attributes:
        kind: which of datatrove's executors.
        where: processes (local), address (ray) or partition (slurm).
        task_batches: batches of 512 rows that a task does.
        task_memory_gb: memory that Ray and Slurm keep for a task.
        task_time: longest time of a task, as Slurm writes it.
    """

    kind: Literal["local", "ray", "slurm"]
    where: str
    task_batches: int = 32
    task_memory_gb: int = 4
    task_time: str = "04:00:00"


def parse(text: str, **options: Any) -> Executor:
    """The executor of `local:N`, `ray:ADDRESS` or `slurm:PARTITION`.

    Sets `QUIET` in the environment of this process, and so of those that it begins: loguru reads it
    when it is imported, which the modules with datatrove's classes do.

    Raises:
        ConfigError: it is none of these, or its packages are not installed.
    """
    kind, _, where = text.partition(":")
    is_known = {
        "local": re.fullmatch(r"[1-9][0-9]{0,4}", where),
        "ray": re.fullmatch(r"local|auto|(ray://)?[A-Za-z0-9.\[\]:_-]+:[0-9]+", where),
        "slurm": re.fullmatch(r"[A-Za-z0-9._-]+", where),
    }.get(kind)
    if not is_known:
        raise ConfigError(f"--executor {text!r}: must be {_FORMS}")
    for package in ["datatrove", *(["ray"] if kind == "ray" else [])]:
        require(package)
    os.environ.update(QUIET)
    return Executor(kind, where, **options)  # type: ignore[arg-type]


def require(package: str) -> None:
    """Raise a ConfigError that says how to get a package which is not there."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ConfigError(
            f"--executor needs {package}, which is not installed: `pip install lorid[distributed]`"
        )
