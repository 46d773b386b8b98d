"""`lorid-data run CONFIG --executor …`: the stages of a configuration, their rows spread by an executor.

`out`, `from` and the folders of `decontaminate: {against: …}` may be URLs: such folders are read and
written in a folder of this machine that is gone at the end, and copied whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.progress import say
from lorid_data.distributed.executors import Executor
from lorid_data.distributed.jobs import filesystem
from lorid_data.distributed.places import (
    NotSentError,
    Sender,
    bring,
    check_writable,
    is_elsewhere,
    is_finished,
    is_on_the_hub,
)
from lorid_data.distributed.running import close
from lorid_data.distributed.spread import Spread
from lorid_data.errors import ConfigError
from lorid_data.folders.names import MANIFEST
from lorid_data.pipeline import read_config
from lorid_data.pipeline import run as run_stages
from lorid_data.schema import sha256_text
from lorid_data.workers.pool import elsewhere

if TYPE_CHECKING:
    from lorid_data.schema import Manifest

WORK = ".work"
_JOBS = "lorid-jobs-"
"""Begins the name of the folder that is deleted at the end: nothing else below `work` is touched."""


@dataclass(frozen=True, slots=True)
class _Where:
    """What the stages are to read and to write, once URLs are copies here."""

    out: Path
    url: str
    """Where the folders are in the end; `out` itself where that is a folder here."""
    sender: Sender

    @property
    def is_elsewhere(self) -> bool:
        return is_elsewhere(self.url)


def run(
    body: Mapping[str, Any], where: str, executor: Executor, *, work: str | None = None
) -> dict[str, Manifest]:
    """Run the stages of a configuration in their order; the manifest of each that was run, by name.

    Args:
        body: the configuration, as `pipeline.read_config` takes it.
        where: the file, for messages.
        executor: who does the work on rows.
        work: the folder of jobs, which all machines reach; `.work` below `out` by default. Not on the
            Hub, which keeps every file in its history.

    Raises:
        ConfigError: the configuration cannot work; nothing was written.
        NotSentError: a finished folder could not be sent; the message says where it is kept.
        LoridError: what a stage raised; the stages before it are done and stay.
    """
    out = body.get("out")
    if not isinstance(out, str):
        read_config(body, where)  # says what is missing
        raise ConfigError(f"{where}: 'out' must name the folder to write")
    read_config(body, where)
    url = out.rstrip("/") if is_elsewhere(out) else str(Path(out).resolve())
    above = work.rstrip("/") if work else f"{url}/{WORK}"
    jobs = (
        f"{above}/{_JOBS}{sha256_text(url)[:12]}"  # of this run's own: several may share a `work`
    )
    for place in (url, jobs):
        filesystem(place)
    if is_on_the_hub(jobs):
        raise ConfigError(
            f"{above}: what is on its way to the machines cannot be kept on the Hub, which would keep every file in "
            "its history; give --work a folder, or a URL such as s3://bucket/work, that all machines reach"
        )
    if is_elsewhere(out):
        check_writable(url)
    with _workplace() as tmp:
        local = tmp / Path(url).name if is_elsewhere(out) else Path(out)
        at = _Where(local, url, Sender())
        config = read_config(_copied({**body, "out": str(local)}, tmp / "read"), where)
        if at.is_elsewhere:
            local.mkdir()
            for name in config.sections:
                _resume(at, name)
        try:
            manifests = run_stages(config, around=_around(at, jobs, executor))
        finally:
            close()
    _tidy(jobs, above if work is None else None)
    return manifests


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder that is gone at the end, unless something in it could not be sent to where it belongs."""
    tmp = Path(mkdtemp(prefix="lorid-"))
    try:
        yield tmp
    except NotSentError as e:
        rmtree(tmp / "read", ignore_errors=True)
        raise NotSentError(f"{e}; what is finished is kept in {tmp}") from e
    except BaseException:
        rmtree(tmp)
        raise
    rmtree(tmp)


def _tidy(jobs: str, above: str | None) -> None:
    fs, root = filesystem(jobs)
    if fs.exists(root):
        fs.rm(root, recursive=True)
    if above is not None:
        with suppress(
            OSError
        ):  # another run's jobs are there; and a store has no folders to remove
            fs.rmdir(filesystem(above)[1])


def _copied(body: dict[str, Any], tmp: Path) -> dict[str, Any]:
    """The configuration with a folder here for each URL that it reads."""

    def here(path: Any, n: int) -> Any:
        if not isinstance(path, str) or not is_elsewhere(path):
            return path
        say(f"reading {path}")
        (tmp / str(n)).mkdir(parents=True, exist_ok=True)
        return str(bring(path.rstrip("/"), tmp / str(n) / path.rstrip("/").rpartition("/")[2]))

    if "from" in body:
        body["from"] = here(body["from"], 0)
    section = body.get("decontaminate")
    if isinstance(section, dict) and "against" in section:
        against = section["against"]
        several = [against] if isinstance(against, str) else list(against)
        found = [here(path, i) for i, path in enumerate(several, 1)]
        body["decontaminate"] = {**section, "against": found}
    return body


def _resume(at: _Where, name: str) -> None:
    """Bring a stage's folder here if an earlier run has finished it."""
    url = f"{at.url}/{name}"
    if is_finished(url):
        at.sender.has(bring(url, at.out / name), url)


def _around(at: _Where, jobs: str, executor: Executor) -> Callable[[str], Any]:
    """What stands around each stage: its work goes to the executor, its folder to where it belongs."""

    @contextmanager
    def around(name: str) -> Iterator[None]:
        spread = Spread(executor, f"{jobs}/{name}", name)
        try:
            with elsewhere(spread):
                yield
        finally:  # a gate that is not met has its page all the same
            if at.is_elsewhere:
                for folder in sorted(p.parent for p in at.out.glob(f"*/{MANIFEST}")):
                    at.sender.send(folder, f"{at.url}/{folder.name}")
        spread.remove()

    return around
