"""The command `run`: every stage that a file names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.cli.ending import SHOWN, is_asked_wrongly
from lorid_data.cli.numbers import Positive
from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK
from lorid_data.commandline.options import read_yaml, secrets_in
from lorid_data.commandline.result import is_json, show
from lorid_data.commandline.workers import Workers, n_workers

if TYPE_CHECKING:
    from lorid_data.schema import Manifest


def run(
    config: Path,
    /,
    *,
    workers: Workers = None,
    executor: str | None = None,
    work: str | None = None,
    task_batches: Positive = 32,
    task_memory_gb: Positive = 4,
    task_time: str = "04:00:00",
) -> int:
    """Run every stage that a configuration names, in order.

    With --executor the rows go to the machines of a cluster, and `out`, `from` and what is
    decontaminated against may be URLs such as s3://bucket/folder. The folders are the same, byte
    for byte, wherever the work is done.

    Args:
        config: A YAML file, like those in configs/data.
        workers: Processes for the rows of stages that spread them; all cores that this program may
            use by default. The folders are the same whatever their number.
        executor: local:N (processes), ray:ADDRESS (local and auto are addresses too) or
            slurm:PARTITION; needs `pip install lorid[distributed]`.
        work: Folder or URL that all machines reach, for what is on its way; .work below `out` by
            default. Emptied when a stage is finished.
        task_batches: Batches of 512 rows that a task does: what is lost when its machine is.
        task_memory_gb: Memory that Ray and Slurm keep for a task, in GB.
        task_time: Longest time of a task, as Slurm writes it.
    """
    from lorid_data.errors import ConfigError
    from lorid_data.folders.manifests import n_failed

    body = read_yaml(config)
    secrets = secrets_in(body, str(config))
    if secrets:
        raise ConfigError(*secrets)
    if executor is not None and workers is not None:
        raise ConfigError("--workers and --executor both say who does the work; give one of them")
    options = {
        "task_batches": task_batches,
        "task_memory_gb": task_memory_gb,
        "task_time": task_time,
    }
    manifests = _run(body, str(config), workers, executor, work, options)
    if is_json():
        shown = {name: m.model_dump(mode="json", include=SHOWN) for name, m in manifests.items()}
        show("", shown)
    failed = any(n_failed(m) or not m.n_kept for m in manifests.values())
    is_wrong = "build" in manifests and is_asked_wrongly(manifests["build"])
    return EXIT_FAILED if is_wrong or failed else EXIT_OK


def _run(
    body: dict[str, Any],
    where: str,
    workers: int | None,
    executor: str | None,
    work: str | None,
    options: dict[str, Any],
) -> dict[str, Manifest]:
    if executor is not None:
        from lorid_data.distributed.executors import parse

        who = parse(executor, **options)  # before anything of datatrove is imported
        from lorid_data.distributed.run import run as run_elsewhere

        return run_elsewhere(body, where, who, work=work)
    from lorid_data import pipeline

    return pipeline.run(pipeline.read_config(body, where), n_workers=n_workers(workers))
