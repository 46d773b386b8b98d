"""Tasks as a Slurm job array: datatrove's executor, but for the pickle that its script would read.

datatrove writes itself as a pickle and has each task read that again. Here a task gets the place of
the job as text (`python -m lorid_data.distributed.task …`) and builds the same blocks from it; the
pickle is deleted as soon as it is written, and nothing reads one.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lorid_data.distributed.blocks import pipeline
from lorid_data.distributed.executors import QUIET, Executor
from lorid_data.distributed.jobs import Job, filesystem
from lorid_data.errors import ConfigError

try:
    from datatrove.executor.slurm import SlurmPipelineExecutor
except (
    ImportError
):  # without the extra `distributed`; `executors.require` says so before it is used
    SlurmPipelineExecutor = object

PICKLE = "executor.pik"
_EVERY_S = 15.0
"""Between two looks at what is done."""


class TasksWithoutPickle(SlurmPipelineExecutor):  # type: ignore[misc]
    """datatrove's executor whose script names the job, and whose array ids it remembers."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(pipeline(url), **options)
        self.url = url

    def get_launch_file_contents(self, sbatch_args: dict[str, Any], run_script: str) -> str:
        """The script; the command that would read a pickle becomes ours."""
        if "launch_pickled_pipeline" in run_script:
            begin = run_script.partition("launch_pickled_pipeline")[0]
            about = [self.url, str(self.tasks), self.partition, self.time]
            argv = [sys.executable, "-m", "lorid_data.distributed.task", *about]
            run_script = begin + shlex.join(argv)
        text: str = super().get_launch_file_contents(sbatch_args, run_script)
        return text


def executor_of(
    url: str, n_tasks: int, partition: str, task_time: str, **options: Any
) -> TasksWithoutPickle:
    """The executor of a job, the same when it is submitted and in each of its tasks."""
    return TasksWithoutPickle(
        url,
        tasks=n_tasks,
        time=task_time,
        partition=partition,
        qos="",
        job_name="lorid",
        logging_dir=Job(url).logging,
        env_command="\n".join(f"export {k}={v}" for k, v in QUIET.items()),
        requeue_signals=None,
        **options,
    )


def submit(executor: Executor, job: Job, n_tasks: int) -> list[str]:
    """Submit what is unfinished; the ids of the arrays, none where all is done.

    Raises:
        ConfigError: there is no sbatch here, or it refuses.
    """
    if shutil.which("sbatch") is None:
        raise ConfigError(
            "--executor slurm: no `sbatch` on the PATH; run this on a machine that submits to Slurm"
        )
    # Slurm writes its own logs to a disk, whatever the job lies on.
    logs = {"slurm_logs_folder": str(Path("slurm_logs").resolve())} if "://" in job.url else {}
    made = executor_of(
        job.url,
        n_tasks,
        executor.where,
        executor.task_time,
        mem_per_cpu_gb=executor.task_memory_gb,
        job_id_retriever=_id_of,
        **logs,
    )
    try:
        made.run()
    except subprocess.CalledProcessError as e:
        raise ConfigError(
            f"sbatch refused the job (status {e.returncode}); see what it says above"
        ) from e
    finally:
        fs, path = filesystem(f"{job.logging}/{PICKLE}")
        with suppress(FileNotFoundError):
            fs.rm_file(path)
    return [str(made.job_id)] if made.job_id not in (None, -1) else []


def _id_of(said: str) -> str:
    """The id in what sbatch says: `Submitted batch job 17`, or `17;cluster` with --parsable."""
    return said.split()[-1].partition(";")[0]


def wait(ids: list[str], unfinished: Callable[[], list[int]]) -> None:
    """Wait until every task is complete, or until Slurm knows of no array that could still do it."""
    while unfinished():
        is_running = any(_is_there(i) for i in ids)
        if not is_running and unfinished():
            return
        time.sleep(_EVERY_S)


def _is_there(array: str) -> bool:
    asked = subprocess.run(  # noqa: S603
        ["squeue", "--noheader", "--jobs", array],  # noqa: S607  (Slurm's own, wherever it is)
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.returncode == 0 and bool(asked.stdout.strip())
