"""The study of agreement: its file, its questions, and which trainings it asks for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import InnerPath, Provenance, Record, problem_id
from lorid_train.cli import app, run
from lorid_train.study import agreement
from lorid_train.study import agreement_cells as cells
from lorid_train.study.agreement_cells import Maker
from lorid_train.study.agreement_data import Place, equal_rows, make_parts, parted
from lorid_train.study.agreement_settings import SYSTEMS, Part, Setting, is_one, packaged, read


def records(n: int, split: str, start: int = 0) -> list[Record]:
    return [
        Record(
            row_id=f"{split}{i}", problem_id=problem_id(f"Q{i}"), original_id=problem_id(f"Q{i}"), source="s",
            split=split, question=f"Q{i}", rationale="", answer="1", subject=f"g{i % 4}",
            provenance=Provenance(teacher="source"),
        )
        for i in range(start, start + n)
    ]  # fmt: skip


def setting(**parts: Any) -> Setting:
    return Setting(source="x", parts={n: Part(**p) for n, p in parts.items()})


def test_parts_of_a_split_follow_one_another_in_the_order_of_their_use() -> None:
    s = setting(
        test={"split": "b"}, fresh={"split": "a", "rows": 3}, train={"split": "a", "rows": 2},
        validation={"split": "a", "rows": 1},
    )  # fmt: skip
    made = parted(s, {"a": records(6, "a"), "b": records(2, "b", 50)})
    assert {n: [r.question for r in rows] for n, rows in made.items()} == {
        "train": ["Q0", "Q1"], "fresh": ["Q2", "Q3", "Q4"], "validation": ["Q5"], "test": ["Q50", "Q51"],
    }  # fmt: skip
    assert {r.split for r in made["test"]} == {"test"}, "no draw of them can be exported"


def test_too_few_rows_and_shared_questions_are_refused() -> None:
    s = setting(
        train={"split": "a", "rows": 4}, fresh={"split": "a", "rows": 4}, validation={"split": "b"},
        test={"split": "c"},
    )  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        parted(s, {"a": records(6, "a"), "b": records(2, "b", 50), "c": records(2, "c", 51)})
    said = str(caught.value)
    assert "parts.fresh: 4 rows wanted, 2 left of x's split 'a'" in said
    assert "1 question of 'validation' found in 'test' too" in said


def test_groups_are_those_of_training() -> None:
    s = Setting(source="x", groups=2, parts={"train": Part(split="train"), "fresh": Part(split="fresh", rows=2), "validation": Part(split="fresh", rows=1), "test": Part(split="fresh")})  # fmt: skip
    made = parted(s, {"train": records(8, "train"), "fresh": records(20, "fresh", 100)})
    assert len({r.subject for rows in made.values() for r in rows}) == 2


def test_what_was_made_is_not_made_again(tmp_path: Path) -> None:
    with open_stage(tmp_path / "table", "import", identity={}) as stage:
        write_dataset(stage, records(9, "train"), [], n_in=9)
    s = Setting(source=str(tmp_path / "table"), parts={n: Part(split="train", rows=2) for n in ("train", "fresh", "validation", "test")})  # fmt: skip
    place = Place("p", s, tmp_path / "p")
    make_parts(place)
    before = place.part("test").joinpath("records.parquet").stat().st_mtime_ns
    make_parts(place)
    assert place.part("test").joinpath("records.parquet").stat().st_mtime_ns == before
    equal_rows(place, place.part("fresh"), 1, tmp_path / "one")
    assert len(read_records(tmp_path / "one")) == 1


def test_the_packaged_study_holds_what_was_written_down() -> None:
    c = read("agreement", {}, None)
    assert list(c.settings) == ["undertrained", "concepts", "strong"]
    assert set(c.systems) == set(SYSTEMS)
    assert len(c.seeds) >= 3
    assert all((s.parts["test"].rows or 0) >= 500 for s in c.settings.values())
    assert list(read("agreement", {}, ["strong"]).settings) == ["strong"]


def test_the_steps_of_consensus_are_its_rows_once() -> None:
    c = read("agreement", {}, ["undertrained"])
    maker = Maker(c, Place("undertrained", c.settings["undertrained"], Path("x")))
    assert [maker._steps(n) for n in (1, 16, 17, 600)] == [1, 1, 2, 38]


def test_only_its_own_files_are_it(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("source: concepts\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("kind: agreement\n", encoding="utf-8")
    assert is_one("agreement")
    assert is_one(str(tmp_path / "mine.yaml"))
    assert not is_one(str(tmp_path / "other.yaml"))
    assert not is_one("concepts")


def test_every_fault_of_a_file_is_said_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = yaml.safe_load(packaged()["agreement"].read_text(encoding="utf-8"))
    body["systems"] = ["none", "none", "best"]
    del body["settings"]["strong"]["parts"]["test"]
    body["settings"]["strong"]["parts"]["extra"] = {"split": "train"}
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    assert run(app, ["study", str(path), "--setting", "weak", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    for fault in (
        "there is no 'best'", "name consensus", "--setting 'weak'", "names no 'test'", "there is no part 'extra'", "name each once",
    ):  # fmt: skip
        assert fault in said
    assert not (tmp_path / "out").exists()


def test_options_of_the_other_study_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["study", "agreement", "--base", "student", "--world", "1"]) == 2
    assert "--base, --world: not an option of the study agreement" in capsys.readouterr().err
    assert run(app, ["study", "concepts", "--setting", "strong"]) == 2
    assert "concepts has no settings" in capsys.readouterr().err


def test_a_rule_that_leaves_no_row_leaves_its_line_empty_and_the_rest_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []

    def further(_: Maker, system: str, seed: int) -> None:
        if system == "majority":
            raise InputError("the rule majority leaves no row")
        done.append(f"{system}/{seed}")

    monkeypatch.setattr(Maker, "begin", lambda _: done.append("begin"))
    monkeypatch.setattr(Maker, "further", further)
    monkeypatch.setattr(Maker, "loop_after", lambda _, seed: done.append(f"loop/{seed}"))
    config = read("agreement", {"seeds": [4, 5]}, ["strong"])
    config = config.model_copy(update={"systems": ("consensus", "majority", "none")})
    manifest = agreement.study(config, tmp_path / "out")
    assert done == ["begin", "consensus/4", "consensus/5", "none/4", "none/5", "loop/4"]
    assert "majority: the rule majority leaves no row" in capsys.readouterr().err
    assert "report.html" in manifest.files
    done.clear()
    agreement.study(config, tmp_path / "out")
    assert done == [], "finished, it does nothing"
    agreement.study(config.model_copy(update={"seeds": (4, 5, 6)}), tmp_path / "out")
    assert "consensus/6" in done, "seeds may be added"


def test_what_no_training_takes_is_said_before_anything_is_made(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "further": {"learning_rate": 0}, "dpo": {"beta": -1}, "grpo": {"num_generations": 1},
    }  # fmt: skip
    with pytest.raises(ConfigError) as refused:
        agreement.study(read("agreement", changes, ["undertrained"]), tmp_path / "out")
    assert refused.value.problems == (
        "sft: learning_rate is 0, and must be more than 0", "dpo: beta is -1, and must be 0 or more",
        "grpo: num_generations is 1, and must be 2 or more",
    )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_each_system_learns_in_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, Any]] = []
    monkeypatch.setattr(cells, "train", lambda c: made.append((c.method, c)))
    monkeypatch.setattr(cells, "rl", lambda c: made.append((c.reward, c)))
    monkeypatch.setattr(cells, "evaluate", lambda _: None)
    monkeypatch.setattr(cells, "export_draws", lambda _f, out, w: made.append((out.name, w)))
    monkeypatch.setattr(cells, "equal_rows", lambda _p, rows, n, out: made.append((out.name, (rows.name, n))))  # fmt: skip
    monkeypatch.setattr(cells, "read_manifest", lambda _: SimpleNamespace(n_kept=100))
    c = read("agreement", {}, ["undertrained"])
    maker = Maker(c, Place("undertrained", c.settings["undertrained"], tmp_path))
    for system in ("consensus", "gold@steps", "teacher@steps", "dpo-consensus", "grpo-consensus"):
        maker.further(system, 1)
    said = [name for name, _ in made]
    assert said == [
        "consensus", "sft", "gold", "consensus", "gold-steps", "sft", "consensus", "teacher-steps", "sft", "consensus-pairs",
        "dpo", "consensus",
    ]  # fmt: skip
    trained = [c for name, c in made if name == "sft"]
    assert [t.sft.get("max_steps") for t in trained] == [None, 7, 7]
    assert all(t.sft["learning_rate"] == 1e-3 and t.seed == 1 for t in trained)
    assert dict(made[4:5]) == {"gold-steps": ("gold", 100)}
    assert made[9][1].with_pairs
    assert made[10][1].sft == {}
    paid = made[11][1]
    assert (paid.reward, Path(paid.draws).name, paid.split) == ("consensus", "draws", None)


def test_a_setting_that_follows_leaves_the_page_those_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    shown: list[list[str]] = []
    monkeypatch.setattr(agreement, "_steps", lambda m: iter([made.append(m.place.name) or "all"]))
    monkeypatch.setattr(agreement, "_write", lambda _, places, __: shown.append([p.name for p in places]))  # fmt: skip
    for name in ("concepts", "undertrained"):
        manifest = agreement.study(read("agreement", {}, [name]), tmp_path / "out")
    assert made == ["concepts", "undertrained"]
    assert shown[-1] == ["concepts", "undertrained"]
    assert list(manifest.settings["settings"]) == ["concepts", "undertrained"]
    again = agreement.study(read("agreement", {}, ["concepts"]), tmp_path / "out")
    assert made == ["concepts", "undertrained"]
    assert again == manifest


def test_every_system_and_setting_is_a_folder_that_a_manifest_may_name(tmp_path: Path) -> None:
    """A study of all systems once ended in a traceback when it was sealed, after all its work."""
    for system in SYSTEMS:
        TypeAdapter(InnerPath).validate_python(f"settings/mine/{system}/0/run/config.yaml")
    body = read("agreement", {}, ["strong"]).model_dump(mode="json")
    for name in ("my setting", "a/b", ".hidden", "ümlaut", "x" * 101, "a\n"):
        path = tmp_path / "s.yaml"
        path.write_text(yaml.safe_dump({**body, "settings": {name: body["settings"]["strong"]}}))
        with pytest.raises(ConfigError, match="is a folder's too"):
            read(str(path), {}, None)
