"""Names of splits and configurations: those that `datasets` loads back, and no others, are taken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from lorid_data.build.importing import import_table
from lorid_data.build.stage import BuildOptions, build
from lorid_data.errors import InputError
from lorid_data.folders.records import read_records
from lorid_data.hub.splits import split_fault
from lorid_data.sources.layout import layout

LOADS = (
    "train", "test", "Train", "TRAIN", "train_1", "train.v2", "2024.01.01", "1", "1.5", "1e3", "0x1F", "1_000", "_", "default",
    "null", "None", "true", "yes", "no", "on", "NaN", "été", "日本", "٣", "x" * 100,
)  # fmt: skip
"""The odd ones are words that YAML reads as something else where they stand bare."""
DOES_NOT = (
    "all", "ALL", "All", "aLl", "my split", "train-2", "-", "~", ".a", "a.", "a..b", "a/b", "../x", "a\\b", "x+y", "train[:10]",
    "50%", "a:b", "a*b", "a?b", "[a]", "a,b", "'a'", "a\tb", "a\n",
)  # fmt: skip
CONFIGS_LOAD = ("main", "a-b", "v1.0", "two words", "all", "null", "true", "été", "-", "..", "a@b", "[x]", "a,b", "train")  # fmt: skip
CONFIGS_DO_NOT: tuple[object, ...] = (
    "a/b",
    "../a",
    "a\\b",
    "a:b",
    "a*",
    "a?",
    "a|b",
    "<a>",
    "",
    1,
    1.5,
    True,
    None,
)


def loads(folder: Path, config: object, split: str, cache: Path) -> bool:
    """Whether `datasets` gives the one row back."""
    import datasets

    try:
        rows = datasets.load_dataset(str(folder), config, split=split, cache_dir=str(cache))
    except (ValueError, TypeError, OSError, datasets.exceptions.DatasetsError):
        return False
    return list(rows["question"]) == ["q"]


def published(folder: Path, config: object, split: str) -> Path:
    """As `publish` lays a dataset out: a folder and its name in the README."""
    (folder / "data").mkdir(parents=True)
    pl.DataFrame({"question": ["q"], "answer": ["1"]}).write_parquet(folder / "data" / "x.parquet")
    files = [{"split": split, "path": "data/x.parquet"}]
    front = yaml.safe_dump({"configs": [{"config_name": config, "data_files": files}]})
    (folder / "README.md").write_text(f"---\n{front}---\n")
    return folder


@pytest.mark.parametrize("name", [*LOADS, *DOES_NOT])
def test_a_split_is_taken_where_datasets_loads_it(name: str, tmp_path: Path) -> None:
    folder = published(tmp_path / "d", "default", name)
    assert loads(folder, "default", name, tmp_path / "cache") is (name in LOADS)
    assert (split_fault(name) is None) is (name in LOADS)


@pytest.mark.parametrize("name", DOES_NOT)
def test_a_split_that_nothing_loads_is_refused_before_a_folder_is_written(
    name: str, tmp_path: Path
) -> None:
    rows = [{"question": f"q{i}", "answer": "1", "split": s} for i, s in enumerate(("train", name))]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    words = re.escape(f"the split {name!r} cannot be")
    with pytest.raises(InputError, match=words):
        import_table(tmp_path / "t.jsonl", tmp_path / "out")
    options = BuildOptions(source=str(tmp_path / "t.jsonl"), teacher="none", split=name)
    with pytest.raises(InputError, match=words):
        build(options, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "u.jsonl").write_text(json.dumps({"question": "q", "answer": "1"}))
    with pytest.raises(InputError, match=words):
        import_table(tmp_path / "u.jsonl", tmp_path / "out", split=name)


def test_all_faults_are_one_error(tmp_path: Path) -> None:
    rows = [{"question": n, "answer": "1", "split": n} for n in ("my split", "all", "train")]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    with pytest.raises(InputError) as e:
        import_table(tmp_path / "t.jsonl", tmp_path / "out")
    assert len(e.value.problems) == 2


@pytest.mark.parametrize("name", [*CONFIGS_LOAD, *CONFIGS_DO_NOT])
def test_a_configuration_is_read_where_datasets_loads_it(name: object, tmp_path: Path) -> None:
    folder = published(tmp_path / "d", name, "train")
    assert loads(folder, name, "train", tmp_path / "cache") is (name in CONFIGS_LOAD)
    if name in CONFIGS_LOAD:
        assert layout(folder, str(name)).splits == {"train": (folder / "data" / "x.parquet",)}
        import_table(Path(f"{folder}:{name}"), tmp_path / "out")
        assert [r.question for r in read_records(tmp_path / "out")] == ["q"]
        return
    with pytest.raises(InputError, match=r"README\.md: the configuration|no configurations"):
        layout(folder)
