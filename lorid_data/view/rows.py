"""The rows of a folder that go onto its page: kept and rejected, all or a seeded sample."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lorid_data.folders.files import sha256_file
from lorid_data.folders.flags import Flag, audit_flags, flags_of
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST, RECORDS, REJECTS
from lorid_data.folders.parquet import read_frame, read_rows
from lorid_data.sampling import ranked
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
    frame = read_frame(folder / RECORDS).select("row_id", "flags")
    audited = audit_flags(folder, sha256_file(folder / RECORDS))
    counts = Counter(name for names in frame["flags"].to_list() for name in names)
    for found in (audited or {}).values():
        counts.update({f.check for f in found})
    kept_ids = frame["row_id"].to_list()
    rejects = read_rows(folder / REJECTS, Reject) if (folder / REJECTS).is_file() else []
    n_rejects = min(len(rejects), max(most // 2, most - len(kept_ids)))
    places = ranked(map(str, range(len(rejects))), seed)[:n_rejects]
    rejects_shown = [rejects[i] for i in sorted(map(int, places))]
    chosen = _chosen(kept_ids, most - n_rejects, seed)
    records = read_rows(folder / RECORDS, Record, only=chosen)
    parent = _parent(folder, manifest) if rejects_shown else None
    texts = _texts(parent, {r.row_id for r in rejects_shown})
    rows = [Shown(r.row_id, texts.get(r.row_id), r, ()) for r in rejects_shown]
    rows += [Shown(r.row_id, r, None, flags_of(r, audited)) for r in records]
    return Folder(
        manifest=manifest,
        rows=tuple(rows),
        n_kept=len(kept_ids),
        n_rejected=len(rejects),
        n_kept_shown=len(records),
        n_rejected_shown=len(rejects_shown),
        seed=seed,
        flags=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        audited=audited is not None,
        parent=parent,
    )


def _chosen(ids: list[str], n: int, seed: int) -> set[str]:
    return set(ids) if len(ids) <= n else set(ranked(ids, seed)[:n])


def _parent(folder: Path, manifest: Manifest) -> Path | None:
    """The folder beside this one that its stage read: a manifest names it by hash, not by path."""
    if manifest.parent_sha256 is None:
        return None
    beside = folder.resolve().parent
    for path in sorted(beside.glob(f"*/{MANIFEST}")):
        if sha256_file(path) == manifest.parent_sha256:
            return path.parent
    return None


def _texts(parent: Path | None, row_ids: set[str]) -> dict[str, Record]:
    if parent is None or not (parent / RECORDS).is_file():
        return {}
    return {r.row_id: r for r in read_rows(parent / RECORDS, Record, only=row_ids)}


def identity_text(manifest: Manifest) -> str:
    """The configuration that decided the folder's rows."""
    return json.dumps(manifest.identity, indent=1, ensure_ascii=False, sort_keys=True)
