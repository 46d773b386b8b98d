"""Secrets that a process was given: in no file that it writes and in nothing that it says."""

from __future__ import annotations

import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from lorid_data.testing.fake_teacher import FakeTeacher, Fault
from lorid_data.texts.secrets import holds_secret, holds_userinfo, without_secrets, without_values

MARK = 'm4rk3r/+"&'
SECRETS = {
    name: f"{MARK}{i}-{name.lower()}"
    for i, name in enumerate(
        ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LORID_SERVER_API_KEY", "HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "MY_CREDENTIALS"]
    )
}  # fmt: skip
PROXY = "pr0xymark3r"
ADDRESSES = {"SOME_PROXY": f"http://user:{PROXY}@127.0.0.1:9", "WEBHOOK": f"https://{PROXY}2@example.org/x"}  # fmt: skip
ROW = {"question": "What is 1 + 1?", "rationale": "1 + 1 = 2", "answer": "2", "knowledge": ["Add."], "licence": "MIT"}  # fmt: skip


def spellings(secret: str) -> set[str]:
    coded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], coded}


@pytest.mark.parametrize("secret", [*SECRETS.values(), PROXY, PROXY + "2"])
def test_a_secret_is_taken_out_however_it_is_written(secret: str) -> None:
    environment = {**SECRETS, **ADDRESSES}
    for written in spellings(secret):
        text = without_secrets(f"Incorrect key provided: {written}, see docs", environment)
        assert text == "Incorrect key provided: [secret], see docs"
        assert written not in without_values(f'{{"output": ["{written}"]}}', environment)


@pytest.mark.parametrize(
    "text",
    ["sk-abcdefgh", "hf_abcdefgh", "Bearer abcdef", "Basic dXNlcjpwYXNz", "ghp_abcdefghij", "xai-abcdefghij", "gsk_abcdefghij",
     "AKIAABCDEFGHIJ", "AIzaSyAbcdefgh", "http://user:pass@host/x", "https://token@host", "api_key=abcdefgh", "x-api-key: abcdefgh"],
)  # fmt: skip
def test_what_looks_like_a_key_is_taken_out(text: str) -> None:
    assert "[secret]" in without_secrets(text, {})
    assert not any(part in without_secrets(text, {}) for part in ("abcd", "user", "pass@", "token@", "dXN"))  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["The key idea: divide by 2.", "tokens 12,345 of 99", "me@example.org asks https://example.org/a?b=c", "task-12345678", "a_key = {'x': 1}",
     "max_new_tokens=128", "Bearer", "basic arithmetic"],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    environment = {"HOME": "/x", "MY_KEY": "a", "API_KEY": "", "TOKEN": "public", "TOKENIZERS_PARALLELISM": "false-or-true"}  # fmt: skip
    assert without_secrets(text, environment) == text


def test_where_something_is_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()
    environment = {"PWD": str(tmp_path), "TLS_KEY_FILE": str(tmp_path / "key.pem"), "SSH_AUTH_SOCK": str(tmp_path)}  # fmt: skip
    assert without_secrets(f"{tmp_path}/key.pem", environment) == f"{tmp_path}/key.pem"
    assert not holds_secret(str(tmp_path / "key.pem"), environment)
    assert holds_secret("/not/a/place/at/all", {"MY_KEY": "/not/a/place/at/all"})


def test_userinfo_is_told_from_a_path() -> None:
    assert holds_userinfo("http://a:b@c")
    assert holds_userinfo("http://a@c/v1")
    assert not holds_userinfo("http://c/v1/@x")
    assert not holds_userinfo("http://c:80/v1?x=a@b")


# --- commands ------------------------------------------------------------------------------------


def environment_of(home: Path, teacher: FakeTeacher) -> dict[str, str]:
    here = Path(__file__).parents[2]
    return {
        **os.environ, **teacher.environment, **SECRETS, **ADDRESSES, "HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONPATH": str(here),
    }  # fmt: skip


