"""What a folder of another configuration is told: names and both values, no bare hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.build.stage import BuildOptions, build
from lorid_data.errors import ConfigError
from lorid_data.folders.differences import differences
from lorid_data.folders.stage import open_stage

A, B = "a" * 64, "b" * 64


def test_fields_deep_down_are_named_with_both_values() -> None:
    old = {"sft": {"learning_rate": 0.1, "max_steps": 3}, "split": None, "roles": ["ir"]}
    new = {"sft": {"learning_rate": 0.2, "max_steps": 3}, "split": "test", "roles": ["ir", "dr"]}
    assert differences(old, new) == [
        "roles was ['ir'], is ['ir', 'dr']",
        "sft.learning_rate was 0.1, is 0.2",
        "split was None, is 'test'",
    ]


def test_other_folders_are_named_once_and_not_their_hashes() -> None:
    old = {"data_sha256": {"ir": A, "dr": A}, "base_sha256": A, "tokenizer_sha256": A}
    new = {"data_sha256": {"ir": B, "dr": B}, "base_sha256": B, "tokenizer_sha256": B}
    settings = ({"data": "data/a", "base": "student"}, {"data": "data/b", "base": "models/x"})
    assert differences(old, new, settings) == [
        "the base model: was 'student', is 'models/x'",
        "the training data: was 'data/a', is 'data/b'",
        "the base model's tokenizer: was 'student', is 'models/x'",
    ]


def test_the_same_folder_with_other_content_is_named() -> None:
    settings = ({"adapters": {"ir": "r/ir"}}, {"adapters": {"ir": "r/ir"}})
    [said] = differences(
        {"adapters_sha256": {"ir": A}}, {"adapters_sha256": {"ir": f"sha256:{B}"}}, settings
    )
    assert (
        said
        == "the adapter of ir 'r/ir': not the same (was sha256 aaaaaaaaaaaa…, is sha256 bbbbbbbbbbbb…)"
    )
    [said] = differences({"parent_identity_sha256": A}, {"parent_identity_sha256": B})
    assert said.startswith("what the folder is made from: not the same (was sha256 aaaaaaaaaaaa…")
    [said] = differences({"prompt": {"sha256": A}}, {"prompt": {"sha256": B}})
    assert said.startswith("prompt: not the same (was sha256 aaaaaaaaaaaa…, is sha256 b")


def test_of_several_adapters_elsewhere_the_one_that_differs_is_named() -> None:
    settings = (
        {"adapters": {"ir": "a/ir", "dr": "a/dr"}},
        {"adapters": {"ir": "b/ir", "dr": "b/dr"}},
    )
    assert differences({"adapter_configs_sha256": {"ir": A, "dr": A}}, {"adapter_configs_sha256": {"ir": A, "dr": B}}, settings) == [
        "the adapter's settings of dr: was 'a/dr', is 'b/dr'"
    ]  # fmt: skip


def test_a_stage_says_them(tmp_path: Path) -> None:
    out = tmp_path / "d"
    with open_stage(out, "x", identity={"dataset_sha256": A}, settings={"dataset": "d1"}):
        pass
    with (
        pytest.raises(
            ConfigError, match=r"another configuration \(the dataset: was 'd1', is 'd2'\)"
        ),
        open_stage(out, "x", identity={"dataset_sha256": B}, settings={"dataset": "d2"}),
    ):
        pass


def test_the_option_by_which_other_rows_are_made_is_named_instead_of_their_hash() -> None:
    old, new = {"content_sha256": A, "split": "train"}, {"content_sha256": B, "split": "train"}
    columns = {"columns": ["question=q"]}
    assert differences(old, new, ({"licence": "MIT", "seed": 1}, {**columns, "seed": 1})) == [
        "licence was 'MIT', is not given, of which the rows are made",
        "columns was not given, is ['question=q'], of which the rows are made",
    ]
    assert "the rows of the table: not the same" in differences(old, new, (columns, columns))[0]
    assert differences(old, new | {"split": "test"}) == ["split was 'train', is 'test'"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"licence": "MIT"}, r"\(licence was not given, is 'MIT', of which the rows are made\)"),
        ({"subject": "topic"}, r"\(subject was not given, is 'topic', of which"),
        (
            {"columns": {"level": "topic"}},
            r"\(columns was not given, is \['level=topic'\], of which",
        ),
    ],
)
def test_import_says_which_option_differs(tmp_path: Path, option: dict[str, Any], said: str) -> None:  # fmt: skip
    table = tmp_path / "t.jsonl"
    table.write_text('{"question": "q", "answer": "1", "topic": "sums"}')
    import_table(table, tmp_path / "out")
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    with pytest.raises(ConfigError, match=said):
        import_table(table, tmp_path / "out", **option)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def test_build_says_which_seed_differs(tmp_path: Path) -> None:
    options = BuildOptions(source="arithmetic", teacher="none", limit=3)
    build(options, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"\(seed was not given, is 7, of which"):
        build(options.model_copy(update={"seed": 7}), tmp_path / "out")
