"""Several teachers and samples: side by side, voting, each reply asked for once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.cli import main
from lorid_data.schema import row_ids
from lorid_data.sources.registry import load_file
from lorid_data.store import read_frame, read_manifest, read_records
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

pytest_plugins = ("lorid_data.testing.plugin",)
N = 6


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"question {i}", "rationale": "so", "answer": str(i)} for i in range(N)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


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
    assert main(["reparse", str(out)]) == 2
    assert main(["prompts", "diff", str(out)]) == 2


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
    assert build(table, out, *argv) == 0
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
