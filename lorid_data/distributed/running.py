"""The tasks of a job, done: on this machine, on a Ray cluster, or by Slurm."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from typing import Any

from lorid_data.commandline.progress import Progress
from lorid_data.distributed import slurm
from lorid_data.distributed.executors import QUIET, Executor
from lorid_data.distributed.jobs import Job, filesystem
from lorid_data.errors import StageError
from lorid_data.texts.counting import count
from lorid_data.workers.pool import here


def run_tasks(executor: Executor, job: Job, n_tasks: int, title: str) -> None:
    """Have every task of a job done that is not done yet.

    Raises:
        StageError: tasks failed; the others' results stay.
    """
    done = {"local": _local, "ray": _ray, "slurm": _slurm}[executor.kind]
    with _counted(job, n_tasks, title):
        done(executor, job, n_tasks)
    if missing := unfinished(job, n_tasks):
        logs = f"{job.logging}/logs/task_{missing[0]:05d}.log"
        raise StageError(
            f"{title}: {count(len(missing), 'task')} of {n_tasks:,} did not end ({_some(missing)}); see {logs}; "
            "the same command does them again, and keeps the others"
        )


def unfinished(job: Job, n_tasks: int) -> list[int]:
    """The tasks that datatrove has not marked as complete."""
    fs, path = filesystem(f"{job.logging}/completions")
    fs.invalidate_cache()
    found = {str(p).rsplit("/", 1)[-1] for p in fs.find(path)} if fs.exists(path) else set()
    return [i for i in range(n_tasks) if f"{i:05d}" not in found]


def _some(tasks: list[int]) -> str:
    return ", ".join(map(str, tasks[:5])) + (", …" if len(tasks) > 5 else "")


@contextmanager
def _counted(job: Job, n_tasks: int, title: str) -> Iterator[None]:
    """Count the tasks that are done, on stderr, every few seconds."""
    import threading

    ended = threading.Event()
    before = n_tasks - len(unfinished(job, n_tasks))

    def look() -> None:
        seen = before
        is_last = False
        while not is_last:
            is_last = ended.wait(5)
            n = n_tasks - len(unfinished(job, n_tasks))
            progress.advance(n - seen)
            seen = n

    with Progress(f"{title} tasks", n_tasks, done=before) as progress:
        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


# --- this machine ---------------------------------------------------------------------------------


def _local(executor: Executor, job: Job, n_tasks: int) -> None:
    # datatrove's own pool waits for ever for a process that was killed; ours says so.
    todo = unfinished(job, n_tasks)
    for _ in here(partial(_one, job.url, n_tasks), todo, int(executor.where)):
        pass


def _one(url: str, n_tasks: int, task: int) -> None:
    """One task, in this process, by datatrove's executor for one machine."""
    from datatrove.executor import LocalPipelineExecutor

    from lorid_data.distributed.blocks import pipeline

    made = LocalPipelineExecutor(
        pipeline(url), tasks=n_tasks, workers=1, logging_dir=Job(url).logging
    )
    # Its `run` would fork a process for a queue of one, which outlives this one if it is killed and
    # holds its pipe open: nobody would notice. What an executor does for each task is this:
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123
        made._run_for_rank(task)


# --- Ray ------------------------------------------------------------------------------------------


def _ray(executor: Executor, job: Job, n_tasks: int) -> None:
    connect(executor.where)
    from datatrove.executor.ray import RayPipelineExecutor
    from loguru import logger

    from lorid_data.distributed.blocks import pipeline

    logger.remove()  # what a task says is in its log
    RayPipelineExecutor(
        pipeline(job.url),
        tasks=n_tasks,
        logging_dir=job.logging,
        mem_per_cpu_gb=executor.task_memory_gb,
    ).run()


def close() -> None:
    """Leave the cluster that `connect` joined, or end the one that it began."""
    if "ray" in sys.modules:
        import ray

        ray.shutdown()


def connect(address: str) -> None:
    """Join a Ray cluster, once, or (`local`) begin one on this machine that listens on 127.0.0.1 alone.

    Raises:
        StageError: there is none at the address.
    """
    from lorid_data.workers.cores import usable_cores

    if address == "local":
        # Ray takes the machine's outer address for 127.0.0.1 where it thinks that others may join,
        # and then listens on all of them; this is how it is told that none will.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    import ray

    if ray.is_initialized():
        return
    about: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": {"env_vars": QUIET},
    }
    if address == "local":
        about |= {
            "include_dashboard": False,
            "num_cpus": usable_cores(),
        }
    try:
        ray.init(address=address, **about)
    except (ConnectionError, ValueError, RuntimeError) as e:
        raise StageError(
            f"ray:{address}: no cluster there ({e}); begin one with `ray start --head`, or name ray:local"
        ) from e


# --- Slurm ----------------------------------------------------------------------------------------


def _slurm(executor: Executor, job: Job, n_tasks: int) -> None:
    ids = slurm.submit(executor, job, n_tasks)
    slurm.wait(ids, lambda: unfinished(job, n_tasks))
