"""The folder that is published: shards, manifests and configurations of every stage, facts.

Everything but the card, which is made of the facts. Rows pass one by one: memory does not grow
with their number.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError
from lorid_data.folders.batches import iter_tables, n_records
from lorid_data.folders.names import CONFIG, MANIFEST, RECORDS, REJECTS
from lorid_data.folders.paths import below
from lorid_data.folders.picked import tables
from lorid_data.hub.splits import split_fault
from lorid_data.publish.chain import Chain
from lorid_data.publish.rows import CONFIGS, arrow_schema, rows_of
from lorid_data.publish.shards import MAX_SHARD_BYTES, ShardWriter, SplitFacts
from lorid_data.publish.statistics import Counting, Statistics
from lorid_data.schema import FrozenModel, Reject

STAGES = "stages"
"""Top folder of the manifests and configurations of the stages before."""
FACTS = "publish.json"
AUDIT = "audit.json"
OWNED = (*CONFIGS, STAGES)
"""Top folders that belong to the publisher: what is in them and not in the folder is deleted."""
_UNNAMED = "unknown"
"""The split of rejected rows that name none."""


class Example(FrozenModel):
    """A rejected row, as a card shows it."""

    stage: str
    reason: str
    detail: str
    evidence: str


class Facts(FrozenModel):
    """What was written, and what a card needs beside the manifests."""

    schema_version: int = 1
    configs: dict[str, dict[str, SplitFacts]]
    statistics: Statistics
    examples: tuple[Example, ...]
    """Of rows rejected by stages that compare rows: a few of each reason."""


def stage_dataset(
    chain: Chain,
    out: Path,
    *,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    on_row: Callable[[], None] = lambda: None,
    with_audit: bool = True,
) -> Facts:
    """Write what is published of a chain into `out`, which must be empty; the audit if it is of these rows.

    Raises:
        InputError: a file lacks columns, ids repeat, or a split's name cannot be one of the Hub.
    """
    if not n_records(chain.last.folder):
        raise InputError(f"{chain.last.folder / RECORDS}: holds no rows; nothing to publish")
    writers: dict[tuple[str, str], ShardWriter] = {}
    counting = Counting()

    def write(config: str, split: str, row: dict[str, Any]) -> None:
        writer = writers.get((config, split))
        if writer is None:
            writer = ShardWriter(out / config, split, arrow_schema(config), max_shard_bytes)
            writers[config, split] = writer
        writer.add(row)

    for record in _records(chain.last.folder):
        split = _split(record["split"], chain.last.folder / RECORDS)
        for config, row in rows_of(record):
            write(config, split, row)
        counting.add(record)
        on_row()
    examples: dict[tuple[str, str], list[Example]] = {}
    for link in chain.links:
        path = link.folder / REJECTS
        for reject in _rejects(path) if path.is_file() else ():
            write("rejects", _split(reject["split"] or _UNNAMED, path), reject)
            some = examples.setdefault((reject["stage"], reject["reason"]), [])
            if len(some) < 2:
                some.append(Example(**{n: reject[n] for n in Example.model_fields}))
    facts = Facts(
        configs=_closed(writers),
        statistics=counting.result(),
        examples=tuple(e for some in examples.values() for e in some),
    )
    _copy_manifests(chain, out, with_audit=with_audit)
    (out / FACTS).write_text(facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return facts


def _closed(writers: dict[tuple[str, str], ShardWriter]) -> dict[str, dict[str, SplitFacts]]:
    closed = {key: w.close() for key, w in writers.items()}
    splits = list(dict.fromkeys(split for _, split in writers))
    return {
        c: {s: closed[c, s] for s in splits if (c, s) in closed}
        for c in CONFIGS
        if any(config == c for config, _ in closed)
    }


def _copy_manifests(chain: Chain, out: Path, *, with_audit: bool) -> None:
    """Manifest and configuration of each stage, and the audit of the rows that are published."""
    for i, link in enumerate(chain.links):
        is_last = link is chain.last
        target = out if is_last else below(out, STAGES, f"{i:02d}-{link.manifest.stage}")
        target.mkdir(parents=True, exist_ok=True)
        for name in (MANIFEST, CONFIG, *((AUDIT,) if is_last and with_audit else ())):
            if (link.folder / name).is_file():
                shutil.copyfile(link.folder / name, target / name)


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of the published folder, whose ids are unique: everything joins by them."""
    for table in iter_tables(folder):
        yield from table.to_pylist()


def _rejects(path: Path) -> Iterator[dict[str, Any]]:
    for table in tables(path, Reject):
        yield from table.to_pylist()


def _split(name: str, path: Path) -> str:
    fault = split_fault(name)
    if fault is not None:
        raise InputError(f"{path}: {fault}")
    return name
