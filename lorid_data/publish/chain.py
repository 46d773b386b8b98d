"""The folders that a dataset came through, oldest first, found by the hashes in their manifests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.verified import verify
from lorid_data.schema import Manifest

ROW_MAKERS = frozenset({"build", "import", "choose", "expand", "export-knowledge", "export-draws"})
"""Stages whose rows no earlier check has seen."""


@dataclass(frozen=True, slots=True)
class Link:
    """One folder of the chain."""

    folder: Path
    manifest: Manifest
    sha256: str
    """Of its manifest: what the next one names as its parent."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a dataset came through.

    Attributes:
        links: the folders, oldest first; the last one is published.
        missing: sha256 of the manifest before the oldest one, where that folder was not found.
    """

    links: tuple[Link, ...]
    missing: str | None

    @property
    def last(self) -> Link:
        """The folder that is published."""
        return self.links[-1]

    def find(self, stage: str) -> Link | None:
        """The last folder of a stage after the last one that made rows."""
        for link in reversed(self.links):
            if link.manifest.stage == stage:
                return link
            if link.manifest.stage in ROW_MAKERS:
                return None
        return None


def find_chain(folder: Path, parents: Sequence[Path] = ()) -> Chain:
    """The chain that ends in `folder`.

    A manifest names its parent by hash, not by path: it is looked for among `parents` and beside
    the folder. Of several folders with that manifest an intact one is taken.

    Raises:
        InputError: the folder is unfinished, is no dataset folder, or a file of it has changed
            since its manifest was written; a parent is there, and no copy of it is intact.
    """
    link = _link(folder)
    by_hash: dict[str, list[Path]] = {}
    for path in _candidates(folder, parents):
        by_hash.setdefault(sha256_file(path / MANIFEST), []).append(path)
    links = [link]
    while (wanted := links[0].manifest.parent_sha256) is not None:
        if wanted not in by_hash:
            return Chain(tuple(links), wanted)
        links.insert(0, _first_intact(by_hash[wanted]))
    return Chain(tuple(links), None)


def _first_intact(folders: Sequence[Path]) -> Link:
    """The first of several folders with one manifest whose files are what it says.

    Raises:
        InputError: none is; what is wrong with the first.
    """
    faults: list[InputError] = []
    for folder in folders:
        try:
            return _link(folder)
        except InputError as e:
            faults.append(e)
    raise faults[0]


def _link(folder: Path) -> Link:
    manifest = read_manifest(folder)
    if not (folder / RECORDS).is_file():
        msg = f"{folder}: holds no {RECORDS}; name a dataset folder"
        raise InputError(msg)
    verify(folder, manifest)
    return Link(folder, manifest, sha256_file(folder / MANIFEST))


def _candidates(folder: Path, parents: Sequence[Path]) -> Iterable[Path]:
    beside = folder.resolve().parent
    return [
        p
        for p in (*parents, *sorted(beside.iterdir()))
        # What a dry run wrote repeats the manifest of another folder.
        if (p / MANIFEST).is_file() and not (p / "publish.json").is_file()
    ]
