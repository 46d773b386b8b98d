"""Stored draws as a dataset folder: what is kept, what is refused, and that nothing is written then."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

import lorid_data
from lorid_data.cli.app import main as data_main
from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.publish.stage import PublishOptions, publish
from lorid_data.schema import Reject, RejectReason
from lorid_train.cli import app, run
from lorid_train.drawn.labels import read_labels
from lorid_train.drawn.pairs import read_pairs
from lorid_train.drawn.rows import Drawn
from lorid_train.evaluation.drawn_rows import Wanted, export_draws
from lorid_train.roles import solution

WRITE = runpy.run_path(str(Path(__file__).parents[3] / "support" / "finished_evaluation.py"))["write"]  # fmt: skip


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(WRITE(tmp_path_factory.mktemp("e") / "eval", n=40, split="train", lazy=False, n_votes=5))  # fmt: skip


@pytest.fixture(scope="module")
def consensus(evaluation: Path) -> Path:
    out = evaluation.parent / "consensus"
    export_draws(evaluation, out, Wanted("consensus", ("ir", "dr"), with_pairs=True))
    return out


def test_every_draw_is_kept_or_rejected_with_its_reason(consensus: Path) -> None:
    rows = read_rows(consensus / "rejects.parquet", Reject)
    manifest = json.loads((consensus / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["n_in"] == 40 * 5 * 2 == manifest["n_kept"] + len(rows)
    assert {r.reason for r in rows} <= {
        RejectReason.DRAWS_DISAGREE, RejectReason.DRAW_OFF_LABEL, RejectReason.DRAW_CUT,
    }  # fmt: skip
    left = {r.problem_id for r in rows} - {r.problem_id for r in read_records(consensus)}
    assert len(left) == sum(manifest["figures"]["n_left_out"].values())
    assert 0 < manifest["figures"]["label_precision_fraction"] < 1


def test_a_row_is_the_drawn_text_and_says_where_it_comes_from(
    evaluation: Path, consensus: Path
) -> None:
    lines = (evaluation / "draws.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {
        (d["problem_id"], f"{d['role']}/{d['condition']}/{d['seed']}/{d['round']}"): d["text"]
        for d in map(json.loads, lines)
    }
    records, drawn = read_records(consensus), read_rows(consensus / "draws.parquet", Drawn)
    assert [r.row_id for r in records] == [d.row_id for d in drawn]
    for r, d in zip(records, drawn, strict=True):
        assert solution(r) == texts[r.problem_id, d.draw]
        assert bool(r.knowledge) == (d.role == "dr"), "what DR read; IR read none"
        assert r.provenance.teacher == "student"
        assert r.provenance.request_key == d.draw
        assert d.adapter_sha256 == {"ir": "a", "dr": "c"}[d.role] * 64
        assert (d.n_voters, d.n_rounds, d.rule) == (10, 5, "consensus")


def test_it_loads_like_any_dataset(consensus: Path) -> None:
    assert len(lorid_data.load(str(consensus))) == len(read_records(consensus))


def test_audit_view_and_publish_take_it_and_the_card_says_who_wrote_it(
    consensus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StageError("the Hub is not there")

    monkeypatch.setattr("lorid_data.hub.publishing.read_state", gone)
    folder = tmp_path / "data"
    shutil.copytree(consensus, folder)
    assert data_main(["audit", str(folder)]) in (0, 1)
    assert data_main(["view", str(folder), "--out", str(tmp_path / "page.html")]) == 0
    options = PublishOptions(repo_id="o/n", allow=("validate", "decontaminate", "audit"))
    assert publish(folder, options, dry_run=tmp_path / "dry").refused == ()
    card = (tmp_path / "dry" / "README.md").read_text(encoding="utf-8")
    assert "solutions that **a student wrote**" in card
    assert "## Student" in card
    assert "lorid-train export-draws" in card
    assert "--rule consensus" in card
    assert "a teacher wrote" not in card


def test_labels_and_pairs_lie_beside_the_rows(consensus: Path) -> None:
    labels = read_labels(consensus, "ir")
    assert len(labels) == 40
    assert any(x.label is None for x in labels)
    assert any(x.has_signal for x in labels)
    by_question = {x.problem_id: x.label for x in labels}
    for p in read_pairs(consensus, "ir"):
        assert p.label == by_question[p.problem_id]
        assert p.chosen.endswith(f"--> {p.label} END")
        assert not p.rejected.endswith(f"--> {p.label} END")


def test_done_it_does_nothing_and_the_same_input_gives_the_same_bytes(
    evaluation: Path, consensus: Path, tmp_path: Path
) -> None:
    wanted = Wanted("consensus", ("ir", "dr"), with_pairs=True)
    before = {p.name: p.stat().st_mtime_ns for p in consensus.glob("[!.]*")}
    export_draws(evaluation, consensus, wanted)
    assert {p.name: p.stat().st_mtime_ns for p in consensus.glob("[!.]*")} == before
    export_draws(evaluation, tmp_path / "again", wanted)
    for path in consensus.glob("[!.]*"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_gold_rows_are_right_and_a_cap_bounds_a_question(evaluation: Path, tmp_path: Path) -> None:
    manifest = export_draws(evaluation, tmp_path / "gold", Wanted("gold", cap=2))
    assert manifest.figures["row_precision_fraction"] == 1.0
    per = [sum(r.problem_id == p for r in read_records(tmp_path / "gold")) for p in {r.problem_id for r in read_records(tmp_path / "gold")}]  # fmt: skip
    assert max(per) == 2
    assert manifest.n_rejected["draw_over_cap"] > 0


def test_questions_of_other_folders_are_left_out_by_their_words(
    evaluation: Path, tmp_path: Path
) -> None:
    records = read_rows(evaluation / "records.parquet", type(read_records(evaluation)[0]))
    loud = [r.model_copy(update={"question": r.question.upper(), "problem_id": r.row_id}) for r in records[:30]]  # fmt: skip
    with open_stage(tmp_path / "test", "import", identity={}) as stage:
        write_dataset(stage, loud, [], n_in=len(loud))
    manifest = export_draws(evaluation, tmp_path / "o", Wanted("none", without=(tmp_path / "test",)))  # fmt: skip
    assert manifest.n_rejected["contaminated"] == 30 * 5
    assert manifest.figures["n_questions_kept"] == 10


def refused(kind: type[Exception], folder: Path, out: Path, wanted: Wanted) -> str:
    with pytest.raises(kind) as caught:
        export_draws(folder, out, wanted)
    assert not out.exists()
    return str(caught.value)


def test_what_is_refused_leaves_nothing_behind(evaluation: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tested = WRITE(tmp_path / "tested", n=5, lazy=False, n_votes=5)
    assert "5 questions of 5 are of a test split" in refused(ConfigError, tested, out, Wanted("gold"))  # fmt: skip
    apart = WRITE(tmp_path / "apart", n=5, split="train", lazy=False, n_votes=5, p_ir=0.0, p_dr=1.0)
    assert "the rule gold leaves no row of 5 questions" in refused(InputError, apart, out, Wanted("gold"))  # fmt: skip
    alike = WRITE(tmp_path / "alike", n=5, split="train", lazy=False, n_votes=5, p_ir=1.0, p_dr=1.0)
    assert "there is no pair" in refused(InputError, alike, out, Wanted("gold", with_pairs=True))
    assert "says of no draw that it is wrong" in refused(ConfigError, evaluation, out, Wanted("none", with_pairs=True))  # fmt: skip
    assert "--roles 'kg': the rules choose among draws of ir and dr alone" in refused(ConfigError, evaluation, out, Wanted("gold", ("kg",)))  # fmt: skip
    assert "--cap 0" in refused(ConfigError, evaluation, out, Wanted("gold", cap=0))
    assert "name one of lorid-train evaluate" in refused(ConfigError, _dataset(tmp_path), out, Wanted("gold"))  # fmt: skip


def test_a_rule_that_looks_at_dr_needs_its_draws(tmp_path: Path) -> None:
    folder = WRITE(tmp_path / "ir", n=3, split="train", roles=("ir",), n_votes=5)
    assert "DR was not sampled" in refused(InputError, folder, tmp_path / "o", Wanted("consensus"))
    assert export_draws(folder, tmp_path / "o", Wanted("ir-majority", cap=1)).n_kept


def _dataset(tmp_path: Path) -> Path:
    with open_stage(tmp_path / "data", "import", identity={}) as stage:
        write_dataset(stage, [], [], n_in=0)
    return tmp_path / "data"


def test_the_command_prints_coverage_and_precision(
    evaluation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*argv: Any) -> tuple[int, str]:
        status = run(app, [*map(str, argv)])
        return status, capsys.readouterr().out

    asked = ("export-draws", evaluation, "--rule", "majority", "--roles", "ir", "dr", "--out", tmp_path / "m")  # fmt: skip
    status, text = command(*asked)
    assert (status, "coverage" in text, "labels that are the reference answer" in text) == (0, True, True)  # fmt: skip
    body = json.loads(command(*asked, "--json")[1])
    assert body["n_kept"] == len(read_records(tmp_path / "m"))
    assert command("export-draws", evaluation, "--rule", "best", "--out", tmp_path / "x")[0] == 2
