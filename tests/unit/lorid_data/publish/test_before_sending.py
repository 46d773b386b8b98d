"""What is seen before anything is sent: splits that nothing loads, stale audits, commands that do not exist."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from lorid_data.audit.stage import AuditOptions, audit
from lorid_data.build.importing import import_table
from lorid_data.cli.app import app
from lorid_data.dedup.stage import DedupOptions, dedup
from lorid_data.errors import InputError, StageError
from lorid_data.folders.manifests import read_manifest
from lorid_data.publish.card_fields import CardFields
from lorid_data.publish.chain import Chain, Link, find_chain
from lorid_data.publish.rebuild import commands
from lorid_data.publish.stage import PublishOptions, publish
from lorid_data.validate.stage import validate

ALLOW = ("validate", "decontaminate", "audit")


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StageError("the Hub is not there")

    monkeypatch.setattr("lorid_data.hub.publishing.read_state", gone)


def table(path: Path, **more: Any) -> Path:
    row = {"rationale": "1 + 1 = 2", "answer": "2", "licence": "MIT", "knowledge": ["Add."], **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps({"question": f"How much is {i}?", **row}) for i in range(4)))  # fmt: skip
    return path


@pytest.mark.parametrize("name", ["all", "ALL", "All"])
def test_a_split_that_nothing_loads_is_refused_at_import(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"the split '{name}' cannot be loaded"):
        import_table(table(tmp_path / "t.jsonl", split=name), tmp_path / "out")
    with pytest.raises(InputError, match="the split"):
        import_table(table(tmp_path / "u.jsonl"), tmp_path / "out", split=name)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_such_a_split_is_refused_in_the_dry_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lorid_data.sources.table.split_fault", lambda _: None
    )  # an earlier release
    for i, name in enumerate(("all", "my split", "../x")):
        import_table(table(tmp_path / f"{i}.jsonl", split=name), tmp_path / f"in-{i}")
        with pytest.raises(InputError, match=re.escape(f"the split {name!r} cannot be")):
            publish(tmp_path / f"in-{i}", PublishOptions(repo_id="o/n", allow=ALLOW), dry_run=tmp_path / "dry")  # fmt: skip
        assert not (tmp_path / "dry").exists()


def test_what_datasets_does_not_load_is_seen_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: here a name of a split that only `datasets` itself refuses."""
    import_table(table(tmp_path / "t.jsonl"), tmp_path / "in")
    options = PublishOptions(repo_id="o/n", allow=ALLOW)
    assert publish(tmp_path / "in", options, dry_run=tmp_path / "good").refused == ()
    monkeypatch.setattr("lorid_data.sources.table.split_fault", lambda _: None)
    monkeypatch.setattr("lorid_data.publish.contents.split_fault", lambda _: None)
    import_table(table(tmp_path / "u.jsonl", split="all"), tmp_path / "bad")
    refused = publish(tmp_path / "bad", options, dry_run=tmp_path / "dry").refused
    assert refused
    assert "does not load what would be published: default, all: cannot be loaded" in refused[0]


def test_an_audit_of_other_rows_is_neither_shown_nor_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_table(table(tmp_path / "t.jsonl"), tmp_path / "in")
    audit(tmp_path / "in", AuditOptions())
    options = PublishOptions(repo_id="o/n", allow=ALLOW)
    publish(tmp_path / "in", options, dry_run=tmp_path / "with")
    assert (tmp_path / "with" / "audit.json").is_file()
    import_table(table(tmp_path / "u.jsonl", answer="3"), tmp_path / "other")
    audit(tmp_path / "other", AuditOptions())
    shutil.copyfile(tmp_path / "other" / "audit.json", tmp_path / "in" / "audit.json")
    publish(tmp_path / "in", options, dry_run=tmp_path / "without")
    assert not (tmp_path / "without" / "audit.json").exists()
    assert "an audit of other rows" in capsys.readouterr().err
    cards = [(tmp_path / n / "README.md").read_text() for n in ("with", "without")]
    assert len(cards[1]) < len(cards[0])


def test_the_commands_on_a_card_exist_with_their_options(tmp_path: Path) -> None:
    import_table(table(tmp_path / "t.jsonl"), tmp_path / "a", licence="MIT", skip_bad_rows=True)
    validate(tmp_path / "a", tmp_path / "b")
    dedup(tmp_path / "b", tmp_path / "c", DedupOptions())
    text = commands(find_chain(tmp_path / "c"), (), CardFields(), repo_id="o/n", tag="t")
    lines = [shlex.split(line) for line in text.splitlines() if not line.startswith("#")]
    assert [line[1] for line in lines] == ["import", "validate", "dedup", "publish"]
    for program, *argv in lines:
        assert program == "lorid-data"
        app.parse_args(argv, exit_on_error=False, print_error=False)
    assert "--licence MIT --skip-bad-rows" in text


@pytest.mark.parametrize(("stage", "line"), [("export-knowledge", "lorid-train export-knowledge BEFORE --out 00-export-knowledge"), ("study-data", "# 00-study-data: made by 'study-data', which is no command of its own")])  # fmt: skip
def test_a_stage_of_the_other_program_is_named_as_its_command(
    tmp_path: Path, stage: str, line: str
) -> None:
    import_table(table(tmp_path / "t.jsonl"), tmp_path / "a")
    made = read_manifest(tmp_path / "a")
    manifest = made.model_copy(update={"stage": stage, "identity": {"evaluation_sha256": "x"}, "settings": {}})  # fmt: skip
    chain = Chain((Link(tmp_path / "a", manifest, "s"),), None)
    text = commands(chain, (), CardFields(), repo_id="o/n", tag="t")
    assert line in text.splitlines()
