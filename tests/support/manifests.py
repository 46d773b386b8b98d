"""A finished folder whose files were changed on purpose, and whose manifest says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest, write_manifest


def reseal(folder: Path, **changes: Any) -> None:
    """Give the manifest the hashes that the files have now: only their content is at fault then."""
    old = read_manifest(folder)
    files = {n: sha256_file(folder / n) for n in old.files if (folder / n).is_file()}
    write_manifest(folder, old.model_copy(update={"files": files, **changes}))
