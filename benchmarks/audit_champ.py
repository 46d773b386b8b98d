"""What the audit finds in knowledge that people wrote: CHAMP's concepts and hints, by check.

    python benchmarks/audit_champ.py [--champ PATH]

PATH is CHAMP's file or the folder of its package; by default that of the installed package
(`pip install --no-deps champ-dataset==1.0.0`). A concept is a fact that several problems share, so
whatever a check of leaks or of content finds in one is a false alarm. A hint is written for its one
problem and speaks of it: what is found in hints is shown beside, and is no error rate.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from lorid_data.audit.calibration import calibration
from lorid_data.audit.checks import BY_NAME, VERSION, examine
from lorid_data.intervals import wilson
from lorid_data.schema import Provenance, Record, row_ids
from lorid_data.sources.champ import KINDS, SPLIT, load

Counts = dict[str, tuple[int, int]]
"""Flagged, and looked at, by check."""


def records(kind: str, source_path: str | None) -> list[Record]:
    """The problems that carry knowledge of this kind, with it alone."""
    problems, _ = load(SPLIT, kind=kind, source_path=source_path)
    by_source = Provenance(teacher="source")
    return [
        Record(row_id=row_id, provenance=by_source, **p.model_dump())
        for p, row_id in zip(problems, row_ids(problems), strict=True)
        if p.knowledge
    ]


def counts(rows: Sequence[Record]) -> Counts:
    """Of distinct rules, those flagged under any of their problems; of lists and rows, the problems."""
    found = examine(rows)
    rules = {rule for row in rows for rule in row.knowledge}
    measured: Counts = {}
    for name, check in BY_NAME.items():
        flagged = [(r, f) for r in rows for f in found.get(r.row_id, ()) if f.check == name]
        if check.level == "rule":
            named = {r.knowledge[f.rule_index] for r, f in flagged if f.rule_index is not None}
            measured[name] = (len(named), len(rules))
        else:
            measured[name] = (len({r.row_id for r, _ in flagged}), len(rows))
    return measured


def said(n_hits: int, n: int) -> str:
    low, high = wilson(n_hits, n)
    return f"{n_hits} of {n} ({low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--champ")
    path = parser.parse_args().champ
    measured = {kind: counts(records(kind, path)) for kind in KINDS}
    own = calibration()["false_alarms"]
    print("| check | concepts | hints | our labelled rules |\n| --- | --- | --- | --- |")
    for name in BY_NAME:
        a = own[name]
        if any(measured[kind][name][0] for kind in KINDS) or a["n_flagged"]:
            cells = [said(*measured[kind][name]) for kind in KINDS]
            print(f"| `{name}` | {' | '.join(cells)} | {said(int(a['n_flagged']), int(a['n']))} |")
    ratios = {
        f"{kind}_{name}": round(hits / n, 4)
        for kind in KINDS
        for name, (hits, n) in measured[kind].items()
    }
    n_rows = {f"n_with_{kind}": measured[kind]["generic_list"][1] for kind in KINDS}
    print(json.dumps({"benchmark": "audit_champ", "ratios": ratios, "settings": {"checks": VERSION, **n_rows}}))  # fmt: skip


if __name__ == "__main__":
    main()
