"""What is counted over all rows on disk is what sets and dictionaries of all rows would say."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from lorid_data.audit import mapping, page_rows
from lorid_data.audit import stage as stage_
from lorid_data.audit.checks import OF_LANGUAGE, applies, measure, order, same_rule, seen
from lorid_data.audit.joined import Joined
from lorid_data.audit.result import AUDIT_HTML, AUDIT_JSON, read_audit
from lorid_data.audit.stage import AuditOptions, audit, figures
from lorid_data.folders.batches import DatasetWriter
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem

RULES = [
    "Add the parts.", "add  the parts", "ADD THE PARTS.", "Divide the total.", "Multiply by 3.", "Multiplique las partes y sume el total de todas.",
    "<script>alert(1)</script>", "A rule that Ann follows: 17.", "Subtract.", "Use $a+b$.", "x", "Zu einem Teil gehört das Ganze, und die Summe ist der Rest.",
]  # fmt: skip


def rows(n: int, seed: int = 0) -> list[Record]:
    """Rows whose originals, lists and answers recur in all ways."""
    rng = random.Random(seed)
    found = []
    for i in range(n):
        original = rng.randrange(max(1, n // 5))
        list_ = tuple(rng.sample(RULES, rng.randrange(4))) if rng.random() < 0.4 else RULES[:2]
        question = rng.choice([f"Question {original} of Ann?", f"Case {i}: what is the value of unknown variable X?"])  # fmt: skip
        p = make_problem(
            source="t", split="train", question=question, rationale="2+3=5 so 17", answer=rng.choice(["5", "5.0", "17", "x", " "]),
            original_id=make_problem(source="t", split="train", question=f"Question {original} of Ann?", rationale="", answer="").problem_id,
        )  # fmt: skip
        fields = p.model_dump(exclude={"knowledge"})
        found.append(Record(row_id=f"row{i}", knowledge=tuple(list_), provenance=Provenance(teacher="none"), **fields))  # fmt: skip
    return found


def frequent(rows: Sequence[Record]) -> dict[str, int]:
    under: dict[str, set[str]] = defaultdict(set)
    for r in rows:
        for rule in r.knowledge:
            under[same_rule(rule)].add(r.original_id)
    n = len({r.original_id for r in rows})
    return {k: len(v) for k, v in under.items() if len(v) >= max(5, 0.01 * n)}


def conflicts(rows: Sequence[Record]) -> set[str]:
    by_list: dict[object, list[mapping.Member]] = defaultdict(list)
    for i, r in enumerate(rows):
        if r.knowledge and r.answer.strip():
            by_list[r.original_id, r.knowledge].append(
                mapping.Member(i, r.answer, mapping.is_backward(r), r.problem_id == r.original_id)
            )
    return {rows[i].row_id for members in by_list.values() for i in mapping.answer_conflicts(members)}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_joins_and_rates_are_those_of_all_rows_in_memory(seed: int) -> None:
    made = rows(120, seed)
    found, counted = measure(made)
    flagged: dict[str, set[str]] = defaultdict(set)
    for row_id, flags in found.items():
        for f in flags:
            flagged[f.check].add(row_id)
    often, lists = frequent(made), defaultdict(set)
    for r in made:
        lists[r.knowledge].add(r.original_id)
    assert flagged["answer_conflict"] == conflicts(made) != set()
    assert flagged["shared_list"] == {r.row_id for r in made if r.knowledge and len(lists[r.knowledge]) > 1}  # fmt: skip
    assert flagged["frequent_rule"] == {r.row_id for r in made if any(same_rule(k) in often for k in r.knowledge)}  # fmt: skip
    by_id = {r.row_id: r for r in made}
    for f in (f for flags in found.values() for f in flags if f.check == "shared_list"):
        assert re.fullmatch(r"under \d+ original questions", f.evidence)
    assert list(found) == [r.row_id for r in made if r.row_id in found]
    assert counted.n_flagged == {c: len({by_id[r].original_id for r in ids}) for c, ids in flagged.items() if ids}  # fmt: skip
    assert dict(counted.n_rows) == {c: len(ids) for c, ids in flagged.items() if ids}
    assert counted.n_questions == len({r.original_id for r in made})
    assert counted.n_of_language == len({r.original_id for r in made if applies(min(OF_LANGUAGE), r)})  # fmt: skip


@pytest.mark.parametrize("most", [1, 3, 20])
def test_the_most_frequent_rules_are_those_of_all_rows_in_memory(most: int, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(stage_, "_MOST_FREQUENT", most)
    made = rows(200, 3)
    with closing(Joined()) as joined:
        joined.add(map(seen, made))
        joined.settle(order)
        got = figures(joined, lambda: (r.knowledge for r in made))
    under: dict[str, set[str]] = defaultdict(set)
    written: dict[str, Counter[str]] = defaultdict(Counter)
    for r in made:
        for rule in r.knowledge:
            under[same_rule(rule)].add(r.original_id)
            written[same_rule(rule)][" ".join(rule.split())] += 1
    ranked = sorted(under.items(), key=lambda item: (-len(item[1]), item[0]))[:most]
    assert got["most_frequent_rules"] == [
        {"rule": written[k].most_common(1)[0][0], "n_questions": len(v)}
        for k, v in ranked
        if len(v) > 1
    ]
    assert got["n_distinct_rules"] == len(under)
    assert got["n_frequent_rules"] == len(frequent(made))
    first = {r.original_id: len(r.knowledge) for r in reversed(made)}
    assert got["n_rules_per_list"] == {str(n): c for n, c in sorted(Counter(first.values()).items())}  # fmt: skip


def test_ties_at_the_end_of_the_most_frequent_go_by_their_text(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    made = [r.model_copy(update={"knowledge": (f"Rule {n % 9}.",), "original_id": f"o{n}"}) for n, r in enumerate(rows(18))]  # fmt: skip
    with closing(Joined()) as joined:
        joined.add(map(seen, made))
        joined.settle(order)
        got = joined.most_frequent(4, lambda: (r.knowledge for r in made), same_rule)
    assert got == [(f"Rule {n}.", 2) for n in range(4)]


def folder_of(out: Path, made: Sequence[Record]) -> Path:
    with open_stage(out, "import", identity={"n": len(made)}) as stage, DatasetWriter(stage) as w:
        w.keep(made)
        w.finish(n_in=len(made))
    return out


def test_the_page_says_how_many_rows_it_shows_and_where_the_rest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "data", rows(300))
    audit(folder, AuditOptions(sample=30))
    body = (folder / AUDIT_JSON).read_bytes()
    assert "are here" not in (folder / AUDIT_HTML).read_text(encoding="utf-8")
    (folder / AUDIT_HTML).unlink()
    monkeypatch.setattr(page_rows, "MOST_ROWS", 100)
    monkeypatch.setattr("lorid_data.audit.page.MOST_ROWS", 100)
    result = audit(folder, AuditOptions(sample=30))
    assert (folder / AUDIT_JSON).read_bytes() == body
    assert result.rows is not None
    n_wanted = len({*result.rows, *result.sample})
    html = (folder / AUDIT_HTML).read_text(encoding="utf-8")
    assert f"{n_wanted} rows with a finding or to be read; 100 of them are here (at most 100)" in html  # fmt: skip
    assert "audit.json, beside this page" in html
    assert "<script>alert(1)" not in html
    shown = page_rows.choose_rows(result, lambda: iter((result.rows or {}).items()))
    assert len(shown.row_ids) == 100
    assert set(result.sample[:25]) <= shown.row_ids
    rare = {c: {r for r, fs in result.rows.items() if c in {f.check for f in fs}} for c in shown.checks}  # fmt: skip
    assert all(ids & shown.row_ids for ids in rare.values())
    assert set(shown.flags) == shown.row_ids & set(result.rows)


def test_more_rows_than_are_held_are_in_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lorid_data.cli.app import main

    folder = folder_of(tmp_path / "data", rows(60))
    whole = audit(folder, AuditOptions())
    assert read_audit(folder) == whole
    n = whole.n_with_findings
    assert 0 < n <= len(whole.rows or ())
    monkeypatch.setattr(stage_, "MOST_HELD", 5)
    assert main(["audit", str(folder), "--json"]) == 1
    said = capsys.readouterr().out
    assert '"rows": null' in said
    assert "audit.json" in said
    held = audit(folder, AuditOptions())
    assert (held.rows, held.n_with_findings) == (None, n)
    assert read_audit(folder) == whole
