"""Several right answers of a source that lists them: from its table to the card, the page and the score."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import polars as pl
import pytest

from lorid_data.build.candidates import parse_reply
from lorid_data.build.importing import import_table
from lorid_data.build.panel import judge
from lorid_data.errors import StageError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.frames import read_record_frame
from lorid_data.folders.names import MANIFEST, RECORDS, REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import iter_records, read_records
from lorid_data.folders.seals import sealed
from lorid_data.publish.stage import PublishOptions, publish
from lorid_data.schema import Record, Reject, TeacherReply
from lorid_data.sources.registry import load
from lorid_data.validate.stage import validate
from lorid_data.view import data
from lorid_data.view.rows import read_folder
from lorid_train.metrics.grading import gold_of, grade, score
from lorid_train.metrics.summary import exact_grader, summarise
from lorid_train.metrics.systems import outcomes

ROWS = [
    {"question": "How many teams of 5 are there of 10?", "answer": "C(10, 5)", "accepted": ["252"], "rationale": "Choose them. The answer is 252."},
    {"question": "How many pairs are there of 4?", "answer": "C(4, 2)", "accepted": ["6", "six"], "rationale": "The answer is 7."},
    {"question": "How many are there?", "answer": "1", "accepted": [" "], "rationale": "The answer is 1."},
    {"question": "How much is 2 + 2?", "answer": "4", "accepted": [], "rationale": "2 + 2 = 4"},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = tmp_path / "mine.jsonl"
    table.write_text("\n".join(json.dumps(r) for r in ROWS), encoding="utf-8")
    import_table(table, tmp_path / "in", licence="MIT")
    return tmp_path / "in"


def test_validate_takes_any_of_them_and_refuses_one_that_cannot_be_read(folder: Path) -> None:
    out = folder.parent / "ok"
    validate(folder, out)
    kept = read_records(out)
    assert [(r.answer, r.accepted) for r in kept] == [("C(10, 5)", ("252",)), ("4", ())]
    rejects = {r.reason.value: r for r in read_rows(out / REJECTS, Reject)}
    assert set(rejects) == {"answer_contradicted", "answer_unparsed"}
    assert "the answer is C(4, 2) or 6 or six" in rejects["answer_contradicted"].detail
    assert rejects["answer_unparsed"].evidence == " "


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [("252", "correct"), (r"\binom{10}{5}", "correct"), ("251", "wrong"), (None, "no_answer")],
)
def test_a_reply_that_equals_one_of_them_is_right(
    folder: Path, reply: str | None, verdict: str
) -> None:
    gold = gold_of(read_records(folder)[0])
    assert gold.answers == ("C(10, 5)", "252")
    assert score(reply, gold.answer).value == verdict


def test_an_evaluation_scores_by_them_under_every_grader(folder: Path) -> None:
    replies = ["The answer is 252.", "The answer is C(10, 5).", "The answer is 5."]
    tables = runpy.run_path(str(Path(__file__).parents[1] / "support" / "graded_tables.py"))
    draws = tables["sampled"](replies, replies)
    graded = grade(gold_of(read_records(folder)[0]), draws, decide=tables["same_round"], rounds=3)
    assert [v.verdict.value for v in graded[0].ir] == ["correct", "correct", "wrong"]
    found = summarise(outcomes(graded, rounds=3), graded, graders={"exact": exact_grader})
    score_of = {(m.system, m.metric, m.slice): m.value for m in found}
    assert score_of["ir-sampled", "accuracy", None] == 1.0
    assert score_of["ir-sampled", "accuracy", "grader=exact"] == 1.0


def test_a_vote_counts_for_any_of_them() -> None:
    body = json.dumps({"output": ["Choose."], "rationale": "So 252.", "answer": "252"})
    reply = TeacherReply(
        problem_id="p", request_key="k", prompt_id="i", prompt_sha256="s", teacher="server", model_asked="m",
        model_answered="m", text=body, finish_reason="stop",
    )  # fmt: skip
    assert parse_reply(reply, "x + 1", judge(("252",))).agrees is True
    assert parse_reply(reply, "x + 1", judge(())).agrees is False


def test_page_and_card_say_that_there_are_several(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StageError("the Hub is not there")

    monkeypatch.setattr("lorid_data.hub.publishing.read_state", gone)
    validate(folder, folder.parent / "ok")
    rows = read_folder(folder.parent / "ok", most=10, seed=0).rows
    about = [dict(data._texts(row)["about"]) for row in rows if row.record and not row.reject]
    assert [a.get("also right (1)") for a in about] == ["252", None]
    options = PublishOptions(repo_id="me/mine", allow=("audit", "decontaminate"))
    publish(folder.parent / "ok", options, dry_run=folder.parent / "out")
    card = (folder.parent / "out/README.md").read_text(encoding="utf-8")
    assert "1 rows have several right answers" in card
    published = load(str(folder.parent / "out"), split="train").problems
    assert [p.accepted for p in published] == [("252",), ()]


def test_a_folder_of_an_earlier_release_has_none(folder: Path) -> None:
    frame = pl.read_parquet(folder / RECORDS).drop("accepted")
    frame.write_parquet(folder / RECORDS)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][RECORDS] = sha256_file(folder / RECORDS)
    (folder / MANIFEST).write_text(json.dumps(sealed(manifest)), encoding="utf-8")
    for rows in (read_records(folder), list(iter_records(folder)), read_rows(folder / RECORDS, Record)):  # fmt: skip
        assert {r.accepted for r in rows} == {()}
    assert read_record_frame(folder)["accepted"].to_list() == [[]] * 4


def test_where_one_of_several_is_no_number_the_last_line_decides_nothing(tmp_path: Path) -> None:
    rows = [
        {"question": "How many?", "answer": "C(10, 5)", "accepted": ["252"], "rationale": "Choose 5 of 10.\nThere are C(10, 5) of them."},
        {"question": "How many else?", "answer": "6", "accepted": ["six"], "rationale": "So there are 7 of them."},
        {"question": "How many more?", "answer": "6", "accepted": ["8"], "rationale": "So there are 7 of them."},
        {"question": "How many again?", "answer": "6", "accepted": ["8"], "rationale": "So there are 8 of them."},
        {"question": "How many in a box?", "answer": "n", "accepted": ["8"], "rationale": "So it is \\boxed{8}."},
        {"question": "How many in no box?", "answer": "n", "accepted": ["8"], "rationale": "So it is \\boxed{7}."},
    ]  # fmt: skip
    table = tmp_path / "rows.jsonl"
    table.write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    import_table(table, tmp_path / "in", licence="MIT")
    validate(tmp_path / "in", tmp_path / "ok")
    assert {r.question for r in read_records(tmp_path / "ok")} == {
        "How many?",
        "How many else?",
        "How many again?",
        "How many in a box?",
    }
