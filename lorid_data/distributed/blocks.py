"""The stages' work as blocks of a datatrove pipeline: read batches, work on them, write the results.

What passes from block to block is one batch or one result at a time, not datatrove's `Document`:
most work is on many rows at once, and a row has more than a text. The blocks hold one text, where
the job lies: that is all that an executor sends to another machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from lorid_data.distributed.jobs import Job
from lorid_data.distributed.works import work_of
from lorid_data.errors import StageError
from lorid_data.texts.secrets import without_secrets

try:
    from datatrove.pipeline.base import PipelineStep
except (
    ImportError
):  # without the extra `distributed`; `executors.require` says so before a block is made
    PipelineStep = object


class ReadBatches(PipelineStep):  # type: ignore[misc]
    """The batches of a job that belong to a task."""

    type = "Reader"
    name = "lorid batches"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002  (datatrove's)
        """Give the batches of task `rank`."""
        assert data is None, "the first block reads nothing"
        with _without_secrets():
            for batch in Job(self.url).batches(rank):
                self.stat_update("batches")
                yield batch


class DoWork(PipelineStep):  # type: ignore[misc]
    """The job's work on each batch."""

    type = "Work"
    name = "lorid work"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002  (datatrove's)
        """Give the result of each batch."""
        with _without_secrets():
            job = Job(self.url)
            work = partial(work_of(str(job.head()["work"])), *job.bound())
            for batch in data:
                with self.track_time("batch"):
                    result = work(batch)
                yield result


class WriteResults(PipelineStep):  # type: ignore[misc]
    """The results of a task, written whole when all are there."""

    type = "Writer"
    name = "lorid results"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002  (datatrove's)
        """Write them; gives nothing on."""
        with _without_secrets():
            Job(self.url).keep(rank, data)
        self.stat_update("tasks")
        yield from ()


@contextmanager
def _without_secrets() -> Iterator[None]:
    """An error that repeats a secret of the environment is said without it: datatrove logs what it sees."""
    try:
        yield
    except Exception as e:
        said = str(e)
        if without_secrets(said) != said:
            raise StageError(f"{type(e).__name__}: {without_secrets(said)}") from None
        raise


def pipeline(url: str) -> list[PipelineStep]:
    """The blocks of a job, in order, for any of datatrove's executors."""
    return [ReadBatches(url), DoWork(url), WriteResults(url)]
