"""Single files: hashed, written whole or not at all, and a folder's lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lorid_data.errors import LockedError

LOCK = ".lock"
_TEMPORARY = re.compile(r"\..+\.tmp")


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
    tmp = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    os.close(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    try:
        yield tmp
        with tmp.open("rb") as f:
            os.fsync(f.fileno())
        tmp.replace(path)
    finally:
        tmp.unlink(missing_ok=True)


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
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(folder / LOCK, flags, 0o666), "r+b") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            msg = f"{folder}: another process is working here; wait for it, or stop it"
            raise LockedError(msg) from e
        yield