def commands(root: Path, url: str, echo: str) -> list[list[str]]:
    """Commands that succeed and that fail, some of them given a secret where none belongs."""
    d, build, table = "lorid_data", "build", str(root / "t.jsonl")
    done, out = str(root / "in"), iter(str(root / f"out{i}") for i in range(99))
    server = f"server:m@{url}/v1"
    return [
        [d, build, table, "--teacher", "openai:m", "--out", next(out)],
        [d, build, table, "--teacher", "anthropic:m", "--out", next(out)],
        [d, build, table, "--teacher", server, "--out", next(out)],
        [d, build, table, "--teacher", server, "--out", next(out), "--dry-run"],
        [d, "doctor", "--teacher", "openai:m"],
        [d, "doctor", "--teacher", server],
        [d, build, table, "--teacher", f"server:m@http://u:{echo}@127.0.0.1:9/v1", "--out", next(out)],
        [d, build, echo, "--teacher", "none", "--out", next(out)],
        [d, build, f"o/{quote(echo, safe='')}", "--teacher", "none", "--out", next(out)],
        [d, "validate", done, "--out", next(out)], [d, "validate", echo, "--out", next(out)],
        [d, "dedup", done, "--out", next(out)], [d, "audit", done], [d, "view", done, "--out", str(root / "v.html")],
        [d, "decontaminate", done, "--out", next(out), "--against", str(root / "t.jsonl")],
        [d, "publish", done, "me/x", "--dry-run", "--out", next(out)], [d, "publish", done, "me/x"],
        [d, "import", table, "--out", next(out)], [d, "import", echo, "--out", next(out)],
        [d, "run", str(root / "bad.yaml")], [d, build, "--config", str(root / "bad.yaml")],
        [d, build, table, "--teacher", f"openai:{echo}", "--out", next(out)], [d, "no-such-command", echo], [d, build, f"--{echo}"],
        [d, "reparse", done], [d, "merge", done, "--out", next(out)], [d, "prompts", "diff", done], ["lorid_train", "sft", str(root / "bad.yaml")], ["lorid_train", "evaluate", "--adapters", echo, "--dataset", done, "--out", next(out)],
        ["lorid_train", "merge", echo, "--out", next(out)], ["lorid_train", "export-knowledge", echo, "--out", next(out)],
        ["lorid_train", "compare", echo, echo], ["lorid_train", "solve", echo, "Q"], ["lorid_train", "publish", echo, "me/x", "--dry-run", "--out", next(out)],
        ["lorid_train", "study", echo], ["lorid_train", "import-base", echo, "--out", next(out)],
        ["lorid_train", "prompts", "--role", "ir", "--question", "Q", "--format", echo], ["lorid_train", "report", echo, "--out", str(root / "r.html")],
        [d, "expand", done, "--with", echo, "--out", next(out)], [d, "split", done, "--out", next(out)], [d, "programs", done, "--teacher", server, "--out", next(out)],
        [d, "difficulty", done, "--from", echo, "--out", next(out)], [d, "choose", done, "--from", echo, "--out", next(out)], [d, "label", echo, "--annotator", echo],
        ["lorid_train", "export-draws", echo, "--rule", "none", "--out", next(out)], ["lorid_train", "export-log", echo, "--out", str(root / "l.parquet")],
        ["lorid_train", "fit-rule", echo, "--out", str(root / "w.json")], ["lorid_train", "fit-votes", echo, "--out", str(root / "w.json")],
        ["lorid_train", "route", echo, "--rule-file", echo], ["lorid_train", "rl", str(root / "bad.yaml")], ["lorid_train", "rounds", str(root / "bad.yaml")], ["lorid_train", "serve", echo],
    ]  # fmt: skip


