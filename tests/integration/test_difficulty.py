"""From draws to a training on the rows of a band: `difficulty`, then `sft`."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.pass_rates import PassRate
from lorid_train.training.sft import dry_run, train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
small = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_training.py"))
)


@pytest.fixture(scope="module")
def judged(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small dataset with pass rates by IR that go round from 0 to 1, and one row without."""
    rows = [
        r.model_copy(update={"difficulty": None if i == 0 else (_rate(i % 5 / 4),)})
        for i, r in enumerate(r for r in read_records(small_dataset) if r.split == "train")
    ]
    out = tmp_path_factory.mktemp("judged") / "data"
    with open_stage(out, "difficulty", identity={}) as stage:
        write_dataset(stage, rows, [], n_in=len(rows))
    return out


def _rate(value: float) -> PassRate:
    return PassRate(
        role="ir", judge_sha256="a" * 64, adapters_sha256=("1" * 64,), n_draws=4, n_right=round(4 * value),
        pass_rate=value, ci_low=0.0, ci_high=1.0, agreement=1.0,
    )  # fmt: skip


def test_a_band_is_trained_on_and_said_everywhere(
    tiny_base: Path, judged: Path, tmp_path: Path
) -> None:
    asked = small.config(tiny_base, judged, tmp_path / "run", difficulty=[0.25, 0.75])
    told: list[str] = []
    manifest = train(asked, say=told.append)
    n = len(read_records(judged))
    assert manifest.n_in == n
    assert manifest.n_kept == sum(i % 5 in (1, 2, 3) and i > 0 for i in range(n))
    assert manifest.n_rejected["difficulty_unknown"] == 1
    assert manifest.identity["difficulty"]["band"] == [0.25, 0.75]
    assert small.figures(tmp_path / "run")["difficulty"]["by"] == "ir"
    assert any(
        "rows with a pass rate from 0.25 to 0.75, as ir solves them" in line for line in told
    )
    rejects = pl.read_parquet(tmp_path / "run" / "rejects.parquet")
    assert set(rejects["reason"]) == {"difficulty_outside", "difficulty_unknown"}
    trained = pl.read_parquet(tmp_path / "run" / "trained_on.parquet")
    assert len(trained) == manifest.n_kept, "what was left out is no question that was trained on"


def test_a_run_without_it_has_the_identity_that_it_had(
    tiny_base: Path, judged: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    dry_run(small.config(tiny_base, judged, tmp_path / "run"), told.append)
    assert not any("difficulty" in line for line in told)
    train(small.config(tiny_base, judged, tmp_path / "run"))
    assert "difficulty" not in read_manifest(tmp_path / "run").identity


@pytest.mark.parametrize("order", ["easy_first", "weighted"])
def test_an_order_is_followed_and_resumed_to_the_same_bits(
    tiny_base: Path, judged: Path, tmp_path: Path, order: str
) -> None:
    import shutil

    def asked(out: Path, **sft: Any) -> Any:
        more = {"max_steps": 10, "save_steps": 4} | sft
        return small.config(tiny_base, judged, out, sft=more, difficulty={"order": order})

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(asked(whole))
    shutil.copytree(whole, cut)
    (cut / "manifest.json").unlink()
    shutil.rmtree(cut / "adapters")
    for checkpoint in cut.glob("checkpoints/dr/checkpoint-*"):
        if int(checkpoint.name.rpartition("-")[2]) > 4:
            shutil.rmtree(checkpoint)
    train(asked(cut))
    assert small.residuals(small.weights(cut), small.weights(whole)) == (0, 0)
    plain = tmp_path / "plain"
    train(small.config(tiny_base, judged, plain, sft={"max_steps": 10, "save_steps": 4}))
    assert small.residuals(small.weights(plain), small.weights(whole)) != (0, 0)
    card = json.loads((whole / "adapters" / "dr" / "training.json").read_text())
    assert card["difficulty"]["order"] == order
