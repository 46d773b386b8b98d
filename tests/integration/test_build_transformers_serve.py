"""A build against a real `transformers serve`, with a random model made on the fly, offline."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.teachers import remote

if find_spec("fastapi") is None:
    pytest.skip("fastapi is missing: pip install 'transformers[serving]'", allow_module_level=True)
pytestmark = pytest.mark.slow
_TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"


@pytest.fixture
def model(tiny_base: Path, tmp_path: Path) -> Path:
    """The tiny base with a chat template, which a server needs."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "model"
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    tokenizer.chat_template = _TEMPLATE
    tokenizer.save_pretrained(folder)
    AutoModelForCausalLM.from_pretrained(tiny_base).save_pretrained(folder)
    return folder


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]  # fmt: skip
    offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    log = tmp_path / "serve.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env={**os.environ, **offline}, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 120
        while server.poll() is None and time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        assert server.poll() is None, log.read_text()[-2000:]
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def test_every_row_gets_a_raw_reply_and_a_reason(
    tmp_path: Path, model: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A random model never ends its text: 8 tokens, and 32 when it is asked again.
    monkeypatch.setattr(remote, "MAX_TOKENS", 8)
    table, out = tmp_path / "t.jsonl", tmp_path / "out"
    rows = [{"question": f"question {i}", "rationale": "so", "answer": "1"} for i in range(3)]
    table.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    argv = ["build", str(table), "--teacher", f"server:{model}@{url}", "--out", str(out)]
    assert main([*argv, "--concurrency", "2"]) == 1  # every row is rejected for one reason
    manifest = read_manifest(out)
    assert (manifest.n_in, manifest.n_kept) == (3, 0)
    assert manifest.n_rejected == {"reply_truncated": 3}
    with closing(sqlite3.connect(out / "journal.sqlite")) as journal:
        replies = journal.execute("SELECT text, finish_reason, n_input_tokens, n_output_tokens, rung FROM replies").fetchall()  # fmt: skip
        n_attempts = journal.execute("SELECT count(*) FROM attempts").fetchone()[0]
    assert len(replies) == n_attempts == 6, "each was asked twice, and nothing failed"
    assert {finish for _, finish, *_ in replies} == {"length"}
    assert sorted(n_out for *_, n_out, _ in replies) == [8, 8, 8, 32, 32, 32]
    # The prompt has over 600 bytes, and a byte is a token of this model.
    assert all(text and n_in > 600 for text, _, n_in, *_ in replies)
    # It takes a schema and ignores it: that is why what comes back is read with care.
    assert {rung for *_, rung in replies} == {"schema"}
