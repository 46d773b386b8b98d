"""Data work where torch and its friends are not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from lorid_data.folders.manifests import read_manifest

ABSENT = ("torch", "transformers", "peft", "trl", "accelerate", "safetensors")
PROBE = """
import sys
for name in {absent!r}:
    sys.modules[name] = None  # an import of it fails as if it were not installed
from lorid_data.cli.app import main
for command in {commands!r}:
    status = main(command)
    assert status == 0, (command, status)
"""


def test_a_dataset_is_built_and_checked_without_torch(tmp_path: Path) -> None:
    built, valid, single = (str(tmp_path / n) for n in ("built", "valid", "single"))
    commands = [
        ["build", "arithmetic", "--teacher", "source", "--limit", "30", "--out", built],
        ["validate", built, "--out", valid],
        ["dedup", valid, "--out", single],
    ]  # fmt: skip
    code = PROBE.format(absent=ABSENT, commands=commands)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "single").n_kept == 30
    manifest = json.loads((tmp_path / "built" / "manifest.json").read_text(encoding="utf-8"))
    assert "torch" not in manifest["libraries"]
