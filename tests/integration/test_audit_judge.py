"""`audit --judge` from the command line, against a real server on 127.0.0.1 that answers by a script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lorid_data.asking.journal import JOURNAL
from lorid_data.audit.numbers import numbers
from lorid_data.audit.result import AUDIT_HTML, AUDIT_JSON
from lorid_data.audit.usefulness import generic_rule
from lorid_data.cli.app import main
from lorid_data.testing.fake_teacher import FakeTeacher, Fault


def judge(prompt: str) -> str:
    """A simple-minded judge: numbers in a rule are instances, short lists miss a step."""
    if "// Rules\n" in prompt:
        rules = prompt.partition("// Rules\n")[2].strip().splitlines()
        return json.dumps({"uncovered": [] if len(rules) > 1 else ["a step"], "answers_this_question": 1, "used_by_solution": 1})  # fmt: skip
    rule = prompt.partition("// Rule\n")[2].strip()
    instance = "instance" if [f for f in numbers(rule) if not f.spelled] else "none"
    actionable = 0 if generic_rule(rule) else 2
    return json.dumps(
        {"correct": 1, "counterexample": "", "instance": instance, "actionable": actionable}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "data"
    argv = [
        "build",
        "arithmetic",
        "--teacher",
        "source",
        "--seed",
        "7",
        "--limit",
        "30",
        "--out",
        str(out),
    ]
    assert main(argv) == 0
    return out


def test_a_sample_is_judged_and_its_rates_are_corrected(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeTeacher(text=judge) as server:
        argv = [
            "audit",
            str(folder),
            "--judge",
            f"server:judge@{server.url}",
            "--judge-sample",
            "12",
        ]
        assert main(argv) == 0
        n_asked = server.n_requests
        assert main(argv) == 0
        assert server.n_requests == n_asked  # the audit is done
        (folder / AUDIT_JSON).unlink()
        assert main(argv) == 0
        assert server.n_requests == n_asked  # the journal answers
        prompts = [s.prompt for s in server.seen]
        schemas = [s.body["response_format"]["json_schema"]["schema"] for s in server.seen]
    body = json.loads((folder / AUDIT_JSON).read_text(encoding="utf-8"))["judge"]
    assert body["n_questions"] == 12
    assert (body["n_unanswered"], body["n_failed"]) == (0, 0)
    assert all(re.fullmatch(r"[0-9a-f]{64}", sha) for sha in body["prompts"].values())
    assert {tuple(sorted(s["properties"])) for s in schemas} == {
        ("actionable", "correct", "counterexample", "instance"),
        ("answers_this_question", "uncovered", "used_by_solution"),
    }
    assert not [p for p in prompts if "{rule" in p or "{question" in p]
    rates = {r["criterion"]: r for r in body["rates"]}
    assert rates["judge_instance"]["n_planted_found"] == rates["judge_instance"]["n_planted"] >= 20
    assert rates["judge_instance"]["corrected"] == 0.0
    assert rates["judge_not_actionable"]["n_planted_found"] > 15
    assert rates["judge_wrong_rule"]["corrected"] is None  # it saw none of those planted
    said = capsys.readouterr().out
    assert re.search(r"judge_instance: 0 of \d+, 0.00%; corrected 0.00% \(0.00% to", said)
    assert "not known well enough" in said
    page = (folder / AUDIT_HTML).read_text(encoding="utf-8")
    assert "planted defects seen" in page
    assert (folder / JOURNAL).is_file()


def test_what_failed_is_asked_again_and_nonsense_is_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(n: int, _: str) -> Fault | None:
        return (
            Fault("status", status=400, message="no")
            if n < 3
            else Fault("wrong_shape")
            if n == 5
            else None
        )

    with FakeTeacher(text=judge, faults=fault) as server:
        argv = [
            "audit",
            str(folder),
            "--judge",
            f"server:judge@{server.url}",
            "--judge-sample",
            "5",
            "--concurrency",
            "1",
        ]
        assert main(argv) == 1
        assert "3 requests to the judge failed" in capsys.readouterr().err
        server.faults = ()
        assert main(argv) == 0
    body = json.loads((folder / AUDIT_JSON).read_text(encoding="utf-8"))["judge"]
    assert (body["n_failed"], body["n_unanswered"]) == (0, 1)


def test_a_judge_that_cannot_be_asked_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(folder), "--judge", "recorded"]) == 2
    assert main(["audit", str(folder), "--judge", "openai:some-model", "--journal", str(folder / "no" / "j.sqlite")]) == 2  # fmt: skip
    assert not (folder / AUDIT_JSON).exists()
