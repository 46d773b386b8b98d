"""`labels.parquet` and `labels.json`: written whole after every key press."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from pathlib import Path

from lorid_data.folders.files import open_lock, sha256_file, write_text
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.seals import sealed
from lorid_data.labelling.types import Label, Summary

LABELS, SUMMARY = "labels.parquet", "labels.json"
_LOCK = ".labels.lock"


def write_files(folder: Path, labels: Sequence[Label], summary: Summary) -> None:
    """Write both files, atomically; servers of two annotators take turns.

    Raises:
        OSError: a file cannot be written.
    """
    with open_lock(folder / _LOCK) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_rows(folder / LABELS, Label, labels)
        body = summary.model_dump(mode="json", by_alias=True)
        body["labels_sha256"] = sha256_file(folder / LABELS)
        write_text(folder / SUMMARY, json.dumps(sealed(body), indent=1, ensure_ascii=False) + "\n")
