"""`lorid-train study code` end to end in small: its output, a kill, and no sandbox."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lorid_data.execution import sandbox
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_train import cli
from lorid_train.interaction.draws import draw_of
from lorid_train.study.settings import packaged

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
FILES = ("metrics.json", "programs.json", "programs.html", "programs.md")


def small(path: Path) -> Path:
    """The packaged study with two training steps a role and a handful of problems."""
    body: dict[str, Any] = yaml.safe_load(packaged()["code"].read_text(encoding="utf-8"))
    sft = {k: v for k, v in body["sft"].items() if k not in ("num_train_epochs", "save_steps")}
    body |= {
        "scales": [1, 3], "seeds": [0], "limit": {"train": 8, "test": 4, "validation": 2}, "per_role": {},
        "sft": sft | {"max_steps": 2, "per_device_train_batch_size": 4}, "lora": body["lora"] | {"r": 4, "lora_alpha": 8},
        "max_new_tokens": 12, "test": {"rounds": 2, "samples": {"cg": 3, "ir": 3}, "greedy": ["ir", "kg-knowledge", "cg"]},
        "validation": {"rounds": 1, "samples": {"cg": 1}, "greedy": ["ir"]},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def argv(settings: Path, out: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "lorid_train",
        "--json",
        "study",
        str(settings),
        "--out",
        str(out),
    ]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nobody interrupted; what it printed lies beside it."""
    out = tmp_path_factory.mktemp("code") / "out"
    ran = subprocess.run(argv(small(out.with_name("s.yaml")), out), capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    out.with_name("stdout.json").write_text(ran.stdout, encoding="utf-8")
    return out


def test_json_names_the_pages(done: Path) -> None:
    body = json.loads(done.with_name("stdout.json").read_text(encoding="utf-8"))
    assert body["report"] == str(done / "report.html")
    assert body["programs"] == str(done / "programs.html")
    assert set(FILES) <= set(read_manifest(done).files)
    [cell] = (done / "cells").iterdir()
    lines = (cell / "eval" / "draws.jsonl").read_bytes().splitlines(keepends=True)
    programs = [d for line in lines if (d := draw_of(line, "here")).role == "cg"]
    assert programs
    assert all(d.executed is not None for d in programs)


def test_killed_and_started_again_it_ends_with_the_same_numbers(done: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = argv(small(tmp_path / "s.yaml"), out)
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None and not _has_drawn_programs(out):
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (out / "manifest.json").exists()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["programs"] == str(out / "programs.html")
    for name in ("metrics.json", "programs.json"):
        assert sha256_file(out / name) == sha256_file(done / name)
    third = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(third.stdout) == json.loads(again.stdout)


def _has_drawn_programs(out: Path) -> bool:
    """Whether an evaluation has begun to draw what CG writes."""
    return any(b'"role":"cg"' in p.read_bytes() for p in out.glob("cells/*/eval*/draws.jsonl"))


def test_without_a_sandbox_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "DISTRIBUTION", "no-such-package")
    out = tmp_path / "out"
    assert cli.run(cli.app, ["study", str(small(tmp_path / "s.yaml")), "--out", str(out)]) == 2
    assert "pip install 'lorid[code]'" in capsys.readouterr().err
    assert not out.exists()
