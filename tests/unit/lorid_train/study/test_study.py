"""A study's configuration, cells, splits, and what it says of its progress."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.errors import ConfigError, LockedError
from lorid_data.folders.files import locked
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_train.evaluation.drawing import needed_roles
from lorid_train.study import splits
from lorid_train.study.command import configured
from lorid_train.study.progress import SHARES, Steps, duration, seconds_left
from lorid_train.study.run import study
from lorid_train.study.settings import StudyConfig, packaged, read
from lorid_train.study.tasks import fingerprints, named, order_of, task_of, tasks_of
from lorid_train.study.worker import alone


def config(**changes: Any) -> StudyConfig:
    return StudyConfig(**({"source": "concepts", "group_by": "subject"} | changes))


def records(*rows: tuple[str, str], knowledge: bool = True) -> list[Record]:
    """One record per (split, subject); questions are numbered."""
    problems = [
        make_problem(
            source="s", split=split, question=f"Q{i}?", rationale="r", answer="1", subject=subject,
            knowledge=["K"] if knowledge else [],
        )
        for i, (split, subject) in enumerate(rows)
    ]  # fmt: skip
    return [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]


def questions(rows: list[Record]) -> set[str]:
    return {r.question for r in rows}


# --- configuration -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", packaged())
def test_packaged_studies_draw_only_what_they_train(name: str, tmp_path: Path) -> None:
    found = read(packaged()[name], {})
    for task in tasks_of(found, tmp_path, None):
        for split in ("test", "validation"):
            assert set(needed_roles(task.planned(split))) <= set(found.roles)


def test_a_packaged_study_is_named_and_changed_on_the_command_line(tmp_path: Path) -> None:
    found, out = configured("concepts", None, {"worlds": [3], "workers": 1})
    assert (found.worlds, found.workers, out) == ((3,), 1, Path("runs/study-concepts"))
    assert found.bases == ("student",)
    (tmp_path / "mine.yaml").write_text("source: concepts\ngroup_by: level\n")
    mine, out = configured(str(tmp_path / "mine.yaml"), None, {})
    assert (mine.group_by, out) == ("level", Path("runs/study-mine"))


def test_a_table_is_one_world_with_the_settings_of_the_packaged_study() -> None:
    found, out = configured("my/table.csv", None, {"group_by": "topic"})
    assert (found.source, found.group_by, found.worlds) == ("my/table.csv", "topic", (0,))
    assert found.lora == read(packaged()["concepts"], {}).lora
    assert out == Path("runs/study-table")


@pytest.mark.parametrize(
    ("source", "settings", "says"),
    [
        ("table.csv", None, r"concepts.*say with --group-by"),
        ("concepts", Path("x.yaml"), r"--settings x\.yaml is for a table"),
        ("nowhere.yaml", None, "nowhere"),
    ],
)
def test_what_is_no_study_is_said(source: str, settings: Path | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        configured(source, settings, {})


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("source: concepts\ngroup_by: subject\nworld: [0]\n")
    with pytest.raises(ConfigError, match="did you mean 'worlds'"):
        read(tmp_path / "s.yaml", {})


def test_all_problems_are_said_before_a_folder_is_made(tmp_path: Path) -> None:
    wrong = config(
        worlds=(0, 0), group_by="topic", roles=("ir", "kg", "dr"), bases=("student",),
        test={"greedy": ["ks"], "samples": {"xr": 1}}, validation={"samples": {"ird": 2}},
    )  # fmt: skip
    with pytest.raises(ConfigError) as e:
        study(wrong, tmp_path / "out")
    said = "\n".join(e.value.problems)
    for part in ("worlds: [0, 0]", "'topic' is none of", "no role 'xr'", "validation: draws 'ird'"):
        assert part in said
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="are one world"):
        study(config(source=str(tmp_path), worlds=(0, 1)), tmp_path / "out")
    with pytest.raises(ConfigError, match="no such folder"):
        study(config(bases=("nowhere",)), tmp_path / "out")


def test_a_table_that_will_not_do_leaves_no_folder(tmp_path: Path) -> None:
    """It would refuse the right command as another configuration."""
    (tmp_path / "p.csv").write_text("question,solution,answer,level\nq?,It is 1.,1,a\n")
    wrong = config(source=str(tmp_path / "p.csv"), group_by="level")
    with pytest.raises(ConfigError, match="no row has knowledge"):
        study(wrong, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(ConfigError, match="no row has knowledge"):
        study(wrong, tmp_path / "mine")
    assert (tmp_path / "mine").exists()


def test_what_was_trained_stays_where_the_report_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ConfigError("no report")

    monkeypatch.setattr("lorid_train.study.run.preflight.check", lambda _: None)
    monkeypatch.setattr("lorid_train.study.run.make_all", lambda *_, **__: [])
    monkeypatch.setattr("lorid_train.study.run.study_report.write_study", fails)
    with pytest.raises(ConfigError, match="no report"):
        study(config(), tmp_path / "out")
    assert (tmp_path / "out" / "config.yaml").is_file()


# --- cells -------------------------------------------------------------------------------------


def test_cells_are_every_world_base_and_seed(tmp_path: Path) -> None:
    bases = ("student", "runs/a/student", "me/Model@v1", "runs/b c")
    tasks = tasks_of(config(worlds=(0, 7), bases=bases, seeds=(0, 1)), tmp_path, None)
    names = [t.name for t in tasks]
    assert len(set(names)) == 16
    assert names[0] == "0-student-0"
    assert {"7-student_2-1", "0-Model-0", "0-b_c-0"} <= set(names)
    cell = tasks[-1].cell()
    assert (cell.name, cell.world, cell.base, cell.seed) == ("7-b_c-1", "7", "b_c", 1)
    assert cell.train == tmp_path / "cells" / "7-b_c-1" / "data" / "train"


def test_a_task_survives_its_way_to_a_process(tmp_path: Path) -> None:
    per_role = {"kg": {"sft": {"num_train_epochs": 1}}}
    [_, task] = tasks_of(config(worlds=(0, 7), per_role=per_role), tmp_path, tmp_path / "t")
    assert task_of(json.loads(json.dumps(order_of(task)))) == task


def test_every_stage_is_told_the_same(tmp_path: Path) -> None:
    body = config(bases=("me/M@v1",), seeds=(5,), test={"rounds": 3, "samples": {"ir": 4}})
    [task] = tasks_of(body, tmp_path, None)
    run = task.train_config()
    assert (run.base, run.revision, run.seed, run.split) == ("me/M", "v1", 5, None)
    drawn = task.planned("test")
    assert (drawn.rounds, drawn.samples, drawn.schedule, drawn.votes) == (3, {"ir": 4}, "exhaustive", "none")  # fmt: skip
    assert (drawn.seed, drawn.dtype, drawn.threads) == (run.seed, run.dtype, run.threads)
    assert task.planned("validation").rounds == 10


def test_a_base_s_revision_is_what_follows_the_at(tmp_path: Path) -> None:
    assert named("student") == ("student", None)
    assert named("me/M@v1") == ("me/M", "v1")
    (tmp_path / "a@b").mkdir()
    assert named(str(tmp_path / "a@b")) == (str(tmp_path / "a@b"), None)
    assert fingerprints(config())["student"].startswith("sha256:")


# --- splits ------------------------------------------------------------------------------------


def of(rows: list[Record], seed: int = 0) -> splits.Splits:
    return splits.split(rows, seed=seed, test_fraction=0.2, validation_fraction=0.1)


def test_a_table_s_own_splits_are_kept() -> None:
    rows = records(*[("train", "a")] * 20, *[("test", "a")] * 5, ("dev", "a"))
    found = of(rows)
    assert questions(found["test"]) == {f"Q{i}?" for i in range(20, 25)}
    assert (len(found["train"]), len(found["validation"])) == (18, 2)
    whole = of([*rows, *(r.model_copy(update={"split": "validation"}) for r in rows[-1:])])
    assert len(whole["train"]) == 20
    assert questions(whole["validation"]) == {"Q25?"}


@given(st.integers(10, 60), st.integers(0, 3))
def test_a_table_without_splits_is_split_by_problem(n: int, seed: int) -> None:
    rows = records(*[("train", "a")] * n)
    rows += [r.model_copy(update={"row_id": r.row_id + "2", "rationale": "s"}) for r in rows]
    found = of(rows, seed)
    asked = [questions(found[s]) for s in ("train", "test", "validation")]
    assert sum(map(len, asked)) == len(set.union(*asked)) == n
    assert len(asked[1]) == round(0.2 * n)
    assert sum(map(len, found.values())) == 2 * n
    assert of(rows[::-1], seed)["test"] == found["test"][::-1]


def test_another_seed_is_another_split() -> None:
    rows = records(*[("train", "a")] * 40)
    assert questions(of(rows, 0)["test"]) != questions(of(rows, 1)["test"])


def test_fewer_groups_keep_every_frequency() -> None:
    frequency = {f"g{i}": i % 3 for i in range(30)}  # ten groups each of 0, 1 and 2 rows
    train = records(*[("train", g) for g, n in frequency.items() for _ in range(n)])
    test = records(*[("test", g) for g in frequency])
    found = splits.of_groups({"train": train, "test": test}, "subject", 6, seed=0)
    kept = {r.subject for r in found["test"]}
    assert Counter(frequency[g or ""] for g in kept) == {0: 2, 1: 2, 2: 2}
    assert {r.subject for r in found["train"]} == {g for g in kept if frequency[g or ""]}
    assert splits.of_groups({"train": train, "test": test}, "subject", 99, 0)["test"] == test


def test_at_most_so_many_rows_in_their_order() -> None:
    rows = records(*[("train", "a")] * 30)
    few = splits.limited(rows, 7, seed=0)
    assert len(few) == 7
    assert few == [r for r in rows if r in few]
    assert splits.limited(rows[::-1], 7, seed=0) == few[::-1]
    assert splits.limited(rows, None, 0) == splits.limited(rows, 30, 0) == rows


def test_variants_of_one_question_are_on_one_side() -> None:
    """Another wording of what is tested on is no training row."""
    first = records(*[("train", "a")] * 40)
    rows = [
        r.model_copy(update={"problem_id": f"{i:04d}{v:060d}", "original_id": r.problem_id})
        if v
        else r
        for i, r in enumerate(first)
        for v in range(3)
    ]
    found = of(rows)
    assert [len(found[name]) for name in ("test", "validation")] == [24, 12]
    sides = [{r.original_id for r in found[name]} for name in ("train", "test", "validation")]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 40


def test_splits_that_no_study_can_be_made_of_are_refused() -> None:
    bare = records(("train", "a"), knowledge=False)
    with pytest.raises(ConfigError) as e:
        splits.check({"train": bare, "test": bare, "validation": []}, "t.csv")
    said = "\n".join(e.value.problems)
    assert len(e.value.problems) == 3
    for part in ("no rows of 'validation'", "1 question of 'test' found in 'train' too", "no row has knowledge"):  # fmt: skip
        assert part in said


# --- progress ----------------------------------------------------------------------------------


def test_shares_are_a_whole() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)


def test_the_time_left_comes_from_what_was_measured() -> None:
    left = {"data": 0, "train": 2, "evaluate": 3, "evaluate-validation": 4}
    assert seconds_left({}, left, 2) is None
    assert seconds_left({"data": [2.0]}, left, 2) is None
    measured = {"data": [1.0], "train": [60.0, 80.0], "evaluate": [20.0], "evaluate-validation": [5.0]}  # fmt: skip
    assert seconds_left(measured, left, 2) == (2 * 70 + 3 * 20 + 4 * 5) / 2
    one = dict.fromkeys(left, 1)
    train = {"train": [100 * SHARES["train"]]}
    assert seconds_left(train, one, 2) == pytest.approx(100)  # one cell: no two at a time


def test_a_line_says_cell_step_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 3.0, 70.0, 3700.0])
    steps = Steps(1, 2, clock=lambda: next(now))
    steps.ended("0-student-0", "data", 3.0, was_done=False)
    steps.ended("0-student-0", "train", 67.0, was_done=False)
    steps.ended("0-student-0", "evaluate", 0.1, was_done=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "0:03 0-student-0: data took 0:03 (1 of 4 steps)"
    assert lines[1].startswith("1:10 0-student-0: train took 1:07 (2 of 4 steps, about 0:2")
    assert lines[2].startswith("1:01:40 0-student-0: evaluate was done (3 of 4 steps, about 0:0")
    assert duration(59.7) == "1:00"


# --- processes ---------------------------------------------------------------------------------


def test_a_worker_waits_for_one_that_is_ending(tmp_path: Path) -> None:
    taken, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(tmp_path):
            taken.set()
            let_go.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    with pytest.raises(LockedError), alone(tmp_path, patience_s=0.3):
        pass
    threading.Timer(0.3, let_go.set).start()
    start = time.monotonic()
    with alone(tmp_path):
        assert time.monotonic() > start
    holder.join()
