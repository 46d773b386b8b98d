"""`rl` paid by the consensus of stored draws, from the command line: who is asked, what is written, what is refused."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Reject
from lorid_train import cli
from lorid_train.evaluation.trained_on import look
from lorid_train.reinforcement import questions
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.training import sft

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
SUPPORT = Path(__file__).parents[1] / "support"
small = SimpleNamespace(**runpy.run_path(str(SUPPORT / "small_training.py")))
rl = SimpleNamespace(**runpy.run_path(str(SUPPORT / "small_rl.py")))
finished = SimpleNamespace(**runpy.run_path(str(SUPPORT / "finished_evaluation.py")))


@pytest.fixture(scope="module")
def start(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("start") / "run"
    sft.train(small.config(tiny_base, small_dataset, out, roles=("ir",), limit=1))
    return out


@pytest.fixture(scope="module")
def draws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("draws") / "eval"
    made: Path = finished.write(
        folder, split="train", n=12, lazy=False, n_votes=4, n_wrong=2, settings={"rounds": 4}
    )
    return made


def written(path: Path, **body: Any) -> Path:
    path.write_text(yaml.safe_dump(body))
    return path


def body(start: Path, draws: Path, held: Path, out: Path) -> dict[str, Any]:
    return {
        "init": str(start), "role": "ir", "draws": str(draws), "reward": "consensus", "out": str(out), "threads": 1,
        "validation": {"data": str(held), "split": "validation", "limit": 3, "max_new_tokens": 4},
        "grpo": rl.GRPO | {"max_steps": 2},
    }  # fmt: skip


def test_what_agreed_is_asked_and_the_rest_is_a_reject(
    start: Path, draws: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("lorid_train.reinforcement.rewards.answer_of", rl.by_sum)
    monkeypatch.setattr(
        "lorid_train.reinforcement.rewards.for_label", lambda _: lambda a: float(int(a) % 2)
    )
    out = tmp_path / "run"
    config = written(tmp_path / "rl.yaml", **body(start, draws, small_dataset, out))
    status = cli.run(cli.app, ["rl", str(config), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert status == 0
    assert said["out"] == str(out)
    c = RlConfig(**body(start, draws, small_dataset, out))
    stored = questions.stored(str(draws))
    asked, rejects = questions.choose(c, stored, questions.records_of(c, stored))
    assert said["roles"]["ir"]["n_rows"] == len(asked)
    kept = read_rows(out / "rejects.parquet", Reject)
    assert [(r.problem_id, r.reason) for r in kept] == [(r.problem_id, r.reason) for r in rejects]
    card = json.loads((out / "adapters/ir/lorid.json").read_text())
    assert stored is not None
    assert card["reward"] == {"kind": "consensus", "rule": "consensus", "draws_manifest_sha256": stored.sha256}  # fmt: skip
    assert card["blind"] is False
    looked = look({"ir": out / "adapters/ir"}, [a.record for a in asked])
    assert {f.problem_id for f in looked.found} == {a.record.problem_id for a in asked}


def refused(argv: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lorid_train", *argv], capture_output=True, text=True
    )
    assert done.returncode == 2
    return done.stderr


def test_slips_are_said_before_torch_is_loaded(
    start: Path, draws: Path, small_dataset: Path, tmp_path: Path
) -> None:
    given = body(start, draws, small_dataset, tmp_path / "run")
    config = written(tmp_path / "rl.yaml", **given | {"grpo": {"num_generation": 4, "seed": 3}})
    said = refused(["rl", str(config)])
    assert "num_generations" in said
    assert "'seed' is set by the run itself" in said
    config = written(tmp_path / "rl.yaml", **given | {"rewards": "gold"})
    assert "reward" in refused(["rl", str(config)])
    assert not (tmp_path / "run").exists()


def test_blind_and_a_dry_run_are_options(
    start: Path, draws: Path, small_dataset: Path, tmp_path: Path
) -> None:
    given = body(start, draws, small_dataset, tmp_path / "run")
    del given["validation"]
    config = written(tmp_path / "rl.yaml", **given)
    assert "Or train with --blind" in refused(["rl", str(config), "--dry-run"])
    done = subprocess.run(
        [sys.executable, "-m", "lorid_train", "rl", str(config), "--blind", "--dry-run"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "blind: nobody looks whether accuracy falls" in done.stdout
    assert "passed over:" in done.stdout
    assert "temperature 1.5" in done.stdout
    assert not (tmp_path / "run").exists()
