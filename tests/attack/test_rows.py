"""A row's failure is recorded and the run goes on: hostile rows through every stage."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data.audit import checks as audit_checks
from lorid_data.audit.numbers import numbers
from lorid_data.checks import catalogue
from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Provenance, Record, Reject, make_problem
from lorid_data.texts.calculate import calculate, number
from lorid_data.validate.stage import check_row

support = runpy.run_path(str(Path(__file__).parents[1] / "support" / "hostile_rows.py"))
ROWS: list[dict[str, Any]] = support["hostile_rows"]()
QUESTION: str = support["QUESTION"]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    text = "".join(json.dumps(r) + "\n" for r in ROWS)
    (root / "t.jsonl").write_text(text, encoding="utf-8")
    assert main(["import", str(root / "t.jsonl"), "--out", str(root / "in")]) in (0, 1)
    assert len(ROWS) >= 75
    return root / "in"


@pytest.fixture
def variants(tmp_path: Path) -> Path:
    rows = [{"query": r["question"] + " Why?", "response": f"The answer is: {r['answer']}", "type": "GSM_Rephrased", "original_question": r["question"]} for r in ROWS]  # fmt: skip
    (tmp_path / "v.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return tmp_path / "v.jsonl"


def balanced(folder: Path, out: Path) -> None:
    manifest, n_in = read_manifest(out), read_manifest(folder).n_kept
    kept, rejects = read_records(out), read_rows(out / REJECTS, Reject)
    assert manifest.n_in >= n_in
    assert manifest.n_in == len(kept) + len(rejects)


@pytest.mark.parametrize("stage", ["validate", "dedup", "decontaminate", "expand"])
def test_a_stage_ends_and_no_row_is_lost(
    imported: Path, tmp_path: Path, variants: Path, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"expand": ["--with", str(variants)], "decontaminate": ["--against", str(variants)]}
    if stage == "decontaminate":
        (tmp_path / "test.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS[:20]))
        more["decontaminate"] = ["--against", str(tmp_path / "test.jsonl")]
    assert main([stage, str(imported), "--out", str(tmp_path / "out"), *more.get(stage, [])]) == 0
    balanced(imported, tmp_path / "out")
    if stage == "validate":
        reasons = {r.reason for r in read_rows(tmp_path / "out" / REJECTS, Reject)}
        assert "check_failed" not in reasons, "a check broke, and said so: mend it"
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["audit", "view", "publish", "label"])
def test_what_reads_rows_ends(
    imported: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    if command == "audit":
        assert main(["audit", str(imported)]) in (0, 1)
        assert "check_failed" not in (imported / "audit.json").read_text()
    elif command == "view":
        assert main(["view", str(imported), "--out", str(tmp_path / "v.html")]) == 0
    elif command == "publish":
        allow = [x for gate in ("validate", "audit", "licence") for x in ("--allow", gate)]
        argv = ["publish", str(imported), "me/x", "--dry-run", "--out", str(tmp_path / "p"), *allow[:4]]  # fmt: skip
        assert main(argv) in (0, 1)
        assert (tmp_path / "p" / "README.md").is_file()
    else:
        from lorid_data.labelling.session import Session

        session = Session(imported, "me", seed=0, n_samples=len(ROWS))
        assert [session.sample(i) for i in range(len(session.order))]
        session.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda r: repr(r["answer"][:12] + r["rationale"][:12]))
def test_answers_of_hostile_texts_are_graded(row: dict[str, Any]) -> None:
    from lorid_train.metrics.grading import score

    for text in (row["answer"], row["rationale"]):
        assert score(text, "7") in ("correct", "wrong", "ungradable", "no_answer")


def record(**fields: Any) -> Record:
    body = {"source": "t", "split": "train", "question": QUESTION, "rationale": "3 + 4 = 7", "answer": "7"}  # fmt: skip
    knowledge = fields.pop("knowledge", ["Add."])
    problem = make_problem(**{**body, **fields}, knowledge=knowledge)
    return Record(row_id="r", provenance=Provenance(teacher="source"), **problem.model_dump())


def broken(row: Record) -> None:
    raise ValueError(f"{row.row_id} is too much")


def test_a_check_that_breaks_rejects_its_row_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_row(record(), (broken,))  # type: ignore[arg-type]
    assert isinstance(found, Reject)
    assert (found.reason, found.disposition) == ("check_failed", "failed")
    assert found.detail == "the check 'broken' ended in ValueError: r is too much"
    monkeypatch.setattr(catalogue, "CHECKS", (broken,))
    monkeypatch.setitem(audit_checks._ROW_CHECKS, "no_knowledge", broken)  # type: ignore[index]
    flags = {f.check: f.evidence for f in audit_checks.found_in(record())}
    assert flags["no_knowledge"].startswith("check_failed: the check 'no_knowledge' ended in")
    assert flags["row_format"].startswith("check_failed: the check 'broken'")


def long_numbers() -> Iterator[str]:
    for n in (4_300, 4_301, 100_000, 3_000_000):
        yield "9" * n
        yield "1" + "0" * n
        yield "0." + "3" * n


@pytest.mark.parametrize("text", list(long_numbers()), ids=lambda t: f"{t[:3]}{len(t)}")
def test_numbers_without_end_are_no_numbers(text: str) -> None:
    assert number(text) is None
    assert calculate(text) is None
    assert all(len(f.text) < 100 for f in numbers(f"{text}/{text} \\frac{{{text}}}{{{text}}} {text}"))  # fmt: skip
