"""`import` by Hub id, over HTTP from a Hub on 127.0.0.1: what it says of repositories it may not read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lorid_data.testing.fake_hub import FakeHub, gated


def test_a_gated_dataset_says_where_its_conditions_are(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "train.jsonl").write_text('{"question": "q", "answer": "1"}')
    with FakeHub({"some/data": tmp_path / "d"}) as hub:
        hub.plan = lambda _, request: gated("some/data") if "some/data" in request else None
        env = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "lorid_data", "import", "some/data", "--out", str(tmp_path / "out")]  # fmt: skip
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "some/data: is gated" in done.stderr
    assert "https://huggingface.co/datasets/some/data" in done.stderr
    assert "HF_TOKEN" in done.stderr
    assert hub.token not in done.stderr
