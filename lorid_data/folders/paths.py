"""Paths that are made of data: they stay below the folder that they are meant for."""

from __future__ import annotations

from pathlib import Path

from lorid_data.errors import InputError


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
