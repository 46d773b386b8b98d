"""The labelling page's server, spoken to by what is no browser."""

from __future__ import annotations

import json
import runpy
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lorid_data.cli.app import main
from lorid_data.labelling.guard import refusal

ROOT = Path(__file__).parents[2]
labelling = runpy.run_path(str(ROOT / "tests" / "support" / "label_server.py"))["labelling"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"question": f"What is {i} + 1?", "rationale": f"{i + 1}", "answer": str(i + 1), "knowledge": ["Add."]} for i in range(3)]  # fmt: skip
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert main(["import", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "in")]) == 0
    return tmp_path / "in"


def ask(url: str, method: str, path: str, *more: str, body: bytes = b"") -> socket.socket:
    parts = urlsplit(url)
    assert parts.port is not None
    connection = socket.create_connection(("127.0.0.1", parts.port), timeout=20)
    lines = [f"{method} {parts.path}{path} HTTP/1.1", f"Host: 127.0.0.1:{parts.port}", f"Origin: http://127.0.0.1:{parts.port}", "Content-Type: application/json", *more]  # fmt: skip
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    return connection


def answer(connection: socket.socket) -> bytes:
    with connection:
        return connection.recv(65536)


def test_no_request_brings_it_down(folder: Path) -> None:
    with labelling(folder, "me") as server:
        for index in ("9" * 5_000, "٣", "-1", "1e3", "0x1", "%00", "3"):
            said = answer(ask(server.url, "GET", f"api/sample/{index}", "Connection: close"))
            assert said.split()[1] in (b"404", b"409", b"400"), said[:200]
        said = answer(ask(server.url, "GET", "api/sample/0", "Connection: close"))
        assert said.split()[1] == b"200"
        chunked = ask(server.url, "POST", "api/label", "Transfer-Encoding: chunked", body=b"ffffff\r\n" + b"x" * 60_000)  # fmt: skip
        assert answer(chunked).split()[1] in (b"411", b"400")
        waiting = [ask(server.url, "POST", "api/label", "Content-Length: 100", body=b'{"row') for _ in range(3)]  # fmt: skip
        status, said_at_end = server.end(signal.SIGINT)
        assert status in (0, 130)
        assert "Traceback" not in said_at_end
        for connection in waiting:
            connection.close()


def test_a_body_in_pieces_is_refused() -> None:
    headers = {"host": "127.0.0.1:1", "origin": "http://127.0.0.1:1", "content-type": "application/json", "content-length": "5"}  # fmt: skip
    assert refusal("POST", "/t/api", headers, port=1, token="t") is None
    found = refusal("POST", "/t/api", {**headers, "transfer-encoding": "chunked"}, port=1, token="t")  # fmt: skip
    assert found is not None
    assert found.status == 411
