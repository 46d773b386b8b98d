"""A file that a person names to be written: looked at before the work, so that it costs nothing that was there."""

from __future__ import annotations

import os
from pathlib import Path

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.files import of_this_machine
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST

PAGE = b"<!doctypehtml"


def check_output(out: Path, begins: bytes, what: str) -> None:
    """Refuse a file that cannot be written, or must not be written over.

    Args:
        out: the file; it need not be there.
        begins: how such a file begins, in small letters without spaces: a file of that beginning
            is written over.
        what: what to name instead, such as "an HTML file".

    Raises:
        ConfigError: it is a folder, lies in none that exists, is no regular file (a device, a link),
            belongs to a finished dataset folder, or is something else than what is to be written.
    """
    why = _refusal(of_this_machine(out), begins)
    if why is not None:
        raise ConfigError(f"--out {str(out)!r}: {why}; name {what}")


def _refusal(out: Path, begins: bytes) -> str | None:
    if out.is_dir():
        return "is a folder"
    if not out.parent.is_dir():
        return "lies in no folder that exists"
    if not os.path.lexists(out):
        return None
    if out.is_symlink() or not out.is_file():
        return "is no regular file"
    if _belongs(out):
        return "is a file of the finished folder that it lies in"
    with out.open("rb") as f:
        found = b"".join(f.read(4 * len(begins)).lower().split())
    if out.stat().st_size and not found.startswith(begins):
        return "is there, and is something else, which would be lost"
    return None


def _belongs(out: Path) -> bool:
    try:
        manifest = read_manifest(out.parent)
    except InputError:
        return out.name == MANIFEST
    return out.name == MANIFEST or out.name in manifest.files
