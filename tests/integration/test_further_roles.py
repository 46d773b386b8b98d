"""Roles that the loop does not use, from training to publishing, by the ordinary commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from lorid_data.build.importing import import_table
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import REJECTS
from lorid_train import cli

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
ROLES = ["ir", "kg", "dr", "ks", "ird"]


def command(*argv: object) -> int:
    return cli.run(cli.app, [str(a) for a in argv])


@pytest.fixture(scope="module")
def world(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose last row has no knowledge, and a run of all five roles on it."""
    root = tmp_path_factory.mktemp("world")
    rows = [
        {"question": f"{i} + 1?", "rationale": "ok", "answer": str(i % 3), "knowledge": [f"Rule {i}."]}
        for i in range(5)
    ]  # fmt: skip
    rows[-1]["knowledge"] = []
    (root / "t.jsonl").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    import_table(root / "t.jsonl", root / "data")
    sft = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "max_steps": 2, "learning_rate": 0.1,
           "gradient_checkpointing": False, "warmup_steps": 0, "lr_scheduler_type": "constant"}  # fmt: skip
    config = {
        "base": str(tiny_base), "data": str(root / "data"), "out": str(root / "run"), "dtype": "float32",
        "max_tokens": 512, "threads": 1, "roles": ROLES, "sft": sft, "lora": {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0},
        "per_role": {"ird": {"sft": {"max_steps": 3}}, "ks": {"lora": {"r": 2}}},
    }  # fmt: skip
    (root / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert command("sft", root / "run.yaml") == 0
    return root


def evaluate(world: Path, out: Path, *more: object) -> int:
    return command(
        "evaluate", "--adapters", world / "run", "--dataset", world / "data", "--out", out, "--rounds", 2,
        "--max-new-tokens", 8, "--threads", 1, "--temperature", 1.0, "--allow-trained-questions", *more,
    )  # fmt: skip


def test_every_role_is_trained_and_every_example_accounted_for(world: Path) -> None:
    manifest = read_manifest(world / "run")
    n = {role: f["n_rows"] for role, f in manifest.figures.items()}
    assert n == {"ir": 5, "kg": 4, "dr": 4, "ks": 4, "ird": 9}
    assert (manifest.n_in, manifest.n_kept) == (5 * 6, 26)
    stages = pl.read_parquet(world / "run" / REJECTS)["stage"].to_list()
    assert sorted(stages) == ["sft:dr", "sft:ird:kg", "sft:kg", "sft:ks"]
    assert manifest.figures["ird"]["n_steps"] == 3
    card = json.loads((world / "run/adapters/ird/lorid.json").read_text())
    assert (card["role"], card["prompt"]) == ("ird", "roles/ir.v1")
    lora = json.loads((world / "run/adapters/ks/adapter_config.json").read_text())
    assert lora["r"] == 2


def test_they_are_drawn_measured_and_exported(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "eval"
    more = [
        "--greedy",
        "ir",
        "ks",
        "ird",
        "kg-knowledge",
        "--samples",
        "ks=2",
        "ir=3",
        "--votes",
        "none",
    ]
    assert evaluate(world, out, *more, "--schedule", "exhaustive") == 0
    systems = {m["system"] for m in json.loads((out / "metrics.json").read_text())["metrics"]}
    assert {"ks-greedy", "ird-greedy", "ks-sampled", "ir-greedy", "dr-kg-knowledge"} <= systems
    assert "ks-greedy" in (out / "report.md").read_text()
    log = tmp_path / "log.parquet"
    assert command("export-log", out, "--out", log) == 0
    rows = pl.read_parquet(log)
    n = {
        r: rows.filter((pl.col("role") == r) & (pl.col("condition") == "sampled")).height
        for r in ROLES
    }
    assert n == {"ir": 15, "kg": 10, "dr": 10, "ks": 10, "ird": 0}
    assert rows.filter(pl.col("role") == "ks")["verdict"].null_count() == 0
    # Untrained, KG writes nothing that can be kept.
    assert command("export-knowledge", out, "--out", tmp_path / "kg") == 1
    again = tmp_path / "again.html"
    assert command("report", out, "--out", again, "--replay", "rounds=1") == 0
    names = {m["system"] for m in json.loads(again.with_suffix(".json").read_text())["metrics"]}
    assert "ks-sampled" in names


def test_a_missing_adapter_is_said_before_anything_is_written(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [f"{r}={world}/run/adapters/{r}" for r in ("ir", "kg", "dr")]
    argv: list[Any] = [
        "evaluate",
        "--adapters",
        *folders,
        "--dataset",
        world / "data",
        "--out",
        tmp_path / "e",
    ]
    assert command(*argv, "--greedy", "ks", "ird") == 2
    assert "no adapter for ks, ird, which would be drawn" in capsys.readouterr().err
    assert not (tmp_path / "e").exists()
    assert command(*argv, "--greedy", "ks-greedy") == 2
    assert "greedy: there is no 'ks-greedy'" in capsys.readouterr().err
    assert command(*argv, "--samples", "ir=many") == 2
    assert "samples.ir" in capsys.readouterr().err


def test_they_are_merged_and_published_beside_the_three(world: Path, tmp_path: Path) -> None:
    assert command("merge", world / "run/adapters/ks", "--out", tmp_path / "merged") == 0
    assert evaluate(world, tmp_path / "eval", "--votes", "none") == 0  # of the three alone
    out = tmp_path / "out"
    argv = ["publish", world / "run", "me/roles", "--dry-run", "--out", out, "--base-id", "me/base"]
    assert command(*argv, "--evaluation", tmp_path / "eval") == 0
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == sorted(
        f"roles-{r.upper()}" for r in ROLES
    )
    card = (out / "roles-KS" / "README.md").read_text()
    assert "| KS | question | knowledge, rationale and answer |" in card
    assert (out / "roles-KS/prompts/roles/ks.v1.txt").is_file()


def test_a_single_role_can_be_evaluated_alone(world: Path, tmp_path: Path) -> None:
    folder = world / "run/adapters/ird"
    argv = [
        "evaluate",
        "--adapters",
        f"ird={folder}",
        "--dataset",
        world / "data",
        "--out",
        tmp_path / "e",
        "--allow-trained-questions",
    ]
    assert (
        command(*argv, "--no-loop", "--votes", "none", "--greedy", "ird", "--max-new-tokens", 8)
        == 0
    )
    identity = read_manifest(tmp_path / "e").identity
    assert list(identity["adapters_sha256"]) == ["ird"]
