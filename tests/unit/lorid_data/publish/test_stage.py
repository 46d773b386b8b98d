"""Publishing without a Hub: rows, shards, gates, the chain, and the folder of a dry run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.build.importing import import_table
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.records import read_records
from lorid_data.publish.chain import find_chain
from lorid_data.publish.gates import check_gates
from lorid_data.publish.rows import ROLES, arrow_schema, rows_of
from lorid_data.publish.shards import ShardWriter, hash_rows
from lorid_data.publish.stage import PublishOptions, publish
from lorid_data.schema import PROGRAM_COLUMNS, Record, sha256_text
from lorid_data.validate.stage import validate
from lorid_data.view.rows import read_folder

HOSTILE = "<script>alert(1)</script> --- `x` [a](http://evil.example) $\\frac{1}{2}$"


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub is not there: a dry run says so and goes on."""
    from lorid_data.errors import StageError

    def gone(*_: object, **__: object) -> None:
        raise StageError("the Hub is not there")

    monkeypatch.setattr("lorid_data.hub.publishing.read_state", gone)


def table(path: Path, **more: Any) -> Path:
    rows = [
        {
            "question": f"How much is {i} + 1 in {split}?",
            "rationale": f"{i} + 1 = {i + 1}",
            "answer": str(i + 1 if i < 8 else 99),  # the last two contradict their rationale
            "knowledge": ["Add the numbers."] if i % 2 == 0 else [],
            "split": split,
            "licence": "CC-BY-4.0",
            **more,
        }
        for split in ("train", "test")
        for i in range(10)
    ]
    path.write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    return path


def dataset(root: Path, **more: Any) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    import_table(table(root / "rows.jsonl", **more), root / "mine")
    validate(root / "mine", root / "ok")
    return root / "ok"


def options(*allow: str, **more: Any) -> PublishOptions:
    return PublishOptions(repo_id="me/mine", allow=allow, **more)


ALL = ("decontaminate", "audit")


