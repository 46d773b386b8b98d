"""Dataset folders on any path that fsspec knows: brought here to be read, and sent there when finished.

A folder counts as there when its manifest is, which is sent last; what is brought is compared with
its manifest before anything reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from lorid_data.distributed.jobs import filesystem
from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.folders.files import LOCK, atomic_folder, sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.verified import SEEN, verify
from lorid_data.texts.secrets import without_secrets

_OURS = frozenset({LOCK, SEEN})


def is_elsewhere(path: str) -> bool:
    """Whether a path is a URL, such as `s3://bucket/folder`."""
    return "://" in path


def is_finished(url: str) -> bool:
    """Whether a finished dataset folder is there.

    Raises:
        StageError: the place cannot be reached.
    """
    fs, root = filesystem(url)
    with _reaching(url):
        return bool(fs.exists(f"{root}/{MANIFEST}"))


def bring(url: str, folder: Path) -> Path:
    """Copy a finished dataset folder here, whole or not at all, and compare it with its manifest.

    Raises:
        InputError: there is none at the path, or it is not what its manifest says.
        StageError: the place cannot be reached.
    """
    fs, root = filesystem(url)
    with _reaching(url):
        if not fs.exists(f"{root}/{MANIFEST}"):
            raise InputError(f"{url}: no finished dataset folder (it has no {MANIFEST})")
        names = sorted(_names(fs, root, url), key=lambda name: name == MANIFEST)
        with atomic_folder(folder) as tmp:
            for name in names:
                target = tmp / name
                target.parent.mkdir(parents=True, exist_ok=True)
                fs.get_file(f"{root}/{name}", str(target))
    verify(folder, read_manifest(folder))
    return folder


def _names(fs: Any, root: str, url: str) -> Iterator[str]:
    """The files of a folder there, by their path below it; the folders of jobs are no part of it."""
    for path in fs.find(root):
        name = str(path)[len(root.rstrip("/")) + 1 :]
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or "\\" in name or PurePosixPath(name).is_absolute():
            raise InputError(f"{url}: holds a file named {name!r}, which no dataset folder has")
        if not parts[0].startswith("."):
            yield name


class Sender:
    """Copies of local folders at another place; each file is sent once."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], str] = {}

    def has(self, folder: Path, url: str) -> None:
        """Note that a folder here is what is there."""
        for name, path in _files(folder):
            self._sent[url, name] = sha256_file(path)

    def send(self, folder: Path, url: str) -> None:
        """Send the files of a finished folder that are not there yet, the manifest last.

        Raises:
            StageError: the place cannot be reached, or refuses.
        """
        fs, root = filesystem(url)
        with _reaching(url):
            fs.makedirs(root, exist_ok=True)
            for name, path in sorted(_files(folder), key=lambda file: file[0] == MANIFEST):
                sha256 = sha256_file(path)
                if self._sent.get((url, name)) != sha256:
                    fs.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
                    fs.put_file(str(path), f"{root}/{name}")
                    self._sent[url, name] = sha256


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and path.name not in _OURS and not name.parts[0].startswith("."):
            yield name.as_posix(), path


class _reaching:  # noqa: N801  (reads like the context manager that it is)
    """Say in one sentence that a place cannot be reached; what providers say may hold a key."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if not isinstance(error, Exception) or isinstance(error, ConfigError):
            return
        said = without_secrets(" ".join(str(error).split()) or type(error).__name__)
        raise StageError(
            f"{self._url}: cannot be reached ({said}); check the path and the credentials in the environment, "
            "and run the same command again"
        ) from None