def teachers() -> dict[str, FakeTeacher]:
    """A good one that echoes every key, and ones that repeat them in their errors."""
    said = " ".join(SECRETS.values())
    return {
        "echo": FakeTeacher(text=lambda _: json.dumps({"output": [f"Use {said}.", "Add."]})),
        "refuses": FakeTeacher(faults=lambda *_: Fault("status", status=401, message=f"Incorrect API key provided: {said}")),
    }  # fmt: skip


IS_ALL = os.environ.get("LORID_ATTACK") == "all"
N_PARTS = 8 if IS_ALL else 1
"""Parts of the list of commands: one test, of a few minutes at most, for each."""


@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.parametrize("which", ["echo", "refuses"])
def test_no_command_says_or_stores_a_secret(tmp_path: Path, which: str, part: int) -> None:
    root = tmp_path / "r"
    root.mkdir()
    (root / "t.jsonl").write_text(json.dumps(ROW) + "\n")
    echo = SECRETS["OPENAI_API_KEY"]
    (root / "bad.yaml").write_text(json.dumps({"teacher": echo, "nonsense": echo, "out": "x"}))
    found, n_run = [], 0
    with teachers()[which] as teacher:
        env = environment_of(tmp_path / "home", teacher)
        start = [sys.executable, "-m"]
        done = [*start, "lorid_data", "import", str(root / "t.jsonl"), "--out", str(root / "in")]
        subprocess.run(done, env=env, check=True, capture_output=True)
        asked = commands(root, teacher.url, echo)
        few = [asked[0], asked[6], asked[19]] if which == "echo" else [asked[0], asked[2]]
        shown = asked[part::N_PARTS] if IS_ALL else few
        for command in shown:
            ran = subprocess.run([*start, *command], env=env, capture_output=True, cwd=tmp_path, check=False, timeout=600)  # fmt: skip
            n_run += 1
            found += [("said by", command[1], s) for s in leaks(ran.stdout + ran.stderr)]
    (root / "bad.yaml").unlink()
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        found += [("stored in", path.relative_to(root).name, s) for s in leaks(path.read_bytes())]
    assert found == []
    assert n_run >= (4 if IS_ALL else 2)  # in each part, of each of the two teachers


def leaks(data: bytes) -> list[str]:
    written = {w for s in (*SECRETS.values(), PROXY) for w in spellings(s)}
    return [w for w in written if w.encode() in data]


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HF_ENDPOINT"])
def test_an_address_with_a_password_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lorid_data.cli.app import main

    monkeypatch.setenv(name, "http://user:hunter2x@127.0.0.1:9/v1")
    assert main(["validate", "in", "--out", "out"]) == 2
    err = capsys.readouterr().err
    assert f"{name}: holds a user or a password" in err
    assert "hunter2x" not in err


# --- redirects -----------------------------------------------------------------------------------


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("client", ["models", "openai", "anthropic", "server"])
def test_a_key_does_not_follow_a_redirect(
    client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[dict[str, str]] = []

    class Thief(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append({k.lower(): v for k, v in self.headers.items()})
            self.send_response(404)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    with serving(Thief) as thief:

        class Sends(Thief):
            def do_POST(self) -> None:
                self.send_response(307)
                self.send_header("Location", f"{thief}{self.path}")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

        with serving(Sends) as url:
            for name, value in SECRETS.items():
                monkeypatch.setenv(name, value.encode("ascii", "ignore").decode())
            monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
            monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
            if client == "models":
                from lorid_train.evaluation.servers import _models

                with pytest.raises(OSError, match="307"):
                    _models(url)
            else:
                from lorid_data.cli.app import main

                (tmp_path / "t.jsonl").write_text(json.dumps(ROW) + "\n")
                teacher = f"server:m@{url}/v1" if client == "server" else f"{client}:m"
                assert main(["build", str(tmp_path / "t.jsonl"), "--teacher", teacher, "--out", str(tmp_path / "o")]) == 1  # fmt: skip
    assert got == []
    shutil.rmtree(tmp_path, ignore_errors=True)
