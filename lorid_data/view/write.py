"""From a folder to its page."""

from __future__ import annotations

from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.folders.files import write_text
from lorid_data.view.page import render
from lorid_data.view.rows import Folder, read_folder

MOST_ROWS = 2_000


def view(folder: Path, out: Path, *, most: int = MOST_ROWS, seed: int = 0) -> Folder:
    """Write the page of a finished dataset folder at `out`; what it shows.

    Args:
        folder: the dataset folder.
        out: the HTML file, overwritten.
        most: most rows on the page; of more, a sample.
        seed: which ones.

    Raises:
        ConfigError: no finished dataset folder, or `out` cannot be a file.
    """
    if out.is_dir() or not out.parent.is_dir():
        what = "is a folder" if out.is_dir() else "lies in no folder that exists"
        msg = f"--out {str(out)!r}: {what}; name an HTML file"
        raise ConfigError(msg)
    found = read_folder(folder, most=most, seed=seed)
    write_text(out, render(found, folder.resolve().name))
    return found
