"""What the audit finds in real data, how often its gates err, and what planted defects it sees.

    LORID_TEST_DATA=FOLDER python benchmarks/audit.py [--write]

FOLDER holds `openai/gsm8k`, `EleutherAI/hendrycks_math` and `LoRID-Math`, laid out as on the Hub.
`--write` keeps the measured errors in `lorid_data/audit/calibration.json`, which the page shows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_data.audit.calibration import labels
from lorid_data.audit.checks import BY_NAME, VERSION, examine, measure
from lorid_data.audit.gates import rates
from lorid_data.audit.mapping import is_backward
from lorid_data.audit.plant import PLANTS, plant_each
from lorid_data.audit.result import Counted, Flag
from lorid_data.build.importing import import_table
from lorid_data.build.stage import BuildOptions, build
from lorid_data.folders.records import read_records
from lorid_data.intervals import wilson
from lorid_data.schema import Record

CALIBRATION = Path(__file__).parent.parent / "lorid_data" / "audit" / "calibration.json"
HELD_OUT = (
    "Always reason in a structured manner.",
    "Rewrite what is given in a simpler way.",
    "Find out what the question wants from you.",
    "Use the method that fits the situation best.",
    "Derive the required quantity from the known ones.",
    "Go over your work once more at the end.",
    "State clearly what you have found.",
    "Combine the intermediate results to reach the goal.",
    "Pay attention to the details of the statement.",
    "Select the theorem that applies and use it.",
    "Do the computation with care.",
    "Draw a conclusion from the previous steps.",
    "Express everything in terms of what you know.",
    "Solve for what is asked.",
    "Follow the usual procedure for this type of problem.",
    "Verify that all requirements are satisfied.",
)
"""Empty advice that no word list was fitted to."""
Found = Mapping[str, Sequence[Flag]]
Measured = dict[str, dict[str, float]]


def fraction(n_hits: int, n: int) -> str:
    low, high = wilson(n_hits, n)
    return f"{n_hits:,} of {n:,} = {n_hits / max(n, 1):.2%} ({low:.2%} to {high:.2%})"


def flagged(found: Found, check: str) -> set[str]:
    return {row for row, flags in found.items() if any(f.check == check for f in flags)}


def official(data: Path, tmp: Path) -> dict[str, int]:
    """The official samples; what is expected was read row by row beforehand."""
    counts: Counter[str] = Counter()
    for name in ("gsm8k", "math"):
        import_table(
            data / "LoRID-Math" / f"{name}-sample" / "train.jsonl", tmp / f"official-{name}"
        )
        records = read_records(tmp / f"official-{name}")
        found = examine(records)
        print(f"\nofficial sample, {name}: {len(records)} rows")
        for check in BY_NAME:
            rows = flagged(found, check)
            if rows:
                print(f"  {check}: {len(rows)} rows")
            counts[check] += len(rows)
        backward = {r.row_id for r in records if is_backward(r)}
        by_join = flagged(found, "answer_conflict")
        counts["backward_by_join_alone"] += len(backward & by_join)
        counts["conflict_not_backward"] += len(by_join - backward)
        counts["generic_lists"] += len(
            {r.knowledge for r in records if r.row_id in flagged(found, "generic_list")}
        )
    return dict(counts)


def recorded(data: Path, tmp: Path) -> list[Record]:
    rows: list[Record] = []
    for source, limit, folder in (
        ("gsm8k", 256, "openai/gsm8k"),
        ("math", 168, "EleutherAI/hendrycks_math"),
    ):
        options = BuildOptions(
            source=source, teacher="recorded", limit=limit, source_path=str(data / folder)
        )
        build(options, tmp / source)
        rows += read_records(tmp / source)
    return rows


def false_alarms(rows: Sequence[Record], found: Found) -> Measured:
    """Of the labelled rules that are good, how many each check flags (or their list, or row)."""
    by_problem = {r.problem_id: r for r in rows}
    drawn = [label for label in labels() if label.drawn == "random"]
    measured = {}
    for check in BY_NAME:
        n_flagged = 0
        for label in drawn:
            flags = found.get(by_problem[label.problem_id].row_id, ())
            n_flagged += any(
                f.check == check and f.rule_index in (None, label.rule_index) for f in flags
            )
        low, high = wilson(n_flagged, len(drawn))
        measured[check] = {"n": len(drawn), "n_flagged": n_flagged, "ci_low": low, "ci_high": high}
    return measured


def recall(rows: Sequence[Record]) -> Measured:
    """Of the planted defects of each kind, how many the check of that name finds."""
    measured = {}
    for kind in PLANTS:
        if kind not in BY_NAME:
            continue
        planted = plant_each(kind, rows, seed=0)
        n_found = sum(
            any(
                f.check == kind and f.rule_index == p.rule_index
                for f in examine([p.row]).get(p.row.row_id, ())
            )
            for p in planted
        )
        low, high = wilson(n_found, len(planted))
        measured[kind] = {"n": len(planted), "n_found": n_found, "ci_low": low, "ci_high": high}
    return measured


def held_out(row: Record) -> int:
    """How many rules of `HELD_OUT` are flagged as generic, each as the only rule of `row`."""

    def checks(rule: str) -> set[str]:
        flags = examine([row.model_copy(update={"knowledge": (rule,)})])
        return {f.check for f in flags.get(row.row_id, ())}

    return sum("generic_rule" in checks(rule) for rule in HELD_OUT)


def show(
    rows: Sequence[Record],
    counted: Counted,
    alarms: Measured,
    seen_planted: Measured,
    n_held_out: int,
) -> None:
    """Rates, false alarms and recall with their intervals, for reading."""
    n_rules = sum(len(r.knowledge) for r in rows)
    print(f"\nrecorded knowledge: {len(rows)} lists, {n_rules:,} rules; original questions flagged")
    for rate in rates(counted):
        rules = f"; {rate.n_rules_flagged} rules" if rate.n_rules_flagged else ""
        print(f"  {rate.check}: {fraction(rate.n_flagged, rate.n)}{rules}")
    n_labelled = next(iter(alarms.values()))["n"]
    print(f"\nfalse alarms on {n_labelled} rules labelled good, one of each list drawn")
    for check, a in alarms.items():
        print(f"  {check}: {fraction(int(a['n_flagged']), int(a['n']))}")
    print("\nplanted defects found")
    for kind, r in seen_planted.items():
        print(f"  {kind}: {fraction(int(r['n_found']), int(r['n']))}")
    print(
        f"  generic_rule, on advice that no word list was fitted to: {fraction(n_held_out, len(HELD_OUT))}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    if "LORID_TEST_DATA" not in os.environ:
        sys.exit(
            "LORID_TEST_DATA is not set: name a folder with openai/gsm8k, EleutherAI/hendrycks_math and LoRID-Math"
        )
    data = Path(os.environ["LORID_TEST_DATA"])
    with tempfile.TemporaryDirectory() as tmp:
        seen = official(data, Path(tmp))
        rows = recorded(data, Path(tmp))
    found, counted = measure(rows)
    n_rules = sum(len(r.knowledge) for r in rows)
    alarms, seen_planted, n_held_out = false_alarms(rows, found), recall(rows), held_out(rows[0])
    n_labelled = next(iter(alarms.values()))["n"]
    show(rows, counted, alarms, seen_planted, n_held_out)
    body = {
        "checks": VERSION,
        "n_lists": len(rows),
        "n_rules": n_rules,
        "false_alarms": alarms,
        "recall": seen_planted,
        "held_out_fillers": {"n": len(HELD_OUT), "n_found": n_held_out},
    }
    if write:
        CALIBRATION.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    ratios: dict[str, Any] = {
        **{f"recall_{k}": round(r["n_found"] / r["n"], 4) for k, r in seen_planted.items()},
        "recall_held_out_fillers": round(n_held_out / len(HELD_OUT), 4),
        "highest_false_alarm_fraction": round(
            max(a["n_flagged"] / a["n"] for a in alarms.values()), 4
        ),
        "official_backward_found": seen["backward_question"] / 31,
        "official_backward_found_by_join": seen["backward_by_join_alone"] / 31,
        "official_contentless_rows_found": seen["generic_list"] / 55,
        "official_unreached_answers_found": seen["unreached_answer"] / 11,
    }
    settings = {
        "n_labelled": n_labelled,
        "n_lists": len(rows),
        "n_rules": n_rules,
        "checks": VERSION,
    }
    print(json.dumps({"benchmark": "audit", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