def test_a_dry_run_writes_six_configurations_and_sends_nothing(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d")
    done = publish(folder, options(*ALL), dry_run=tmp_path / "out")
    assert (done.pushed, done.refused, done.diff) == (None, (), None)
    frames = {
        config: {s: pl.read_parquet(tmp_path / "out" / config / f"{s}-*.parquet") for s in ("train", "test")}
        for config in ("default", "ir", "kg", "dr", "provenance", "rejects")
    }  # fmt: skip
    n_rows = {c: [len(f) for f in by_split.values()] for c, by_split in frames.items()}
    assert n_rows == {"default": [8, 8], "ir": [8, 8], "kg": [4, 4], "dr": [4, 4], "provenance": [8, 8], "rejects": [2, 2]}  # fmt: skip
    assert frames["default"]["train"].columns == [
        c for c in Record.__annotations__ if c not in ("provenance", *PROGRAM_COLUMNS)
    ]
    assert frames["ir"]["test"].columns == ["row_id", "prompt", "completion"]
    ids = set(frames["default"]["train"]["row_id"])
    assert (
        set(frames["provenance"]["train"]["row_id"]) == ids >= set(frames["dr"]["train"]["row_id"])
    )
    assert not ids & set(frames["rejects"]["train"]["row_id"])
    assert {p.name for p in (tmp_path / "out").iterdir() if p.is_file()} == {
        ".dry-run.json", "README.md", "config.yaml", "manifest.json", "publish.json",
    }  # fmt: skip
    assert (tmp_path / "out/stages/00-import/manifest.json").read_bytes() == (
        tmp_path / "d/mine/manifest.json"
    ).read_bytes()


def test_what_was_published_can_be_built_from(tmp_path: Path) -> None:
    from lorid_data.sources.registry import load

    folder = dataset(tmp_path / "d")
    publish(folder, options(*ALL), dry_run=tmp_path / "out")
    loaded = load(str(tmp_path / "out"), split="test")
    records = [r for r in read_records(folder) if r.split == "test"]
    assert [(p.question, p.answer, p.knowledge, p.licence) for p in loaded.problems] == [
        (r.question, r.answer, r.knowledge, r.licence) for r in records
    ]


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d")
    for name in ("a", "b"):
        publish(folder, options(*ALL), dry_run=tmp_path / name)
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert all(sha256_file(tmp_path / "a" / f) == sha256_file(tmp_path / "b" / f) for f in files)


def test_role_rows_are_what_training_makes_of_the_records(tmp_path: Path) -> None:
    from lorid_train import formats, roles

    records = read_records(dataset(tmp_path))
    plain = formats.load("plain")
    for name in ROLES:  # those of the method; controls are not published
        made, _ = roles.examples(roles.role(name), records)
        wanted = [
            (e.row_id, plain.prompt.replace("{content}", e.content), plain.target_prefix + e.target)  # type: ignore[union-attr]
            for e in made
        ]
        found = [
            tuple(row.values())
            for r in records
            for config, row in rows_of(r.model_dump(mode="json"))
            if config == name
        ]
        assert found == wanted


# --- gates --------------------------------------------------------------------------------------


def test_a_stage_that_was_never_run_is_a_gate_that_is_not_met(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d")
    done = publish(folder, options(), dry_run=tmp_path / "out")
    assert [r.split("'")[1] for r in done.refused] == ["decontaminate", "audit"]
    assert "--allow audit" in done.refused[1]
    unvalidated = publish(folder.parent / "mine", options(*ALL), dry_run=tmp_path / "out2")
    assert len(unvalidated.refused) == 1
    assert "'validate' is not met" in unvalidated.refused[0]


def test_rows_made_after_a_stage_were_not_seen_by_it(tmp_path: Path) -> None:
    from dataclasses import replace

    chain = find_chain(dataset(tmp_path))
    assert check_gates(chain)[0].is_met
    last = chain.last.manifest.model_copy(update={"stage": "expand"})
    later = replace(chain, links=(*chain.links, replace(chain.last, manifest=last)))
    gate = check_gates(later)[0]
    assert not gate.is_met
    assert "was not run on these rows" in gate.why


def test_an_exception_is_said_in_the_card(tmp_path: Path) -> None:
    publish(dataset(tmp_path / "d"), options(*ALL), dry_run=tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text()
    assert "**Published with exceptions.**" in card
    assert card.count("**not met**, published as an exception") == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"gates": [{"check": "digits", "met": True}]}, None),
        ({"gates": [{"check": "digits", "met": False, "message": "49 of 100"}]}, "digits: 49 of 100"),
        ({"gates": {"digits": False}}, "digits"),
        ({"gates": [], "records_sha256": "0" * 64}, "belongs to other rows"),
    ],
)  # fmt: skip
def test_the_audit_must_be_of_these_rows_and_meet_its_gates(
    tmp_path: Path, body: dict[str, Any], why: str | None
) -> None:
    folder = dataset(tmp_path)
    body = {"records_sha256": sha256_file(folder / "records.parquet"), **body}
    (folder / "audit.json").write_text(json.dumps(body))
    gate = check_gates(find_chain(folder))[2]
    assert gate.is_met is (why is None)
    assert why is None or why in gate.why


def test_an_unknown_gate_names_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'decontaminate'"):
        publish(dataset(tmp_path / "d"), options("decontaminated"), dry_run=tmp_path / "out")


@pytest.mark.parametrize("licence", ["unknown", "", " Unknown "])
def test_no_exception_is_made_for_an_unknown_licence(tmp_path: Path, licence: str) -> None:
    folder = dataset(tmp_path / "d", licence=licence)
    done = publish(folder, options(*ALL), dry_run=tmp_path / "out")
    assert len(done.refused) == 1
    assert "the licence of 16 rows of 'rows' is unknown" in done.refused[0]


# --- the chain ----------------------------------------------------------------------------------


