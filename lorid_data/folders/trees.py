"""The files below a folder that somebody names as a dataset: a bounded tree, and never a whole disk."""

from __future__ import annotations

import os
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.texts.counting import count

AT_MOST = 200_000
"""Files and folders, hidden ones among them: `datasets` goes through all of them a dozen times."""


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder, in order; links to folders are not followed.

    Raises:
        InputError: it is the root of the file system, or holds more than `AT_MOST` files and folders.
    """
    real = folder.resolve()
    if real == real.parent:
        raise InputError(f"{folder}: is the root of the file system; name the folder of a dataset")
    found: list[Path] = []
    n = 0
    for place, folders, names in os.walk(folder):
        n += len(folders) + len(names)
        if n > AT_MOST:
            raise InputError(f"{folder}: holds more than {count(AT_MOST, 'file')} and folders; name the folder of the dataset itself")  # fmt: skip
        found += [path for name in names if (path := Path(place, name)).is_file()]
    return sorted(found)
