"""`in_processes`, done by an executor: batches to a job on disk, results back in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lorid_data.distributed.executors import Executor
from lorid_data.distributed.jobs import Job
from lorid_data.distributed.running import run_tasks
from lorid_data.distributed.works import described, is_listed
from lorid_data.workers.cores import usable_cores
from lorid_data.workers.pool import here


@dataclass(slots=True)
class Spread:
    """The work of one stage. Called as `workers.pool.Elsewhere` says.

    Attributes:
        executor: who does the tasks.
        url: the folder of the stage's jobs, on any path that fsspec knows.
        title: the stage, for people.
    """

    executor: Executor
    url: str
    title: str
    jobs: list[Job] = field(default_factory=list)

    def __call__(self, work: Callable[..., Any], batches: Iterable[Any]) -> Iterator[Any]:
        """The results of some work on each batch, in the order of the batches.

        Work that is not listed in `works` is done by processes of this machine.

        Raises:
            StageError: tasks failed; the others' results stay for the next run.
            TypeError: what listed work takes or gives is of a class that is not listed.
        """
        if not is_listed(work):
            yield from here(work, batches, usable_cores())
            return
        name, bound = described(work)
        job = Job(f"{self.url}/{len(self.jobs)}")
        self.jobs.append(job)
        n_tasks = job.prepare(
            name, bound, batches, at_once=self.executor.task_batches, code=_code()
        )
        if n_tasks:
            run_tasks(self.executor, job, n_tasks, self.title)
        for task in range(n_tasks):
            yield from job.results(task)

    def remove(self) -> None:
        """Delete the jobs: the stage is finished."""
        for job in self.jobs:
            job.remove()


def _code() -> str:
    """The version of the code whose results may be put together."""
    found = []
    for name in ("lorid", "polars", "pyarrow"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)
