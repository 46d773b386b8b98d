"""Folders of every shape of the Hub's documentation: the splits that `datasets` finds, or a refusal."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders import trees
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.sources.layout import layout

README = "---\nconfigs:\n{}---\n# A dataset\n"
SPLIT = "  - split: {}\n    path: {}\n"
CONFIG = "- config_name: {}\n"
TWO = README.format(
    CONFIG.format("main") + "  data_files: main/*.jsonl\n" + CONFIG.format("socratic") + "  data_files: socratic/*.jsonl\n"
)  # fmt: skip
DEFAULT_NAMED = TWO.replace(
    "- config_name: socratic\n", "- config_name: socratic\n  default: true\n"
)


def splits_readme(*splits: tuple[str, str]) -> str:
    files = "".join(f"  - split: {s}\n    path: {p}\n" for s, p in splits)
    return README.format("- config_name: default\n  data_files:\n" + files)


SHAPES: dict[str, tuple[list[str], str | None]] = {
    "one file": (["dataset.csv"], None),
    "files by split": (["train.csv", "test.csv"], None),
    "files in data": (["data/train.csv", "data/test.csv"], None),
    "other words": (["training.jsonl", "dev.jsonl", "eval.jsonl"], None),
    "valid": (["train.jsonl", "valid.jsonl", "testing.jsonl"], None),
    "numbered": (["train_0.csv", "train_1.csv", "train_2.csv", "test_0.csv"], None),
    "dashed": (["my-train-part.jsonl", "my-test-part.jsonl"], None),
    "split in the middle": (["gsm.train.jsonl", "gsm.test.jsonl"], None),
    "folders": (["train/data.jsonl", "test/data.jsonl"], None),
    "folders in data": (["data/train/shard_0.csv", "data/train/shard_1.csv", "data/test/shard_0.csv"], None),
    "folders of numbers": (["default/train/0000.parquet", "default/train/0001.parquet", "default/test/0000.parquet"], None),
    "sharded": (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"], None),
    "sharded, own names": (["data/train-00000-of-00001.parquet", "data/random-00000-of-00001.parquet"], None),
    "sharded at the top": (["train-00000-of-00001.parquet", "test-00000-of-00001.parquet"], None),
    "parts": (["part-0.parquet", "part-1.parquet"], None),
    "numbers": (["0000.jsonl", "0001.jsonl"], None),
    "a folder beside files": (["test/data.jsonl", "train.jsonl"], None),
    "an extra file": (["train.csv", "test.csv", "extra.csv"], None),
    "hidden files": (["train.jsonl", ".hidden/test.jsonl", ".test.jsonl"], None),
    "underscores": (["train.jsonl", "__cache__/test.jsonl"], None),
    "a word in a word": (["trainer.jsonl", "contest.jsonl"], None),
    "json": (["train.json", "test.json"], None),
    "gz": (["train-0.jsonl", "train-1.jsonl.gz"], None),
    "deep": (["a/b/c/train.jsonl", "a/b/c/test.jsonl"], None),
    "readme, one file": (["x.csv", "y.csv"], README.format("- config_name: default\n  data_files: x.csv\n")),
    "readme, splits": (["x.csv", "y.csv"], splits_readme(("train", "x.csv"), ("test", "y.csv"))),
    "readme, folders": (["a/0.jsonl", "a/1.jsonl", "b/0.jsonl"], splits_readme(("train", "a/*"), ("holdout", "b/*.jsonl"))),
    "readme, data_dir": (["en/train.jsonl", "de/train.jsonl"], README.format("- config_name: en\n  data_dir: en\n")),
    "readme against names": (["train.jsonl", "test.jsonl"], splits_readme(("train", "test.jsonl"), ("test", "train.jsonl"))),
    "readme, default": (["main/train.jsonl", "socratic/train.jsonl"], DEFAULT_NAMED),
    "readme, main:": (["main/train.jsonl", "socratic/train.jsonl"], TWO),
    "readme, nothing fits": (["train.jsonl"], splits_readme(("train", "a/*.jsonl"))),
    "two variants, no readme": (["main/train.jsonl", "socratic/train.jsonl", "main/test.jsonl"], None),
    "readme without configs": (["train.jsonl", "test.jsonl"], "---\nlicense: mit\n---\n"),
}  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(json.dumps(r) for r in rows).encode()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines))
    elif path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    elif path.suffix == ".csv":
        pl.DataFrame(rows).write_csv(path)
    else:
        path.write_bytes(lines)


def make(folder: Path, files: list[str], readme: str | None) -> Path:
    folder.mkdir()
    for i, name in enumerate(files):
        rows = [{"question": f"q{i}-{k}", "answer": f"a{k}"} for k in range(i + 1)]
        write(folder / name, rows)
    if readme is not None:
        (folder / "README.md").write_text(readme)
    return folder


def found_by_datasets(folder: Path, cache: Path) -> dict[str, list[str]] | None:
    import datasets

    try:
        found: Any = datasets.load_dataset(str(folder), cache_dir=str(cache))
    except (ValueError, OSError, datasets.exceptions.DatasetsError):
        return None
    return {str(s): sorted(rows["question"]) for s, rows in found.items()}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_the_splits_are_those_that_datasets_finds(tmp_path: Path, shape: str) -> None:
    folder = make(tmp_path / "of the user", *SHAPES[shape])
    expected = found_by_datasets(folder, tmp_path / "cache")
    if expected is None:
        with pytest.raises(InputError):
            import_table(folder, tmp_path / "out")
        return
    import_table(folder, tmp_path / "out")
    ours: dict[str, list[str]] = {}
    for record in read_records(tmp_path / "out"):
        ours.setdefault(record.split, []).append(record.question)
    assert {s: sorted(q) for s, q in ours.items()} == expected


def test_one_of_several_configurations_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "in", *SHAPES["readme, main:"])
    with pytest.raises(InputError, match="has the configurations main, socratic; name one"):
        import_table(folder, tmp_path / "out")
    import_table(Path(f"{folder}:socratic"), tmp_path / "out")
    assert len(read_records(tmp_path / "out")) == 2
    assert read_manifest(tmp_path / "out").identity["table"] == "in:socratic"
    with pytest.raises(InputError, match="no configuration 'other'; it has main, socratic"):
        import_table(Path(f"{folder}:other"), tmp_path / "else")


def test_what_is_not_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_table(make(tmp_path / "in", ["train.csv", "test.csv", "extra.csv", "more.zip"], None), tmp_path / "out")  # fmt: skip
    err = capsys.readouterr().err
    assert "not read" in err
    assert "extra.csv, more.zip" in err


MIXED = (("mix/train/rows.jsonl", 2), ("mix/test/rows.csv", 1))


@pytest.mark.parametrize("kind", ["absolute", "relative", ".", "..", "a/../mix", "link", "link, absolute", "[1]"])  # fmt: skip
def test_a_folder_has_the_same_splits_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    for name, n in MIXED:
        rows = [{"question": f"{name} {i}?", "answer": "1"} for i in range(n)]
        write(tmp_path / name, rows)
        write(tmp_path / name.replace("mix", "mix [1]"), rows)
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("mix")
    Path("a").mkdir()
    names = {"absolute": tmp_path / "mix", "relative": Path("mix"), ".": Path(), "..": Path(".."), "a/../mix": Path("a/../mix"), "link": Path("link"), "link, absolute": tmp_path / "link", "[1]": tmp_path / "mix [1]"}  # fmt: skip
    if kind in (".", ".."):
        monkeypatch.chdir(tmp_path / "mix" / ("train" if kind == ".." else ""))
    found = layout(names[kind])
    assert {s: [p.relative_to(names[kind]).as_posix() for p in f] for s, f in found.splits.items()} == {"train": ["train/rows.jsonl"], "test": ["test/rows.csv"]}  # fmt: skip
    assert found.warnings == ()
    manifest = import_table(names[kind], tmp_path / "out")
    assert (manifest.n_in, manifest.n_kept) == (3, 3)
    assert "not read" not in capsys.readouterr().err


def test_what_is_not_read_of_a_relative_folder_is_named_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in", ["train.jsonl", "test.jsonl", "extra.jsonl"], None)
    monkeypatch.chdir(tmp_path)
    [said] = layout(Path("in")).warnings
    assert said.endswith("rules: extra.jsonl")


def test_a_readme_may_write_a_path_in_several_ways(tmp_path: Path) -> None:
    readme = splits_readme(("train", "./train.jsonl"), ("test", "a/../test.jsonl"))
    folder = make(tmp_path / "in", ["train.jsonl", "test.jsonl", "a/extra.jsonl"], readme)
    found = layout(folder)
    assert found.splits == {"train": (folder / "train.jsonl",), "test": (folder / "test.jsonl",)}
    [said] = found.warnings
    assert said.endswith("rules: a/extra.jsonl")


@pytest.mark.parametrize("path", ["/", "//", "/:x"])
def test_a_whole_disk_is_not_walked(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def walked(*_: object) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("os.walk", walked)
    monkeypatch.setattr("pathlib.Path.rglob", walked)
    monkeypatch.setattr("datasets.data_files.get_data_patterns", walked)
    with pytest.raises(InputError, match="is the root of the file system"):
        import_table(Path(path), tmp_path / "out")


def test_a_tree_of_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    folder = make(tmp_path / "in", ["a/train.jsonl", "a/test.jsonl"], None)
    monkeypatch.setattr(trees, "AT_MOST", 3)
    assert len(layout(folder).splits) == 2
    monkeypatch.setattr(trees, "AT_MOST", 2)
    with pytest.raises(InputError, match="holds more than 2 files and folders"):
        layout(folder)


def test_a_warning_names_a_folder_as_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "a", ["main/train.jsonl", "socratic/train.jsonl"], DEFAULT_NAMED)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as e:
        import_table(Path("a/:mian"), tmp_path / "out")
    assert str(e.value) == "a: no configuration 'mian'; it has main, socratic"


def test_variants_in_one_folder_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    for name in ("main", "socratic"):
        write(tmp_path / "in" / name / "train.jsonl", [{"question": f"q{i}", "answer": name} for i in range(5)])  # fmt: skip
    import_table(tmp_path / "in", tmp_path / "out")
    assert "5 of 10 rows of the split 'train' ask a question" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["../secret.jsonl", "/etc/passwd", "https://example.org/x.jsonl", "hf://datasets/a/b/x.jsonl"])  # fmt: skip
def test_a_readme_that_points_outside_is_refused(tmp_path: Path, path: str) -> None:
    write(tmp_path / "secret.jsonl", [{"question": "s", "answer": "1"}])
    folder = make(tmp_path / "in", ["train.jsonl"], splits_readme(("train", path)))
    with pytest.raises(InputError, match="lies outside of it"):
        layout(folder)


@pytest.mark.parametrize("place", ["..", "/etc", "a/../../x"])
def test_a_configurations_folder_outside_is_refused(tmp_path: Path, place: str) -> None:
    readme = README.format(f"- config_name: a\n  data_dir: {place}\n")
    with pytest.raises(InputError, match="lies outside of it"):
        layout(make(tmp_path / "in", ["train.jsonl"], readme))


@pytest.mark.parametrize("front", ["configs: 3", "configs:\n- x: y", "configs:\n- config_name: a\n  data_files: 7", "configs: [{config_name: a, data_files: [{split: a-b, path: x}]}]", "configs: [", "a: b: c"])  # fmt: skip
def test_front_matter_that_names_nothing_readable_is_refused(tmp_path: Path, front: str) -> None:
    folder = make(tmp_path / "in", ["train.jsonl"], f"---\n{front}\n---\n")
    with pytest.raises(InputError, match=r"README\.md"):
        import_table(folder, tmp_path / "out")


def test_a_dataset_folder_of_ours_is_read_as_what_it_is(tmp_path: Path) -> None:
    make(tmp_path / "in", ["train.jsonl", "test.jsonl"], None)
    (tmp_path / "in" / "test.jsonl").write_text('{"question": "", "answer": "1"}\n{"question": "t", "answer": "2"}')  # fmt: skip
    import_table(tmp_path / "in", tmp_path / "one")
    import_table(tmp_path / "one", tmp_path / "two")
    assert [(r.split, r.question, r.answer) for r in read_records(tmp_path / "two")] == [(r.split, r.question, r.answer) for r in read_records(tmp_path / "one")]  # fmt: skip
    assert read_manifest(tmp_path / "two").n_rejected == {}


def test_gsm8k_asks_for_a_configuration(tmp_path: Path, real_data: Path) -> None:
    from lorid_data.sources.registry import load

    folder = real_data / "openai" / "gsm8k"
    found = layout(folder)
    assert list(found.splits) == ["train", "test"]
    assert load(str(folder), split="test").n_available == 1319
    with pytest.raises(ConfigError, match="no configuration 'socratic'"):
        layout(folder, "socratic")


def test_configurations_of_the_same_questions_are_not_read_together(tmp_path: Path) -> None:
    from lorid_data.sources.registry import load

    for name in ("main", "socratic"):
        write(tmp_path / "in" / name / "train.jsonl", [{"question": f"q{i}", "answer": name} for i in range(5)])  # fmt: skip
    (tmp_path / "in" / "README.md").write_text(TWO)
    with pytest.raises(InputError, match="stand in others too; name the one to read"):
        load(str(tmp_path / "in"))
    assert load(f"{tmp_path / 'in'}:main").n_available == 5
