"""The audit of a folder: its file, its rates, its gates and its exit status."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.audit import acceptance
from lorid_data.audit.gates import DEFAULTS, thresholds
from lorid_data.audit.result import AUDIT_HTML, AUDIT_JSON, read_audit
from lorid_data.audit.stage import AuditOptions, audit, problems
from lorid_data.build.importing import import_table
from lorid_data.cli.app import main
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.names import RECORDS

reseal = runpy.run_path(str(Path(__file__).parents[3] / "support" / "manifests.py"))["reseal"]


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def line(n: int, *rules: str) -> dict[str, Any]:
    return {
        "question": f"Ann has {n} apples and buys {n + 1} more. How many has she?",
        "rationale": f"{n} + {n + 1} = {2 * n + 1}",
        "answer": str(2 * n + 1),
        "knowledge": rules or ("To find a total, add the parts.",),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [line(30 + n) for n in range(18)]
    rows += [line(77, "Add to get 155."), line(88, "Read the problem.", "Compute the result.")]
    import_table(table(tmp_path / "t.jsonl", rows), tmp_path / "data")
    return tmp_path / "data"


def test_it_names_the_records_and_counts_original_questions(folder: Path) -> None:
    result = audit(folder, AuditOptions())
    body = json.loads((folder / AUDIT_JSON).read_text(encoding="utf-8"))
    assert body["schema"] == 1
    assert body["records_sha256"] == sha256_file(folder / RECORDS)
    assert body["n_questions"] == 20
    rates = {r["check"]: r for r in body["rates"]}
    assert (rates["answer_leak"]["n_flagged"], rates["answer_leak"]["fraction"]) == (1, 0.05)
    assert rates["answer_leak"]["ci_low"] < 0.05 < rates["answer_leak"]["ci_high"]
    [(leak, flags)] = [(r, f) for r, f in result.rows.items() if f[0].check == "answer_leak"]
    assert body["rows"][leak][0] == {
        "check": "answer_leak",
        "rule_index": 0,
        "evidence": "Add to get 155.",
    }
    assert len(flags) == 1
    assert read_audit(folder) == result


def test_a_second_audit_does_nothing_and_other_options_do(folder: Path) -> None:
    audit(folder, AuditOptions())
    first = (folder / AUDIT_JSON).stat().st_mtime_ns
    audit(folder, AuditOptions())
    assert (folder / AUDIT_JSON).stat().st_mtime_ns == first
    changed = audit(folder, AuditOptions(sample=5))
    assert len(changed.sample) == 5
    assert read_audit(folder) == changed


def test_an_audit_of_other_records_does_not_count(folder: Path, tmp_path: Path) -> None:
    audit(folder, AuditOptions())
    import_table(table(tmp_path / "u.jsonl", [line(1)]), tmp_path / "other")
    (folder / RECORDS).write_bytes((tmp_path / "other" / RECORDS).read_bytes())
    reseal(folder)
    assert read_audit(folder) is None
    (folder / AUDIT_JSON).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="run lorid-data audit"):
        read_audit(folder)
    assert audit(folder, AuditOptions()).n_rows == 1


def test_the_status_follows_the_gates(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(folder)]) == 1
    said = capsys.readouterr()
    assert "gate not met: answer_leak: A rule states the answer. Found in 1 of 20" in said.err
    assert "gate not met: generic_list" in said.err
    config = tmp_path / "gates.yaml"
    config.write_text("gates: {answer_leak: 0.05, generic_list: null}\n", encoding="utf-8")
    assert main(["audit", str(folder), "--config", str(config)]) == 0
    assert main(["audit", str(folder), "--gates.generic-list", "0.9", "--gates.answer_leak", "0.1"]) == 0  # fmt: skip
    argv = ["audit", str(folder), "--config", str(config), "--gate-on", "upper"]
    assert main(argv) == 1


def test_a_wrong_gate_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(folder), "--gates.answer_lek", "0.1"]) == 2
    assert "did you mean 'answer_leak'?" in capsys.readouterr().err
    assert not (folder / AUDIT_JSON).exists()
    with pytest.raises(ConfigError, match=r"5 is no fraction") as caught:
        thresholds({"answer_leak": 5, "nonsense": 0.1})
    assert len(caught.value.problems) == 2
    assert thresholds({}) == dict(DEFAULTS)
    assert "rule_format" not in thresholds({"rule_format": None})


def test_the_upper_end_of_an_interval_can_gate(folder: Path) -> None:
    result = audit(folder, AuditOptions(gate_on="upper", gates={"name_leak": 0.01}))
    [gate] = [g for g in result.gates if g.check == "name_leak"]
    assert gate.n_flagged == 0
    assert gate.fraction == pytest.approx(0.161, abs=1e-3)
    assert not gate.met
    assert any("name_leak" in m for m in problems(result))


def test_what_is_no_dataset_folder_is_refused(tmp_path: Path) -> None:
    assert main(["audit", str(tmp_path / "none")]) == 2
    assert main(["audit", str(tmp_path)]) == 2


def test_variants_of_one_question_count_once(tmp_path: Path) -> None:
    variants = [
        {**line(40, "Add to get 81."), "id": 1, "rationale": f"40 + 41 = 81. ({n})"}
        for n in range(4)
    ]
    others = [{**line(50 + n), "id": 2 + n} for n in range(3)]
    import_table(table(tmp_path / "t.jsonl", [*variants, *others]), tmp_path / "data")
    [rate] = [r for r in audit(tmp_path / "data", AuditOptions()).rates if r.check == "answer_leak"]
    assert (rate.n, rate.n_flagged, rate.n_rows_flagged, rate.n_rules_flagged) == (4, 1, 4, 4)


# --- acceptance -------------------------------------------------------------------------------------


def test_claims_need_as_many_as_the_tables_say() -> None:
    assert [acceptance.n_for_claim(p, 0) for p in (0.1, 0.05, 0.03, 0.02, 0.01)] == [29, 59, 99, 149, 299]  # fmt: skip
    assert acceptance.n_for_claim(0.05, 1) == 93
    finite = acceptance.n_for_claim(0.05, 0, 100)
    assert finite is not None
    assert finite == 39  # 6 defects among 100: C(94, n) / C(100, n) <= .05
    assert acceptance.n_for_claim(0.01, 2, 100) is None


def test_acceptance_plans_keep_both_risks() -> None:
    assert acceptance.accept_probability(100, 4, 0.05) == pytest.approx(0.436, abs=1e-3)
    plan = acceptance.acceptance_plan(0.02, 0.10)
    assert plan is not None
    assert acceptance.accept_probability(plan.n, plan.accepted, 0.02) >= 0.95
    assert acceptance.accept_probability(plan.n, plan.accepted, 0.10) <= 0.05
    smaller = [
        (n, c)
        for n in range(1, plan.n)
        for c in range(12)
        if acceptance.accept_probability(n, c, 0.02) >= 0.95
        and acceptance.accept_probability(n, c, 0.10) <= 0.05
    ]
    assert smaller == []
    assert acceptance.acceptance_plan(0.02, 0.021) is None


def test_frequent_rules_keep_their_case_and_their_formulas(tmp_path: Path) -> None:
    """Spellings that differ in case are one rule, shown as it is written most often."""
    law = r"In a triangle $ABC$, $\sin A = \frac{a}{2R}$."
    rows = [line(30 + n, law) for n in range(9)]
    rows += [line(60 + n, law.lower()) for n in range(3)]
    import_table(table(tmp_path / "t.jsonl", rows), tmp_path / "data")
    audit(tmp_path / "data", AuditOptions())
    body = json.loads((tmp_path / "data" / AUDIT_JSON).read_text(encoding="utf-8"))
    assert body["figures"]["most_frequent_rules"] == [{"rule": law, "n_questions": 12}]
    html = (tmp_path / "data" / AUDIT_HTML).read_text(encoding="utf-8")
    shown = html[html.index("Rules that stand most often") :]
    row = shown[: shown.index("</tbody>")]
    assert "<mfrac>" in row
    assert "<mi>R</mi>" in row
    assert "\\frac" not in row.replace('alttext="', "").split("<math")[0]


def test_the_plot_of_rates_shows_the_gates_limits(folder: Path) -> None:
    result = audit(folder, AuditOptions())
    html = (folder / AUDIT_HTML).read_text(encoding="utf-8")
    assert result.gates
    for gate in result.gates:
        said = f"<title>{gate.check}: at most {gate.max_fraction * 100:.4g} %</title>"
        assert html.count(said) == 2  # for a desk and for a telephone
    assert html.count('class="limit"') == 2 * len(result.gates)
    assert "Red marks are the gates" in html
