"""What the fake Hub answers: one method per kind of request.

The protocol as huggingface_hub 2.4 speaks it, errors told by the header `X-Error-Code`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

from lorid_data.testing.fake_hub_repos import (
    LFS_SUFFIXES,
    Blob,
    Commit,
    PullRequest,
    Repo,
    Tree,
    entry,
    folder_repo,
    git_oid,
    lfs_blob,
    listing,
)

_DATE = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its path in pieces, the names of its headers in lower case, its body unread."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    stream: BufferedIOBase
    length: int

    def body(self) -> bytes:
        """The whole body."""
        return self.stream.read(self.length)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: bytes, or a span of a file."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None
    file_span: tuple[int, int] = (0, 0)

    @property
    def span(self) -> tuple[int, int]:
        """Where the content begins, and its size."""
        return (0, len(self.body)) if self.file is None else self.file_span

    @classmethod
    def json(cls, body: object, *, status: int = 200, **headers: str) -> Self:
        """A reply in JSON."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        return cls(status, {"Content-Type": "application/json", **named}, json.dumps(body).encode())


def _missing(code: str, status: int = 404) -> Reply:
    return Reply.json({"error": code}, status=status, X_Error_Code=code)


class Routes:
    """All repositories of a fake Hub, and the answers about them."""

    def __init__(self, folders: Mapping[tuple[str, str], Path], blobs: Path, token: str) -> None:
        self._folders = folders
        self._blobs = blobs
        self._token = token
        self._repos: dict[tuple[str, str], Repo] = {}
        self._lock = threading.RLock()
        self.url = ""

    def find(self, kind: str, repo_id: str) -> Repo | None:
        """A repository, by its kind and id."""
        folder = self._folders.get((kind, repo_id))
        if folder is not None:
            return folder_repo(repo_id, kind, folder)
        return self._repos.get((kind, repo_id))

    def add(self, repo: Repo) -> None:
        """Have a repository made elsewhere."""
        self._repos[repo.kind, repo.id] = repo

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        if request.path[0] == "_lfs":
            return self._put(request)
        with self._lock:
            return self._route(request)

    def _route(self, request: Request) -> Reply:
        path = request.path
        if path[:2] == ("api", "repos"):
            return self._create(request)
        if path[:2] == ("api", "validate-yaml"):
            request.body()
            return Reply.json({"errors": [], "warnings": []})
        if path[:2] == ("api", "whoami-v2"):
            return Reply.json({"name": "me", "type": "user", "orgs": []})
        is_api = path[0] == "api"
        kind, rest = _kind_of(path[1:] if is_api else path, is_api=is_api)
        repo_id = "/".join(rest[:2]).removesuffix(".git")
        repo = self.find(kind, repo_id)
        if repo is None or (repo.private and not self._allowed(request)):
            request.body()
            return _missing("RepoNotFound", 404 if self._allowed(request) else 401)
        if rest[2:4] == ("info", "lfs"):
            return self._lfs(request, rest[-1])
        if not is_api:
            return self._resolve(request, repo, rest[3], "/".join(rest[4:]))
        return self._api(request, repo, rest[2:])

    def _api(self, request: Request, repo: Repo, rest: tuple[str, ...]) -> Reply:
        what = rest[0] if rest else "revision"
        if what == "refs":
            return Reply.json(_refs(repo))
        if what == "auth-check":
            may = rest[1:] != ("write",) or self._allowed(request)
            return Reply.json({}) if may else Reply.json({"error": "no write access"}, status=403)
        if what == "discussions":
            found = [_discussion(repo, p) for p in repo.pull_requests]
            return Reply.json({"discussions": found, "count": len(found), "start": 0})
        writing: dict[str, Callable[[Request, Repo, str], Reply]] = {
            "preupload": self._preupload,
            "commit": self._commit,
            "tag": self._tag,
            "branch": self._branch,
        }
        if what in writing:
            if not self._allowed(request) or (repo.kind, repo.id) in self._folders:
                request.body()
                return Reply.json({"error": "no write access"}, status=403)
            return writing[what](request, repo, "/".join(rest[1:]))
        return self._read(request, repo, what, rest)

    def _read(self, request: Request, repo: Repo, what: str, rest: tuple[str, ...]) -> Reply:
        commit = _at(repo, rest[1] if len(rest) > 1 else "main")
        body = request.body()
        if commit is None:
            return _missing("RevisionNotFound")
        if what == "tree":
            recursive = request.query.get("recursive", "").lower() in ("1", "true")
            under = "/".join(rest[2:])
            found = listing(commit.tree, under, recursive=recursive)
            return Reply.json(found) if found or not under else _missing("EntryNotFound")
        if what == "paths-info":
            return Reply.json(
                [entry(p, commit.tree[p]) for p in _paths(request, body) if p in commit.tree]
            )
        if what == "commits":
            return Reply.json([_commit_info(c) for c in repo.history(commit.sha)])
        siblings = [{"rfilename": f} for f in commit.tree]
        return Reply.json(
            {"id": repo.id, "sha": commit.sha, "private": repo.private, "siblings": siblings}
        )

    def _resolve(self, request: Request, repo: Repo, revision: str, name: str) -> Reply:
        commit = _at(repo, revision)
        if commit is None:
            return _missing("RevisionNotFound")
        at = {"X-Repo-Commit": revision if revision not in repo.heads else commit.sha}
        if revision in repo.tags:
            at = {"X-Repo-Commit": commit.sha}
        blob = commit.tree.get(name)
        if blob is None:
            return Reply(404, {**at, "X-Error-Code": "EntryNotFound"})
        headers = {**at, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        if blob.sha256:
            headers |= {"X-Linked-Size": str(blob.size), "X-Linked-ETag": f'"{blob.sha256}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if wanted is None:
            return Reply(200, headers, file=blob.file, file_span=(0, blob.size))
        start = int(wanted[1])
        end = min(int(wanted[2] or blob.size - 1), blob.size - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{blob.size}"
        return Reply(206, headers, file=blob.file, file_span=(start, end - start + 1))

    # --- writing --------------------------------------------------------------------------------

    def _allowed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._token}"

    def _create(self, request: Request) -> Reply:
        body = json.loads(request.body())
        if not self._allowed(request):
            return Reply.json({"error": "Invalid username or password."}, status=401)
        kind = body.get("type") or "model"
        repo_id = f"{body.get('organization') or 'me'}/{body['name']}"
        prefix = "datasets/" if kind == "dataset" else ""
        answer = {"url": f"{self.url}/{prefix}{repo_id}", "name": repo_id}
        if self.find(kind, repo_id) is not None:
            return Reply.json({"error": "You already created this repo", **answer}, status=409)
        repo = Repo(repo_id, kind, private=body.get("visibility") == "private")
        first = self._keep(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n")
        repo.add("main", "initial commit", {".gitattributes": first}, None)
        self._repos[kind, repo_id] = repo
        return Reply.json(answer)

    def _preupload(self, request: Request, repo: Repo, revision: str) -> Reply:
        files = json.loads(request.body())["files"]
        commit = _at(repo, revision)
        if commit is None:
            return _missing("RevisionNotFound")
        return Reply.json({"files": [_upload_mode(f, commit.tree) for f in files]})

    def _lfs(self, request: Request, what: str) -> Reply:
        body = json.loads(request.body())
        if not self._allowed(request):
            return Reply.json({"error": "no write access"}, status=403)
        if what == "verify":
            return Reply.json({}, status=200 if self._object(body["oid"]).is_file() else 404)
        base = "/".join(request.path[:-2])
        objects = []
        for o in body["objects"]:
            actions = {
                "upload": {"href": f"{self.url}/_lfs/{o['oid']}"},
                "verify": {"href": f"{self.url}/{base}/objects/verify"},
            }
            known = self._object(o["oid"]).is_file()
            objects.append(dict(o) if known else {**o, "actions": actions})
        return Reply.json({"transfer": "basic", "objects": objects})

    def _put(self, request: Request) -> Reply:
        """Take an object of LFS, in pieces; a wrong hash is refused."""
        target = self._object(request.path[1])
        tmp = target.with_name(f"{target.name}.{threading.get_ident()}")
        digest = hashlib.sha256()
        left = request.length
        with tmp.open("wb") as f:
            while left and (piece := request.stream.read(min(left, 1 << 20))):
                f.write(piece)
                digest.update(piece)
                left -= len(piece)
        if digest.hexdigest() != request.path[1]:
            tmp.unlink()
            return Reply.json({"error": "hash"}, status=400)
        tmp.replace(target)
        return Reply()

    def _commit(self, request: Request, repo: Repo, revision: str) -> Reply:
        lines = [json.loads(line) for line in request.body().splitlines()]
        head = _at(repo, revision)
        if head is None:
            return _missing("RevisionNotFound")
        header = lines[0]["value"]
        as_pull_request = request.query.get("create_pr") == "1"
        if header.get("parentCommit") not in (None, head.sha) and not as_pull_request:
            return Reply.json({"error": "the branch has moved since"}, status=412)
        tree: Tree = dict(head.tree)
        for line in lines[1:]:
            if not self._apply(line["key"], line["value"], tree):
                return Reply.json({"error": f"no such content: {line['value']}"}, status=400)
        branch = revision
        if as_pull_request:
            number = len(repo.pull_requests) + 1
            repo.pull_requests.append(PullRequest(number, header["summary"]))
            branch = f"refs/pr/{number}"
        commit = repo.add(branch, header["summary"], tree, head.sha)
        prefix = "datasets/" if repo.kind == "dataset" else ""
        at = f"{self.url}/{prefix}{repo.id}"
        body = {"commitUrl": f"{at}/commit/{commit.sha}", "commitOid": commit.sha}
        if as_pull_request:
            body["pullRequestUrl"] = f"{at}/discussions/{len(repo.pull_requests)}"
        return Reply.json(body)

    def _apply(self, key: str, value: Mapping[str, Any], tree: Tree) -> bool:
        """One line of a commit; False for an object that was never uploaded."""
        path = value["path"]
        if key == "file":
            tree[path] = self._keep(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if not self._object(value["oid"]).is_file():
                return False
            tree[path] = lfs_blob(self._object(value["oid"]), value["oid"])
        elif key == "deletedFile":
            tree.pop(path, None)
        return True

    def _tag(self, request: Request, repo: Repo, revision: str) -> Reply:
        name = json.loads(request.body())["tag"]
        commit = _at(repo, revision)
        if commit is None:
            return _missing("RevisionNotFound")
        if name in repo.tags:
            return Reply.json({"error": "the tag exists"}, status=409)
        repo.tags[name] = commit.sha
        return Reply.json({})

    def _branch(self, request: Request, repo: Repo, name: str) -> Reply:
        start = json.loads(request.body()).get("startingPoint", "main")
        commit = _at(repo, start)
        if commit is None:
            return _missing("RevisionNotFound")
        if name in repo.heads:
            return Reply.json({"error": "the branch exists"}, status=409)
        repo.heads[name] = commit.sha
        return Reply.json({})

    def _object(self, sha256: str) -> Path:
        return self._blobs / f"lfs-{re.sub('[^0-9a-f]', '', sha256)}"

    def _keep(self, data: bytes) -> Blob:
        oid = git_oid(data)
        file = self._blobs / f"git-{oid}"
        file.write_bytes(data)
        return Blob(file, len(data), oid)


def _kind_of(path: tuple[str, ...], *, is_api: bool) -> tuple[str, tuple[str, ...]]:
    if path[0] in ("datasets", "models"):
        return path[0][:-1], path[1:]
    return ("none", path) if is_api else ("model", path)


def _at(repo: Repo, revision: str) -> Commit | None:
    """A revision's commit; a folder answers to every full commit id."""
    found = repo.at(revision)
    is_folder = len(repo.commits) == 1 and not repo.private
    if found is None and is_folder and re.fullmatch("[0-9a-f]{40}", revision):
        only = next(iter(repo.commits.values()))
        return (
            Commit(revision, only.title, None, only.tree) if only.title == "as it stands" else None
        )
    return found


def _paths(request: Request, body: bytes) -> list[str]:
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        paths: list[str] = json.loads(body)["paths"]
        return paths
    return parse_qs(body.decode()).get("paths", [])


def _upload_mode(file: Mapping[str, Any], tree: Mapping[str, Blob]) -> dict[str, Any]:
    path = file["path"]
    mode = "lfs" if path.endswith(LFS_SUFFIXES) else "regular"
    body = {"path": path, "uploadMode": mode, "shouldIgnore": False}
    return body | ({"oid": tree[path].oid} if path in tree else {})


def _refs(repo: Repo) -> dict[str, Any]:
    def ref(name: str, prefix: str, sha: str) -> dict[str, str]:
        return {"name": name, "ref": f"{prefix}{name}", "targetCommit": sha}

    heads = {n: s for n, s in repo.heads.items() if not n.startswith("refs/")}
    prs = {n: s for n, s in repo.heads.items() if n.startswith("refs/")}
    return {
        "branches": [ref(n, "refs/heads/", s) for n, s in heads.items()],
        "converts": [],
        "tags": [ref(n, "refs/tags/", s) for n, s in repo.tags.items()],
        "pullRequests": [ref(n, "", s) for n, s in prs.items()],
    }


def _discussion(repo: Repo, pr: PullRequest) -> dict[str, Any]:
    return {
        "title": pr.title, "num": pr.number, "author": {"name": "me"}, "createdAt": _DATE,
        "status": "open", "repo": {"name": repo.id, "type": repo.kind}, "isPullRequest": True,
    }  # fmt: skip


def _commit_info(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.sha, "title": commit.title, "message": "", "date": _DATE,
        "authors": [{"user": "me"}],
    }  # fmt: skip
