"""Checkpoints that are whole or refused.

A kill can leave a half-written checkpoint, and a trainer that resumes without its optimiser goes
on in silence with other results. So each checkpoint gets a list of its files, written last:
without the list it is thrown away, with a list that does not fit it is an error.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lorid_data.commandline.failures import disk_is_full
from lorid_data.errors import ConfigError, LoridError, StageError
from lorid_data.folders.files import sha256_file, write_text
from lorid_data.texts import strict_json

_LIST = "complete.json"


def seal(checkpoint: Path) -> None:
    """Write the list of a checkpoint's files. Called when all of them are there.

    The pickled arguments of the trainer are left out: nothing reads them, and whoever loads a
    pickle runs what is in it.
    """
    (checkpoint / "training_args.bin").unlink(missing_ok=True)
    files = {
        str(p.relative_to(checkpoint)): sha256_file(p)
        for p in sorted(checkpoint.rglob("*"))
        if p.is_file() and p.name != _LIST
    }
    write_text(checkpoint / _LIST, json.dumps(files, indent=1))


@contextmanager
def gone_if_refused(out: Path) -> Iterator[None]:
    """Remove a run folder that this command has made, where it then refuses the configuration.

    Some values only the loaded model and TRL's trainer can refuse. What would be left of the folder
    would stand in the way of the corrected command, as one that belongs to another configuration. A
    folder that holds a finished adapter stays.
    """
    is_new = not out.exists()
    try:
        yield
    except ConfigError:
        if is_new and not any(out.glob("adapters/*")):
            shutil.rmtree(out, ignore_errors=True)
        raise


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint below `folder`; unsealed ones are removed.

    The others are checked as well: the best one of a run is loaded at its end.

    Raises:
        StageError: a sealed checkpoint has lost a file, or a file has changed.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]))
    whole: Path | None = None
    for checkpoint in found:
        if not (checkpoint / _LIST).is_file():
            shutil.rmtree(checkpoint)
            continue
        _check(checkpoint)
        whole = checkpoint
    return whole


def _check(checkpoint: Path) -> None:
    for name, digest in _files_of(checkpoint).items():
        path = checkpoint / name
        what = "is missing" if not path.is_file() else None
        if what is None and sha256_file(path) != digest:
            what = "has changed or was cut short"
        if what:
            raise StageError(_refused(checkpoint, f"{name} {what}"))


def _files_of(checkpoint: Path) -> dict[str, str]:
    """The list of a checkpoint's files.

    Raises:
        StageError: it cannot be read.
    """
    try:
        body = strict_json.parse((checkpoint / _LIST).read_bytes())
        if not isinstance(body, dict) or not body:
            raise ValueError("no list of files")
    except (OSError, ValueError) as e:
        raise StageError(_refused(checkpoint, f"{_LIST} cannot be read ({e})")) from e
    return body


def _refused(checkpoint: Path, why: str) -> str:
    return (
        f"{checkpoint}: {why}; resuming from it would give another result. "
        f"Delete {checkpoint} to go on from the checkpoint before it"
    )


@contextmanager
def full_disk_said(folder: Path) -> Iterator[None]:
    """Turn what PyTorch and safetensors raise on a full disk into an error that says so.

    They raise their own types, often without the operating system's reason; so the free space is
    looked at as well.

    Raises:
        StageError: the disk is full.
    """
    try:
        yield
    except Exception as e:
        if isinstance(e, LoridError) or not (disk_is_full(e) or _is_full(folder)):
            raise
        msg = f"{folder}: the disk is full; make room and run the same command again: it goes on from its last checkpoint"
        raise StageError(msg) from e


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < 1 << 20
