"""Labels kept, undone, exported and counted; what an annotator may see, and when."""

from __future__ import annotations

import json
import runpy
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.picked import pick_rows
from lorid_data.labelling.book import BOOK
from lorid_data.labelling.files import LABELS, SUMMARY
from lorid_data.labelling.rubric import DEFECTS, VERDICTS, Defect, Verdict
from lorid_data.labelling.session import ConflictError, Session
from lorid_data.labelling.types import Label, Wanted
from lorid_data.schema import Record

reseal = runpy.run_path(str(Path(__file__).parents[3] / "support" / "manifests.py"))["reseal"]
made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "labelled_folder.py"))
record, write_folder, write_audit = made["record"], made["write_folder"], made["write_audit"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(write_folder(tmp_path / "data", [record(n) for n in range(1, 13)]))


def session(
    folder: Path, name: str = "ann", n: int | None = 10, seed: int | None = None
) -> Session:
    return Session(folder, name, seed=seed, n_samples=n)


def say(
    s: Session, index: int, verdict: str = "good", *defects: str, note: str = ""
) -> dict[str, Any]:
    shown = s.sample(index)
    return s.say(
        Wanted(
            row_id=shown["id"],
            row_sha256=shown["sha"],
            verdict=Verdict(verdict),
            defects=tuple(Defect(d) for d in defects),
            note=note,
            duration_s=2.5,
        )
    )


def exported(folder: Path) -> list[Label]:
    return read_rows(folder / LABELS, Label)


def summary(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / SUMMARY).read_text()))


def change(folder: Path, row_id: str, **changes: Any) -> None:
    rows = read_rows(folder / RECORDS, Record)
    write_rows(
        folder / RECORDS,
        Record,
        [r.model_copy(update=changes) if r.row_id == row_id else r for r in rows],
    )
    reseal(folder)


# --- the rubric --------------------------------------------------------------------------------


def test_every_verdict_and_defect_has_a_key_and_a_definition() -> None:
    assert {d.value for d in DEFECTS} == set(Defect)
    assert {d.value for d in VERDICTS} | {Verdict.DEFECTIVE} == set(Verdict)
    keys = [d.key for d in (*VERDICTS, *DEFECTS)]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set("jkznrxsq?")


# --- what is kept --------------------------------------------------------------------------------


def test_a_verdict_is_in_both_files_at_once(folder: Path) -> None:
    s = session(folder)
    write_audit(folder, {})
    say(s, 0, "defective", "incomplete", "wrong_rule", note="rule 2")
    [label] = exported(folder)
    assert label.row_id == s.order[0]
    assert (label.verdict, label.defects) == ("defective", ("wrong_rule", "incomplete"))
    assert (label.note, label.duration_s, label.annotator) == ("rule 2", 2.5, "ann")
    assert label.records_sha256 == s.records_sha256
    assert label.status == "current"
    body = summary(folder)
    assert body["records_sha256"] == s.records_sha256
    assert body["n"] == 1
    assert body["verdicts"]["defective"]["n"] == 1
    assert body["defects"]["wrong_rule"]["n"] == 1
    assert body["sample"] == {"seed": 0, "n_samples": 10, "n_originals": 12, "n_rows": 12}
    frame = pl.read_parquet(folder / LABELS)
    assert frame.schema["peeked"] == pl.Boolean
    assert frame.schema["defects"] == pl.List(pl.String)


def test_the_first_verdict_stays_beside_the_last(folder: Path) -> None:
    s = session(folder)
    say(s, 0, "good")
    say(s, 0, "defective", "unused")
    [label] = exported(folder)
    assert (label.first_verdict, label.verdict) == ("good", "defective")
    assert summary(folder)["annotators"][0]["n_changed"] == 1


def test_undo_takes_back_one_key_press_at_a_time(folder: Path) -> None:
    s = session(folder)
    say(s, 0, "good")
    say(s, 1, "defective", "unused")
    say(s, 1, "defective", "unused", "instance")
    assert s.undo() == 1
    assert exported(folder)[1].defects == ("unused",)
    assert s.undo() == 1
    assert [label.row_id for label in exported(folder)] == [s.order[0]]
    assert s.undo() == 0
    assert s.undo() is None
    assert exported(folder) == []
    assert s.sample(0)["label"] is None
    say(s, 0, "unsure")
    [label] = exported(folder)
    # The solution had been on the screen before this verdict.
    assert label.peeked


def test_undo_touches_nobody_else(folder: Path) -> None:
    ann, bob = session(folder), session(folder, "bob")
    say(ann, 0)
    say(bob, 0)
    assert ann.undo() == 0
    assert ann.undo() is None
    assert [label.annotator for label in exported(folder)] == ["bob"]