def test_a_parent_elsewhere_is_named_or_missed(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d")
    shutil.move(str(tmp_path / "d/mine"), tmp_path / "elsewhere")
    alone = find_chain(folder)
    assert ([k.manifest.stage for k in alone.links], alone.missing is None) == (["validate"], False)
    whole = find_chain(folder, [tmp_path / "elsewhere"])
    assert ([k.manifest.stage for k in whole.links], whole.missing) == (
        ["import", "validate"],
        None,
    )


@pytest.mark.parametrize("copy", ["a", "z"])
def test_of_two_parents_with_one_manifest_the_intact_one_is_taken(
    tmp_path: Path, copy: str
) -> None:
    folder = dataset(tmp_path / "d")
    damaged = shutil.copytree(tmp_path / "d/mine", tmp_path / "d" / copy)
    (damaged / "records.parquet").write_bytes(b"x")
    for parents in ([], [damaged]):
        chain = find_chain(folder, parents)
        assert [k.folder.name for k in chain.links] == ["mine", "ok"]
    shown = read_folder(folder, most=100, seed=0)
    assert sum(s.record is None for s in shown.rows) == 0
    (tmp_path / "d/mine/records.parquet").write_bytes(b"x")
    with pytest.raises(InputError, match=r"records\.parquet has changed since"):
        find_chain(folder)


def test_rows_that_changed_since_their_manifest_are_refused(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    frame = pl.read_parquet(folder / "records.parquet")
    frame.head(3).write_parquet(folder / "records.parquet")
    with pytest.raises(InputError, match=r"records\.parquet has changed since"):
        find_chain(folder)


# --- shards -------------------------------------------------------------------------------------


def test_shards_stay_below_their_size_and_keep_order_and_hash(tmp_path: Path) -> None:
    rows = [
        {"row_id": f"{i:064x}", "prompt": sha256_text(str(i)) * 3, "completion": "é\u2028\n"}
        for i in range(4000)
    ]
    writer = ShardWriter(tmp_path / "ir", "train", arrow_schema("ir"), max_bytes=100_000)
    for row in rows:
        writer.add(row)
    facts = writer.close()
    files = sorted((tmp_path / "ir").iterdir())
    assert facts.n_files == len(files) > 3
    assert [f.name for f in files] == [f"train-{i:05d}-of-{len(files):05d}.parquet" for i in range(len(files))]  # fmt: skip
    assert max(f.stat().st_size for f in files) <= 100_000
    loaded = pl.concat([pl.read_parquet(f) for f in files]).to_dicts()
    assert loaded == rows
    assert hash_rows(loaded) == (4000, facts.content_sha256)


def test_a_row_larger_than_a_shard_has_a_shard_of_its_own(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path / "ir", "train", arrow_schema("ir"), max_bytes=10_000)
    for i in range(3):
        writer.add(
            {
                "row_id": str(i),
                "prompt": "".join(sha256_text(f"{i} {j}") for j in range(500)),
                "completion": "",
            }
        )
    assert writer.close().n_files == 3


# --- what cannot be published -------------------------------------------------------------------


@pytest.mark.parametrize("split", ["../train", "a/b", "a b", "train\n"])
def test_a_split_that_is_no_plain_name_is_refused(
    tmp_path: Path, split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="cannot be the name of a split"):
        dataset(tmp_path / "at-import", split=split)
    # A folder of an earlier release may hold it all the same.
    monkeypatch.setattr("lorid_data.build.importing.refuse_split_names", lambda *_: None)
    folder = dataset(tmp_path / "d", split=split)
    with pytest.raises(InputError, match="cannot be the name of a split"):
        publish(folder, options(*ALL), dry_run=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("tag", ["../v1", "refs/heads/main", "a b", "v1.lock", "-v", "v..1", ""])
def test_a_tag_is_a_plain_name(tmp_path: Path, tag: str) -> None:
    with pytest.raises(ConfigError, match="plain name"):
        publish(dataset(tmp_path / "d"), options(*ALL, tag=tag), dry_run=tmp_path / "out")


def test_a_dry_run_overwrites_nothing_but_its_own(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match="not written by a dry run"):
        publish(folder, options(*ALL), dry_run=tmp_path / "out")
    assert (tmp_path / "out/thesis.tex").read_text() == "mine"
    publish(folder, options(*ALL), dry_run=tmp_path / "out3")
    publish(folder, options(*ALL), dry_run=tmp_path / "out3")


def test_hostile_text_of_rows_and_users_stays_in_its_place(tmp_path: Path) -> None:
    import yaml
    from huggingface_hub import DatasetCard
    from markdown_it import MarkdownIt

    from lorid_data.publish.card_fields import CardFields

    folder = dataset(tmp_path / "d", subject=HOSTILE, level=HOSTILE, licence=HOSTILE)
    words = CardFields(title=HOSTILE + "\n---\nlicense: gpl-3.0\n", teacher_terms=HOSTILE + "\n# x")
    publish(folder, options(*ALL, words=words), dry_run=tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text()
    card = DatasetCard(text)
    assert card.data.to_dict()["license"] == "other"
    assert len(list(yaml.safe_load_all(card.data.to_yaml()))) == 1
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(card.text)
    inner = [c for t in tokens for c in (t.children or [])]
    ours = {"<details><summary>Content hashes</summary>", "</details>"}
    assert {t.content.strip() for t in tokens if t.type == "html_block"} <= ours
    assert not [c for c in inner if c.type in ("html_inline", "image")]
    links = {c.attrs["href"] for c in inner if c.type == "link_open"}
    assert links == {"https://arxiv.org/abs/2508.13037"}
    assert r"$\frac{1}{2}$" in text
