"""A Hugging Face Hub on 127.0.0.1 that serves local folders as datasets, read-only.

    with FakeHub({"openai/gsm8k": Path("gsm8k")}) as hub:
        subprocess.run([...], env={**os.environ, **hub.environment})

The Hub's address is read when `huggingface_hub` is imported, so it is given to a new process.
Checked against huggingface_hub 2.4 and datasets 5.2.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit


class FakeHub:
    """Serves `{repo id: folder}`; every revision of a repository is the folder as it stands.

    Attributes:
        requests: method and path of every request, in order.
    """

    def __init__(self, datasets: Mapping[str, Path]) -> None:
        self.datasets = dict(datasets)
        self.requests: list[str] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Address of the Hub."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to take this for the Hub."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def commit_of(files: Mapping[str, bytes], revision: str = "main") -> str:
    """The commit that a revision of these files names: a full commit itself, else their hash."""
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    whole = hashlib.sha256()
    for name, data in files.items():
        whole.update(f"{name} {_etag(data)}\n".encode())
    return whole.hexdigest()[:40]


def _files(folder: Path) -> dict[str, bytes]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def _tree(files: Mapping[str, bytes], under: str) -> list[dict[str, Any]]:
    """Files and folders directly below `under`, as the Hub lists them."""
    prefix = f"{under}/" if under else ""
    inside = [f for f in files if f.startswith(prefix)]
    folders = {f[len(prefix) :].split("/")[0] for f in inside if "/" in f[len(prefix) :]}
    return [
        *(
            {"type": "directory", "path": prefix + d, "size": 0, "oid": _etag(d.encode())}
            for d in sorted(folders)
        ),
        *(_entry(f, files[f]) for f in inside if "/" not in f[len(prefix) :]),
    ]


def _entry(path: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(data), "oid": _etag(data)}


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:40]


class _Server(ThreadingHTTPServer):
    def __init__(self, hub: FakeHub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.hub.requests.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        is_api = parts[:2] == ["api", "datasets"]
        rest = parts[2:] if is_api else parts[1:]
        repo = "/".join(rest[:2])
        if parts[0] not in ("api", "datasets") or repo not in self.server.hub.datasets:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        files = _files(self.server.hub.datasets[repo])
        if not is_api:
            self._file(files, "/".join(rest[4:]), commit_of(files, rest[3]))
        elif rest[2:3] == ["tree"]:
            found = _tree(files, "/".join(rest[4:]))
            missing = {"X-Error-Code": "EntryNotFound"}
            self._json(found) if found else self._send(404, b"{}", missing)
        elif rest[2:3] == ["paths-info"]:
            self._json([_entry(p, files[p]) for p in self._paths(body) if p in files])
        else:
            siblings = [{"rfilename": f} for f in files]
            sha = commit_of(files, rest[3] if rest[2:3] == ["revision"] else "main")
            self._json({"id": repo, "sha": sha, "private": False, "siblings": siblings})

    def _paths(self, body: bytes) -> list[str]:
        if self.headers.get("Content-Type", "").startswith("application/json"):
            paths: list[str] = json.loads(body)["paths"]
            return paths
        return parse_qs(body.decode()).get("paths", [])

    def _file(self, files: Mapping[str, bytes], name: str, commit: str) -> None:
        headers = {"X-Repo-Commit": commit}
        if name not in files:
            self._send(404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
            return
        self._send(200, files[name], {**headers, "ETag": f'"{_etag(files[name])}"'})

    def _json(self, body: object) -> None:
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `FakeHub.requests` has what was asked."""
