"""Single files: hashed, written whole or not at all, and a folder's lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from lorid_data.errors import ConfigError, LockedError
from lorid_data.texts.pathnames import not_a_path

LOCK = ".lock"
_TEMPORARY = re.compile(r"\..+\.tmp")


def of_this_machine(path: Path) -> Path:
    """The path itself.

    Raises:
        ConfigError: it is an address such as `s3://bucket/folder`, begins with `~`, or holds what is not UTF-8.
    """
    if (said := not_a_path(path)) is not None:
        raise ConfigError(said)
    return path


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` when the block ends without an error.

    The bytes are on disk (fsync) before the name changes: after a kill there is the old file or
    the new one, never a part. The temporary file has a name of its own, and is made anew: what
    somebody left under that name, a symbolic link above all, is not written through.
    """
    tmp = of_this_machine(path).with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    os.close(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    try:
        yield tmp
        with tmp.open("rb") as f:
            os.fsync(f.fileno())
        tmp.replace(path)
    finally:
        tmp.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder beside `path` that becomes `path` when the block ends without an error.

    Its name nobody can foresee, it is made anew, and it is locked: several processes work beside
    one another, and what killed ones left under such names is removed by the next.

    Args:
        path: the folder; its parents are made.
        replace: whether it takes the place of a folder that is there.

    Raises:
        FileExistsError: `path` is there in the end, and is not to be replaced.
    """
    of_this_machine(path).parent.mkdir(parents=True, exist_ok=True)
    _remove_dead(path)
    with _made_beside(path) as tmp:
        yield tmp
        if replace and os.path.lexists(path):
            old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
            path.rename(old)
            tmp.rename(path)
            _remove(old)
            return
        try:
            tmp.rename(path)
        except OSError as e:
            if os.path.lexists(path):
                raise FileExistsError(e.errno, "exists by now", str(path)) from e
            raise


@contextmanager
def _made_beside(path: Path) -> Iterator[Path]:
    tmp = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    tmp.mkdir()
    fd = os.open(tmp, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield tmp
    finally:
        os.close(fd)
        _remove(tmp)


def _remove_dead(path: Path) -> None:
    """Remove folders that `atomic_folder` began for `path`, and whose process has ended."""
    name = re.compile(rf"\.{re.escape(path.name)}(?:\.[0-9a-f]{{8}})?\.tmp")
    for found in path.parent.iterdir():
        if not name.fullmatch(found.name) or found.is_symlink() or not found.is_dir():
            continue
        with suppress(OSError):  # locked: somebody works there
            fd = os.open(found, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(found)
            finally:
                os.close(fd)


def _remove(path: Path) -> None:
    """Remove a folder, or what stands in its place; a link, not what it leads to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def open_lock(path: Path) -> IO[bytes]:
    """Open a file to be locked, made if there is none; never through a symbolic link.

    Raises:
        OSError: it is a link, or cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "r+b")


def is_leftover(path: Path) -> bool:
    """Whether a file is one that a kill left in `atomic_path`, or a lock."""
    return path.name == LOCK or _TEMPORARY.fullmatch(path.name) is not None


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8."""
    with atomic_path(path) as tmp:
        tmp.write_text(text, encoding="utf-8")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the OS lock of `folder`; the kernel drops it when the process ends, however it ends.

    Raises:
        LockedError: another process holds it.
        OSError: the folder cannot be written to.
    """
    with open_lock(folder / LOCK) as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            msg = f"{folder}: another process is working here; wait for it, or stop it"
            raise LockedError(msg) from e
        yield
