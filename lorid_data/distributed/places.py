"""Dataset folders on any path that fsspec knows: brought here to be read, and sent there when finished.

A folder counts as there when its manifest is, which is sent last; what is brought is compared with
its manifest before anything reads it. A repository on the Hub gets each folder as one commit.
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
_PROBE = ".lorid-probe"


def is_elsewhere(path: str) -> bool:
    """Whether a path is a URL, such as `s3://bucket/folder`."""
    return "://" in path


def is_on_the_hub(url: str) -> bool:
    """Whether a path is one of the Hugging Face Hub, such as `hf://datasets/me/rows`."""
    return url.startswith("hf://")


def check_writable(url: str) -> None:
    """Find out whether folders can be sent to a place, before there is anything to send.

    Raises:
        ConfigError: there is no such repository on the Hub, or it may not be written to.
        StageError: the place cannot be reached, or refuses.
    """
    fs, root = filesystem(url)
    if is_on_the_hub(url):
        _check_repository(fs, root, url)
        return
    with _reaching(url):
        probe = f"{root}/{_PROBE}"
        fs.makedirs(root, exist_ok=True)
        fs.pipe_file(probe, b"is this place writable?")
        fs.rm_file(probe)


def _check_repository(fs: Any, root: str, url: str) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    with _reaching(url):
        try:
            where = fs.resolve_path(root)
        except (FileNotFoundError, ValueError, NotImplementedError) as e:
            raise ConfigError(
                f"{url}: no such repository or branch, or the token in HF_TOKEN may not see it; "
                "make it first (hf repos create OWNER/NAME --type dataset --private)"
            ) from e
        if not hasattr(where, "repo_id"):  # a bucket
            raise ConfigError(
                f"{url}: is a bucket; datasets are sent to hf://datasets/OWNER/NAME alone"
            )
        api = HfApi(endpoint=fs.endpoint, token=fs.token)
        try:
            api.auth_check(where.repo_id, repo_type=where.repo_type, write=True)
        except HfHubHTTPError as e:
            if e.response.status_code not in (401, 403, 404):
                raise
            raise ConfigError(
                f"{url}: the token in HF_TOKEN may not write to it; use one with write access"
            ) from e


def is_finished(url: str) -> bool:
    """Whether a finished dataset folder is there.

    Raises:
        StageError: the place cannot be reached.
    """
    fs, root = filesystem(url)
    with _reaching(url):
        fs.invalidate_cache()
        return _is_there(fs, f"{root}/{MANIFEST}")


def _is_there(fs: Any, path: str) -> bool:
    try:
        fs.info(path)
    except FileNotFoundError:  # `exists` says False of a place that cannot be reached, too
        return False
    return True


def bring(url: str, folder: Path) -> Path:
    """Copy a finished dataset folder here, whole or not at all, and compare it with its manifest.

    Raises:
        InputError: there is none at the path, or it is not what its manifest says.
        StageError: the place cannot be reached.
    """
    fs, root = filesystem(url)
    with _reaching(url):
        if not _is_there(fs, f"{root}/{MANIFEST}"):
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
            NotSentError: the place cannot be reached, or refuses.
        """
        fs, root = filesystem(url)
        new = []
        for name, path in sorted(_files(folder), key=lambda file: file[0] == MANIFEST):
            sha256 = sha256_file(path)
            if self._sent.get((url, name)) != sha256:
                new.append((name, path, sha256))
        with _reaching(url, NotSentError):
            if new and is_on_the_hub(url):
                _commit(fs, root, [(name, path) for name, path, _ in new])
            for name, path, sha256 in new:
                if not is_on_the_hub(url):
                    fs.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
                    fs.put_file(str(path), f"{root}/{name}")
                self._sent[url, name] = sha256


class NotSentError(StageError):
    """A finished folder could not be sent to where it belongs; it is here still."""


def _commit(fs: Any, root: str, files: list[tuple[str, Path]]) -> None:
    """Send a folder to a repository as one commit: fsspec would make one of each file."""
    from huggingface_hub import CommitOperationAdd, HfApi

    where = fs.resolve_path(root)
    within = f"{where.path_in_repo}/" if where.path_in_repo else ""
    HfApi(endpoint=fs.endpoint, token=fs.token).create_commit(
        where.repo_id,
        [CommitOperationAdd(f"{within}{name}", path) for name, path in files],
        commit_message=f"lorid-data run: {where.path_in_repo or 'a dataset folder'}",
        repo_type=where.repo_type,
        revision=where.revision,
    )
    fs.invalidate_cache()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and path.name not in _OURS and not name.parts[0].startswith("."):
            yield name.as_posix(), path


class _reaching:  # noqa: N801  (reads like the context manager that it is)
    """Say in one sentence that a place cannot be reached; what providers say may hold a key."""

    def __init__(self, url: str, kind: type[StageError] = StageError) -> None:
        self._url, self._kind = url, kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if not isinstance(error, Exception) or isinstance(error, ConfigError):
            return
        said = without_secrets(" ".join(str(error).split()) or type(error).__name__)
        raise self._kind(
            f"{self._url}: cannot be reached ({said}); check the path and the credentials in the environment, "
            "and run the same command again"
        ) from None
