"""The rows of a folder that go onto its page: kept and rejected, all or a seeded sample."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.flags import Flag, flags_of, iter_audit_flags
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST, RECORDS, REJECTS
from lorid_data.folders.picked import n_rows, pick_places, pick_rows, tables
from lorid_data.folders.verified import verify_file
from lorid_data.sampling import Draw
from lorid_data.schema import Manifest, Record, Reject


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the page."""

    row_id: str
    record: Record | None
    """None where a rejected row's texts are not at hand."""
    reject: Reject | None
    """None where the row was kept."""
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Folder:
    """What the page shows of a folder."""

    manifest: Manifest
    rows: tuple[Shown, ...]
    n_kept: int
    n_rejected: int
    """Rows of the folder, not of the page."""
    n_kept_shown: int
    n_rejected_shown: int
    seed: int
    flags: dict[str, int]
    """Kept rows of the whole folder by flag."""
    audited: bool
    parent: Path | None
    """The folder that the rejected rows' texts come from."""

    @property
    def is_sample(self) -> bool:
        """Whether rows of the folder are missing on the page."""
        return len(self.rows) < self.n_kept + self.n_rejected


def read_folder(folder: Path, *, most: int, seed: int) -> Folder:
    """The rows to show: rejected ones first where not all fit, up to half of the page.

    Args:
        folder: a finished dataset folder.
        most: most rows on the page.
        seed: which ones, where there are more.

    Raises:
        InputError: no finished dataset folder, or a file that cannot be read.
    """
    manifest = read_manifest(folder)
    n_kept = n_rows(folder / RECORDS)
    has_rejects = (folder / REJECTS).is_file()
    n_rejected = n_rows(folder / REJECTS) if has_rejects else 0
    n_rejects = min(n_rejected, max(most // 2, most - n_kept))
    places = _drawn(map(str, range(n_rejected)), n_rejects, seed)
    rejects_shown = (
        pick_places(folder / REJECTS, Reject, [int(p) for p in places]) if has_rejects else []
    )
    counts: Counter[str] = Counter()
    chosen = _drawn(_kept_ids(folder, counts), most - n_rejects, seed)
    records = pick_rows(folder / RECORDS, Record, chosen)
    audited = _audited(folder, set(chosen), counts)
    parent = _parent(folder, manifest) if rejects_shown else None
    texts = _texts(parent, {r.row_id for r in rejects_shown})
    rows = [Shown(r.row_id, texts.get(r.row_id), r, ()) for r in rejects_shown]
    rows += [Shown(r.row_id, r, None, flags_of(r, audited)) for r in records]
    return Folder(
        manifest=manifest,
        rows=tuple(rows),
        n_kept=n_kept,
        n_rejected=n_rejected,
        n_kept_shown=len(records),
        n_rejected_shown=len(rejects_shown),
        seed=seed,
        flags=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        audited=audited is not None,
        parent=parent,
    )


def _drawn(ids: Iterable[str], n: int, seed: int) -> list[str]:
    draw = Draw(n, seed)
    for i in ids:
        draw.add(i)
    return draw.result()


def _kept_ids(folder: Path, counts: Counter[str]) -> Iterator[str]:
    """The id of each kept row; its flags are added to the counts."""
    for table in tables(folder / RECORDS, Record, ["row_id", "flags"]):
        for flags in table["flags"].to_pylist():
            counts.update(flags)
        yield from table["row_id"].to_pylist()


def _audited(
    folder: Path, chosen: Collection[str], counts: Counter[str]
) -> dict[str, tuple[Flag, ...]] | None:
    """What the audit found in the rows of the page; of all rows it is added to the counts."""
    rows = iter_audit_flags(folder, sha256_file(folder / RECORDS))
    if rows is None:
        return None
    audited = {}
    for row_id, flags in rows:
        counts.update({f.check for f in flags})
        if row_id in chosen:
            audited[row_id] = flags
    return audited


def _parent(folder: Path, manifest: Manifest) -> Path | None:
    """The folder beside this one that its stage read: a manifest names it by hash, not by path.

    Of several with that manifest it is the first whose records are what it says; else the first.
    """
    if manifest.parent_sha256 is None:
        return None
    beside = folder.resolve().parent
    wanted = manifest.parent_sha256
    same = [p.parent for p in sorted(beside.glob(f"*/{MANIFEST}")) if sha256_file(p) == wanted]
    for parent in same:
        with suppress(InputError):
            verify_file(parent / RECORDS)
            return parent
    return same[0] if same else None


def _texts(parent: Path | None, row_ids: set[str]) -> dict[str, Record]:
    if parent is None or not (parent / RECORDS).is_file():
        return {}
    return {r.row_id: r for r in pick_rows(parent / RECORDS, Record, row_ids)}


def identity_text(manifest: Manifest) -> str:
    """The configuration that decided the folder's rows."""
    return json.dumps(manifest.identity, indent=1, ensure_ascii=False, sort_keys=True)
