"""Repositories of the fake Hub: commits, branches, tags, pull requests, and blobs on disk.

No HTTP here. A repository that stands for a local folder has one commit: the folder as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LFS_SUFFIXES = (".parquet", ".safetensors", ".bin", ".arrow")


@dataclass(frozen=True, slots=True)
class Blob:
    """A file's content: where it lies, and what the Hub says of it.

    Attributes:
        file: the bytes on disk.
        size: in bytes.
        oid: git's id: of the bytes, or of the pointer where they are in LFS.
        sha256: of the bytes, where they are in LFS.
    """

    file: Path
    size: int
    oid: str
    sha256: str | None = None

    @property
    def etag(self) -> str:
        """What the Hub names the content by."""
        return self.sha256 or self.oid


Tree = dict[str, Blob]


@dataclass(frozen=True, slots=True)
class Commit:
    """The files at one moment."""

    sha: str
    title: str
    parent: str | None
    tree: Mapping[str, Blob]


@dataclass(slots=True)
class PullRequest:
    """An open pull request; its head is the revision `refs/pr/NUMBER`."""

    number: int
    title: str


@dataclass(slots=True)
class Repo:
    """One repository.

    Attributes:
        id: `org/name`.
        kind: `dataset` or `model`.
        private: whether it is hidden without a token.
        heads: commit of each branch, and of each pull request (`refs/pr/1`).
        tags: commit of each tag.
    """

    id: str
    kind: str
    private: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pull_requests: list[PullRequest] = field(default_factory=list)

    def add(self, branch: str, title: str, tree: Mapping[str, Blob], parent: str | None) -> Commit:
        """Make a commit and move a branch to it."""
        names = "\n".join(f"{path} {b.etag}" for path, b in sorted(tree.items()))
        seed = f"{parent} {title} {len(self.commits)}\n{names}"
        commit = Commit(hashlib.sha1(seed.encode()).hexdigest(), title, parent, dict(tree))  # noqa: S324  (git's own)
        self.commits[commit.sha] = commit
        self.heads[branch] = commit.sha
        return commit

    def at(self, revision: str) -> Commit | None:
        """The commit that a branch, tag, pull request or full commit id names."""
        sha = self.heads.get(revision) or self.tags.get(revision) or revision
        return self.commits.get(sha)

    def history(self, revision: str) -> Iterator[Commit]:
        """A revision's commits, newest first."""
        commit = self.at(revision)
        while commit is not None:
            yield commit
            commit = self.commits.get(commit.parent or "")


def git_oid(data: bytes) -> str:
    """The id git gives to a file's bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324  (git's own)


def pointer(sha256: str, size: int) -> bytes:
    """What git stores of a file that is in LFS."""
    lines = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    return lines.encode()


def lfs_blob(file: Path, sha256: str) -> Blob:
    """A blob of LFS."""
    size = file.stat().st_size
    return Blob(file, size, git_oid(pointer(sha256, size)), sha256)


def folder_repo(repo_id: str, kind: str, folder: Path) -> Repo:
    """A repository whose only commit is a folder as it stands."""
    tree: Tree = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        tree[str(path.relative_to(folder))] = Blob(path, len(data), git_oid(data))
    repo = Repo(repo_id, kind)
    repo.add("main", "as it stands", tree, None)
    return repo


def listing(tree: Mapping[str, Blob], under: str, *, recursive: bool) -> list[dict[str, Any]]:
    """Files and folders below `under`, as the Hub lists them."""
    prefix = f"{under}/" if under else ""
    inside = sorted(f for f in tree if f.startswith(prefix))
    folders: dict[str, None] = {}
    for name in inside:
        parts = name[len(prefix) :].split("/")[:-1]
        for i in range(len(parts) if recursive else min(1, len(parts))):
            folders[prefix + "/".join(parts[: i + 1])] = None
    shown = [f for f in inside if recursive or "/" not in f[len(prefix) :]]
    return [
        *(
            {"type": "directory", "path": d, "size": 0, "oid": git_oid(d.encode())}
            for d in sorted(folders)
        ),
        *(entry(f, tree[f]) for f in shown),
    ]


def entry(path: str, blob: Blob) -> dict[str, Any]:
    """What the Hub says of one file."""
    body: dict[str, Any] = {"type": "file", "path": path, "size": blob.size, "oid": blob.oid}
    if blob.sha256:
        body["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": 135}
    return body
