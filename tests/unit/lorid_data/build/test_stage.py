"""Building a folder: rows, balance, what resumes and what is refused."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.asking.journal import JOURNAL, open_journal
from lorid_data.build.importing import import_table
from lorid_data.build.rows import to_row
from lorid_data.build.stage import BuildOptions, build
from lorid_data.errors import ConfigError, TeacherError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import n_failed
from lorid_data.folders.names import CONFIG, MANIFEST, RECORDS, REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Record, Reject, TeacherReply, make_problem, problem_id
from lorid_data.teachers.base import Unasked

QUESTIONS = ("a", "b", "c", "d")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    rows = [{"question": q, "rationale": f"so {q}", "answer": "1"} for q in QUESTIONS]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def write_script(path: Path, **replies: Any) -> str:
    lines = [
        {"problem_id": problem_id(q), **(r if isinstance(r, dict) else {"output": [r]})}
        for q, r in replies.items()
    ]
    path.write_text("".join(json.dumps(x) + "\n" for x in lines), encoding="utf-8")
    return f"scripted:{path}"


def options(table: Path, teacher: str, **more: Any) -> BuildOptions:
    return BuildOptions(source=str(table), teacher=teacher, **more)


def test_every_row_is_kept_or_rejected_with_its_reason(tmp_path: Path, table: Path) -> None:
    teacher = write_script(
        tmp_path / "s.jsonl",
        a="rule",
        b={"text": "sorry"},
        c={"text": '{"output": ["x"]}', "finish_reason": "length"},
    )
    out = tmp_path / "out"
    manifest = build(options(table, teacher), out)
    assert (manifest.n_in, manifest.n_kept) == (4, 1)
    assert manifest.n_rejected == {"reply_not_json": 1, "reply_truncated": 1, "script_exhausted": 1}
    assert n_failed(manifest) == 1
    record = read_records(out)[0]
    assert record.knowledge == ("rule",)
    assert record.provenance.teacher == "scripted"
    assert record.provenance.prompt_id == "teacher/knowledge.v1"
    rejects = read_rows(out / REJECTS, Reject)
    assert [(r.problem_id, r.disposition) for r in rejects] == [
        (problem_id("b"), "regenerate"), (problem_id("c"), "regenerate"), (problem_id("d"), "failed"),
    ]  # fmt: skip
    assert rejects[0].evidence == "sorry"
    assert set(manifest.files) == {RECORDS, REJECTS, CONFIG, "README.md"}
    for name, sha256 in manifest.files.items():
        assert sha256_file(out / name) == sha256


def test_a_finished_folder_is_left_alone(tmp_path: Path, table: Path) -> None:
    teacher = write_script(tmp_path / "s.jsonl", a="1", b="2", c="3", d="4")
    out = tmp_path / "out"
    first = build(options(table, teacher), out)
    stamps = {p.name: p.stat().st_mtime_ns for p in out.glob("[!.]*")}
    again = build(options(table, teacher, concurrency=2), out)
    assert again == first
    assert {p.name: p.stat().st_mtime_ns for p in out.glob("[!.]*")} == stamps


def test_a_larger_limit_asks_only_what_is_new(tmp_path: Path, table: Path) -> None:
    teacher = write_script(tmp_path / "s.jsonl", a="1", b="2", c="3", d="4")
    out = tmp_path / "out"
    assert build(options(table, teacher, limit=2), out).n_in == 2
    assert build(options(table, teacher, limit=4), out).n_kept == 4
    with open_journal(out / JOURNAL) as journal:
        assert journal.n_attempts() == 4
    whole = tmp_path / "whole"
    build(options(table, teacher), whole)
    assert sha256_file(whole / RECORDS) == sha256_file(out / RECORDS)


def test_concurrency_does_not_change_the_rows(tmp_path: Path, table: Path) -> None:
    replies = {q: {"output": [q], "latency_s": 0.02 * (4 - i)} for i, q in enumerate(QUESTIONS)}
    teacher = write_script(tmp_path / "s.jsonl", **replies)
    for n in (1, 4):
        build(options(table, teacher, concurrency=n), tmp_path / str(n))
    assert sha256_file(tmp_path / "1" / RECORDS) == sha256_file(tmp_path / "4" / RECORDS)
    assert [r.question for r in read_records(tmp_path / "4")] == list(QUESTIONS)


def test_failed_rows_are_asked_again_and_stored_replies_are_not(
    tmp_path: Path, table: Path
) -> None:
    out = tmp_path / "out"
    teacher = write_script(tmp_path / "s.jsonl", a="1", b="2", c="3")
    assert n_failed(build(options(table, teacher), out)) == 1
    assert n_failed(build(options(table, teacher), out)) == 1
    with open_journal(out / JOURNAL) as journal:
        assert journal.n_attempts() == 5


def test_a_journal_is_shared_between_folders(tmp_path: Path, table: Path) -> None:
    teacher = write_script(tmp_path / "s.jsonl", a="1", b="2", c="3", d="4")
    shared = tmp_path / "j.sqlite"
    for name in ("x", "y"):
        build(options(table, teacher, journal=shared), tmp_path / name)
    with open_journal(shared) as journal:
        assert journal.n_attempts() == 4
    assert not (tmp_path / "x" / JOURNAL).exists()
    assert sha256_file(tmp_path / "x" / RECORDS) == sha256_file(tmp_path / "y" / RECORDS)


def test_one_question_on_two_rows_is_asked_once(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    row = json.dumps({"question": "a", "rationale": "so a", "answer": "1"})
    path.write_text(f"{row}\n{row}\n", encoding="utf-8")
    out = tmp_path / "out"
    manifest = build(options(path, write_script(tmp_path / "s.jsonl", a="1")), out)
    assert manifest.n_kept == 2
    assert len({r.row_id for r in read_records(out)}) == 2
    with open_journal(out / JOURNAL) as journal:
        assert journal.n_attempts() == 1


def test_another_configuration_is_refused_and_nothing_changes(tmp_path: Path, table: Path) -> None:
    out = tmp_path / "out"
    build(options(table, "none"), out)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(ConfigError, match="belongs to another configuration"):
        build(options(table, "recorded"), out)
    with table.open("a", encoding="utf-8") as f:
        f.write('{"question": "e", "answer": "1"}\n')
    with pytest.raises(ConfigError, match="the rows of the table: not the same"):
        build(options(table, "none"), out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.parametrize(
    ("make", "says"),
    [
        ({"teacher": "openia:x"}, "not available"),
        ({"source": "absent.jsonl"}, "unknown source"),
        ({"journal": Path("absent/j.sqlite")}, "does not exist"),
        ({"journal": Path()}, "is a folder"),
        ({"split": "dev"}, "no rows of split 'dev'"),
    ],
)
def test_wrong_options_write_nothing(tmp_path: Path, make: dict[str, Any], says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question,answer,split\na,1,train\n", encoding="utf-8")
    out = tmp_path / "out"
    with pytest.raises(ConfigError) as e:
        build(BuildOptions(**{"source": str(path), "teacher": "none", **make}), out)
    assert says in str(e.value)
    assert not out.exists()


def test_a_build_runs_in_a_notebook_too(tmp_path: Path, table: Path) -> None:
    teacher = write_script(tmp_path / "s.jsonl", a="1", b="2", c="3", d="4")

    async def cell() -> int:
        return build(options(table, teacher), tmp_path / "out").n_kept

    assert asyncio.run(cell()) == 4


def test_the_manifest_has_no_path_and_no_clock_in_it(tmp_path: Path, table: Path) -> None:
    teacher = write_script(tmp_path / "s.jsonl", a="1", b="2", c="3", d="4")
    texts = []
    for name in ("x", "y"):
        build(options(table, teacher), tmp_path / name)
        texts.append((tmp_path / name / MANIFEST).read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]


# --- the pure middle ----------------------------------------------------------------------------

PROBLEM = make_problem(
    source="s", split="train", question="q", rationale="r", answer="1", knowledge=("k",)
)


def reply(text: str) -> TeacherReply:
    return TeacherReply(
        problem_id=PROBLEM.problem_id, request_key="key", prompt_id="p", prompt_sha256="s", teacher="t",
        model_asked="m", model_answered="m-2026", text=text, finish_reason="stop", cost_usd=0.5,
    )  # fmt: skip


def test_knowledge_comes_from_the_reply_with_its_provenance() -> None:
    row = to_row(PROBLEM, "row", reply('{"output": ["x", "y"]}'))
    assert isinstance(row, Record)
    assert row.knowledge == ("x", "y")
    assert row.provenance.model_answered == "m-2026"
    assert row.provenance.request_key == "key"
    assert row.provenance.cost_usd == 0.5


def test_source_and_none_ask_nobody() -> None:
    row = to_row(PROBLEM, "row", Unasked("source"))
    assert isinstance(row, Record)
    assert row.knowledge == ("k",)
    row = to_row(PROBLEM, "row", Unasked("none"))
    assert isinstance(row, Record)
    assert row.knowledge == ()


@pytest.mark.parametrize(
    ("problem", "answer", "reason"),
    [
        (PROBLEM.model_copy(update={"knowledge": ()}), Unasked("source"), "no_knowledge_in_source"),
        (PROBLEM, TeacherError("not_recorded", "no"), "not_recorded"),
        (PROBLEM, reply("None"), "reply_not_json"),
        (PROBLEM, reply('{"output": [""]}'), "reply_wrong_shape"),
        (
            PROBLEM.model_copy(update={"question": " \n"}),
            reply('{"output": ["x"]}'),
            "question_empty",
        ),
    ],
)
def test_what_gives_no_knowledge_is_a_reject(problem: Any, answer: Any, reason: str) -> None:
    row = to_row(problem, "row", answer)
    assert isinstance(row, Reject)
    assert row.reason == reason
    assert row.row_id == "row"


def test_evidence_is_cut() -> None:
    row = to_row(PROBLEM, "row", reply("x" * 5000))
    assert isinstance(row, Reject)
    assert len(row.evidence) == 2000


# --- import -------------------------------------------------------------------------------------


def test_import_keeps_text_and_knowledge(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b'question,answer,knowledge\n" q ","r\n#### 1,000","one\ntwo"\n ,2,\n')
    out = tmp_path / "out"
    manifest = import_table(path, out, licence="CC0-1.0")
    assert (manifest.stage, manifest.n_in, manifest.n_kept) == ("import", 2, 1)
    assert manifest.n_rejected == {"question_empty": 1}
    record = read_records(out)[0]
    assert (record.question, record.rationale, record.answer) == (" q ", "r", "1,000")
    assert record.knowledge == ("one", "two")
    assert (record.licence, record.source, record.provenance.teacher) == (
        "CC0-1.0",
        "mine",
        "source",
    )
    assert read_rows(out / REJECTS, Reject)[0].stage == "import"
    assert import_table(path, out, licence="CC0-1.0") == manifest


def test_import_into_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question,answer\na,1\n", encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="not made by this project"):
        import_table(path, out)
    assert [p.name for p in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("is_folder", [False, True])
def test_import_takes_the_subject_from_a_column_of_another_name(
    tmp_path: Path, is_folder: bool
) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "train.csv"
    path.write_text("question,answer,subject,topic\na,1,x,sums\nb,2,x,7\n", encoding="utf-8")
    import_table(path.parent if is_folder else path, tmp_path / "out", subject="topic")
    assert [r.subject for r in read_records(tmp_path / "out")] == ["sums", "7"]
    with pytest.raises(ConfigError, match="missing column 'area'"):
        import_table(path, tmp_path / "other", subject="area")
