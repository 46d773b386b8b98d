"""Paths that are made of data: they stay below the folder that they are meant for."""

from __future__ import annotations

from pathlib import Path

from lorid_data.errors import InputError


def is_special(path: Path) -> bool:
    """Whether a path is there and is neither a file nor a folder: a pipe, a device, a socket."""
    return path.exists() and not path.is_file() and not path.is_dir()


def no_file(path: Path) -> str:
    """What to say of a path that is no regular file: what it is instead.

    Args:
        path: of which `is_file` is false.
    """
    if path.is_dir():
        return "is a folder, where a file is expected"
    if is_special(path):
        return "is a pipe or a device, and a regular file is needed, which can be read more than once: write it to one first"  # fmt: skip
    return "no such file"


def below(root: Path, *parts: str) -> Path:
    """`root / parts…`, where symbolic links and `..` are followed before it is believed.

    Raises:
        InputError: the path leads out of `root`.
    """
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root.resolve()):
        msg = (
            f"{'/'.join(parts)!r} would lead out of {root}; a name of a file or folder is expected"
        )
        raise InputError(msg)
    return path
