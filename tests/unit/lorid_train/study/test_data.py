"""The dataset folders of a cell: drawn by a seed, or split off a table of one's own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_train.study import data
from lorid_train.study.run import study
from lorid_train.study.settings import SPLITS, StudyConfig
from lorid_train.study.tasks import Task, tasks_of


def config(source: Path | str, **changes: Any) -> StudyConfig:
    return StudyConfig(**({"source": str(source), "group_by": "subject"} | changes))


def task(source: Path | str, out: Path, **changes: Any) -> Task:
    c = config(source, **changes)
    out.mkdir(parents=True, exist_ok=True)
    return tasks_of(c, out, data.opened_table(c, out))[0]


def table(path: Path, n: int = 60, **more: Any) -> Path:
    """Sums of three topics: half of the rows are of the first, a third of the second."""
    topics = ["add"] * 3 + ["carry"] * 2 + ["zero"]
    rows = [
        {"question": f"What is {i} + 3?", "answer": str(i + 3), "rationale": f"{i} + 3 = {i + 3}.",
         "knowledge": "Add the numbers.", "topic": topics[i % 6], "subject": "sums"} | more
        for i in range(n)
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return path


def subjects(t: Task, split: str) -> Counter[str | None]:
    return Counter(r.subject for r in read_records(t.data(split)))


def test_a_world_is_drawn_by_its_seed(tmp_path: Path) -> None:
    made = task("concepts", tmp_path, worlds=(1,), groups=12, limit={"validation": 5})
    data.make_data(made)
    rows = {s: read_records(made.data(s)) for s in SPLITS}
    names = {r.subject for r in rows["test"]}
    assert len(names) == 12
    assert len(rows["test"]) == 24
    assert len(rows["train"]) == 2 * (0 + 1 + 2 + 4 + 8 + 16)
    assert {r.subject for r in rows["train"]} < names
    assert len(rows["validation"]) == 5
    before = [read_manifest(made.data(s)) for s in SPLITS]
    data.make_data(made)
    assert [read_manifest(made.data(s)) for s in SPLITS] == before
    other = task("concepts", tmp_path, worlds=(2,), groups=12)
    data.make_data(other)
    assert {r.subject for r in read_records(other.data("test"))} != names


def test_a_column_of_a_raw_table_becomes_the_group(tmp_path: Path) -> None:
    raw = table(tmp_path / "t.jsonl")
    made = task(raw, tmp_path / "out", group_by="topic")
    data.make_data(made)
    n = {s: subjects(made, s) for s in SPLITS}
    assert sum(n.values(), Counter()) == {"add": 30, "carry": 20, "zero": 10}
    assert {s: c.total() for s, c in n.items()} == {"train": 42, "test": 12, "validation": 6}
    assert data.record_column(made.config) == "subject"
    plain = task(raw, tmp_path / "plain")
    data.make_data(plain)
    assert set(subjects(plain, "train")) == {"sums"}


def test_a_dataset_folder_is_read_where_it_lies(tmp_path: Path) -> None:
    task(table(tmp_path / "t.jsonl", level="3"), tmp_path / "first")
    folder = tmp_path / "first" / "table"
    made = task(folder, tmp_path / "out", group_by="level")
    assert made.table == folder
    data.make_data(made)
    assert len(read_records(made.data("test"))) == 12
    assert not (tmp_path / "out" / "table").exists()
    with pytest.raises(ConfigError, match="'topic' is none of subject, level, original_id"):
        data.check_source(config(folder, group_by="topic"))
    data.check_source(config(tmp_path / "t.jsonl", group_by="topic"))


def test_a_source_or_a_column_that_is_not_there_is_said_before_a_folder_is_made(
    tmp_path: Path,
) -> None:
    raw = table(tmp_path / "t.jsonl")
    for source, column, says in (
        (raw, "nowhere", "missing column 'nowhere'"),
        (tmp_path / "t.csv", "topic", "no such table or folder"),
    ):
        with pytest.raises(ConfigError, match=says):
            study(config(source, group_by=column), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_that_changed_is_refused(tmp_path: Path) -> None:
    raw = table(tmp_path / "t.jsonl")
    task(raw, tmp_path / "out")
    table(raw, n=61)
    with pytest.raises(ConfigError, match="belongs to another configuration"):
        task(raw, tmp_path / "out")


@pytest.mark.parametrize(
    ("more", "changes", "says"),
    [
        ({"knowledge": None}, {}, "no row has knowledge"),
        ({}, {"validation_fraction": 0.001}, "no rows of 'validation' are left"),
        ({"split": "train"}, {"group_by": "nowhere"}, "missing column 'nowhere'"),
    ],
)
def test_a_table_that_will_not_do_is_refused(
    tmp_path: Path, more: Any, changes: Any, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        data.make_data(task(table(tmp_path / "t.jsonl", **more), tmp_path / "out", **changes))
