"""`lorid-train study` end to end with the packaged student: killed, started again, on one's own table."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.files import locked, sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.folders.verified import SEEN
from lorid_train import cli
from lorid_train.study import pool

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
TINY: dict[str, Any] = {
    "source": "concepts", "group_by": "subject", "worlds": [0], "groups": 6, "limit": {"test": 6, "validation": 3},
    "lora": {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": "all-linear"},
    "sft": {"learning_rate": 3e-3, "lr_scheduler_type": "linear", "warmup_steps": 0, "max_steps": 2,
            "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "gradient_checkpointing": False, "bf16": False},
    "max_new_tokens": 12, "test": {"rounds": 2, "samples": {"ir": 3}, "greedy": ["ir", "kg-knowledge", "gold-knowledge", "ks", "ird"]},
    "validation": {"rounds": 1},
}  # fmt: skip


def settings(path: Path, **changes: Any) -> Path:
    path.write_text(yaml.safe_dump(TINY | changes), encoding="utf-8")
    return path


def command(*argv: object) -> int:
    return cli.run(cli.app, ["study", *map(str, argv)])


def systems(out: Path) -> set[str]:
    return {m["system"] for m in json.loads((out / "metrics.json").read_text())["metrics"]}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two worlds."""
    out = tmp_path_factory.mktemp("study") / "out"
    assert command(settings(out.with_name("s.yaml"), worlds=[0, 1]), "--out", out) == 0
    return out


def test_a_study_folder_is_whole(done: Path) -> None:
    manifest = read_manifest(done)
    assert manifest.stage == "study"
    assert {"metrics.json", "report.html", "report.md"} <= set(manifest.files)
    for cell in ("0-student-0", "1-student-0"):
        folder = done / "cells" / cell
        for part in (
            "data/train",
            "data/test",
            "data/validation",
            "run",
            "eval",
            "eval-validation",
        ):
            assert read_manifest(folder / part).n_in > 0
        assert sorted(p.name for p in (folder / "run/adapters").iterdir()) == sorted(
            ["ir", "kg", "dr", "ks", "ird"]
        )
    assert {"ir-greedy", "ks-greedy", "ird-greedy", "dr-kg-knowledge"} <= systems(done)
    for name in ("metrics.json", "report.html"):
        assert str(done.parent) not in (done / name).read_text()


def test_run_again_it_starts_nothing(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {
        p: p.stat().st_mtime_ns
        for p in done.rglob("*")
        if p.is_file() and p.name not in (".lock", SEEN)
    }
    monkeypatch.setattr(pool, "COMMAND", ("false",))
    assert command(done.with_name("s.yaml"), "--out", done, "--workers", 1) == 0
    after = {
        p: p.stat().st_mtime_ns
        for p in done.rglob("*")
        if p.is_file() and p.name not in (".lock", SEEN)
    }
    assert after == before


def test_killed_and_started_again_it_ends_with_the_same_numbers(done: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "out/cells/0-student-0/log.txt"
    argv = [sys.executable, "-m", "lorid_train", "study", str(settings(tmp_path / "s.yaml", worlds=[0, 1])), "--out", str(out)]  # fmt: skip
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None and not (log.is_file() and "train kg" in log.read_text()):
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (out / "manifest.json").exists()
    subprocess.run(argv, check=True, capture_output=True)
    assert sha256_file(out / "metrics.json") == sha256_file(done / "metrics.json")
    with locked(out / "cells/0-student-0"):
        pass  # nobody was left at work


def test_a_cell_that_fails_is_named_and_the_others_are_made(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(done, out)
    (out / "manifest.json").unlink()
    spoilt = out / "cells/1-student-0/eval"
    (spoilt / "manifest.json").unlink()
    (spoilt / "config.yaml").write_text("stage: other\nidentity: {}\n")
    assert command(settings(tmp_path / "s.yaml", worlds=[0, 1]), "--out", out) == 1
    said = capsys.readouterr().err
    assert "cell 1-student-0: " in said
    assert "belongs to the stage 'other'" in said
    assert "0-student-0: evaluate-validation was done" in said
    assert "1 of 2 cells are done" in said


def test_a_table_of_one_s_own_grouped_by_a_column_of_its_own(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {i} + {j}?", "rationale": f"{i} + {j} = {i + j}.", "answer": str(i + j),
         "knowledge": "Add the numbers.", "topic": ["often", "often", "often", "rare"][j]}
        for i in range(8) for j in range(4)
    ]  # fmt: skip
    (tmp_path / "sums.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    mine = settings(tmp_path / "s.yaml", groups=None, limit={"test": 6})
    out = tmp_path / "out"
    assert command(tmp_path / "sums.jsonl", "--group-by", "topic", "--settings", mine, "--out", out) == 0  # fmt: skip
    rows_of = {s: read_records(out / "cells/0-student-0/data" / s) for s in ("train", "test")}
    assert {r.subject for r in rows_of["train"]} == {"often", "rare"}
    assert len(rows_of["test"]) == 6
    assert "ks-greedy" in systems(out)


def test_subjects_of_math_with_the_tiny_student_as_plumbing(
    real_data: Path, tmp_path: Path
) -> None:
    options = BuildOptions(source="math", teacher="recorded", split="train", limit=56, source_path=str(real_data / "EleutherAI/hendrycks_math"))  # fmt: skip
    build(options, tmp_path / "math")
    mine = settings(tmp_path / "s.yaml", groups=None, limit={"train": 30, "test": 6, "validation": 3})  # fmt: skip
    out = tmp_path / "out"
    assert command(tmp_path / "math", "--group-by", "subject", "--settings", mine, "--out", out) == 0  # fmt: skip
    assert len({r.subject for r in read_records(out / "cells/0-student-0/data/train")}) > 4
    assert "ir-greedy" in systems(out)
