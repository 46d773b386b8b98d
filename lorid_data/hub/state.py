"""What a repository of the Hub holds at one commit, and how a folder differs from it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lorid_data.errors import StageError
from lorid_data.folders.files import sha256_file
from lorid_data.hub.calls import Patience, calling, error_line
from lorid_data.hub.reach import require
from lorid_data.texts.counting import count

if TYPE_CHECKING:
    from huggingface_hub import HfApi


_MOST = 50
"""Lines that a difference has at most."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish.

    Attributes:
        repo_id: `owner/name`.
        kind: dataset or model.
        revision: the branch to commit to.
        private: whether the repository must be private.
        create_pr: whether to open a pull request instead of committing to the branch.
    """

    repo_id: str
    kind: Literal["dataset", "model"] = "dataset"
    revision: str = "main"
    private: bool = False
    create_pr: bool = False

    def __str__(self) -> str:
        return f"{'datasets/' if self.kind == 'dataset' else ''}{self.repo_id}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the Hub: its size, and its git id or, in LFS, its sha256."""

    size: int
    digest: str
    in_lfs: bool


@dataclass(frozen=True, slots=True)
class RemoteState:
    """A repository at one commit; `head` is None where there is no repository or branch yet.

    Attributes:
        exists: whether the repository is there.
        is_private: None where there is none.
        head: commit of the branch.
        files: by path.
        tags: commit of each tag.
    """

    exists: bool
    is_private: bool | None = None
    head: str | None = None
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diff:
    """How a folder differs from what the Hub has; paths, sorted.

    Attributes:
        kept: files of the Hub that are not the publisher's, and are left alone.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    same: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the Hub has the folder already."""
        return not (self.added or self.changed or self.deleted)


def read_state(api: HfApi, target: Target, patience: Patience) -> RemoteState:
    """What is on the Hub now.

    Raises:
        StageError: it cannot be reached, or refuses.
    """
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    repo, kind = target.repo_id, target.kind
    require(f"reading {target}", api.endpoint)
    try:
        info = calling(f"reading {target}", lambda: api.repo_info(repo, repo_type=kind), patience)
        refs = calling(
            f"reading {target}", lambda: api.list_repo_refs(repo, repo_type=kind), patience
        )
    except RepositoryNotFoundError:
        return RemoteState(exists=False)
    except HfHubHTTPError as e:
        raise StageError(f"{target}: the Hub refuses ({error_line(e)}); check the token") from e
    except OSError as e:  # the client was told to stay offline
        raise StageError(f"{target}: the Hub cannot be reached ({error_line(e)})") from e
    tags = {t.name: t.target_commit for t in refs.tags}
    # A pull request is compared with what it would be merged into.
    head = next((b.target_commit for b in refs.branches if b.name == target.revision), None)
    files = files_at(api, target, head, patience) if head else {}
    return RemoteState(
        exists=True, is_private=bool(info.private), head=head, files=files, tags=tags
    )


def files_at(
    api: HfApi, target: Target, revision: str, patience: Patience
) -> dict[str, RemoteFile]:
    """The files of a revision."""
    from huggingface_hub.hf_api import RepoFile

    def listed() -> list[RepoFile]:
        found = api.list_repo_tree(
            target.repo_id, recursive=True, revision=revision, repo_type=target.kind
        )
        return [f for f in found if isinstance(f, RepoFile)]

    return {
        f.path: RemoteFile(f.size, f.lfs.sha256, in_lfs=True)
        if f.lfs
        else RemoteFile(f.size, f.blob_id, in_lfs=False)
        for f in calling(f"listing {target}", listed, patience)
    }


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to publish. `sha256` and `git_oid` are what the Hub would name it by."""

    path: Path
    size: int
    sha256: str
    git_oid: str

    def equals(self, remote: RemoteFile) -> bool:
        """Whether the Hub has these bytes."""
        return remote.digest == (self.sha256 if remote.in_lfs else self.git_oid)


def local_files(folder: Path) -> dict[str, LocalFile]:
    """Every file below a folder, with its hashes, by its path on the Hub."""
    return {
        p.relative_to(folder).as_posix(): LocalFile(
            p, p.stat().st_size, sha256_file(p), _git_oid(p)
        )
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _git_oid(path: Path) -> str:
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)  # noqa: S324  (git's own)
    with path.open("rb") as f:
        while piece := f.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def compare(
    local: Mapping[str, LocalFile], remote: Mapping[str, RemoteFile], owned: Collection[str]
) -> Diff:
    """How a folder differs from what the Hub has.

    Args:
        local: what is to be published.
        remote: what is there.
        owned: top folders in which nothing stays that is not in `local`.
    """
    is_owned = {p for p in remote if p.partition("/")[0] in owned and "/" in p}
    common = [p for p in local if p in remote]
    same = [p for p in common if local[p].equals(remote[p])]
    return Diff(
        added=tuple(sorted(p for p in local if p not in remote)),
        changed=tuple(sorted(set(common) - set(same))),
        deleted=tuple(sorted(is_owned - set(local))),
        same=tuple(sorted(same)),
        kept=tuple(sorted(p for p in remote if p not in local and p not in is_owned)),
    )


def difference(diff: Diff) -> list[str]:
    """One line per file that differs from the Hub's, cut where there are very many."""
    marked = [
        *(f"+ {p}" for p in diff.added),
        *(f"~ {p}" for p in diff.changed),
        *(f"- {p}" for p in diff.deleted),
    ]
    more = [f"… and {len(marked) - _MOST:,} more"] if len(marked) > _MOST else []
    kept = [f"left alone: {', '.join(diff.kept[:10])}"] if diff.kept else []
    return [*marked[:_MOST], *more, f"= {count(len(diff.same), 'file')} unchanged", *kept]
