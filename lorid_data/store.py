"""Folders: parquet in and out, atomic writes, OS locks, and the manifest that is written last.

A stage works inside `open_stage`; it alone knows how a folder is created, recognised, locked,
resumed and closed. Nothing here knows what a stage computes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import ValidationError

from lorid_data.errors import ConfigError, InputError, LockedError, StageError
from lorid_data.schema import Manifest, Record, Reject, Row, canonical_json, sha256_text

if TYPE_CHECKING:
    import polars as pl

MANIFEST = "manifest.json"
CONFIG = "config.yaml"
RECORDS = "records.parquet"
REJECTS = "rejects.parquet"
_LOCK = ".lock"
_R = TypeVar("_R", bound=Row)


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` when the block ends without an error.

    The bytes are on disk (fsync) before the name changes: after a kill there is the old file or
    the new one, never a part.
    """
    tmp = path.with_name(f".{path.name}.tmp")
    try:
        yield tmp
        with tmp.open("rb") as f:
            os.fsync(f.fileno())
        tmp.replace(path)
    finally:
        tmp.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8."""
    with atomic_path(path) as tmp:
        tmp.write_text(text, encoding="utf-8")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the OS lock of `folder`; the kernel drops it when the process ends, however it ends.

    Raises:
        LockedError: another process holds it.
    """
    with (folder / _LOCK).open("w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            msg = f"{folder}: another process is working here; wait for it, or stop it"
            raise LockedError(msg) from e
        yield


# --- rows ------------------------------------------------------------------------------------


def frame_schema(kind: type[Row]) -> dict[str, Any]:
    """The polars schema of a row type; struct for provenance, lists of strings for lists."""
    import polars as pl

    text, number, real = pl.String(), pl.Int64(), pl.Float64()
    by_annotation: dict[str, Any] = {
        "int": number,
        "int | None": number,
        "float": real,
        "float | None": real,
        "bool": pl.Boolean(),
        "tuple[str, ...]": pl.List(text),
    }

    def column(annotation: str) -> Any:
        if annotation == "Provenance":
            from lorid_data.schema import Provenance

            return pl.Struct(frame_schema(Provenance))
        return by_annotation.get(annotation, text)

    return {name: column(str(a)) for name, a in kind.__annotations__.items()}


def write_rows(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    """Write rows of one type as zstd parquet, atomically, in the type's column order."""
    import polars as pl

    schema = frame_schema(kind)
    dumped = [r.model_dump(mode="json") for r in rows]
    columns = {name: [d[name] for d in dumped] for name in schema}
    with atomic_path(path) as tmp:
        pl.DataFrame(columns, schema=schema).write_parquet(tmp, compression="zstd")


def read_frame(path: Path) -> pl.DataFrame:
    """A parquet file as a polars frame.

    Raises:
        InputError: it does not exist or is not parquet.
    """
    import polars as pl

    if not path.is_file():
        msg = f"{path}: no such file; name a folder that a stage of lorid-data has finished"
        raise InputError(msg)
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as e:
        msg = f"{path}: not a readable parquet file ({e})"
        raise InputError(msg) from e


def read_rows(path: Path, kind: type[_R], only: Collection[str] | None = None) -> list[_R]:
    """The rows of a parquet file, checked against the row type.

    Args:
        path: the file.
        kind: the type of its rows.
        only: read the rows with these row ids; all by default.

    Raises:
        InputError: the file cannot be read, or its columns are not those of `kind`.
    """
    frame = read_frame(path)
    missing = [name for name in kind.__annotations__ if name not in frame.columns]
    if missing:
        msg = f"{path}: missing columns {missing}; this is no file of {kind.__name__} rows"
        raise InputError(msg)
    if only is not None:
        import polars as pl

        frame = frame.filter(pl.col("row_id").is_in(list(only)))
    try:
        return [kind.model_validate(row) for row in frame.iter_rows(named=True)]
    except ValidationError as e:
        msg = f"{path}: {e.errors()[0]['loc']}: {e.errors()[0]['msg']}"
        raise InputError(msg) from e


def read_records(folder: Path) -> list[Record]:
    """The records of a finished dataset folder.

    Raises:
        InputError: the folder has no manifest (unfinished, or not a dataset folder), or an id
            stands twice in it.
    """
    read_manifest(folder)
    records = read_rows(folder / RECORDS, Record)
    refuse_duplicates(folder, [r.row_id for r in records])
    return records


def refuse_duplicates(folder: Path, row_ids: Sequence[str]) -> None:
    """Raise an `InputError` that names a row_id which stands twice."""
    if len(set(row_ids)) < len(row_ids):
        twice = next(i for i, n in Counter(row_ids).items() if n > 1)
        msg = (
            f"{folder / RECORDS}: row_id {twice!r} stands twice; rejects and joins name rows by it"
        )
        raise InputError(msg)


def iter_records(folder: Path, *, at_once: int = 512) -> Iterator[Record]:
    """The records of a finished dataset folder, a few at a time: memory does not grow with them.

    Raises:
        InputError: as `read_records`.
    """
    import pyarrow.parquet as pq

    read_manifest(folder)
    path = folder / RECORDS
    if not path.is_file():
        read_frame(path)  # says what is missing
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            for batch in file.iter_batches(batch_size=at_once):
                yield from (Record.model_validate(row) for row in batch.to_pylist())
    except (OSError, ValueError) as e:  # pyarrow's and pydantic's own errors are these
        msg = f"{path}: not a readable file of records ({e})"
        raise InputError(msg) from e


def _why_no_manifest(folder: Path) -> str:
    """What a folder without a manifest seems to be, and what to name instead."""
    if not folder.is_dir():
        return "no such folder" + "; `lorid-data import` makes one of a table" * folder.is_file()
    if (folder / CONFIG).exists():
        return "has no manifest: the command that makes it has not finished; run that again"
    inside = sorted(p.parent.name for p in folder.glob(f"*/{MANIFEST}"))
    more = f"; name one of those in it: {', '.join(inside)}" if inside else ""
    return f"has no manifest: no command has made it{more}"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished folder.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder}: {_why_no_manifest(folder)}")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as e:
        msg = f"{path}: not a manifest of this version ({e.error_count()} problems)"
        raise InputError(msg) from e


def manifest_sha256(folder: Path) -> str:
    """The hash by which later stages name this folder as their parent."""
    read_manifest(folder)
    return sha256_file(folder / MANIFEST)


def identity_sha256(stage: str, identity: Mapping[str, Any]) -> str:
    """The hash of what decides a stage's result."""
    return sha256_text(canonical_json({"stage": stage, "identity": identity}))


@dataclass(slots=True)
class Stage:
    """A folder being worked on. `done` holds the manifest when there is nothing left to do."""

    out: Path
    name: str
    identity: dict[str, Any]
    settings: dict[str, Any]
    parent_sha256: str | None
    done: Manifest | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ("datasets", "polars", "pydantic")
    """Distributions whose versions the manifest names."""

    def finish(self, *, n_in: int, n_kept: int, n_rejected: Mapping[str, int]) -> Manifest:
        """Check the balance, hash the files and write the manifest, last of all.

        Raises:
            StageError: kept + rejected does not equal in.
        """
        if n_kept + sum(n_rejected.values()) != n_in:
            msg = (
                f"{self.out}: {n_in} rows in, but {n_kept} kept + {sum(n_rejected.values())} "
                "rejected; rows were lost, which is a bug: please report it"
            )
            raise StageError(msg)
        manifest = Manifest(
            stage=self.name,
            identity=self.identity,
            identity_sha256=identity_sha256(self.name, self.identity),
            settings=self.settings,
            parent_sha256=self.parent_sha256,
            n_in=n_in,
            n_kept=n_kept,
            n_rejected=dict(sorted(n_rejected.items())),
            figures=self.figures,
            files=_hash_files(self.out),
            code_version=_version("lorid"),
            libraries={name: _version(name) for name in self.libraries},
        )
        write_text(self.out / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
        return manifest


@contextmanager
def open_stage(
    out: Path,
    name: str,
    *,
    identity: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    parent_sha256: str | None = None,
    same_settings: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None,
) -> Iterator[Stage]:
    """Create or resume the folder of a stage, locked until the block ends.

    A new folder gets its `config.yaml` first. A folder of the same configuration is resumed; a
    finished one is given back with `done` set, unless its settings differ (`same_settings`
    decides; by default they must be equal), in which case its manifest is removed and the
    stage goes on.

    Raises:
        ConfigError: the folder holds something else, or belongs to another configuration.
        LockedError: another process works in it.
    """
    stage = Stage(out, name, dict(identity), dict(settings or {}), parent_sha256)
    _refuse_foreign(stage)
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        manifest = out / MANIFEST
        same = same_settings or (lambda a, b: a == b)
        if manifest.is_file():
            old = read_manifest(out)
            if same(old.settings, stage.settings):
                stage.done = old
            else:
                manifest.unlink()
        if stage.done is None:
            body = {"stage": name, "identity": stage.identity, "settings": stage.settings}
            write_text(out / CONFIG, yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
        yield stage


def _refuse_foreign(stage: Stage) -> None:
    config = stage.out / CONFIG
    if stage.out.exists() and not stage.out.is_dir():
        msg = f"{stage.out}: exists and is no folder; choose another --out"
        raise ConfigError(msg)
    if config.is_file():
        body = yaml.safe_load(config.read_text(encoding="utf-8"))
        if not isinstance(body, dict) or "identity" not in body:
            msg = f"{config}: not written by this project; choose another --out"
            raise ConfigError(msg)
        old, new = body["identity"], stage.identity
        if body.get("stage") != stage.name:
            msg = f"{stage.out}: belongs to the stage {body.get('stage')!r}; choose another --out"
            raise ConfigError(msg)
        if canonical_json(old) != canonical_json(new):
            keys = sorted({*old, *new}, key=str)
            diff = [
                f"{k} was {old.get(k)!r}, is {new.get(k)!r}"
                for k in keys
                if old.get(k) != new.get(k)
            ]
            msg = (
                f"{stage.out}: belongs to another configuration ({'; '.join(diff)}); "
                "choose another --out, or delete the folder"
            )
            raise ConfigError(msg)
    elif stage.out.is_dir() and any(p.name != _LOCK for p in stage.out.iterdir()):
        msg = f"{stage.out}: not empty and not made by this project; choose another --out"
        raise ConfigError(msg)


def _hash_files(folder: Path) -> dict[str, str]:
    """sha256 of each file below `folder`, hidden ones, journals and checkpoints left out.

    So are the files of `audit`, `label` and `reparse`: they are added later, and name the records themselves.
    """
    skip = {MANIFEST}
    return {
        str(p.relative_to(folder)): sha256_file(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
        and p.name not in skip
        and not any(
            part.startswith((".", "checkpoint-", "journal.sqlite", "labels.", "audit.", "reparse"))
            for part in p.relative_to(folder).parts
        )
    }


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def write_dataset(
    stage: Stage, records: list[Record], rejects: list[Reject], *, n_in: int
) -> Manifest:
    """Close a dataset stage: both tables, then the manifest.

    Raises:
        StageError: kept + rejected is not `n_in`, the rows that the stage was given.
    """
    write_rows(stage.out / RECORDS, Record, records)
    write_rows(stage.out / REJECTS, Reject, rejects)
    by_reason: dict[str, int] = {}
    for r in rejects:
        by_reason[r.reason] = by_reason.get(r.reason, 0) + 1
    return stage.finish(n_in=n_in, n_kept=len(records), n_rejected=by_reason)
