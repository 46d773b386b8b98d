"""A Hugging Face Hub on 127.0.0.1: local folders to read, repositories to write, faults on demand.

    with FakeHub({"openai/gsm8k": Path("gsm8k")}) as hub:
        subprocess.run([...], env={**os.environ, **hub.environment})

The Hub's address is read when `huggingface_hub` is imported, so it is given to a new process.
Repositories can be created, committed to, tagged and read; files go through LFS (Xet is switched
off by the environment: its protocol is not spoken here). `plan` breaks any request. Checked
against huggingface_hub 2.4 and datasets 5.2.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from lorid_data.testing.fake_hub_repos import Repo
from lorid_data.testing.fake_hub_routes import Reply, Request, Routes

Fault = Literal["429", "500", "503", "cut", "lost"] | Reply
"""A status instead of an answer; the connection cut before anything is done; everything done, and
the reply lost; or any reply: a `Retry-After`, a redirect, faults of a card, a gated repository
(`gated`)."""
Plan = Callable[[int, str], Fault | None]
"""What breaks: called with the number of the request (from 0) and its method and path."""


def gated(repo_id: str) -> Reply:
    """What the Hub answers about a gated dataset to whom its owners have not let in."""
    said = f"Access to dataset {repo_id} is restricted. You must have access to it and be authenticated to access it."
    return Reply.json({"error": said}, status=403, X_Error_Code="GatedRepo", X_Error_Message=said)


def moved(address: str, status: int = 302) -> Reply:
    """A redirect to another address; the path is not kept, as by the sign-in page of a network."""
    return Reply(status, {"Location": address})


class FakeHub:
    """Serves `{repo id: folder}` for reading, and repositories that clients create.

    Attributes:
        requests: method and path of every request, in order.
        authorizations: the header of each request, None where it has none.
        plan: decides which requests fail, and how; None: none do.
        blobs: where the content of files lies.
        token: writing, and reading what is private, needs it.
    """

    def __init__(
        self,
        datasets: Mapping[str, Path] | None = None,
        *,
        models: Mapping[str, Path] | None = None,
        token: str = "hf_fakehubtoken0123456789",  # noqa: S107  (of nothing real)
    ) -> None:
        self.token = token
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self.plan: Plan | None = None
        self._lock = threading.Lock()
        self.blobs = Path(tempfile.mkdtemp(prefix="fake-hub-"))
        folders = {("dataset", i): p for i, p in (datasets or {}).items()}
        folders |= {("model", i): p for i, p in (models or {}).items()}
        self.routes = Routes(folders, self.blobs, token)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Address of the Hub."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to take this for the Hub, and to write to it."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def repo(self, repo_id: str, kind: str = "dataset") -> Repo | None:
        """A repository as it is now."""
        return self.routes.find(kind, repo_id)

    def number(self, request: str, authorization: str | None = None) -> int:
        """Write a request down; its number."""
        with self._lock:
            self.requests.append(request)
            self.authorizations.append(authorization)
            return len(self.requests) - 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        shutil.rmtree(self.blobs, ignore_errors=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: FakeHub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        hub.routes.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        hub = self.server.hub
        number = hub.number(f"{self.command} {path}", self.headers.get("Authorization"))
        fault = hub.plan(number, f"{self.command} {path}") if hub.plan else None
        if fault == "cut":
            self._hang_up()
            return
        length = int(self.headers.get("Content-Length", 0))
        query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
        # The raw path keeps `refs%2Fpr%2F1` in one piece.
        pieces = tuple(unquote(p) for p in parts.path.strip("/").split("/"))
        request = Request(
            self.command,
            pieces,
            query,
            {k.lower(): v for k, v in self.headers.items()},
            self.rfile,
            length,
        )
        if isinstance(fault, Reply) or fault in ("429", "500", "503"):
            self.rfile.read(length)
            injected = {"error": "injected"}
            self._send(
                fault if isinstance(fault, Reply) else Reply.json(injected, status=int(fault))
            )
            return
        reply = hub.routes.answer(request)
        if fault == "lost":
            self._hang_up()
        else:
            self._send(reply)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        start, size = reply.span
        self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command == "HEAD":
            return
        if reply.file is None:
            self.wfile.write(reply.body)
            return
        with reply.file.open("rb") as f:
            f.seek(start)
            _copy(f, self.wfile, size)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `FakeHub.requests` has what was asked."""


def _copy(source: BinaryIO, target: BufferedIOBase, size: int) -> None:
    while size:
        piece = source.read(min(size, 1 << 20))
        if not piece:
            return
        target.write(piece)
        size -= len(piece)
