"""Several teachers and samples: side by side, voting, each reply asked for once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lorid_data import prompts
from lorid_data.cli.app import main
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.parquet import read_frame
from lorid_data.folders.records import read_records
from lorid_data.publish.card_fields import CardFields
from lorid_data.publish.chain import find_chain
from lorid_data.publish.rebuild import commands
from lorid_data.schema import row_ids, sha256_text
from lorid_data.sources.registry import load_file
from lorid_data.teachers import base
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

pytest_plugins = ("lorid_data.testing.plugin",)
N = 6


def table_from(path: Path, first: int) -> Path:
    rows = [{"question": f"question {i}", "rationale": "so", "answer": str(i)} for i in range(first, first + N)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return table_from(tmp_path / "t.jsonl", 0)


def build(table: Path, out: Path, *more: str) -> int:
    return main(["build", str(table), "--out", str(out), *more])


def candidates(out: Path) -> list[dict[str, Any]]:
    return read_frame(out / "candidates.parquet").to_dicts()


def test_teachers_stand_side_by_side_and_the_first_usable_is_taken(
    tmp_path: Path, table: Path, fake_teacher: FakeTeacher
) -> None:
    out = tmp_path / "out"
    two = ("--teacher", "openai:gpt-4o", "--teacher", "anthropic:claude-haiku-4-5", "--samples", "2")  # fmt: skip
    fake_teacher.faults = lambda n, prompt: Fault("bad_json") if n < 2 * N and "question 3\n" in prompt else None  # fmt: skip
    assert build(table, out, *two) == 0
    assert fake_teacher.n_requests == 4 * N
    rows = candidates(out)
    assert len(rows) == 4 * N
    assert [(r["teacher"], r["sample"]) for r in rows[:4]] == [("openai", 0), ("anthropic", 0), ("openai", 1), ("anthropic", 1)]  # fmt: skip
    records = read_records(out)
    assert [r.provenance.teacher for r in records] == ["openai"] * 3 + ["anthropic"] + ["openai"] * 2  # fmt: skip
    chosen = {r["row_id"]: r["request_key"] for r in rows if r["chosen"] == "yes"}
    assert chosen == {r.row_id: r.provenance.request_key for r in records}
    assert {r["vote"] for r in rows} == {"none"}
    assert len({r["request_key"] for r in rows}) == 4 * N
    assert "candidates.parquet" in read_manifest(out).files
    # The same command asks nothing, and neither does another folder with this journal.
    assert build(table, out, *two) == 0
    again = tmp_path / "again"
    assert build(table, again, *two, "--journal", str(out / "journal.sqlite")) == 0
    assert fake_teacher.n_requests == 4 * N
    assert candidates(again) == rows


def writes(wrong: int) -> Any:
    """Rewrites the rationale; the first `wrong` replies about each question end in a wrong answer."""
    told: dict[str, int] = {}

    def text(prompt: str) -> str:
        n = told[prompt] = told.get(prompt, 0) + 1
        number = prompt.partition("Question: question ")[2].partition("\n")[0]
        # An equal answer in other digits must count.
        answer = "-1" if n <= wrong else f"{number}.0"
        return json.dumps({"output": ["rule"], "rationale": f"anew {n}", "answer": answer})

    return text


@pytest.mark.parametrize(
    ("wrong", "n_asked", "agreement"), [(0, 2, 1.0), (1, 3, 2 / 3), (2, 2, None)]
)
def test_rewritten_rationales_vote_and_asking_stops_when_it_is_decided(
    tmp_path: Path,
    table: Path,
    fake_teacher: FakeTeacher,
    wrong: int,
    n_asked: int,
    agreement: float | None,
) -> None:
    out = tmp_path / "out"
    fake_teacher.text = writes(wrong)
    argv = ("--teacher", f"server:m@{fake_teacher.url}", "--samples", "3", "--rewrite-rationale")
    assert build(table, out, *argv) == (1 if agreement is None else 0)  # nothing is left
    assert fake_teacher.n_requests == n_asked * N
    manifest, records = read_manifest(out), read_records(out)
    if agreement is None:
        assert manifest.n_rejected == {"vote_lost": N}
        assert {r["chosen"] for r in candidates(out)} == {"no"}
        return
    assert manifest.n_kept == N
    assert [r.provenance.agreement for r in records] == [pytest.approx(agreement)] * N
    assert [r["agreement"] for r in candidates(out)] == [pytest.approx(agreement)] * n_asked * N
    assert {r.rationale for r in records} == {f"anew {wrong + 1}"}
    assert {r.provenance.sample for r in records} == {wrong}
    assert [r.answer for r in records] == [str(i) for i in range(N)], "the reference answer stays"
    problems = [p.model_copy(update={"rationale": f"anew {wrong + 1}"}) for p in load_file(table, None, default_split="train", licence="unknown")[0]]  # fmt: skip
    assert [r.row_id for r in records] == list(row_ids(problems))


def test_one_budget_holds_for_all_teachers_and_a_dry_run_counts_them_all(
    tmp_path: Path, table: Path, fake_teacher: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    two = ("--teacher", "openai:gpt-4o", "--teacher", "openai:gpt-4o-mini", "--samples", "3")
    assert build(table, tmp_path / "d", *two, "--dry-run") == 0
    assert f"{6 * N} requests" in capsys.readouterr().out
    assert fake_teacher.n_requests == 0
    out = tmp_path / "out"
    # A request may cost 2 ¢ at most, and costs about 0.06 ¢: the first teacher's leave 2 ¢ nowhere.
    assert build(table, out, *two, "--budget", "0.0225", "--concurrency", "1") == 1
    assert "the budget of $0.0225 is reached" in capsys.readouterr().err
    assert 0 < fake_teacher.n_requests < 3 * N
    assert build(table, out, *two, "--budget", "5") == 0
    assert fake_teacher.n_requests == 6 * N


def test_what_one_teacher_spent_is_not_there_for_the_next(
    tmp_path: Path, table: Path, fake_teacher: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    two = ("--teacher", "openai:gpt-4o", "--teacher", "openai:gpt-4.1", "--samples", "4")
    # Either alone would stay below the cap; the first one's replies, and some of the second's, fit.
    assert build(table, tmp_path / "out", *two, "--budget", "0.04", "--concurrency", "1") == 1
    assert "the budget of $0.04 is reached" in capsys.readouterr().err
    assert 4 * N < fake_teacher.n_requests < 8 * N


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--teacher", "none", "--samples", "2"), "'none' is not asked"),
        (("--teacher", "recorded", "--teacher", "recorded"), "name each once"),
        (("--teacher", "openai:gpt-4o", "--teacher", "openai:unheard", "--budget", "1"), "is not known"),
    ],
)  # fmt: skip
def test_a_panel_that_cannot_be_asked_is_refused_before_anything_is_written(
    tmp_path: Path,
    table: Path,
    fake_teacher: FakeTeacher,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    says: str,
) -> None:
    assert build(table, tmp_path / "out", *more) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert fake_teacher.n_requests == 0


def test_teachers_of_a_configuration_may_be_a_list(tmp_path: Path, table: Path, fake_teacher: FakeTeacher) -> None:  # fmt: skip
    config = tmp_path / "c.yaml"
    config.write_text(
        f"teacher: ['openai:gpt-4o', 'anthropic:claude-haiku-4-5']\nout: {tmp_path / 'out'}\n"
    )
    assert main(["build", str(table), "--config", str(config)]) == 0
    assert fake_teacher.n_requests == 2 * N
    one = tmp_path / "one.yaml"
    one.write_text(f"teacher: openai:gpt-4o\nout: {tmp_path / 'one'}\n")
    assert main(["build", str(table), "--config", str(one)]) == 0
    assert fake_teacher.n_requests == 3 * N
    assert not (tmp_path / "one" / "candidates.parquet").exists()


def dollars(line: str) -> float:
    return float(line.rpartition("$")[2].split()[0])


def test_the_audit_chooses_the_list_with_least_wrong_and_shows_why(
    tmp_path: Path, fake_teacher: FakeTeacher
) -> None:
    table = table_from(tmp_path / "t.jsonl", 37)
    told: dict[str, int] = {}

    def text(prompt: str) -> str:
        n = told[prompt] = told.get(prompt, 0) + 1
        number = int(prompt.partition("Question: question ")[2].partition("\n")[0])
        # The first teacher tells the answer of the first three rows, the second one of the others.
        tells = (n == 1) == (number < 40)
        rule = f"The answer to this is {number}." if tells else "To share equally, divide by the number of shares."  # fmt: skip
        return json.dumps({"output": [rule]})

    fake_teacher.text = text
    out, chosen = tmp_path / "out", tmp_path / "chosen"
    two = ("--teacher", "openai:gpt-4o", "--teacher", "anthropic:claude-haiku-4-5")
    assert build(table, out, *two) == 0
    n_asked = fake_teacher.n_requests
    assert main(["choose", str(out), "--out", str(chosen)]) == 0
    records = read_records(chosen)
    assert [r.provenance.teacher for r in records] == ["anthropic"] * 3 + ["openai"] * 3
    assert {r.knowledge for r in records} == {("To share equally, divide by the number of shares.",)}  # fmt: skip
    assert [r.row_id for r in records] == [r.row_id for r in read_records(out)]
    rows = candidates(chosen)
    assert {r["row_id"]: r["request_key"] for r in rows if r["chosen"] == "yes"} == {r.row_id: r.provenance.request_key for r in records}  # fmt: skip
    assert all(r["chosen"] == "no" for r in rows if any("drop: answer_leak (rule 0)" in f for f in r["findings"]))  # fmt: skip
    assert sum(any("drop: answer_leak (rule 0)" in f for f in r["findings"]) for r in rows) == N
    assert read_manifest(chosen).figures == {
        "n_other_reply": 3,
        "n_rows_by_teacher": {
            "anthropic:claude-haiku-4-5, sample 0": 3,
            "openai:gpt-4o, sample 0": 3,
        },
    }
    before = sha256_file(chosen / "manifest.json")
    assert main(["choose", str(out), "--out", str(chosen)]) == 0
    assert sha256_file(chosen / "manifest.json") == before
    assert main(["reparse", str(chosen)]) == 2
    # The replies are in the journal; without it a reply's provenance is not known.
    (out / "journal.sqlite").rename(tmp_path / "j.sqlite")
    assert main(["choose", str(out), "--out", str(tmp_path / "c")]) == 2
    assert main(["choose", str(out), "--out", str(tmp_path / "d"), "--journal", str(tmp_path / "j.sqlite")]) == 0  # fmt: skip
    assert read_records(tmp_path / "d") == records
    assert fake_teacher.n_requests == n_asked


def test_reparse_reads_votes_and_chooses_again_by_the_same_rule(
    tmp_path: Path,
    table: Path,
    fake_teacher: FakeTeacher,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    fake_teacher.text = writes(wrong=1)
    argv = ("--teacher", f"server:m@{fake_teacher.url}", "--samples", "3", "--rewrite-rationale")
    assert build(table, out, *argv) == 0
    n_asked, before = fake_teacher.n_requests, sha256_file(out / "records.parquet")
    assert n_asked == 3 * N
    assert main(["reparse", str(out)]) == 0
    assert "6 rows, 0 without a stored reply; 6 as before" in capsys.readouterr().out
    assert read_frame(out / "reparsed_candidates.parquet").equals(read_frame(out / "candidates.parquet"))  # fmt: skip

    old = base.parse_reply

    def other(text: str) -> tuple[str, ...] | base.NoRules:
        """Cannot read what the second replies say."""
        if '"anew 2"' in text:
            return base.NoRules(base.RejectReason.REPLY_WRONG_SHAPE, "x")
        return old(text)

    monkeypatch.setattr(base, "parse_reply", other)
    assert main(["reparse", str(out)]) == 0
    # One of three agrees now: the vote is lost.
    assert "0 as before, 0 now kept, 6 now rejected, 0 with other knowledge" in capsys.readouterr().out  # fmt: skip
    assert set(read_frame(out / "reparsed.parquet")["now"]) == {"vote_lost"}
    assert set(read_frame(out / "reparsed_candidates.parquet")["chosen"]) == {"no"}

    def mended(text: str) -> tuple[str, ...] | base.NoRules:
        rules = old(text)
        return rules if isinstance(rules, base.NoRules) else (*rules, "another")

    monkeypatch.setattr(base, "parse_reply", mended)
    assert main(["reparse", str(out)]) == 0
    assert "0 now kept, 0 now rejected, 6 with other knowledge" in capsys.readouterr().out
    rows = read_frame(out / "reparsed.parquet").to_dicts()
    assert {tuple(r["knowledge"]) for r in rows} == {("rule", "another")}
    assert {r["rationale"] for r in rows} == {"anew 2"}, "the first that agrees, as before"
    assert {r["request_key"] for r in rows} == {r.provenance.request_key for r in read_records(out)}
    assert fake_teacher.n_requests == n_asked
    assert sha256_file(out / "records.parquet") == before


def test_reparse_says_where_a_vote_would_be_open_again(
    tmp_path: Path,
    table: Path,
    fake_teacher: FakeTeacher,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    fake_teacher.text = writes(wrong=0)
    argv = ("--teacher", f"server:m@{fake_teacher.url}", "--samples", "3", "--rewrite-rationale")
    assert build(table, out, *argv) == 0
    assert fake_teacher.n_requests == 2 * N
    old = base.parse_reply

    def other(text: str) -> tuple[str, ...] | base.NoRules:
        if '"anew 1"' in text:
            return base.NoRules(base.RejectReason.REPLY_WRONG_SHAPE, "x")
        return old(text)

    monkeypatch.setattr(base, "parse_reply", other)
    assert main(["reparse", str(out)]) == 0
    said = capsys.readouterr().out
    assert "0 as before, 0 now kept, 0 now rejected, 0 with other knowledge, 6 undecided" in said


def test_prompts_diff_counts_requests_per_teacher_and_sample(
    tmp_path: Path,
    table: Path,
    fake_teacher: FakeTeacher,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    two = ("--teacher", "openai:gpt-4o", "--teacher", "anthropic:claude-haiku-4-5", "--samples", "2")  # fmt: skip
    assert build(table, out, *two) == 0
    capsys.readouterr()
    assert main(["prompts", "diff", str(out)]) == 0
    assert "no row would be asked again" in capsys.readouterr().out
    real = prompts.load("teacher/knowledge.v1")
    text = real.text.replace("general", "common")
    changed = prompts.Prompt("teacher/knowledge.v2", text, sha256_text(text))
    load = prompts.load
    monkeypatch.setattr(prompts, "load", lambda i: changed if i == changed.id else load(i))
    assert main(["prompts", "diff", str(out), "--prompt", changed.id]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{4 * N} requests about {N} questions would be asked again; they cost $")  # fmt: skip
    each = lines[2:6]
    assert [x.partition(",")[0].strip() for x in each] == ["openai:gpt-4o", "anthropic:claude-haiku-4-5"] * 2  # fmt: skip
    assert [f"{N} requests, $" in x for x in each] == [True] * 4
    total = float(lines[1].partition("$")[2].split()[0])
    assert sum(map(dollars, each)) == pytest.approx(total, abs=2e-4)
    with closing(sqlite3.connect(out / "journal.sqlite")) as journal:
        (spent,) = journal.execute("SELECT sum(cost_usd) FROM replies").fetchone()
    assert total == pytest.approx(spent, abs=1e-4)


def test_a_published_panel_names_the_commands_that_make_it_again(
    tmp_path: Path, table: Path, fake_teacher: FakeTeacher
) -> None:
    server = f"server:m@{fake_teacher.url}"
    argv = ("--teacher", "openai:gpt-4o", "--teacher", server, "--samples", "2", "--temperature", "0.7")  # fmt: skip
    assert build(table, tmp_path / "out", *argv) == 0
    assert main(["choose", str(tmp_path / "out"), "--out", str(tmp_path / "chosen")]) == 0
    chain = find_chain(tmp_path / "chosen")
    first, second = commands(chain, [], CardFields(), repo_id="me/mine", tag="t").splitlines()[1:3]
    assert f"--teacher openai:gpt-4o --teacher {server} --split train --samples 2 --temperature 0.7" in first  # fmt: skip
    assert second == "lorid-data choose 00-build --out 01-choose"
    assert chain.find("build") is None, "what the build was checked for is not what was chosen"


def test_a_published_world_names_its_seed(tmp_path: Path) -> None:
    for seed in ("0", "3"):
        argv = ["build", "concepts", "--teacher", "source", "--limit", "4", "--seed", seed]
        assert main([*argv, "--out", str(tmp_path / seed)]) == 0
    plain, seeded = (
        commands(
            find_chain(tmp_path / s), [], CardFields(), repo_id="me/mine", tag="t"
        ).splitlines()[1]
        for s in ("0", "3")
    )
    assert "--seed" not in plain
    assert "--seed 3 --limit 4" in seeded


def test_a_panel_is_asked_in_batches_and_each_reply_once(
    tmp_path: Path, table: Path, fake_teacher: FakeTeacher
) -> None:
    two = ("--teacher", "openai:gpt-4o", "--teacher", "anthropic:claude-haiku-4-5", "--samples", "2")  # fmt: skip
    batch = ("--mode", "batch", "--poll-s", "0.05")
    assert build(table, tmp_path / "b", *two, *batch) == 0
    assert fake_teacher.n_requests == 4 * N
    assert fake_teacher.batches is not None
    assert len(fake_teacher.batches.batches) == 2, "one of each teacher"
    assert build(table, tmp_path / "o", *two) == 0
    left_out = {"cost_usd": None, "latency_s": None}
    rows = [
        [
            r.model_copy(update={"provenance": r.provenance.model_copy(update=left_out)})
            for r in read_records(tmp_path / name)
        ]
        for name in "bo"
    ]
    assert rows[0] == rows[1]
    assert candidates(tmp_path / "b") == candidates(tmp_path / "o")
