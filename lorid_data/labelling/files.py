"""`labels.parquet` and `labels.json`: written whole after every key press."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from pathlib import Path

from lorid_data.folders.files import write_text
from lorid_data.folders.parquet import write_rows
from lorid_data.labelling.types import Label, Summary

LABELS, SUMMARY = "labels.parquet", "labels.json"
_LOCK = ".labels.lock"


def write_files(folder: Path, labels: Sequence[Label], summary: Summary) -> None:
    """Write both files, atomically; servers of two annotators take turns.

    Raises:
        OSError: a file cannot be written.
    """
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_rows(folder / LABELS, Label, labels)
        write_text(folder / SUMMARY, summary.to_json())
