"""`build --dry-run`, `reparse`, `prompts diff` and `doctor`, from the command line on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lorid_data import prompts
from lorid_data.cli.app import main
from lorid_data.folders.files import sha256_file
from lorid_data.folders.parquet import read_frame
from lorid_data.schema import sha256_text
from lorid_data.teachers import base
from lorid_data.testing.fake_teacher import KEY, FakeTeacher, Fault, Limit


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    rows = [{"question": f"question {i}", "rationale": "so", "answer": "1"} for i in range(20)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def build(table: Path, out: Path, *more: str) -> int:
    return main(["build", str(table), "--teacher", "openai:gpt-4o", "--out", str(out), *more])


def dollars(text: str) -> list[float]:
    return [float(x.replace(",", "")) for x in re.findall(r"\$([\d.,]*\d)", text)]


def test_a_dry_run_says_the_price_and_neither_asks_nor_writes(
    tmp_path: Path, table: Path, fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    before = sorted(tmp_path.rglob("*"))
    assert build(table, out, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "20 requests" in said
    low, expected, high = dollars(said)
    assert low < expected < high
    # 20 replies of 2,048 tokens that are cut off, and as many of 8,192, at $10 per million; some input.
    assert 2.04 < high < 2.2
    assert (fake.n_requests, sorted(tmp_path.rglob("*"))) == (0, before)
    assert build(table, out, "--limit", "5") == 0
    capsys.readouterr()
    assert build(table, out, "--dry-run") == 0
    assert "15 requests" in capsys.readouterr().out
    assert fake.n_requests == 5
    assert build(table, out, "--dry-run", "--mode", "flex") == 0
    assert dollars(capsys.readouterr().out)[2] == pytest.approx(high * 15 / 20 / 2, abs=0.011)
    argv = ["build", str(table), "--teacher", f"server:m@{fake.url}", "--out", str(out), "--dry-run"]  # fmt: skip
    assert main(argv) == 0
    assert "cost unknown" in capsys.readouterr().out
    assert build(table, out) == 0
    capsys.readouterr()
    assert build(table, out, "--dry-run") == 0
    assert "nothing is left to ask" in capsys.readouterr().out


def test_reparse_says_what_another_parser_would_change_and_changes_nothing(
    tmp_path: Path,
    table: Path,
    fake: FakeTeacher,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    fake.faults = lambda _, prompt: Fault("bad_json") if "question 3\n" in prompt else None
    assert build(table, out) == 0
    seen, before = fake.n_requests, sha256_file(out / "records.parquet")
    assert main(["reparse", str(out)]) == 0
    assert "20 rows, 0 without a stored reply; 20 as before" in capsys.readouterr().out

    def other(text: str) -> tuple[str, ...] | base.NoRules:
        if text.startswith("Sure"):
            return ("mended",)
        rules = old(text)
        assert not isinstance(rules, base.NoRules)
        return rules[:1] if len(rejected) >= 4 else rejected.append(text) or base.NoRules(base.RejectReason.REPLY_WRONG_SHAPE, "x")  # type: ignore[func-returns-value]  # fmt: skip

    old, rejected = base.parse_reply, list[str]()
    monkeypatch.setattr(base, "parse_reply", other)
    assert main(["reparse", str(out)]) == 0
    assert "0 as before, 1 now kept, 4 now rejected, 15 with other knowledge" in capsys.readouterr().out  # fmt: skip
    assert fake.n_requests == seen
    assert sha256_file(out / "records.parquet") == before
    summary = json.loads((out / "reparse.json").read_text())
    assert summary["records_sha256"] == before
    frame = read_frame(out / "reparsed.parquet")
    assert frame.height == 20
    assert set(frame["now"]) == {"kept", "reply_wrong_shape"}


def test_reparse_needs_a_build_and_its_journal(tmp_path: Path, table: Path) -> None:
    assert main(["import", str(table), "--out", str(tmp_path / "i")]) == 0
    assert main(["reparse", str(tmp_path / "i")]) == 2
    assert main(["reparse", str(tmp_path)]) == 2
    assert main(["prompts", "diff", str(tmp_path / "i")]) == 2


def test_prompts_diff_says_which_rows_would_be_asked_again_and_their_price(
    tmp_path: Path,
    table: Path,
    fake: FakeTeacher,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert build(table, out) == 0
    capsys.readouterr()
    assert main(["prompts", "diff", str(out)]) == 0
    assert "no row would be asked again" in capsys.readouterr().out
    real = prompts.load("teacher/knowledge.v1")
    text = real.text.replace("general", "common")
    changed = prompts.Prompt("teacher/knowledge.v2", text, sha256_text(text))
    load = prompts.load
    monkeypatch.setattr(prompts, "load", lambda i: changed if i == changed.id else load(i))
    assert main(["prompts", "diff", str(out), "--prompt", changed.id]) == 0
    said = capsys.readouterr().out
    assert "20 questions would be asked again" in said
    cost = json.loads((out / "manifest.json").read_text())["figures"]["cost_usd"]
    assert dollars(said)[0] == pytest.approx(cost, abs=1e-4)
    assert "\n-1. The rules summarized are general" in said
    assert "\n+1. The rules summarized are common" in said
    assert main(["prompts", "diff", str(out), "--prompt", "teacher/absent.v9"]) == 2


def test_doctor_shows_key_structure_limits_and_price_with_one_call(
    fake: FakeTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.limit = Limit(per_s=10, burst=10)
    assert main(["doctor", "--teacher", "openai:gpt-4o"]) == 0
    said = capsys.readouterr().out
    assert fake.n_requests == 1
    for part in ("key: accepted", "asked for by schema; 2 rules read", "gpt-4o-2026-01-01", "$2.5 in", "9.8 requests/s"):  # fmt: skip
        assert part in said
    fake.rungs = frozenset({"prompt"})
    assert main(["doctor", "--teacher", f"server:m@{fake.url}"]) == 0
    said = capsys.readouterr().out
    assert "asked for by prompt" in said
    assert "price: unknown" in said
    assert main(["doctor", "--teacher", "recorded"]) == 0


def test_doctor_says_what_is_wrong(
    fake: FakeTeacher, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.text = lambda _: "I would rather talk."
    assert main(["doctor", "--teacher", "anthropic:claude-haiku-4-5"]) == 1
    assert "no usable rules" in capsys.readouterr().err
    fake.check_key = True
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-another")
    assert main(["doctor", "--teacher", "anthropic:claude-haiku-4-5"]) == 1
    err = capsys.readouterr().err
    assert "set ANTHROPIC_API_KEY" in err
    assert "sk-another" not in err
    assert KEY not in err
    assert main(["doctor", "--teacher", "server:m@http://127.0.0.1:9/v1"]) == 1
    assert "cannot connect" in capsys.readouterr().err
