"""`run CONFIG.yaml`: the order of the stages, and a configuration that is refused whole."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lorid_data import pipeline
from lorid_data.build.importing import import_table
from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.pipeline import nothing_kept
from lorid_data.validate.stage import validate

CONFIGS = sorted((Path(__file__).parents[3] / "configs" / "data").glob("*.yaml"))


def config(out: Path, **more: Any) -> dict[str, Any]:
    build = {"source": "arithmetic", "teacher": "source", "split": "validation", "limit": 20}
    return {"out": str(out), "build": build, "validate": None, **more}


def test_the_stages_run_in_order_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = pipeline.read_config(config(tmp_path / "out"), "c.yaml")
    manifests = pipeline.run(checked)
    assert list(manifests) == ["build", "validate"]
    assert manifests["build"].n_kept == manifests["validate"].n_in == 20
    assert len(read_records(tmp_path / "out" / "validate")) == manifests["validate"].n_kept
    assert "build: 20 rows in, 20 kept, 0 rejected" in capsys.readouterr().err
    assert pipeline.run(checked) == manifests


def test_a_stage_that_is_not_named_does_not_run(tmp_path: Path) -> None:
    body = config(tmp_path / "out")
    del body["validate"]
    assert list(pipeline.run(pipeline.read_config(body, "c.yaml"))) == ["build"]
    assert not (tmp_path / "out" / "validate").exists()


def test_all_problems_of_a_configuration_are_listed_at_once() -> None:
    body = {
        "build": {"sorce": "gsm8k", "teacher": "none", "limit": 0, "concurrency": "many"},
        "validte": {},
        "validate": {"strict": True},
    }
    with pytest.raises(ConfigError) as e:
        pipeline.read_config(body, "c.yaml")
    message = str(e.value)
    for part in (
        "c.yaml: unknown key 'validte'; did you mean 'validate'?",
        "c.yaml: 'out' must name",
        "c.yaml: build: unknown key 'sorce'; did you mean 'source'?",
        "c.yaml: build: missing key 'source'",
        "c.yaml: build: limit:",
        "c.yaml: build: concurrency:",
        "c.yaml: validate: unknown key 'strict'",
    ):
        assert part in message, part


@pytest.mark.parametrize("build", [None, [], "gsm8k"])
def test_a_section_that_is_no_mapping_is_refused(build: object) -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml: build"):
        pipeline.read_config({"out": "o", "build": build}, "c.yaml")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_the_shipped_configurations_are_sound(path: Path) -> None:
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    stages = list(pipeline.read_config(body, path.name).sections)
    assert stages[:3] == ["build", "validate", "dedup"]
    assert stages[3:] == ([] if path.stem == "arithmetic" else ["decontaminate"]) + ["audit"]


def test_the_whole_order(tmp_path: Path) -> None:
    variants = tmp_path / "v.jsonl"
    variants.write_text('{"question": "q", "answer": "1", "original_question": "unknown"}\n')
    more = {
        "expand": {"with": str(variants)},
        "dedup": {"threshold": 0.9},
        "decontaminate": {"against": "arithmetic", "policy": "report", "templates": "report"},
    }
    manifests = pipeline.run(pipeline.read_config(config(tmp_path / "out", **more), "c.yaml"))
    assert list(manifests) == ["build", "expand", "validate", "dedup", "decontaminate"]
    assert (manifests["expand"].n_in, manifests["expand"].n_kept) == (21, 20)
    assert manifests["dedup"].settings["threshold"] == 0.9
    assert manifests["decontaminate"].n_in == manifests["dedup"].n_kept
    with pytest.raises(ConfigError, match="missing key 'with'"):
        pipeline.read_config(config(tmp_path / "out", expand={}), "c.yaml")


def test_there_are_shipped_configurations() -> None:
    assert {p.stem for p in CONFIGS} >= {"gsm8k", "math", "arithmetic"}


def test_the_audit_adds_its_files_to_the_folder_before_it(tmp_path: Path) -> None:
    body = config(tmp_path / "out", audit={"sample": 5})
    manifests = pipeline.run(pipeline.read_config(body, "c.yaml"))
    assert list(manifests) == ["build", "validate", "audit"]
    assert manifests["audit"] == manifests["validate"]
    assert (tmp_path / "out" / "validate" / "audit.json").is_file()
    assert not (tmp_path / "out" / "audit").exists()
    assert pipeline.run(pipeline.read_config(body, "c.yaml")) == manifests


def test_a_gate_that_is_not_met_ends_the_order(tmp_path: Path) -> None:
    body = config(tmp_path / "out", audit={"gate_on": "upper"})
    with pytest.raises(StageError, match="gate not met: answer_leak: A rule states the answer"):
        pipeline.run(pipeline.read_config(body, "c.yaml"))


@pytest.mark.parametrize(
    ("audit", "message"),
    [
        ({"gates": {"leaks": 0}}, "unknown key 'leaks'"),
        ({"judge": {"teacher": "recorded"}}, "cannot judge"),
    ],
)
def test_a_wrong_audit_is_refused_before_anything_is_built(
    tmp_path: Path, audit: Any, message: str
) -> None:
    body = config(tmp_path / "out", audit=audit)
    with pytest.raises(ConfigError, match=message):
        pipeline.run(pipeline.read_config(body, "c.yaml"))
    assert not (tmp_path / "out").exists()


def test_choosing_among_one_reply_a_row_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    body = config(tmp_path / "out", choose={})
    with pytest.raises(ConfigError, match="choose: 'build' asks for one reply a row"):
        pipeline.read_config(body, "c.yaml")
    body["build"] |= {"teacher": ["recorded", "scripted:x.jsonl"]}
    assert list(pipeline.read_config(body, "c.yaml").sections) == ["build", "choose", "validate"]


def test_a_stage_that_kept_nothing_says_why_and_where_to_look(tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text(
        '{"question": "1 + 1?", "rationale": "1 + 1 = <<1+1=3>>3", "answer": "3"}\n',
        encoding="utf-8",
    )
    folder, out = tmp_path / "a", tmp_path / "b"
    import_table(table, folder)
    manifest = validate(folder, out)
    said = nothing_kept(manifest, out)
    assert said is not None
    assert f"kept no row: 1 of 1 were rejected as {next(iter(manifest.n_rejected))}: " in said
    assert f"lorid-data view {out}" in said
    assert nothing_kept(read_manifest(folder), folder) is None
    assert "was given no rows" in str(nothing_kept(validate(out, tmp_path / "c"), tmp_path / "c"))
