"""A job on disk: the batches of one stage, cut into tasks, and what the tasks made of them.

    JOB/job.json     the work, what is bound to it, and the sha256 of each task's batches
    JOB/in/00000     the batches of task 0            JOB/out/00000   its results
    JOB/datatrove/   datatrove's own: completions, logs, statistics

Any path that fsspec knows will do. A task whose batches and work are the same as in an earlier run
keeps its results; anything else is done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lorid_data.distributed.coding import decoded, encoded
from lorid_data.distributed.works import class_of, name_of
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.batches import BATCH
from lorid_data.texts import strict_json
from lorid_data.texts.secrets import holds_userinfo

JOB = "job.json"


def filesystem(url: str) -> tuple[Any, str]:
    """The filesystem of a path, and the path there. Credentials are the environment's.

    Raises:
        ConfigError: the path names a user or a password, or its filesystem is not installed.
    """
    from fsspec.core import url_to_fs

    if holds_userinfo(url) and not url.startswith("hf://"):  # there it is a revision
        scheme = url.partition("://")[0]
        raise ConfigError(
            f"{scheme}://…: a path holds no user and no password, it is stored and shown; put them into the environment"
        )
    try:
        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as e:
        raise ConfigError(
            f"{url}: {e}; `pip install lorid[distributed]` brings s3://, hf:// is always there"
        ) from e
    return fs, str(path)


@dataclass(frozen=True, slots=True)
class Job:
    """Where a job lies. All that travels to a task is this one text."""

    url: str

    @property
    def logging(self) -> str:
        """Where datatrove keeps what is its own."""
        return f"{self.url}/datatrove"

    def prepare(
        self, work: str, bound: list[Any], batches: Iterable[Any], *, at_once: int, code: str
    ) -> int:
        """Write the batches of each task; the number of tasks.

        Args:
            work: the name of the function.
            bound: what is bound to it.
            batches: all of them, in order.
            at_once: batches of 512 rows of a task; a larger batch counts for more.
            code: the version of the code that will do it.
        """
        fs, root = filesystem(self.url)
        old = self._read(fs, root)
        head = {"work": work, "code": code, "bound": _sha256([bound])}
        hashes: list[str] = []
        is_old = old is not None and {k: old.get(k) for k in head} == head
        if not is_old:
            self._forget(fs, root)
        fs.makedirs(f"{root}/in", exist_ok=True)
        fs.makedirs(f"{root}/out", exist_ok=True)
        _write(fs, f"{root}/bound", encoded([bound], name_of))
        for some in _grouped(batches, at_once):
            path, n = f"{root}/in/{len(hashes):05d}", len(hashes)
            pieces = list(encoded(some, name_of))
            hashes.append(hashlib.sha256(b"".join(pieces)).hexdigest())
            before = old["tasks"] if is_old and old is not None else []
            if is_old and (n >= len(before) or before[n] != hashes[n]):
                is_old = False
                self._forget(fs, root)
            if not (is_old and fs.exists(path)):
                _write(fs, path, pieces)
        if is_old and old is not None and len(old["tasks"]) != len(hashes):
            self._forget(fs, root)
        text = json.dumps({**head, "tasks": hashes}, indent=1).encode()
        _write(fs, f"{root}/{JOB}", [text])
        return len(hashes)

    def _read(self, fs: Any, root: str) -> dict[str, Any] | None:
        try:
            body = strict_json.parse(fs.cat_file(f"{root}/{JOB}"))
        except (OSError, ValueError):
            return None
        return body if isinstance(body, dict) and isinstance(body.get("tasks"), list) else None

    def _forget(self, fs: Any, root: str) -> None:
        """Nothing of an earlier run counts any more; the batches that are written already stay."""
        for path in (f"{root}/{JOB}", f"{root}/out", f"{root}/datatrove"):
            if fs.exists(path):
                fs.rm(path, recursive=True)
        fs.makedirs(f"{root}/out", exist_ok=True)

    def head(self) -> dict[str, Any]:
        """What `job.json` says.

        Raises:
            InputError: it is not there, or is none.
        """
        fs, root = filesystem(self.url)
        body = self._read(fs, root)
        if body is None:
            raise InputError(f"{self.url}: holds no job; it is written by `lorid-data run`")
        return body

    def bound(self) -> list[Any]:
        """What is bound to the work."""
        [found] = self._items("bound", str(self.head()["bound"]))
        return list(found)

    def batches(self, task: int) -> Iterator[Any]:
        """The batches of a task.

        Raises:
            InputError: they are not those that `job.json` names.
        """
        return self._items(f"in/{task:05d}", str(self.head()["tasks"][task]))

    def results(self, task: int) -> Iterator[Any]:
        """What a finished task made of its batches, in their order."""
        return self._items(f"out/{task:05d}", None)

    def _items(self, name: str, sha256: str | None) -> Iterator[Any]:
        fs, root = filesystem(self.url)
        where = f"{self.url}/{name}"
        try:
            if sha256 is not None:
                with fs.open(f"{root}/{name}", "rb") as f:
                    if hashlib.file_digest(f, "sha256").hexdigest() != sha256:
                        raise InputError(f"{where}: not what {JOB} says; run the command again")
            with fs.open(f"{root}/{name}", "rb") as f:
                yield from decoded(f, class_of, where)
        except FileNotFoundError as e:
            raise InputError(f"{where}: is gone; run the command again") from e

    def keep(self, task: int, results: Iterable[Any]) -> None:
        """Write the results of a task: all of them, or no file."""
        fs, root = filesystem(self.url)
        _write(fs, f"{root}/out/{task:05d}", encoded(results, name_of))

    def remove(self) -> None:
        """Delete the job: its stage is finished."""
        fs, root = filesystem(self.url)
        if fs.exists(root):
            fs.rm(root, recursive=True)


def _grouped(batches: Iterable[Any], at_once: int) -> Iterator[list[Any]]:
    """The batches of each task; there is at least one in each."""
    some: list[Any] = []
    weight = 0
    for batch in batches:
        some.append(batch)
        weight += max(1, getattr(batch, "num_rows", 0) // BATCH)
        if weight >= at_once:
            yield some
            some, weight = [], 0
    if some:
        yield some


def _sha256(items: Iterable[Any]) -> str:
    return hashlib.sha256(b"".join(encoded(items, name_of))).hexdigest()


def _write(fs: Any, path: str, pieces: Iterable[bytes]) -> None:
    """Write a file whole: on a disk under another name first, elsewhere by one upload that counts when it is done."""
    import secrets

    if fs.protocol in ("file", ("file", "local")):
        tmp = f"{path}.{secrets.token_hex(4)}.tmp"
        with fs.open(tmp, "wb") as f:
            f.writelines(pieces)
        fs.mv(tmp, path)
    else:
        # Closing sends what was written; an error in between must not close.
        data = b"".join(pieces)
        fs.pipe_file(path, data)
