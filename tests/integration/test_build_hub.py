"""Sources by Hub id, over HTTP from a Hub on 127.0.0.1."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lorid_data.folders.records import read_records
from lorid_data.sources import gsm8k, math, svamp
from lorid_data.testing.fake_hub import FakeHub


def dataset(root: Path, *configs: str, question: str = "q") -> Path:
    lines = ["---", "license: cc0-1.0", "configs:"]
    for name in configs:
        (root / name).mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame({"question": [f"{question} {name}"], "answer": ["so 1\n#### 1"]})
        frame.write_parquet(root / name / "train-00000-of-00001.parquet")
        lines += [
            f"- config_name: {name}",
            "  data_files:",
            "  - split: train",
            f"    path: {name}/train-*.parquet",
        ]
    (root / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")
    return root


def build(hub: FakeHub, out: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **hub.environment, "HF_HOME": str(out.parent / "hf_home"), **more}
    command = [
        sys.executable,
        "-m",
        "lorid_data",
        "build",
        *argv,
        "--teacher",
        "none",
        "--out",
        str(out),
    ]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_gsm8k_is_loaded_at_its_pinned_revision(tmp_path: Path) -> None:
    with FakeHub({"openai/gsm8k": dataset(tmp_path / "g", "main", "socratic")}) as hub:
        done = build(hub, tmp_path / "out", "gsm8k")
    assert done.returncode == 0, done.stderr
    record = read_records(tmp_path / "out")[0]
    assert (record.question, record.answer, record.licence) == ("q main", "1", "MIT")
    files = [r for r in hub.requests if r.endswith(".parquet")]
    assert files
    assert all(f"/resolve/{gsm8k.REPO.revision}/main/" in r for r in files)


def test_svamp_is_loaded_at_its_pinned_revision(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    (folder / "data").mkdir(parents=True)
    for split in ("train", "test"):
        row = {
            "ID": "chal-1", "Body": f"Ada had 5 pears in {split}.", "Question": "How many?", "Equation": "5.0", "Answer": "5.0",
            "Type": "Addition", "question_concat": f"Ada had 5 pears in {split}. How many?",
        }  # fmt: skip
        pl.DataFrame([row]).write_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    with FakeHub({"ChilleD/SVAMP": folder}) as hub:
        done = build(hub, tmp_path / "out", "svamp", "--split", "test")
    assert done.returncode == 0, done.stderr
    record = read_records(tmp_path / "out")[0]
    assert (record.question, record.answer) == ("Ada had 5 pears in test. How many?", "5.0")
    files = [r for r in hub.requests if r.endswith(".parquet")]
    assert files
    assert all(f"/resolve/{svamp.REPO.revision}/data/" in r for r in files)


def test_a_changed_dataset_is_read_anew(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d", "a", "b")
    with FakeHub({"me/mine": folder}) as hub:
        assert build(hub, tmp_path / "one", "me/mine").returncode == 0
        dataset(folder, "a", "b", question="new")
        assert build(hub, tmp_path / "two", "me/mine").returncode == 0
        assert build(hub, tmp_path / "three", "me/mine:b").returncode == 0
    questions = [[r.question for r in read_records(tmp_path / n)] for n in ("one", "two", "three")]
    assert questions == [["q a", "q b"], ["new a", "new b"], ["new b"]]
    record = read_records(tmp_path / "one")[0]
    assert (record.source, record.subject, record.licence) == ("me/mine", "a", "cc0-1.0")


def test_what_was_read_at_a_pinned_revision_is_read_again_without_a_network(tmp_path: Path) -> None:
    with FakeHub({"openai/gsm8k": dataset(tmp_path / "g", "main")}) as hub:
        assert build(hub, tmp_path / "one", "gsm8k").returncode == 0
        n = len(hub.requests)
        done = build(hub, tmp_path / "two", "gsm8k", HF_HUB_OFFLINE="1")
        assert done.returncode == 0, done.stderr
        assert len(hub.requests) == n


@pytest.mark.parametrize("source", ["me/absent", "gsm8k", "math"])
def test_what_is_not_there_is_status_2_and_says_what_to_do(tmp_path: Path, source: str) -> None:
    with FakeHub({}) as hub:
        done = build(hub, tmp_path / "out", source)
    assert done.returncode == 2, done.stderr
    assert "--source-path" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_unreachable_hub_is_status_2(tmp_path: Path) -> None:
    with FakeHub({}) as hub:
        pass
    done = build(hub, tmp_path / "out", "gsm8k")
    assert done.returncode == 2, done.stderr
    assert "the network" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_math_falls_back_to_its_second_mirror(tmp_path: Path, real_data: Path) -> None:
    with FakeHub({math.MIRRORS[1].id: real_data / "EleutherAI/hendrycks_math"}) as hub:
        done = build(hub, tmp_path / "out", "math", "--limit", "14")
    assert done.returncode == 0, done.stderr
    assert any(math.MIRRORS[0].id in r for r in hub.requests)
    assert len({r.subject for r in read_records(tmp_path / "out")}) == 7
