"""What a command's failure says, and the exit status it gives."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import sys
from collections.abc import Iterator

from lorid_data.errors import LoridError
from lorid_data.texts.visible import spelled_out

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_OF_SQLITE = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_TRUNCATE"})  # fmt: skip
_REFUSED = {
    errno.EROFS: "the disk is read-only; choose another place to write to, or make it writable",
    errno.EACCES: "Permission denied; choose another place, or change who may read and write this one",
    errno.EPERM: "Operation not permitted; choose another place, or change who may read and write this one",
    errno.ENOTDIR: "Not a directory, and it or what is above it should be one; choose another place",
    errno.EISDIR: "Is a directory, and a file should be there; choose another place",
    errno.ENAMETOOLONG: "File name too long; choose a shorter one",
}
"""What the system refuses whatever is tried again, and what to do."""
_OF_RUST = ("polars", "safetensors", "tokenizers")
_OS_ERROR = re.compile(r"\(os error (\d{1,3})\)")
_FULL_TEXT = ("no space left on device", "database or disk is full", "file too large", "disk quota")


def status_of(error: BaseException) -> int:
    """Say an expected error in one message; raise an unexpected one again."""
    leaves = list(_chain(error))
    for leaf in leaves:
        if disk_is_full(leaf):
            where = getattr(leaf, "filename", None)
            at = f" ({where})" if where else ""
            return complain(
                f"the disk is full{at}: {leaf}; what was saved stays: make room and run the same command again",
                EXIT_FAILED,
            )
    for leaf in leaves:
        if isinstance(leaf, LoridError):
            return complain(str(leaf), leaf.exit_status)
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        return complain("interrupted; run the same command again to go on", EXIT_INTERRUPTED)
    for leaf in leaves:
        if isinstance(leaf, sqlite3.Error):
            return complain(
                f"the journal cannot be read or written: {leaf}; what was saved stays",
                EXIT_FAILED,
            )
        if (said := _refused(leaf)) is not None:
            return complain(said, EXIT_FAILED)
    raise error


def _refused(error: BaseException) -> str | None:
    """What the system said where it refused a file; None for another error."""
    if isinstance(error, OSError):
        if error.filename is not None and error.errno in _REFUSED:
            return f"{_path(error.filename)}: {_REFUSED[error.errno]}"
        return f"{type(error).__name__}: {error}"
    number = _errno_said(error)
    return None if number is None else f"{error}: {_REFUSED.get(number, os.strerror(number))}"


def _path(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else str(name)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, the members of its groups, and what caused them."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _chain(member)
        error = error.__cause__


def disk_is_full(error: BaseException) -> bool:
    """Whether an error says that there is no room (or that a quota or size limit is reached)."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    # SQLite has one message for all that goes wrong with a file, and a code that tells which.
    if getattr(error, "sqlite_errorname", "") in _FULL_OF_SQLITE:
        return True
    writes = isinstance(error, (OSError, sqlite3.Error)) or _is_of_rust(error)
    return writes and (
        _errno_said(error) in _FULL or any(text in str(error).lower() for text in _FULL_TEXT)
    )


def _is_of_rust(error: BaseException) -> bool:
    """Whether a library raised it that opens files by itself, and raises no OSError where it cannot."""
    return type(error).__module__.partition(".")[0] in _OF_RUST


def _errno_said(error: BaseException) -> int | None:
    """The system's error number in the text of an error of such a library."""
    found = _OS_ERROR.search(str(error)) if _is_of_rust(error) else None
    return int(found[1]) if found is not None else None


def complain(message: str, status: int) -> int:
    """Say an error on stderr; the exit status is given back."""
    message = spelled_out(message)
    print(f"error: {message}" if "\n" not in message else f"error:\n{message}", file=sys.stderr)  # noqa: T201
    return status