def test_labels_outlive_the_process(folder: Path) -> None:
    s = session(folder)
    say(s, 3, "unsure", note="?")
    s.close()
    again = session(folder, n=None)
    assert again.order == s.order
    assert again.sample(3)["label"] == {"verdict": "unsure", "defects": (), "note": "?"}
    assert [x["v"] for x in again.state()["samples"]].count("unsure") == 1


def test_labels_are_no_part_of_the_folders_manifest(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    write_audit(folder, {})
    s = session(folder)
    say(s, 0)
    s.close()
    (folder / "manifest.json").unlink()
    write_folder(folder, [record(n) for n in range(1, 13)])
    assert (folder / "manifest.json").read_bytes() == before


# --- what may be seen ------------------------------------------------------------------------------


def test_solution_and_flags_are_not_sent_before_the_verdict(folder: Path) -> None:
    row = record(1)
    write_audit(folder, {row.row_id: [{"check": "answer_leak", "rule_index": 1, "evidence": "24"}]})
    s = session(folder, n=12)
    index = s.order.index(row.row_id)
    before = json.dumps(s.sample(index))
    assert "answer_leak" not in before
    assert "<<" not in before
    assert "answer leak" not in before
    assert not {"solution", "flags"} & set(s.sample(index))
    after = say(s, index)
    assert after["flags"] == [{"check": "answer leak", "rule": 2, "evidence": "24"}]
    assert after["solution"]["answer"] == ["24"]
    assert "<<" in json.dumps(after["solution"])
    assert exported(folder)[0].flags == ("answer_leak",)
    assert not exported(folder)[0].peeked


def test_flags_of_other_records_are_not_used(folder: Path) -> None:
    write_audit(folder, {record(1).row_id: [{"check": "old"}]})
    change(folder, record(2).row_id, answer="0")
    s = session(folder, n=12)
    after = say(s, s.order.index(record(1).row_id))
    assert (after["flags"], after["audited"]) == ([], False)


def test_a_solution_opened_before_the_verdict_is_kept_in_mind(folder: Path) -> None:
    s = session(folder)
    shown = s.peek(2)
    assert "solution" in shown
    assert "flags" not in shown
    assert "solution" in s.sample(2)
    say(s, 2)
    s.peek(2)
    say(s, 3)
    s.peek(3)
    assert [label.peeked for label in exported(folder)] == [True, False]
    assert summary(folder)["annotators"][0]["n_peeked"] == 1


def test_a_second_annotator_is_blind_and_has_another_order(folder: Path) -> None:
    ann, bob = session(folder), session(folder, "bob", None)
    assert sorted(ann.order) == sorted(bob.order)
    assert ann.order != bob.order
    for i in range(10):
        say(ann, i, "defective", "unused", note="secret")
    assert bob.n_left() == 10
    assert all(x["v"] is None for x in bob.state()["samples"])
    for i in range(10):
        assert bob.report()["agreement"] == []
        assert "secret" not in json.dumps([bob.state(), bob.report(), bob.sample(i)])
        assert "ann" not in json.dumps(bob.report()["tables"])
        say(bob, i, "good" if i < 4 else "defective", *(["unused"] if i > 5 else []))
    found = bob.report()
    assert found["done"]
    assert {a["of"]: a["raw"]["value"] for a in found["agreement"]}["verdict"] == 0.6
    body = summary(folder)
    assert body["n"] == 10
    assert {k: v["n"] for k, v in body["verdicts"].items()} == {
        "good": 0,
        "defective": 6,
        "unsure": 0,
        "disputed": 4,
    }
    assert body["defects"]["unused"]["n"] == 4
    by_name = {a["of"]: a for a in body["agreement"]}
    assert by_name["verdict"]["table"] == [[0, 0, 0], [4, 6, 0], [0, 0, 0]]
    assert by_name["wrong_rule"]["kappa"]["value"] is None
    assert body["annotators"][1]["verdicts"]["good"] == {
        "n": 4,
        "fraction": 0.4,
        "ci_low": pytest.approx(0.168, abs=1e-3),
        "ci_high": pytest.approx(0.687, abs=1e-3),
    }


def test_what_the_flags_are_worth(folder: Path) -> None:
    rows = [record(n) for n in range(1, 13)]
    write_audit(folder, {r.row_id: [{"check": "generic"}] for r in rows[:4]})
    s = session(folder, n=12)
    flagged = {r.row_id for r in rows[:4]}
    for i, row_id in enumerate(s.order):
        say(s, i, *(("defective", "unused") if row_id in flagged or i == 0 else ("good",)))
    found = summary(folder)["flags"]
    assert (found["flagged"]["n"], found["flagged"]["defective"]["n"]) == (4, 4)
    assert found["unflagged"]["n"] == 8
    assert found["unflagged"]["defective"]["n"] == (0 if s.order[0] in flagged else 1)


# --- samples ---------------------------------------------------------------------------------------


def test_one_row_of_each_original_is_drawn(tmp_path: Path) -> None:
    first = [record(n) for n in range(1, 7)]
    variants = [
        record(n, question=f"variant {i} of {n}", original_id=first[n - 1].original_id)
        for n in range(1, 7)
        for i in range(5)
    ]
    folder = write_folder(tmp_path / "data", [*first, *variants])
    s = session(folder, n=50)
    originals = [r.original_id for r in pick_rows(folder / RECORDS, Record, s.order)]
    assert sorted(originals) == sorted(r.original_id for r in first)


def test_a_sample_grows_and_keeps_its_labels(folder: Path) -> None:
    s = session(folder, n=5)
    say(s, 0)
    s.close()
    grown = session(folder, n=8)
    assert set(s.order) < set(grown.order)
    assert grown.n_left() == 7
    grown.close()
    assert len(session(folder, n=None).order) == 8
    with pytest.raises(ConfigError, match="has 8 questions already, more than --samples 5"):
        session(folder, n=5)
    with pytest.raises(ConfigError, match="of the sample with seed 0, not 7"):
        session(folder, n=8, seed=7)


def test_before_the_first_label_the_sample_may_be_another(folder: Path) -> None:
    a, b = session(folder, n=5), session(folder, n=4, seed=3)
    assert len(b.order) == 4
    assert not set(b.order) <= set(a.order)


@pytest.mark.parametrize("what", ["no folder", "no manifest", "empty"])
def test_there_must_be_something_to_label(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "data"
    if what == "no manifest":
        folder.mkdir()
    if what == "empty":
        write_folder(folder, [])
    with pytest.raises(ConfigError, match=r"no such folder|has no manifest|holds no rows"):
        session(folder)
    assert not (folder / BOOK).exists()


def test_another_programs_file_is_left_alone(folder: Path) -> None:
    path = folder / BOOK
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match="not a book of labels"):
        session(folder)
    assert path.read_bytes().startswith(b"not a database")
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(ConfigError, match="not a book of labels of this version"):
        session(folder)


# --- records that change -----------------------------------------------------------------------------


def test_a_label_of_a_changed_row_is_kept_and_not_counted(folder: Path) -> None:
    s = session(folder, n=12)
    for i in range(3):
        say(s, i)
    s.close()
    changed, gone = s.order[0], s.order[1]
    change(folder, changed, knowledge=("Another rule.",))
    write_rows(
        folder / RECORDS,
        Record,
        [r for r in read_rows(folder / RECORDS, Record) if r.row_id != gone],
    )
    reseal(folder)
    again = session(folder, n=None)
    again.write()
    assert {label.row_id: label.status for label in exported(folder)} == {
        changed: "changed",
        gone: "gone",
        s.order[2]: "current",
    }
    body = summary(folder)
    assert (body["n"], body["n_not_current"]) == (1, 2)
    assert body["records_sha256"] == again.records_sha256 != s.records_sha256
    index = again.order.index(changed)
    assert again.sample(index)["label"] is None
    assert again.state()["samples"][index] == {"id": changed, "v": None, "changed": True}
    say(again, index, "unsure")
    assert [x.status for x in exported(folder) if x.row_id == changed] == ["changed", "current"]


def test_records_that_change_under_the_page_refuse_labels(folder: Path) -> None:
    s = session(folder)
    say(s, 0)
    change(folder, s.order[0], answer="1")
    for action in (lambda: say(s, 1), s.undo):
        with pytest.raises(ConflictError, match="has changed since this page was opened"):
            action()
    assert len(s.own()) == 1


def test_rewritten_but_equal_records_do_not_stop_the_work(folder: Path) -> None:
    s = session(folder)
    body = (folder / RECORDS).read_bytes()
    (folder / RECORDS).unlink()
    (folder / RECORDS).write_bytes(body)
    say(s, 0)
    assert len(exported(folder)) == 1


def test_a_row_that_is_not_what_was_shown_is_refused(folder: Path) -> None:
    s = session(folder, n=5)
    shown = s.sample(0)
    outside = next(r for n in range(1, 13) if (r := record(n)).row_id not in s.order)
    for row_id, sha, message in (
        (shown["id"], "0" * 64, "has changed since it was shown"),
        (outside.row_id, "0" * 64, "not in the sample"),
    ):
        with pytest.raises(ConflictError, match=message):
            s.say(Wanted(row_id=row_id, row_sha256=sha, verdict=Verdict.GOOD))
    assert not (folder / LABELS).exists()
