"""Rounds of self-training: which questions, when they end, which round is kept. Steps are stood in for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, problem_id
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.rounds import run as module
from lorid_train.rounds.questions import parts
from lorid_train.rounds.run import best_adapters, run_rounds
from lorid_train.rounds.settings import RoundsConfig


def dataset(folder: Path, texts: list[str], split: str) -> Path:
    records = [
        Record(
            row_id=f"{i}", problem_id=problem_id(t), original_id=problem_id(t), source="s", split=split,
            question=t, rationale="", answer="1", provenance=Provenance(teacher="none"),
        )
        for i, t in enumerate(texts)
    ]  # fmt: skip
    with open_stage(folder, "import", identity={"texts": texts}) as stage:
        if stage.done is None:
            write_dataset(stage, records, [], n_in=len(records))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., RoundsConfig]:
    with open_stage(tmp_path / "run", "sft", identity={"format": "plain", "template_date": "2024-07-26"}, settings={"base": "student"}) as stage:  # fmt: skip
        for role in ("ir", "kg", "dr"):
            (stage.out / "adapters" / role).mkdir(parents=True)
        stage.finish(n_in=0, n_kept=0, n_rejected={})
    dataset(tmp_path / "fresh", [f"Q{i}" for i in range(9)], "train")
    dataset(tmp_path / "validation", ["V1", "V2", "V3", "V4"], "validation")

    def made(**changes: Any) -> RoundsConfig:
        body = {n: str(tmp_path / n) for n in ("run", "fresh", "validation", "out")}
        return RoundsConfig(**(body | changes))

    return made


class Steps:
    """Stands in for evaluate, export and train; `right` is how many of four validation questions each look finds right."""

    def __init__(self, right: list[int], empty: int | None = None) -> None:
        self.right, self.empty, self.done = right, empty, list[str]()
        self.inits: list[dict[str, str]] = []

    def evaluate(self, config: Any) -> None:
        out = Path(config.out)
        self.done.append(f"{out.parent.name}/{out.name}")
        if out.name == "validation":
            n = self.right[int(out.parent.name)]
            system = "ir-greedy" if config.greedy == ("ir",) else "dr-kg-knowledge"
            rows = [
                Outcome(system=system, problem_id=str(i), seed=0, answer="1", how="single", round=1, n_tokens=5, verdict=Verdict.CORRECT if i < n else Verdict.WRONG)
                for i in range(4)
            ]  # fmt: skip
            out.mkdir(parents=True, exist_ok=True)
            write_rows(out / "outcomes.parquet", Outcome, rows)

    def export_draws(self, folder: Path, out: Path, _wanted: Any) -> Any:
        if self.empty == int(folder.parent.name):
            raise InputError("the rule consensus leaves no row")
        self.done.append(f"{folder.parent.name}/rows/{out.name}")
        figures = dict.fromkeys(
            ("coverage_fraction", "label_precision_fraction", "row_precision_fraction"), 0.5
        )
        return SimpleNamespace(n_kept=7, figures=figures)

    def train(self, config: Any) -> None:
        self.done.append(f"{Path(config.out).parent.name}/run")
        self.inits.append(config.init)


def stood_in(monkeypatch: pytest.MonkeyPatch, steps: Steps) -> Steps:
    for name in ("evaluate", "export_draws", "train"):
        monkeypatch.setattr(module, name, getattr(steps, name))
    return steps


def test_each_round_has_questions_of_its_own(config: Callable[..., RoundsConfig]) -> None:
    asked = [[r.question for r in p] for p in parts(config(rounds=2))]
    assert asked == [["Q0", "Q1", "Q2", "Q3"], ["Q4", "Q5", "Q6", "Q7"]]
    asked = [[r.question for r in p] for p in parts(config(rounds=2, fresh_per_round=2))]
    assert asked == [["Q0", "Q1"], ["Q2", "Q3"]]


def test_what_no_training_takes_is_said_before_anything_is_drawn(
    config: Callable[..., RoundsConfig], tmp_path: Path
) -> None:
    for changes, said in (
        ({"sft": {"num_train_epochs": 0}}, "sft: num_train_epochs is 0, and must be more than 0"),
        ({"sft": {"learning_rat": 1}}, "did you mean 'learning_rate'"),
        ({"roles": ("ir", "ir")}, "roles: 'ir' more than once"),
    ):
        with pytest.raises(ConfigError, match=said):
            run_rounds(config(**changes))
    assert not (tmp_path / "out").exists()


def test_all_that_is_wrong_with_the_questions_is_said_at_once(
    config: Callable[..., RoundsConfig], tmp_path: Path
) -> None:
    tested = dataset(tmp_path / "tested", ["Q1", " v1 ", "T"], "test")
    with pytest.raises(ConfigError) as caught:
        run_rounds(config(fresh=str(tested), rounds=4))
    said = str(caught.value)
    assert "3 questions are of a test split" in said
    assert "3 questions for 4 rounds of 1" in said
    assert "1 question found in fresh too" in said
    assert not (tmp_path / "out").exists()


def test_it_ends_where_validation_no_longer_gains_and_keeps_the_best(
    config: Callable[..., RoundsConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = stood_in(monkeypatch, Steps([1, 3, 3, 4]))
    manifest = run_rounds(config())
    assert manifest.figures["accuracy"] == [0.25, 0.75, 0.75]
    assert manifest.figures["best_round"] == 1
    assert "round 2 gained nothing" in manifest.figures["ended"]
    assert "3/run" not in steps.done
    assert best_adapters(config(), manifest)["ir"].endswith("out/1/run/adapters/ir")
    assert best_adapters(config(), manifest)["kg"].endswith("run/adapters/kg")


def test_a_round_goes_on_from_the_one_before(
    config: Callable[..., RoundsConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps = stood_in(monkeypatch, Steps([1, 2, 3, 4]))
    manifest = run_rounds(config(roles=("ir", "dr")))
    assert manifest.figures["best_round"] == 3
    assert manifest.figures["ended"] == "all rounds were made"
    first, second, _ = steps.inits
    assert first == {r: str(tmp_path / "run" / "adapters" / r) for r in ("ir", "dr")}
    assert second == {r: str(tmp_path / "out" / "1" / "run" / "adapters" / r) for r in ("ir", "dr")}
    assert steps.done[1:6] == ["1/draws", "1/rows/ir", "1/rows/dr", "1/run", "1/validation"]
    assert [r.question for r in read_records(tmp_path / "out" / "2" / "data")] == ["Q3", "Q4", "Q5"]


def test_where_nothing_gains_the_start_is_kept(
    config: Callable[..., RoundsConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    stood_in(monkeypatch, Steps([2, 2]))
    manifest = run_rounds(config())
    assert manifest.figures["best_round"] == 0
    assert best_adapters(config(), manifest)["ir"].endswith("run/adapters/ir")


def test_a_rule_that_leaves_no_row_ends_the_rounds(
    config: Callable[..., RoundsConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    stood_in(monkeypatch, Steps([1, 2, 3], empty=2))
    manifest = run_rounds(config())
    assert (manifest.figures["best_round"], len(manifest.figures["rounds"])) == (1, 1)
    assert "round 2 has nothing to train on: the rule consensus leaves no row" in manifest.figures["ended"]  # fmt: skip


def test_dr_alone_is_looked_at_by_what_it_answers(
    config: Callable[..., RoundsConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    stood_in(monkeypatch, Steps([1, 1]))
    assert run_rounds(config(roles=("dr",))).figures["accuracy"] == [0.25, 0.25]


def test_done_it_does_nothing(
    config: Callable[..., RoundsConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    stood_in(monkeypatch, Steps([1, 1]))
    first = run_rounds(config())
    steps = stood_in(monkeypatch, Steps([9, 9]))
    assert run_rounds(config()) == first
    assert steps.done == []


def test_a_run_without_the_three_roles_is_refused(
    config: Callable[..., RoundsConfig], tmp_path: Path
) -> None:
    (tmp_path / "run" / "adapters" / "kg").rmdir()
    with pytest.raises(ConfigError, match="no adapter for kg"):
        run_rounds(config())
    assert not (tmp_path / "out").exists()
