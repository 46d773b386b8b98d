"""How long an evaluation drew. A clock is in no manifest and no metric, so it has a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

from lorid_data.folders.files import write_text
from lorid_data.texts import strict_json

FILE = ".time.json"
"""Hidden: it is no part of what an evaluation is, and differs each time."""


def add(folder: Path, seconds: float) -> None:
    """Add the seconds that a stretch of drawing took to those before an interruption.

    Raises:
        OSError: the file cannot be written.
    """
    body = {"draw_s": round((read(folder) or 0.0) + seconds, 3)}
    write_text(folder / FILE, json.dumps(body) + "\n")


def read(folder: Path) -> float | None:
    """The seconds that an evaluation folder was drawn in; None where nobody noted them."""
    try:
        found = strict_json.parse((folder / FILE).read_text(encoding="utf-8"))["draw_s"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    is_time = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e12
    return float(found) if is_time else None
