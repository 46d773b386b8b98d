"""Datasets as LoRID-Math publishes them: parquet and JSON Lines side by side, a file per split."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.sources.split_files import split_files
from lorid_data.testing.fake_hub import FakeHub


def lorid_math(folder: Path, *, shards: int = 1) -> Path:
    """Like LoRID-Math/GSM8K: train in parquet with knowledge, test in JSON Lines without."""
    (folder / "data").mkdir(parents=True)
    rows = [
        {"id": i // 2, "question": f"Q{i}?", "rationale": f"It is {i}.", "knowledge": ["Add.", f"Rule {i // 2}."], "answer": str(i)}
        for i in range(6)
    ]  # fmt: skip
    for s in range(shards):
        frame = pl.DataFrame(rows[s::shards])
        frame.write_parquet(folder / "data" / f"train-{s:05d}-of-{shards:05d}.parquet")
    test = [{"id": 0, "question": "T?", "rationale": "It is 7.", "answer": "7"}]
    (folder / "test.jsonl").write_text("\n".join(json.dumps(r) for r in test))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


def test_every_split_is_read_with_its_knowledge_and_variants(tmp_path: Path) -> None:
    import_table(lorid_math(tmp_path / "GSM8K"), tmp_path / "out")
    records = read_records(tmp_path / "out")
    assert [(r.split, r.question, r.answer) for r in records] == [
        *(("train", f"Q{i}?", str(i)) for i in range(6)),
        ("test", "T?", "7"),
    ]
    assert records[3].knowledge == ("Add.", "Rule 1.")
    assert records[3].original_id == records[2].problem_id
    assert records[6].original_id == records[6].problem_id  # ids of the test split are its own
    assert {(r.split, r.provenance.teacher) for r in records} == {("train", "source"), ("test", "none")}  # fmt: skip
    assert {(r.source, r.licence) for r in records} == {("GSM8K", "mit")}


def test_variants_are_found_across_shards(tmp_path: Path) -> None:
    import_table(lorid_math(tmp_path / "in", shards=2), tmp_path / "out")
    records = [r for r in read_records(tmp_path / "out") if r.split == "train"]
    by_id = {r.problem_id: r.question for r in records}
    assert {r.question: by_id[r.original_id] for r in records} == {
        "Q0?": "Q0?", "Q1?": "Q0?", "Q2?": "Q2?", "Q3?": "Q2?", "Q4?": "Q4?", "Q5?": "Q4?",
    }  # fmt: skip


def test_a_stated_licence_wins_and_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    import_table(lorid_math(tmp_path / "in"), tmp_path / "out", licence="CC0-1.0")
    assert {r.licence for r in read_records(tmp_path / "out")} == {"CC0-1.0"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no table there"):
        import_table(tmp_path / "empty", tmp_path / "out2")


def test_splits_come_in_their_usual_order(tmp_path: Path) -> None:
    for name in ("test.jsonl", "validation.csv", "extra.jsonl", "train.jsonl", ".hidden.jsonl"):
        (tmp_path / name).write_text("x")
    assert list(split_files(tmp_path)) == ["train", "validation", "test", "extra"]


def test_the_samples_of_lorid_math(tmp_path: Path, real_data: Path) -> None:
    for name in ("gsm8k-sample", "math-sample"):
        import_table(real_data / "LoRID-Math" / name, tmp_path / name)
        records = read_records(tmp_path / name)
        assert [sum(r.split == s for r in records) for s in ("train", "test")] == [100, 100]
        assert all(r.knowledge for r in records if r.split == "train")
        assert all(r.answer for r in records)


@pytest.mark.slow
def test_a_dataset_of_the_hub_is_pinned_to_its_commit(tmp_path: Path) -> None:
    with FakeHub({"LoRID-Math/GSM8K": lorid_math(tmp_path / "d")}) as hub:
        env = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "lorid_data", "import", "LoRID-Math/GSM8K", "--out"]
        done = subprocess.run(
            [*command, str(tmp_path / "out")], env=env, capture_output=True, text=True, check=False
        )
        commit = hub.repo("LoRID-Math/GSM8K").heads["main"]  # type: ignore[union-attr]
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "out").identity["table"] == f"LoRID-Math/GSM8K@{commit}"
    assert {r.source for r in read_records(tmp_path / "out")} == {"LoRID-Math/GSM8K"}


@pytest.mark.slow
def test_a_configuration_of_a_dataset_of_the_hub_is_the_one_that_is_named(tmp_path: Path) -> None:
    files = {"main": "m", "socratic": "s"}
    for name, question in files.items():
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "train.jsonl").write_text(
            json.dumps({"question": question, "answer": "1"})
        )
    configs = "".join(f"- config_name: {n}\n  data_files: {n}/*.jsonl\n" for n in files)
    (tmp_path / "d" / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    with FakeHub({"some/data": tmp_path / "d"}) as hub:
        env = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path / "home")}

        def run(name: str) -> subprocess.CompletedProcess[str]:
            command = [
                sys.executable,
                "-m",
                "lorid_data",
                "import",
                name,
                "--out",
                str(tmp_path / "out"),
            ]
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

        refused, done = run("some/data"), run("some/data:socratic")
    assert refused.returncode == 2
    assert "some/data has the configurations main, socratic" in refused.stderr.replace(
        "data:", "data"
    )
    assert done.returncode == 0, done.stderr
    assert [r.question for r in read_records(tmp_path / "out")] == ["s"]
    assert str(read_manifest(tmp_path / "out").identity["table"]).endswith(":socratic")
