"""Files of a finished folder are what its manifest says, or they are not read.

A file is hashed when it is first read; its size and times are then kept in `.verified.json`, so
that the next reader hashes it again only if they differ. A file that changed in the last seconds
is not kept: a change right after would leave its times as they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError
from lorid_data.folders.files import sha256_file, write_text
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.schema import Manifest

SEEN = ".verified.json"
_SETTLED_NS = 2 * 10**9


def verify_file(path: Path) -> None:
    """Check a file that the manifest beside it lists; any other file passes.

    Raises:
        InputError: it has changed since the manifest was written, or the manifest cannot be read.
    """
    if (path.parent / MANIFEST).is_file():
        manifest = read_manifest(path.parent)
        if path.name in manifest.files:
            verify(path.parent, manifest, [path.name])


def verify(folder: Path, manifest: Manifest, names: Iterable[str] | None = None) -> None:
    """Check files of a finished folder against its manifest.

    Args:
        folder: the folder.
        manifest: its manifest.
        names: which files, by their names in the manifest; all by default.

    Raises:
        InputError: files are missing or have changed; all of them.
    """
    seen = _read_seen(folder)
    known = len(seen)
    problems = []
    for name in manifest.files if names is None else names:
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif _sha256(path, name, seen) != manifest.files.get(name):
            problems.append(f"{name} has changed")
    if problems:
        msg = (
            f"{folder}: {', '.join(problems)} since the folder was finished; put back what it was, "
            f"or delete {folder / MANIFEST} and run the command that made it again"
        )
        raise InputError(msg)
    if len(seen) > known:
        with suppress(OSError):  # a folder that cannot be written to is hashed each time
            write_text(folder / SEEN, json.dumps(seen))


def _sha256(path: Path, name: str, seen: dict[str, Any]) -> str:
    about = path.stat()
    state = [about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino]
    kept = seen.get(name)
    if isinstance(kept, list) and len(kept) == 5 and kept[:4] == state:
        return str(kept[4])
    seen.pop(name, None)
    sha256 = sha256_file(path)
    if time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) > _SETTLED_NS:
        seen[name] = [*state, sha256]
    return sha256


def _read_seen(folder: Path) -> dict[str, Any]:
    try:
        body = json.loads((folder / SEEN).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
