"""`merge SHARD … --out DIR`: the folders of `build … --shard I/N` → the folder that one build would have written.

The rows follow one another as they stand in the source, so the files are the same, byte for byte.
The shards' journals become one, with all attempts of all of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from lorid_data.asking.journal import JOURNAL
from lorid_data.asking.journal_file import connect, copy_attempts, prepare, recognise
from lorid_data.build.passing import Totals
from lorid_data.build.shard import Shard, shard_of
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.batches import BATCH, DatasetWriter, iter_batches
from lorid_data.folders.files import atomic_path
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import REJECTS
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.folders.verified import verify_file
from lorid_data.schema import Manifest, canonical_json


def merge(shards: Sequence[Path], out: Path) -> Manifest:
    """Make one folder of all shards of a build.

    Args:
        shards: their folders, in any order.
        out: the folder to write.

    Raises:
        ConfigError: a folder is no shard, or is one of another build; one is missing or named twice.
        InputError: a shard is not finished, or has changed since.
    """
    order = _ordered([(folder, read_manifest(folder)) for folder in shards])
    manifests = [m for _, m in order]
    first = manifests[0]
    identity = {k: v for k, v in first.identity.items() if k != "shard"}
    with open_stage(
        out,
        "build",
        identity=identity,
        settings=first.settings,
        same_settings=lambda a, b: a.get("limit") == b.get("limit"),
    ) as stage:
        if stage.done is not None:
            return stage.done
        folders = [f for f, _ in order]
        _merge_journals(folders, stage)
        return _merge_rows(folders, manifests, stage)


def _ordered(found: Sequence[tuple[Path, Manifest]]) -> list[tuple[Path, Manifest]]:
    """The folders, as they were named, in the order of their rows.

    Raises:
        ConfigError: with everything that is wrong.
    """
    if not found:
        raise ConfigError("name the folders of all shards")
    at: dict[Shard, tuple[Path, Manifest]] = {}
    problems = []
    named, first = found[0]
    for folder, manifest in found:
        shard = shard_of(manifest.identity.get("shard"))
        if manifest.stage != "build" or shard is None:
            problems.append(f"{folder}: is no shard; `lorid-data build … --shard I/N` makes one")
        elif shard in at:
            other, _ = at[shard]
            same = folder.resolve() == other.resolve()
            problems.append(f"{folder}: is named twice; name each shard once" if same else f"{folder}: is the shard {shard}, as {other} is; name one of them")  # fmt: skip
        elif _of_build(manifest) != _of_build(first):
            problems.append(f"{folder}: is of another build than {named}: its options or its source differ")  # fmt: skip
        else:
            at[shard] = (folder, manifest)
    if not problems:
        n = next(iter(at)).n
        missing = [str(s) for i in range(1, n + 1) if (s := Shard(i, n)) not in at]
        problems += [f"shards are missing: {', '.join(missing)}"] if missing else []
    if problems:
        raise ConfigError(*problems)
    return [at[s] for s in sorted(at, key=lambda s: s.i)]


def _of_build(manifest: Manifest) -> str:
    """What all shards of one build share."""
    identity = {k: v for k, v in manifest.identity.items() if k != "shard"}
    shard = shard_of(manifest.identity.get("shard"))
    limit = manifest.settings.get("limit")
    return canonical_json([identity, limit, shard.n if shard else None])


def _merge_rows(order: Sequence[Path], manifests: Sequence[Manifest], stage: Stage) -> Manifest:
    totals = Totals()
    with DatasetWriter(stage) as writer:
        for folder in order:
            for records in iter_batches(folder):
                writer.keep(records)
                totals.see(records)
            for table in _rejects(folder / REJECTS):
                writer.reject(table)
        n_available = manifests[0].figures.get("n_available")
        stage.figures = {"n_available": n_available, **totals.figures()}
        return writer.finish(n_in=sum(m.n_in for m in manifests))


def _rejects(path: Path) -> Iterator[Any]:
    """The rejects of a folder as Arrow tables, a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    verify_file(path)
    try:
        with pq.ParquetFile(path) as file:
            yield from (pa.Table.from_batches([b]) for b in file.iter_batches(BATCH))
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: not a readable file of rejects ({e})") from e


def _merge_journals(order: Sequence[Path], stage: Stage) -> None:
    """All attempts of the shards in one journal, where they have journals of their own."""
    journals = list(_journals(order))
    if not journals:
        return
    for name in (JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm"):
        (stage.out / name).unlink(missing_ok=True)
    with atomic_path(stage.out / JOURNAL) as tmp, closing(sqlite3.connect(tmp)) as connection:
        prepare(tmp, connection, "")
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, which is then named
        for path in journals:
            copy_attempts(path, connection)


def _journals(order: Sequence[Path]) -> Iterator[Path]:
    for folder in order:
        path = folder / JOURNAL
        if path.is_file():
            with connect(path) as reader:
                recognise(path, reader)
            yield path
