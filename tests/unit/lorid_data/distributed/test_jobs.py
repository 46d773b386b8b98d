"""A job on disk: results are used again only for the same batches and the same work."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lorid_data.contamination import looked
from lorid_data.distributed.executors import parse
from lorid_data.distributed.jobs import JOB, Job, filesystem
from lorid_data.distributed.works import CLASSES, WORKS, class_of, described, work_of
from lorid_data.errors import ConfigError, InputError


def prepare(job: Job, batches: list[Any], *, at_once: int = 1, bound: str = "b") -> int:
    return job.prepare("w", [bound], batches, at_once=at_once, code="1")


def done(job: Job) -> set[str]:
    """Tasks that are marked as complete."""
    fs, path = filesystem(f"{job.logging}/completions")
    return {Path(p).name for p in fs.find(path)} if fs.exists(path) else set()


def finish(job: Job, task: int) -> None:
    job.keep(task, [[b] for b in job.batches(task)])
    fs, path = filesystem(f"{job.logging}/completions")
    fs.makedirs(path, exist_ok=True)
    fs.pipe_file(f"{path}/{task:05d}", b"")


@pytest.mark.parametrize("url", ["{tmp}/job", "memory://job-{tmp}"])
def test_the_same_batches_keep_their_results(tmp_path: Path, url: str) -> None:
    job = Job(url.format(tmp=tmp_path))
    assert prepare(job, ["x", "y", "z"], at_once=2) == 2
    assert list(job.batches(0)) == ["x", "y"]
    assert job.bound() == ["b"]
    finish(job, 1)
    assert prepare(job, ["x", "y", "z"], at_once=2) == 2
    assert done(job) == {"00001"}
    assert list(job.results(1)) == [["z"]]
    job.remove()
    assert not filesystem(job.url)[0].exists(filesystem(job.url)[1])


@pytest.mark.parametrize(
    ("batches", "bound"),
    [(["x", "Y"], "b"), (["x"], "b"), (["x", "y", "z"], "b"), (["x", "y"], "other")],
)
def test_anything_else_is_done_again(tmp_path: Path, batches: list[Any], bound: str) -> None:
    job = Job(str(tmp_path))
    prepare(job, ["x", "y"])
    finish(job, 0)
    finish(job, 1)
    assert prepare(job, batches, bound=bound) == len(batches)
    assert done(job) == set()
    assert [list(job.batches(i)) for i in range(len(batches))] == [[b] for b in batches]


def test_batches_that_were_changed_are_refused(tmp_path: Path) -> None:
    job = Job(str(tmp_path))
    prepare(job, ["x"])
    path = tmp_path / "in" / "00000"
    path.write_bytes(path.read_bytes().replace(b'"x"', b'"y"'))
    with pytest.raises(InputError, match=f"not what {JOB} says"):
        list(job.batches(0))
    with pytest.raises(InputError, match="holds no job"):
        Job(str(tmp_path / "none")).head()


def test_a_path_with_a_password_is_refused() -> None:
    with pytest.raises(ConfigError, match="put them into the environment") as refused:
        filesystem("s3://user:hunter22@host/bucket")
    assert "hunter22" not in str(refused.value)


def test_every_listed_name_is_there() -> None:
    for name in WORKS:
        assert described(partial(work_of(name), 1)) == (name, [1])
    assert all(isinstance(class_of(name), type) for name in CLASSES)
    with pytest.raises(TypeError, match="bound by place only"):
        described(partial(looked.look, tests=None))


@pytest.mark.parametrize(
    "text", ["", "local", "local:0", "local:x", "ray", "ray:", "slurm:", "slurm:a b", "dask:x", "ray:a;b"]
)  # fmt: skip
def test_an_executor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="must be local:N, ray:local"):
        parse(text)


def test_logs_do_not_print_the_values_of_variables() -> None:
    """loguru would, beside each traceback: a credential of a filesystem is such a value."""
    pytest.importorskip(
        "loguru", reason="datatrove is not installed: pip install lorid[distributed]"
    )
    code = (
        "from lorid_data.distributed.executors import parse; parse('local:1')\n"
        "from lorid_data.distributed import running\n"
        "import loguru._defaults, os\n"
        "print(loguru._defaults.LOGURU_DIAGNOSE, os.environ['RAY_USAGE_STATS_ENABLED'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "0"]
