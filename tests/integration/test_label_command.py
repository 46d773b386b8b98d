"""`lorid-data label` as a server: what it answers to, what it refuses, how it ends."""

from __future__ import annotations

import http.client
import json
import runpy
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lorid_data.cli.app import main

support = Path(__file__).parents[1] / "support"
made = runpy.run_path(str(support / "labelled_folder.py"))
labelling = runpy.run_path(str(support / "label_server.py"))["labelling"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [made["record"](n) for n in range(1, 8)]
    return Path(made["write_folder"](tmp_path / "data", rows))


class Client:
    """Requests as any program can send them."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname == "127.0.0.1"
        self.port, self.path = parts.port, parts.path
        self.own = f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        found = (answer.status, answer.headers, answer.read().decode())
        connection.close()
        return found

    def post(self, what: str, value: Any = None, **headers: str) -> tuple[int, str]:
        sent = {"Origin": self.own, "Content_Type": "application/json", **headers}
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        status, _, text = self.ask("POST", f"{self.path}api/{what}", body, **sent)
        return status, text

    def get(self, what: str) -> Any:
        return json.loads(self.ask("GET", f"{self.path}api/{what}")[2])


def good(sample: dict[str, Any]) -> dict[str, Any]:
    return {"row_id": sample["id"], "row_sha256": sample["sha"], "verdict": "good"}


def test_what_it_answers_to_and_how_it_ends(folder: Path) -> None:
    with labelling(folder, "ann", "--samples", "5") as server:
        client = Client(server.url)
        status, headers, text = client.ask("GET", client.path)
        assert status == 200
        assert "Labelling data" in text
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers

        sample = client.get("sample/0")
        wanted = good(sample)
        assert client.ask("GET", "/")[0] == 404
        assert client.ask("GET", client.path, Host="evil.example")[0] == 421
        assert (
            client.ask("GET", f"{client.path}api/state", Host=f"evil.example:{client.port}")[0]
            == 421
        )
        assert client.post("label", wanted, Origin="https://evil.example")[0] == 403
        assert client.post("label", wanted, Origin="null")[0] == 403
        assert client.post("label", wanted, Sec_Fetch_Site="cross-site")[0] == 403
        assert client.post("label", wanted, Content_Type="text/plain")[0] == 415
        assert client.post("label", b"x" * 20_000)[0] == 413
        assert (
            client.ask("OPTIONS", f"{client.path}api/label", Origin="https://evil.example")[0]
            == 405
        )
        assert not (folder / "labels.parquet").exists()

        for bad in (b"{", b"[]", {}, {**wanted, "verdict": "great"}, {**wanted, "more": 1},
                    {**wanted, "note": "x" * 2_001}, {**wanted, "defects": ["none"]}, {**wanted, "duration_s": -1}):  # fmt: skip
            status, text = client.post("label", bad)
            assert (status, "not a label" in text) == (422, True), bad
        assert client.post("label", {**wanted, "row_sha256": "0" * 64})[0] == 409
        assert client.ask("GET", f"{client.path}api/sample/99")[0] == 409
        assert client.ask("GET", f"{client.path}api/sample/-1")[0] == 404

        assert client.post("label", wanted)[0] == 200
        assert json.loads((folder / "labels.json").read_text())["n"] == 1
        status, said = server.end()
    assert status == 130
    assert "1 of 5 labelled by ann" in said
    assert "Traceback" not in said
    assert client.path.strip("/") not in said  # no log holds the token


def test_it_listens_on_this_machine_only(folder: Path) -> None:
    with labelling(folder, "ann") as server:
        port = urlsplit(server.url).port
        bound = [
            line.split()[1]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port
        ]
        assert bound == [f"0100007F:{port:04X}"]
        assert server.end(signal.SIGTERM)[0] != 0


def test_a_finished_session_ends_with_0_and_goes_on_where_it_was(folder: Path) -> None:
    with labelling(folder, "ann", "--samples", "2") as server:
        client = Client(server.url)
        assert client.post("label", good(client.get("sample/0")))[0] == 200
        server.end()
    with labelling(folder, "ann") as server:
        client = Client(server.url)
        assert [bool(s["v"]) for s in client.get("state")["samples"]] == [True, False]
        assert client.post("label", good(client.get("sample/1")))[0] == 200
        status, said = server.end()
    assert (status, "2 of 2 labelled" in said) == (0, True)
    with labelling(folder, "bob") as server:
        assert Client(server.url).post("finish", {})[0] == 200
        status, said = server.wait()
    assert (status, "0 of 2 labelled by bob, 2 by anyone" in said) == (0, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--annotator", "../x\n"], "--annotator '../x\\n'"),
        (["--annotator", ""], "--annotator ''"),
        (["--annotator", "a", "--samples", "0"], "samples"),
        (["--annotator", "a", "--port", "70000"], "port"),
        ([], "annotator"),
    ],
)
def test_wrong_usage_is_said_and_writes_nothing(
    folder: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(p.name for p in folder.iterdir())
    assert main(["label", str(folder), *options]) == 2
    assert message in capsys.readouterr().err
    assert sorted(p.name for p in folder.iterdir()) == before


def test_a_taken_port_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["label", str(folder), "--annotator", "a", "--port", str(port)]) == 2
    assert f"--port {port}" in capsys.readouterr().err
