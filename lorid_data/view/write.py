"""From a folder to its page."""

from __future__ import annotations

from pathlib import Path

from lorid_data.folders.files import write_text
from lorid_data.folders.outputs import PAGE, check_output
from lorid_data.view.page import render
from lorid_data.view.rows import Folder, read_folder

MOST_ROWS = 2_000


def view(folder: Path, out: Path, *, most: int = MOST_ROWS, seed: int = 0) -> Folder:
    """Write the page of a finished dataset folder at `out`; what it shows.

    Args:
        folder: the dataset folder.
        out: the HTML file; an older page there is written over.
        most: most rows on the page; of more, a sample.
        seed: which ones.

    Raises:
        ConfigError: no finished dataset folder, or `out` is no place for a page.
    """
    check_output(out, PAGE, "an HTML file")
    found = read_folder(folder, most=most, seed=seed)
    write_text(out, render(found, folder.resolve().name))
    return found
